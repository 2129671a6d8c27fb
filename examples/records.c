/* records.c - copies a .npy file of records, whose items a kernel moves without knowing what is in them.
 *
 *     records [INPUT.npy] OUTPUT.npy
 *
 * Without INPUT.npy it makes 100000 records of its own, OUTPUT.npy.input. Every fixed-size NumPy dtype that is not a
 * plain number (records, strings, dates) is opaque: `itemsize` bytes, and the description that NumPy gave it, which the
 * copy keeps. Reads the copy back and compares dtype and bytes.
 */
#include <tilework/tilework.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct record {
    double time;
    int32_t station;
    char name[12];
};

static const tw_dtype record_dtype = {.kind = TW_OPAQUE,
                                      .alignment = 1,
                                      .itemsize = sizeof(struct record),
                                      .descr = "[('time', '<f8'), ('station', '<i4'), ('name', '|S12')]"};

/* a[i] -> r[i], items of any kind. */
static int copy(const tw_tile *tile)
{
    const tw_view *a = &tile->operand[0], *r = &tile->operand[1];
    const size_t size = (size_t)r->dtype.itemsize;
    for (int64_t i = 0; i < r->shape[0]; i++) {
        memcpy((char *)r->data + i * r->strides[0], (const char *)a->data + i * a->strides[0], size);
    }
    return 0;
}

static tw_status make_input(const char *path, tw_error *error)
{
    const int64_t count = 100000;
    tw_array *array;
    tw_status status = tw_array_create_file(&array, path, &record_dtype, 1, &count, error);
    if (status != TW_OK) {
        return status;
    }
    struct record *records = tw_array_data(array);
    for (int64_t i = 0; i < count; i++) {
        records[i] = (struct record){.time = 0.5 * (double)i, .station = (int32_t)(i % 97)};
        snprintf(records[i].name, sizeof records[i].name, "no. %d", (int)(i % 1000000));
    }
    status = tw_array_commit(array, error);
    tw_array_destroy(array);
    return status;
}

static int same(const tw_view *a, const tw_view *b)
{
    if (a->shape[0] != b->shape[0] || strcmp(a->dtype.descr, b->dtype.descr) != 0) {
        return 0;
    }
    for (int64_t i = 0; i < a->shape[0]; i++) {
        if (memcmp((const char *)a->data + i * a->strides[0], (const char *)b->data + i * b->strides[0],
                   (size_t)a->dtype.itemsize) != 0) {
            return 0;
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3 || argv[1][0] == '-' || argv[argc - 1][0] == '-') {
        fputs("usage: records [INPUT.npy] OUTPUT.npy\n", stderr);
        return 2;
    }
    const char *output = argv[argc - 1];
    char input[PATH_MAX];
    snprintf(input, sizeof input, argc == 3 ? "%s" : "%s.input", argv[1]);

    tw_pool *pool = NULL;
    tw_array *a = NULL, *r = NULL, *back = NULL;
    tw_signature *signature = NULL;
    tw_grid *grid = NULL;
    tw_kernel *kernel = NULL;
    tw_error error;
    int result = 1;

    if ((argc == 2 && make_input(input, &error) != TW_OK) || tw_pool_open(&pool, NULL, &error) != TW_OK ||
        tw_array_open(&a, pool, input, &error) != TW_OK) {
        goto fail;
    }
    const tw_view *view = tw_array_view(a);
    if (view->ndim != 1) {
        fprintf(stderr, "records: %s has %d dimensions, this example copies one\n", input, view->ndim);
        goto done;
    }
    if (tw_array_create_file(&r, output, &view->dtype, 1, view->shape, &error) != TW_OK ||
        tw_signature_parse(&signature, "a[i] -> r[i]", &error) != TW_OK ||
        tw_grid_for(&grid, signature, (tw_array *[]){a, r}, &(tw_split){.axis = "i", .tile = 10000}, 1, &error) !=
            TW_OK ||
        tw_kernel_from_function(&kernel, copy, NULL, 0, &error) != TW_OK ||
        tw_run(pool, kernel, grid, (tw_array *[]){a, r}, NULL, NULL, &error) != TW_OK ||
        tw_array_commit(r, &error) != TW_OK || tw_array_open(&back, NULL, output, &error) != TW_OK) {
        goto fail;
    }
    const int right = same(view, tw_array_view(back));
    printf("%lld items of %s copied to %s: %s\n", (long long)view->shape[0], tw_dtype_name(&view->dtype), output,
           right ? "the same" : "not the same");
    result = !right;
    goto done;
fail:
    fprintf(stderr, "records: %s\n", error.message);
done:
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(back);
    tw_array_destroy(r);
    tw_array_destroy(a);
    tw_pool_close(pool);
    return result;
}
