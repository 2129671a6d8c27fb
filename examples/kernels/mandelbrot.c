/* Steps, at most 500, after which a point of the plane leaves the circle of radius 2. Rows differ very much in cost:
 * small tiles keep all workers busy. The points are im[i] and re[j],
 *
 *     tilework run mandelbrot.c:mandelbrot -s 'im[i], re[j] -> r[i,j]:uint16' im=im.npy re=re.npy -o r=r.npy --tile i=4
 *
 * or come from where a tile lies in the result: 600 of them to a unit, so that 1500 x 1500 show the whole set,
 *
 *     tilework run mandelbrot.c:render -s '-> r[i,j]:uint16' --length i=1500 --length j=1500 --tile i=10 -o r=r.npy
 */
#include <tilework/tilework.h>

#define LIMIT 500
#define UNIT 600.0 /* points */

static uint16_t steps(double x0, double y0)
{
    double x = 0, y = 0;
    int step = 0;
    while (step < LIMIT && x * x + y * y <= 4) {
        const double next = x * x - y * y + x0;
        y = 2 * x * y + y0;
        x = next;
        step++;
    }
    return (uint16_t)step;
}

int mandelbrot(const tw_tile *tile)
{
    TW_VIEW(const double, im, tile->operand[0]);
    TW_VIEW(const double, re, tile->operand[1]);
    TW_VIEW(uint16_t, r, tile->operand[2]);
    if (!tw_view_is(&tile->operand[0], TW_FLOAT64, 1) || !tw_view_is(&tile->operand[1], TW_FLOAT64, 1) ||
        !tw_view_is(&tile->operand[2], TW_UINT16, 2)) {
        return tw_tile_fail(tile, 1, "mandelbrot takes im[i] and re[j] of float64 and r[i,j] of uint16");
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = steps(TW_AT(re, j), TW_AT(im, i));
        }
    }
    return 0;
}

int render(const tw_tile *tile)
{
    TW_VIEW(uint16_t, r, tile->operand[0]);
    if (!tw_view_is(&tile->operand[0], TW_UINT16, 2)) {
        return tw_tile_fail(tile, 1, "render makes r[i,j] of uint16");
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            /* Indices of the whole result, so that any tiles give the same. */
            const double row = (double)(tile->start[0] + i), column = (double)(tile->start[1] + j);
            TW_AT(r, i, j) = steps(column / UNIT - 2.0, row / UNIT - 1.25);
        }
    }
    return 0;
}
