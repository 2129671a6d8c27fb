/* openmp.h - the hand-written OpenMP loops that Tilework is measured against. */
#ifndef BENCH_OPENMP_H
#define BENCH_OPENMP_H

#include <stdint.h>

#define MATMUL_SIZE 1000
#define MANDELBROT_SIZE 1500
#define MANDELBROT_LIMIT 500

/* r[i,j] = y[i] * x[j], rows shared out evenly. */
void openmp_mult(double *r, const double *y, const double *x, int64_t rows, int64_t columns);

/* One row of it, for a kernel. */
void openmp_mult_row(double *r, double y, const double *x, int64_t columns);

/* r[i,j] = sum over k of a[i,k] * b[k,j], rows shared out evenly. */
void openmp_matmul(double *r, const double *a, const double *b);

/* Steps until re[j] + i im[i] escapes; each row is taken by whichever thread is free. */
void openmp_mandelbrot(uint16_t *r, const double *re, const double *im);

#endif
