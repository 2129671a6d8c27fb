/* kernels.c - the kernels of `demo` and `bench`. Know their tile alone. */
#include "kernels.h"

int cli_kernel_mult(const tw_tile *tile)
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

int cli_kernel_empty(const tw_tile *tile)
{
    (void)tile;
    return 0;
}

int cli_kernel_mandelbrot(const tw_tile *tile)
{
    TW_VIEW(const double, re, tile->operand[0]);
    TW_VIEW(const double, im, tile->operand[1]);
    TW_VIEW(uint16_t, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        const double ci = TW_AT(im, i);
        for (int64_t j = 0; j < r.shape[1]; j++) {
            const double cr = TW_AT(re, j);
            double zr = 0, zi = 0;
            int step = 0;
            while (step < CLI_MANDELBROT_LIMIT && zr * zr + zi * zi <= 4) {
                const double next = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = next;
                step++;
            }
            TW_AT(r, i, j) = (uint16_t)step;
        }
    }
    return 0;
}
