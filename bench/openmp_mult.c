/* openmp_mult.c - compiled for this very machine (-O3 -march=native), as one who writes the loop by hand would. */
#include "openmp.h"

void openmp_mult(double *restrict r, const double *restrict y, const double *restrict x, int64_t rows, int64_t columns)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            r[i * columns + j] = y[i] * x[j];
        }
    }
}

void openmp_mult_row(double *restrict r, double y, const double *restrict x, int64_t columns)
{
    for (int64_t j = 0; j < columns; j++) {
        r[j] = y * x[j];
    }
}
