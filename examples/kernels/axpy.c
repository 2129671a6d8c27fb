/* r[i] = r[i] + 2 x[i], float64. The name r stands on both sides of the arrow: r begins with values, and is the result.
 *
 *     tilework run axpy.c:axpy -s 'x[i], r[i] -> r[i]' x=x.npy r=before.npy -o r=after.npy
 */
#include <tilework/tilework.h>

int axpy(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int k = 0; k < 2; k++) {
        if (!tw_view_is(&tile->operand[k], TW_FLOAT64, 1)) {
            return tw_tile_fail(tile, 1, "axpy takes x[i] and r[i], both of float64");
        }
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) += 2 * TW_AT(x, i);
    }
    return 0;
}
