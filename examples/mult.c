/* mult.c - r[i,j] = y[i] * x[j] by a pool of processes, every process filling its own tiles of r in place.
 *
 * The job of a question often asked: y = 0 .. 999, x = 2000 random numbers, rows cut at 333 and 666, columns at 1000.
 * Prints who did which tile and compares r with a plain loop. Ends with 0 where they are the same.
 *
 *     cc mult.c -o mult $(pkg-config --cflags --libs tilework) && ./mult
 */
#include <tilework/tilework.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROWS = 1000, COLUMNS = 2000 };

static int mult(const tw_tile *tile)
{
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(const double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
        }
    }
    return 0;
}

static double largest_difference(const double *y, const double *x, const double *r)
{
    double largest = 0;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
            largest = fmax(largest, fabs(r[i * COLUMNS + j] - y[i] * x[j]));
        }
    }
    return largest;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        fputs("usage: mult   (no arguments)\n", stderr);
        return 2;
    }
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t rows = ROWS, columns = COLUMNS, shape[] = {ROWS, COLUMNS};
    const int64_t row_cuts[] = {333, 666}, column_cuts[] = {1000};
    const tw_split splits[] = {{.axis = "i", .cuts = row_cuts, .ncuts = 2},
                               {.axis = "j", .cuts = column_cuts, .ncuts = 1}};
    tw_pool *pool = NULL;
    tw_array *y = NULL, *x = NULL, *r = NULL;
    tw_signature *signature = NULL;
    tw_grid *grid = NULL;
    tw_kernel *kernel = NULL;
    tw_report *report = NULL;
    tw_error error;
    int result = 1;

    /* Arrays made for a pool of processes lie in memory that all of them share. */
    if (tw_pool_open(&pool, &(tw_pool_options){.kind = TW_PROCESSES}, &error) != TW_OK ||
        tw_array_create(&y, pool, &float64, 1, &rows, &error) != TW_OK ||
        tw_array_create(&x, pool, &float64, 1, &columns, &error) != TW_OK ||
        tw_array_create(&r, pool, &float64, 2, shape, &error) != TW_OK ||
        tw_signature_parse(&signature, "y[i], x[j] -> r[i,j]", &error) != TW_OK ||
        tw_grid_for(&grid, signature, (tw_array *[]){y, x, r}, splits, 2, &error) != TW_OK ||
        tw_kernel_from_function(&kernel, mult, NULL, 0, &error) != TW_OK) {
        goto fail;
    }
    double *ys = tw_array_data(y), *xs = tw_array_data(x);
    for (int i = 0; i < ROWS; i++) {
        ys[i] = i;
    }
    for (int j = 0; j < COLUMNS; j++) {
        xs[j] = rand() / (RAND_MAX + 1.0);
    }

    if (tw_run(pool, kernel, grid, (tw_array *[]){y, x, r}, NULL, &report, &error) != TW_OK) {
        goto fail;
    }
    printf("parent's pid is %d\n", (int)getpid());
    for (uint64_t tile = 0; tile < tw_grid_count(grid); tile++) {
        char line[256];
        tw_report_line(report, tile, line, sizeof line);
        puts(line);
    }
    const double difference = largest_difference(ys, xs, tw_array_data(r));
    printf("max. abs. diff. = %g\n", difference);
    result = difference != 0;
    goto done;
fail:
    fprintf(stderr, "mult: %s\n", error.message);
done:
    tw_report_destroy(report);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(r);
    tw_array_destroy(x);
    tw_array_destroy(y);
    tw_pool_close(pool);
    return result;
}
