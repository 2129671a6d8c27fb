#include <stdio.h>
#include <tilework/tilework.h>

static int mult(const tw_tile *tile)
{
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(const double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++)
        for (int64_t j = 0; j < r.shape[1]; j++)
            TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
    return 0;
}

static void print_progress(void *user, const tw_progress *progress)
{
    (void)user;
    fprintf(stderr, "\r%llu of %llu", (unsigned long long)progress->done, (unsigned long long)progress->total);
}

int main(void)
{
    const int64_t shape[2] = {100, 200};
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_run_options options = {.retries = 5, .progress = print_progress};
    tw_pool *pool;
    tw_array *arrays[3];
    tw_signature *signature;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_error error;
    if (tw_pool_open(&pool, &(tw_pool_options){.kind = TW_PROCESSES}, &error) ||
        tw_array_create(&arrays[0], pool, &float64, 1, &shape[0], &error) ||
        tw_array_create(&arrays[1], pool, &float64, 1, &shape[1], &error) ||
        tw_array_create(&arrays[2], pool, &float64, 2, shape, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    double *y = tw_array_data(arrays[0]), *x = tw_array_data(arrays[1]), *r = tw_array_data(arrays[2]);
    for (int i = 0; i < 100; i++)
        y[i] = i;
    for (int j = 0; j < 200; j++)
        x[j] = j;
    if (tw_signature_parse(&signature, "y[i], x[j] -> r[i,j]", &error) ||
        tw_grid_for(&grid, signature, arrays, NULL, 0, &error) ||
        tw_kernel_from_function(&kernel, mult, NULL, 0, &error) ||
        tw_run(pool, kernel, grid, arrays, &options, NULL, &error) ||
        tw_replay(kernel, grid, arrays, 3, NULL, &error)) /* tile 3 again, in this process */
        return fprintf(stderr, "%s\n", error.message), 1;
    const int wrong = (int64_t)r[99 * 200 + 199] != 99 * 199;
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    for (int k = 0; k < 3; k++)
        tw_array_destroy(arrays[k]);
    tw_pool_close(pool);
    return wrong;
}
