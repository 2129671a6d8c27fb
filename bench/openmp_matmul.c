/* openmp_matmul.c - the plain loop, compiled for this very machine (-O3 -march=native): what one writes first. */
#include "openmp.h"

void openmp_matmul(double *restrict r, const double *restrict a, const double *restrict b)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < MATMUL_SIZE; i++) {
        for (int64_t j = 0; j < MATMUL_SIZE; j++) {
            double sum = 0;
            for (int64_t k = 0; k < MATMUL_SIZE; k++) {
                sum += a[i * MATMUL_SIZE + k] * b[k * MATMUL_SIZE + j];
            }
            r[i * MATMUL_SIZE + j] = sum;
        }
    }
}
