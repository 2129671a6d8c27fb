/* test_identity.c - what makes a job the same to a later run: what the kernel's maker says it is, and what is in arrays
 * that are no files. */
#include <string.h>

#include <tilework/tilework.h>

#include "files.h"
#include "grids.h"

#include "array/array.h"
#include "array/sum.h"

/* ---- checksums of arrays ---- */

static tw_array *wrapped(void *data, tw_kind kind, int ndim, const int64_t *shape, const int64_t *strides)
{
    tw_view view = {.data = data, .dtype = tw_dtype_of(kind), .ndim = ndim};
    tw_array *array = NULL;
    for (int d = 0; d < ndim; d++) {
        view.shape[d] = shape[d];
        view.strides[d] = strides[d];
    }
    assert_int_equal(tw_array_wrap(&array, &view, NULL), TW_OK);
    return array;
}

static uint64_t checksum(const tw_array *array)
{
    uint64_t sum = 0;
    assert_int_equal(tw_array_checksum(&sum, array, NULL), TW_OK);
    return sum;
}

#define ROWS 700
#define COLUMNS 3001 /* 8.4 MB of int32: three slabs */

static void strides_do_not_change_a_checksum(void **state)
{
    const int64_t shape[] = {ROWS, COLUMNS}, by_rows[] = {COLUMNS * 4, 4}, by_columns[] = {4, ROWS * 4};
    int32_t *rows = malloc(sizeof *rows * ROWS * COLUMNS), *columns = malloc(sizeof *columns * ROWS * COLUMNS);
    (void)state;
    assert_true(rows != NULL && columns != NULL);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
            rows[i * COLUMNS + j] = columns[j * ROWS + i] = i * 100003 + j;
        }
    }
    tw_array *a = wrapped(rows, TW_INT32, 2, shape, by_rows), *b = wrapped(columns, TW_INT32, 2, shape, by_columns);
    const uint64_t sum = checksum(a);
    assert_true(sum == checksum(b));
    for (int place = 0; place < ROWS * COLUMNS; place += ROWS * COLUMNS / 7) { /* each element counts, in any slab */
        rows[place] ^= 1 << 20;
        assert_true(checksum(a) != sum);
        rows[place] ^= 1 << 20;
    }
    assert_true(checksum(a) == sum);
    tw_array_destroy(a);
    tw_array_destroy(b);
    free(rows);
    free(columns);
}

/* The checksums are XXH3 as the xxhash library makes it, of one slab, and of the checksums of three slabs. */
static void a_checksum_is_the_same_on_any_machine(void **state)
{
    const int64_t small = 1000, large = 1500000, stride = 8;
    double *data = malloc(sizeof *data * (size_t)large);
    (void)state;
    assert_non_null(data);
    for (int64_t i = 0; i < large; i++) {
        data[i] = (double)(i * i % 1009);
    }
    tw_array *a = wrapped(data, TW_FLOAT64, 1, &small, &stride), *b = wrapped(data, TW_FLOAT64, 1, &large, &stride);
    assert_true(checksum(a) == tw__sum(&a->view, 1));
    assert_true(checksum(a) == UINT64_C(0x18a2bf2658a858b9));
    assert_true(checksum(b) == UINT64_C(0x9ba489a5b29ec006));
    tw_array_destroy(a);
    tw_array_destroy(b);
    free(data);
}

static void arrays_without_elements_and_without_dimensions_have_checksums(void **state)
{
    double one = 1;
    const int64_t shape[] = {3, 0, 5}, strides[] = {0, 0, 0};
    tw_array *none = wrapped(&one, TW_FLOAT64, 3, shape, strides), *number = wrapped(&one, TW_FLOAT64, 0, NULL, NULL);
    (void)state;
    const uint64_t sum = checksum(number);
    assert_true(checksum(none) != sum);
    one = 2;
    assert_true(checksum(number) != sum);
    tw_array_destroy(none);
    tw_array_destroy(number);
}

/* ---- kernels and arrays of a run that resumes ---- */

enum { TILES = 8, LENGTH = 80 };

struct facts { /* a context with an address in it: it is another one in each run */
    const double *factor;
    int *calls;
    int stop_at;
};

/* x[i], u[i] -> u[i] */
static int step(const tw_tile *tile)
{
    const struct facts *facts = tile->context;
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, u, tile->operand[1]);
    if ((int)tile->number == facts->stop_at) {
        return 1;
    }
    (*facts->calls)++;
    for (int64_t i = 0; i < u.shape[0]; i++) {
        TW_AT(u, i) = *facts->factor * TW_AT(u, i) + TW_AT(x, i);
    }
    return 0;
}

struct values {
    double x[LENGTH], u[LENGTH];
};

static void fill(struct values *values)
{
    for (int i = 0; i < LENGTH; i++) {
        values->x[i] = i;
        values->u[i] = 100 + i;
    }
}

