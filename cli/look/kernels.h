/* kernels.h - the kernels of `demo` and `bench`, functions of this program. */
#ifndef CLI_LOOK_KERNELS_H
#define CLI_LOOK_KERNELS_H

#include <tilework/tilework.h>

int cli_kernel_mult(const tw_tile *tile);  /* "y[i], x[j] -> r[i,j]", float64: r[i,j] = y[i] * x[j] */
int cli_kernel_empty(const tw_tile *tile); /* does nothing */

#define CLI_MANDELBROT_LIMIT 500
int cli_kernel_mandelbrot(const tw_tile *tile); /* "re[j], im[i] -> r[i,j]:uint16": steps until re + i im escapes */

#endif
