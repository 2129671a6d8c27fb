/* r[i,j] = the mean of the 9 elements of x around x[i,j], float64. The halo gives each tile a row and a column more on
 * each side, and --edge says what these have past the ends of x.
 *
 *     tilework run blur.c:blur -s 'x[i-1..i+1,j-1..j+1] -> r[i,j]' x=a.npy -o r=r.npy --edge reflect
 */
#include <tilework/tilework.h>

int blur(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int k = 0; k < 2; k++) {
        if (!tw_view_is(&tile->operand[k], TW_FLOAT64, 2)) {
            return tw_tile_fail(tile, 1, "blur takes x[i-1..i+1,j-1..j+1] and r[i,j], both of float64");
        }
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            double sum = 0;
            for (int64_t a = 0; a < 3; a++) {
                for (int64_t b = 0; b < 3; b++) {
                    sum += TW_AT(x, i + a, j + b);
                }
            }
            TW_AT(r, i, j) = sum / 9;
        }
    }
    return 0;
}
