/* reduce.c - the sum, the smallest and the largest of each column of a table, by all cores.
 *
 * The outputs lack the axis that is cut, so each tile makes a part of them, and `folds` says how the parts become one.
 * They are folded in the order of the grid: the result is the same on any number of threads. Ends with 0 if it is
 * right.
 *
 *     cc reduce.c -o reduce $(pkg-config --cflags --libs tilework) && ./reduce
 */
#include <tilework/tilework.h>

#include <stdio.h>

enum { ROWS = 100000, COLUMNS = 8 };

/* Parts begin as what changes nothing: 0 of a sum, infinity of a minimum. */
static int columns(const tw_tile *tile)
{
    TW_VIEW(const double, t, tile->operand[0]);
    TW_VIEW(double, sum, tile->operand[1]);
    TW_VIEW(double, low, tile->operand[2]);
    TW_VIEW(double, high, tile->operand[3]);
    for (int64_t i = 0; i < t.shape[0]; i++) {
        for (int64_t j = 0; j < t.shape[1]; j++) {
            const double value = TW_AT(t, i, j);
            TW_AT(sum, j) += value;
            TW_AT(low, j) = value < TW_AT(low, j) ? value : TW_AT(low, j);
            TW_AT(high, j) = value > TW_AT(high, j) ? value : TW_AT(high, j);
        }
    }
    return 0;
}

int main(void)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t shape[] = {ROWS, COLUMNS}, row = COLUMNS, lengths[] = {COLUMNS, ROWS}; /* j, then i */
    const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_SUM, TW_FOLD_MIN, TW_FOLD_MAX};
    const tw_split rows = {.axis = "i", .parts = 64};
    tw_pool *pool = NULL;
    tw_array *arrays[4] = {NULL};
    tw_signature *signature = NULL;
    tw_grid *grid = NULL;
    tw_kernel *kernel = NULL;
    tw_error error = {.status = TW_OK};
    int result = 1;

    if (tw_pool_open(&pool, &(tw_pool_options){.kind = TW_THREADS}, &error) != TW_OK ||
        tw_array_create(&arrays[0], pool, &float64, 2, shape, &error) != TW_OK ||
        tw_array_create(&arrays[1], pool, &float64, 1, &row, &error) != TW_OK ||
        tw_array_create(&arrays[2], pool, &float64, 1, &row, &error) != TW_OK ||
        tw_array_create(&arrays[3], pool, &float64, 1, &row, &error) != TW_OK ||
        tw_signature_parse(&signature, "t[i,j] -> sum[j], low[j], high[j]", &error) != TW_OK ||
        tw_grid_create(&grid, signature, lengths, &(tw_grid_options){.splits = &rows, .nsplits = 1, .folds = folds},
                       &error) != TW_OK ||
        tw_kernel_from_function(&kernel, columns, NULL, 0, &error) != TW_OK) {
        goto fail;
    }
    double *t = tw_array_data(arrays[0]);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
            t[i * COLUMNS + j] = i % 1000 + j;
        }
    }
    if (tw_run(pool, kernel, grid, arrays, NULL, NULL, &error) != TW_OK) {
        goto fail;
    }
    const double *sum = tw_array_data(arrays[1]), *low = tw_array_data(arrays[2]), *high = tw_array_data(arrays[3]);
    result = 0;
    for (int j = 0; j < COLUMNS; j++) {
        printf("column %d: sum %.0f, from %.0f to %.0f\n", j, sum[j], low[j], high[j]);
        result |= sum[j] != ROWS * (499.5 + j) || low[j] != j || high[j] != 999 + j;
    }
    for (int s = 0; s < tw_grid_steps(grid); s++) {
        char text[200];
        tw_grid_step_text(grid, s, text, sizeof text);
        printf("step %d: %s\n", s, text);
    }
fail:
    if (result != 0) {
        fprintf(stderr, "reduce: %s\n", error.status != TW_OK ? error.message : "a result is wrong");
    }
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    for (int k = 0; k < 4; k++) {
        tw_array_destroy(arrays[k]);
    }
    tw_pool_close(pool);
    return result;
}