/* One run of a program: with the same options a later one resumes. Calls: tiles that were computed. */
static tw_status run(const char *identity, struct values *values, int stop_at, int *calls, tw_error *error)
{
    double factor = 2;
    struct facts facts = {.factor = &factor, .calls = calls, .stop_at = stop_at};
    const int64_t length = LENGTH, stride = sizeof(double);
    const tw_output files[] = {{0}, {.file = "u.npy", .dtype = tw_dtype_of(TW_FLOAT64)}};
    tw_grid *grid = grid_of("x[i], u[i] -> u[i]", &length, &(tw_split){.axis = "i", .parts = TILES}, 1);
    tw_array *const arrays[] = {wrapped(values->x, TW_FLOAT64, 1, &length, &stride),
                                wrapped(values->u, TW_FLOAT64, 1, &length, &stride)};
    tw_kernel *kernel;
    tw_outputs *outputs = NULL;
    *calls = 0;
    assert_int_equal(tw_kernel_from_function(&kernel, step, &facts, sizeof facts, NULL), TW_OK);
    assert_int_equal(tw_kernel_set_identity(kernel, identity, NULL), TW_OK);
    tw_status status =
        tw_outputs_open(&outputs, kernel, grid, arrays, files, &(tw_outputs_options){.resume = 1}, error);
    if (status == TW_OK) {
        const tw_run_options options = {.outputs = outputs};
        status = tw_run(NULL, kernel, grid, tw_outputs_operands(outputs), &options, NULL, error);
        status = status == TW_OK ? tw_outputs_commit(outputs, error) : status;
    }
    const tw_status kept = tw_outputs_keep(outputs, NULL);
    (void)kept;
    tw_outputs_destroy(outputs);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    return status;
}

static void check_result(const struct values *values)
{
    tw_array *array;
    assert_int_equal(tw_array_open(&array, NULL, "u.npy", NULL), TW_OK);
    for (int i = 0; i < LENGTH; i++) {
        assert_true(((const double *)tw_array_data(array))[i] == 2 * values->u[i] + values->x[i]);
    }
    tw_array_destroy(array);
    assert_int_equal(count_entries("."), 1);
    assert_int_equal(remove("u.npy"), 0);
}

static void a_kernel_is_known_by_what_its_maker_says(void **state)
{
    struct values values;
    tw_error error;
    int calls;
    (void)state;
    fill(&values);
    assert_int_equal(run("affine, version 1", &values, 5, &calls, &error), TW_ERROR_KERNEL);
    assert_int_equal(calls, 5);
    assert_int_equal(run("affine, version 2", &values, -1, &calls, &error), TW_ERROR_JOURNAL);
    assert_string_equal(error.message, "u.npy.journal: is of another job: kernel was affine, version 1 and is affine, "
                                       "version 2");
    assert_int_equal(calls, 0);
    assert_int_equal(run("affine, version 1", &values, -1, &calls, &error), TW_OK);
    assert_int_equal(calls, TILES - 5);
    check_result(&values);
}

static void without_that_its_context_counts(void **state)
{
    struct values values;
    tw_error error;
    int calls, others;
    (void)state;
    fill(&values);
    assert_int_equal(run(NULL, &values, 5, &calls, &error), TW_ERROR_KERNEL);
    assert_int_equal(run(NULL, &values, -1, &others, &error), TW_ERROR_JOURNAL);
    assert_non_null(strstr(error.message, "context"));
    assert_int_equal(remove("u.npy.part") | remove("u.npy.journal"), 0);
}

static void other_contents_of_an_input_are_another_job(void **state)
{
    struct values values;
    tw_error error;
    int calls;
    (void)state;
    fill(&values);
    assert_int_equal(run("affine", &values, 5, &calls, &error), TW_ERROR_KERNEL);
    values.x[LENGTH - 1] += 1;
    assert_int_equal(run("affine", &values, -1, &calls, &error), TW_ERROR_JOURNAL);
    assert_non_null(strstr(error.message, "operand x was 80 float64, contents with checksum "));
    values.x[LENGTH - 1] -= 1;
    assert_int_equal(run("affine", &values, -1, &calls, &error), TW_OK);
    assert_int_equal(calls, TILES - 5);
    check_result(&values);
}

static void other_first_values_are_another_job(void **state)
{
    struct values values;
    tw_error error;
    int calls;
    (void)state;
    fill(&values);
    assert_int_equal(run("affine", &values, 5, &calls, &error), TW_ERROR_KERNEL);
    values.u[0] += 1;
    assert_int_equal(run("affine", &values, -1, &calls, &error), TW_ERROR_JOURNAL);
    assert_non_null(strstr(error.message, "'u' began as contents with checksum "));
    values.u[0] -= 1;
    assert_int_equal(run("affine", &values, -1, &calls, &error), TW_OK);
    assert_int_equal(calls, TILES - 5);
    check_result(&values);
}

static void an_identity_has_a_text(void **state)
{
    char text[TW_KERNEL_IDENTITY_SIZE + 2] = "";
    tw_kernel *kernel;
    tw_error error;
    (void)state;
    assert_int_equal(tw_kernel_from_function(&kernel, step, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_kernel_set_identity(kernel, "", &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "the identity of kernel function has 0 bytes; it has 1 to 1000");
    memset(text, 'a', TW_KERNEL_IDENTITY_SIZE + 1);
    assert_int_equal(tw_kernel_set_identity(kernel, text, &error), TW_ERROR_ARGUMENT);
    text[TW_KERNEL_IDENTITY_SIZE] = '\0';
    assert_int_equal(tw_kernel_set_identity(kernel, text, &error), TW_OK);
    assert_int_equal(tw_kernel_set_identity(kernel, NULL, &error), TW_OK);
    tw_kernel_destroy(kernel);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strides_do_not_change_a_checksum),
        cmocka_unit_test(a_checksum_is_the_same_on_any_machine),
        cmocka_unit_test(arrays_without_elements_and_without_dimensions_have_checksums),
        IN_FOLDER(a_kernel_is_known_by_what_its_maker_says),
        IN_FOLDER(without_that_its_context_counts),
        IN_FOLDER(other_contents_of_an_input_are_another_job),
        IN_FOLDER(other_first_values_are_another_job),
        cmocka_unit_test(an_identity_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
