/* matmul.c - r[i,j] = sum over k of a[i,k] * b[k,j], with threads.
 *
 *     matmul [N]        (matrices of about N x N, 300)
 *
 * The axis k is in no output, so it is never cut: a kernel always gets all of it, and the sum for an element is done by
 * one worker in one order, which makes the result the same on any number of workers. The kernel works through k in
 * panels that it first copies into its scratch memory, where they stay in the processor's cache. Compares with the
 * three loops of the textbook.
 */
#include <tilework/tilework.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL = 64, TILE = 128 }; /* rows of b in a panel; rows and columns of a tile of r */

static int matmul(const tw_tile *tile)
{
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(const double, b, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    const int64_t rows = r.shape[0], columns = r.shape[1], depth = a.shape[1];
    double *panel = tile->scratch;

    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            TW_AT(r, i, j) = 0; /* outputs begin with undefined contents */
        }
    }
    for (int64_t first = 0; first < depth; first += PANEL) {
        const int64_t height = depth - first < PANEL ? depth - first : PANEL;
        for (int64_t k = 0; k < height; k++) {
            for (int64_t j = 0; j < columns; j++) {
                panel[k * columns + j] = TW_AT(b, first + k, j);
            }
        }
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t k = 0; k < height; k++) {
                const double factor = TW_AT(a, i, first + k);
                for (int64_t j = 0; j < columns; j++) {
                    TW_AT(r, i, j) += factor * panel[k * columns + j];
                }
            }
        }
    }
    return 0;
}

/* Small whole numbers: their sums are exact in any order, so that the results must be equal. */
static void fill(double *data, int64_t count, int64_t step)
{
    for (int64_t k = 0; k < count; k++) {
        data[k] = (double)(k * step % 17 - 8);
    }
}

static int64_t count_wrong(const double *a, const double *b, const double *r, int64_t n, int64_t depth, int64_t m)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) {
            double sum = 0;
            for (int64_t k = 0; k < depth; k++) {
                sum += a[i * depth + k] * b[k * m + j];
            }
            wrong += r[i * m + j] != sum;
        }
    }
    return wrong;
}

int main(int argc, char **argv)
{
    char *end = "";
    const long n = argc > 1 ? strtol(argv[1], &end, 10) : 300;
    if (n < 1 || n > 4000 || *end != '\0' || argc > 2) {
        fputs("usage: matmul [N]   (1 .. 4000)\n", stderr);
        return 2;
    }
    const int64_t depth = n + 7, m = n + 3;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_split splits[] = {{.axis = "i", .tile = TILE}, {.axis = "j", .tile = TILE}};
    const tw_run_options options = {.scratch_size = PANEL * TILE * sizeof(double)};
    tw_pool *pool = NULL;
    tw_array *a = NULL, *b = NULL, *r = NULL;
    tw_signature *signature = NULL;
    tw_grid *grid = NULL;
    tw_kernel *kernel = NULL;
    tw_report *report = NULL;
    tw_error error;
    int result = 1;

    if (tw_pool_open(&pool, NULL, &error) != TW_OK ||
        tw_array_create(&a, pool, &float64, 2, (int64_t[]){n, depth}, &error) != TW_OK ||
        tw_array_create(&b, pool, &float64, 2, (int64_t[]){depth, m}, &error) != TW_OK ||
        tw_array_create(&r, pool, &float64, 2, (int64_t[]){n, m}, &error) != TW_OK ||
        tw_signature_parse(&signature, "a[i,k], b[k,j] -> r[i,j]", &error) != TW_OK ||
        tw_grid_for(&grid, signature, (tw_array *[]){a, b, r}, splits, 2, &error) != TW_OK ||
        tw_kernel_from_function(&kernel, matmul, NULL, 0, &error) != TW_OK) {
        goto fail;
    }
    fill(tw_array_data(a), n * depth, 31);
    fill(tw_array_data(b), depth * m, 57);
    if (tw_run(pool, kernel, grid, (tw_array *[]){a, b, r}, &options, &report, &error) != TW_OK) {
        goto fail;
    }
    tw_report_totals totals;
    tw_report_get_totals(report, &totals);
    const double operations = 2.0 * (double)n * (double)depth * (double)m;
    printf("%ld x %lld times %lld x %lld: %llu tiles by %d workers in %.3f s, %.1f Gflop/s\n", n, (long long)depth,
           (long long)depth, (long long)m, (unsigned long long)totals.tiles, totals.workers, totals.seconds,
           operations / totals.seconds * 1e-9);
    const int64_t wrong = count_wrong(tw_array_data(a), tw_array_data(b), tw_array_data(r), n, depth, m);
    printf("elements that differ from the plain loops: %lld\n", (long long)wrong);
    result = wrong != 0;
    goto done;
fail:
    fprintf(stderr, "matmul: %s\n", error.message);
done:
    tw_report_destroy(report);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(r);
    tw_array_destroy(b);
    tw_array_destroy(a);
    tw_pool_close(pool);
    return result;
}
