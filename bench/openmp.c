/* openmp.c - `openmp CASE ROWS COLUMNS`: says "ready", then for each line "go" runs the case once and writes its
 * seconds. Knows the protocol of bench.py and the loops of openmp.h; nothing of Tilework. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "openmp.h"

#define EMPTY_RUNS 10000

struct work {
    int64_t rows, columns;
    double *y, *x, *r;
    double *re, *im;
    uint16_t *picture;
    double *a, *b, *product;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fputs("openmp: not enough memory\n", stderr);
        exit(4);
    }
    return memory;
}

/* On huge pages, as Tilework's own results are: it is the loops that are compared here. */
static void *allocate_huge(size_t size)
{
    const size_t page = (size_t)2 << 20, whole = (size + page - 1) / page * page;
    void *memory = aligned_alloc(page, whole);
    if (memory == NULL) {
        fputs("openmp: not enough memory\n", stderr);
        exit(4);
    }
    madvise(memory, whole, MADV_HUGEPAGE);
    return memory;
}

static double mult_reused(struct work *work)
{
    const double begin = now();
    openmp_mult(work->r, work->y, work->x, work->rows, work->columns);
    return now() - begin;
}

static double mult_new(struct work *work)
{
    const double begin = now();
    double *r = malloc((size_t)(work->rows * work->columns) * sizeof *r);
    if (r == NULL) {
        exit(4);
    }
    openmp_mult(r, work->y, work->x, work->rows, work->columns);
    const double seconds = now() - begin;
    free(r);
    return seconds;
}

static double parallel_for_2(struct work *work)
{
    const double begin = now();
    for (int run = 0; run < EMPTY_RUNS; run++) {
#pragma omp parallel for
        for (int64_t i = 0; i < 2; i++) {
            __asm__ volatile("" ::"r"(work), "r"(i) : "memory"); /* empty, but the compiler must not drop the loop */
        }
    }
    return (now() - begin) / EMPTY_RUNS;
}

static double mandelbrot(struct work *work)
{
    const double begin = now();
    openmp_mandelbrot(work->picture, work->re, work->im);
    return now() - begin;
}

static double matmul(struct work *work)
{
    const double begin = now();
    openmp_matmul(work->product, work->a, work->b);
    return now() - begin;
}

static void prepare(struct work *work)
{
    const size_t square = (size_t)MATMUL_SIZE * MATMUL_SIZE;
    work->a = allocate(square, sizeof *work->a);
    work->b = allocate(square, sizeof *work->b);
    work->product = allocate(square, sizeof *work->product);
    for (size_t k = 0; k < square; k++) {
        work->a[k] = (double)(k % 1013) / 1013;
        work->b[k] = (double)(k % 1009) / 1009;
    }
    work->y = allocate((size_t)work->rows, sizeof *work->y);
    work->x = allocate((size_t)work->columns, sizeof *work->x);
    for (int64_t i = 0; i < work->rows; i++) {
        work->y[i] = (double)i;
    }
    for (int64_t j = 0; j < work->columns; j++) {
        work->x[j] = (double)j / (double)work->columns;
    }
    work->re = allocate(MANDELBROT_SIZE, sizeof *work->re);
    work->im = allocate(MANDELBROT_SIZE, sizeof *work->im);
    for (int64_t k = 0; k < MANDELBROT_SIZE; k++) {
        work->re[k] = -2.0 + 2.5 * (double)k / (double)MANDELBROT_SIZE;
        work->im[k] = -1.25 + 2.5 * (double)k / (double)MANDELBROT_SIZE;
    }
    work->picture = allocate((size_t)MANDELBROT_SIZE * MANDELBROT_SIZE, sizeof *work->picture);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        double (*run)(struct work *work);
    } cases[] = {{"mult-reused", mult_reused},
                 {"mult-new", mult_new},
                 {"parallel-for-2", parallel_for_2},
                 {"mandelbrot", mandelbrot},
                 {"matmul", matmul}};
    struct work work = {0};
    char line[16];
    double (*run)(struct work *) = NULL;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        if (argc == 4 && strcmp(argv[1], cases[c].name) == 0) {
            run = cases[c].run;
        }
    }
    if (run == NULL) {
        fputs("usage: openmp mult-reused|mult-new|parallel-for-2|mandelbrot|matmul ROWS COLUMNS\n", stderr);
        return 2;
    }
    work.rows = strtoll(argv[2], NULL, 10);
    work.columns = strtoll(argv[3], NULL, 10);
    prepare(&work);
    if (run == mult_reused) {
        work.r = allocate_huge((size_t)(work.rows * work.columns) * sizeof *work.r);
    }
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "go\n") == 0) {
        printf("%.9f\n", run(&work));
        fflush(stdout);
    }
    free(work.y);
    free(work.x);
    free(work.r);
    free(work.re);
    free(work.im);
    free(work.picture);
    free(work.a);
    free(work.b);
    free(work.product);
    return 0;
}
