/* Steps, at most 500, after which the point re[j] + im[i] sqrt(-1) leaves the circle of radius 2. Rows differ very much
 * in cost: small tiles keep all workers busy.
 *
 *     tilework run mandelbrot.c:mandelbrot -s 'im[i], re[j] -> r[i,j]:uint16' im=im.npy re=re.npy -o r=r.npy --tile i=4
 */
#include <tilework/tilework.h>

#define LIMIT 500

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
            const double x0 = TW_AT(re, j), y0 = TW_AT(im, i);
            double x = 0, y = 0;
            int step = 0;
            while (step < LIMIT && x * x + y * y <= 4) {
                const double next = x * x - y * y + x0;
                y = 2 * x * y + y0;
                x = next;
                step++;
            }
            TW_AT(r, i, j) = (uint16_t)step;
        }
    }
    return 0;
}
