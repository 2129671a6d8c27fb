/* r[i,j] = y[i] * x[j], float64:
 *
 *     tilework run mult.c:mult -s 'y[i], x[j] -> r[i,j]' y=y.npy x=x.npy -o r=r.npy
 */
#include <tilework/tilework.h>

int mult(const tw_tile *tile)
{
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(const double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int k = 0; k < 3; k++) {
        if (!tw_view_is(&tile->operand[k], TW_FLOAT64, k < 2 ? 1 : 2)) {
            return tw_tile_fail(tile, 1, "mult takes y[i], x[j] and r[i,j], all of float64");
        }
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
        }
    }
    return 0;
}
