/* r[i,j] = sum over k of a[i,k] * b[k,j], float64. The axis k is in no output, so every tile gets all of it.
 *
 *     tilework run matmul.c:matmul -s 'a[i,k], b[k,j] -> r[i,j]' a=a.npy b=b.npy -o r=r.npy --tile i=64 --tile j=512
 */
#include <tilework/tilework.h>

int matmul(const tw_tile *tile)
{
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(const double, b, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int k = 0; k < 3; k++) {
        if (!tw_view_is(&tile->operand[k], TW_FLOAT64, 2)) {
            return tw_tile_fail(tile, 1, "matmul takes a[i,k], b[k,j] and r[i,j], all of float64");
        }
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = 0;
        }
        /* j is innermost: it runs along the rows of b and r, so that the loop works on vectors. */
        for (int64_t k = 0; k < a.shape[1]; k++) {
            for (int64_t j = 0; j < r.shape[1]; j++) {
                TW_AT(r, i, j) += TW_AT(a, i, k) * TW_AT(b, k, j);
            }
        }
    }
    return 0;
}
