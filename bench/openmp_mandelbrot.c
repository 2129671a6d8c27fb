/* openmp_mandelbrot.c - compiled with the flags of `tilework`, whose kernel has the same inner loop word for word: what
 * is measured is who gives out the rows better, not whose compiler options are better. */
#include "openmp.h"

void openmp_mandelbrot(uint16_t *r, const double *re, const double *im)
{
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < MANDELBROT_SIZE; i++) {
        const double ci = im[i];
        for (int64_t j = 0; j < MANDELBROT_SIZE; j++) {
            const double cr = re[j];
            double zr = 0, zi = 0;
            int step = 0;
            while (step < MANDELBROT_LIMIT && zr * zr + zi * zi <= 4) {
                const double next = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = next;
                step++;
            }
            r[i * MANDELBROT_SIZE + j] = (uint16_t)step;
        }
    }
}
