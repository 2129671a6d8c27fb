/* mandelbrot.c - renders the Mandelbrot set into a .npy file, with threads.
 *
 *     mandelbrot [SIZE [ITERATIONS [FOLDER]]]        (500 200 .)
 *
 * Rows differ in cost by a factor of a thousand, so tiles of a few rows are handed out as workers come free. Writes
 * FOLDER/mandelbrot.npy, for numpy.load, and FOLDER/mandelbrot.pgm, to look at. Then computes all again as one serial
 * tile: the bytes must be the same.
 */
#include <tilework/tilework.h>

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tile->context: number of steps after which a point counts as inside. Operands: im[i], re[j] -> r[i,j]. */
static int mandelbrot(const tw_tile *tile)
{
    const int limit = *(const int *)tile->context;
    TW_VIEW(const double, im, tile->operand[0]);
    TW_VIEW(const double, re, tile->operand[1]);
    TW_VIEW(uint16_t, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            const double x0 = TW_AT(re, j), y0 = TW_AT(im, i);
            double x = 0, y = 0;
            int step = 0;
            while (step < limit && x * x + y * y <= 4) {
                const double next = x * x - y * y + x0;
                y = 2 * x * y + y0;
                x = next;
                step++;
            }
            TW_AT(r, i, j) = (uint16_t)step;
        }
    }
    return 0;
}

/* A picture: points inside are black, the others the darker the longer they stayed, on a logarithmic scale. */
static int write_pgm(const char *path, const uint16_t *steps, int64_t size, int limit)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return 0;
    }
    fprintf(file, "P5\n%lld %lld\n255\n", (long long)size, (long long)size);
    for (int64_t k = 0; k < size * size; k++) {
        const double stayed = log(1.0 + steps[k]) / log(1.0 + limit);
        putc(steps[k] == limit ? 0 : 255 - (int)(200 * stayed), file);
    }
    const int written = !ferror(file);
    return fclose(file) == 0 && written;
}

static int number(const char *text, int most)
{
    char *end;
    errno = 0;
    const long value = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && value >= 1 && value <= most ? (int)value : 0;
}

int main(int argc, char **argv)
{
    const int64_t size = argc > 1 ? number(argv[1], 30000) : 500, shape[] = {size, size};
    int limit = argc > 2 ? number(argv[2], UINT16_MAX) : 200;
    const char *folder = argc > 3 ? argv[3] : ".";
    if (size == 0 || limit == 0 || argc > 4 || folder[0] == '-') {
        fputs("usage: mandelbrot [SIZE [ITERATIONS [FOLDER]]]   (1 .. 30000, 1 .. 65535)\n", stderr);
        return 2;
    }
    char npy[PATH_MAX], pgm[PATH_MAX];
    snprintf(npy, sizeof npy, "%s/mandelbrot.npy", folder);
    snprintf(pgm, sizeof pgm, "%s/mandelbrot.pgm", folder);

    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64), uint16 = tw_dtype_of(TW_UINT16);
    const tw_split rows = {.axis = "i", .tile = 4};
    tw_pool *pool = NULL;
    tw_array *im = NULL, *re = NULL, *r = NULL, *again = NULL;
    tw_signature *signature = NULL;
    tw_grid *grid = NULL, *whole = NULL;
    tw_kernel *kernel = NULL;
    tw_report *report = NULL;
    tw_error error;
    int result = 1;

    if (tw_pool_open(&pool, NULL, &error) != TW_OK || /* threads, as many as this process may use */
        tw_array_create(&im, pool, &float64, 1, &size, &error) != TW_OK ||
        tw_array_create(&re, pool, &float64, 1, &size, &error) != TW_OK ||
        tw_array_create(&again, pool, &uint16, 2, shape, &error) != TW_OK ||
        tw_array_create_file(&r, npy, &uint16, 2, shape, &error) != TW_OK ||
        tw_signature_parse(&signature, "im[i], re[j] -> r[i,j]", &error) != TW_OK ||
        tw_grid_for(&grid, signature, (tw_array *[]){im, re, r}, &rows, 1, &error) != TW_OK ||
        tw_grid_for(&whole, signature, (tw_array *[]){im, re, r}, &(tw_split){.axis = "i"}, 1, &error) != TW_OK ||
        tw_kernel_from_function(&kernel, mandelbrot, &limit, sizeof limit, &error) != TW_OK) {
        goto fail;
    }
    for (int64_t k = 0; k < size; k++) {
        ((double *)tw_array_data(im))[k] = -1.25 + 2.5 * (double)k / (double)size;
        ((double *)tw_array_data(re))[k] = -2.0 + 2.5 * (double)k / (double)size;
    }
    if (tw_run(pool, kernel, grid, (tw_array *[]){im, re, r}, NULL, &report, &error) != TW_OK ||
        tw_array_commit(r, &error) != TW_OK ||
        tw_run(NULL, kernel, whole, (tw_array *[]){im, re, again}, NULL, NULL, &error) != TW_OK) {
        goto fail;
    }
    tw_report_totals totals;
    tw_report_get_totals(report, &totals);
    printf("%s: %llu tiles by %d workers in %.3f s\n", npy, (unsigned long long)totals.tiles, totals.workers,
           totals.seconds);
    if (!write_pgm(pgm, tw_array_data(r), size, limit)) {
        fprintf(stderr, "mandelbrot: %s cannot be written\n", pgm);
        goto done;
    }
    const size_t bytes = (size_t)(size * size) * sizeof(uint16_t);
    const int same = memcmp(tw_array_data(r), tw_array_data(again), bytes) == 0;
    printf("bit-identical to one serial tile: %s\n", same ? "yes" : "no");
    result = !same;
    goto done;
fail:
    fprintf(stderr, "mandelbrot: %s\n", error.message);
done:
    tw_report_destroy(report);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(whole);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(again);
    tw_array_destroy(r); /* without tw_array_commit nothing is left of the file */
    tw_array_destroy(re);
    tw_array_destroy(im);
    tw_pool_close(pool);
    return result;
}
