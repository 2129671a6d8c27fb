/* openmp_reduce.c - `openmp_reduce CASE ROWS COLUMNS WORKERS`: reductions by hand with OpenMP, which `make bench`
 * measures beside statements. Built twice, with and without -ffast-math. The protocol is that of bench.py. Knows
 * nothing of Tilework. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double sum(const double *a, const double *b, int64_t count)
{
    double total = 0;
    (void)b;
#pragma omp parallel for reduction(+ : total)
    for (int64_t k = 0; k < count; k++) {
        total += a[k];
    }
    return total;
}

static double squares(const double *a, const double *b, int64_t count)
{
    double total = 0;
    (void)b;
#pragma omp parallel for reduction(+ : total)
    for (int64_t k = 0; k < count; k++) {
        total += a[k] * a[k];
    }
    return total;
}

static double dot(const double *a, const double *b, int64_t count)
{
    double total = 0;
#pragma omp parallel for reduction(+ : total)
    for (int64_t k = 0; k < count; k++) {
        total += a[k] * b[k];
    }
    return total;
}

static double largest(const double *a, const double *b, int64_t count)
{
    double total = -HUGE_VAL;
    (void)b;
#pragma omp parallel for reduction(max : total)
    for (int64_t k = 0; k < count; k++) {
        total = a[k] > total ? a[k] : total;
    }
    return total;
}

/* On huge pages, as NumPy's and Tilework's arrays are. */
static double *numbers(int64_t count)
{
    const size_t page = (size_t)2 << 20, whole = ((size_t)count * sizeof(double) + page - 1) / page * page;
    double *memory = aligned_alloc(page, whole);
    if (memory == NULL) {
        fputs("openmp_reduce: not enough memory\n", stderr);
        exit(4);
    }
    madvise(memory, whole, MADV_HUGEPAGE);
    uint64_t state = 1;
    for (int64_t k = 0; k < count; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        memory[k] = 3.0 * (double)(state >> 11) * 0x1p-53 - 1.0;
    }
    return memory;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        double (*reduce)(const double *a, const double *b, int64_t count);
    } cases[] = {{"sum", sum}, {"mean", sum}, {"squares", squares}, {"dot", dot}, {"max", largest}};
    double (*reduce)(const double *a, const double *b, int64_t count) = NULL;
    char line[16];
    for (size_t k = 0; argc == 5 && k < sizeof cases / sizeof cases[0]; k++) {
        reduce = strcmp(argv[1], cases[k].name) == 0 ? cases[k].reduce : reduce;
    }
    if (reduce == NULL) {
        fputs("usage: openmp_reduce CASE ROWS COLUMNS WORKERS\n", stderr);
        return 2;
    }
    const int64_t count = strtoll(argv[2], NULL, 10) * strtoll(argv[3], NULL, 10);
    double *a = numbers(count), *b = numbers(count);
    volatile double result = reduce(a, b, count);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "go\n") == 0) {
        const double begin = now();
        result = reduce(a, b, count);
        printf("%.9f\n", now() - begin);
        fflush(stdout);
    }
    (void)result;
    free(a);
    free(b);
    return 0;
}
