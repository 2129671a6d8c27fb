/* kernels.c - the kernels of `demo` and `bench`. Know their tile alone. */
#include "look/kernels.h"

/* A kernel that a user compiles is compiled for the user's processor. This one, in a program that must run on all,
 * exists in versions of which the loader takes one. No version may fuse a multiplication and an addition: bits would
 * differ. Under a sanitizer the choice comes before the sanitizer is ready. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__)
#define FOR_THIS_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_THIS_PROCESSOR
#endif

FOR_THIS_PROCESSOR int cli_kernel_mult(const tw_tile *tile)
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
