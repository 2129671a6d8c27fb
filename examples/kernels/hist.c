/* How many values in [0, 1) lie in each of some equal bins: n[b] lacks the axis that is cut, so it is a reduction.
 *
 *     tilework run hist.c:hist -s 'x[i] -> n[b]:int64' x=x.npy --length b=10 --parts i=8 --reduce n=sum -o n=n.npy
 *
 * Each tile counts its own values, in a partial of its own that begins as zeros; the partials are then added. */
#include <tilework/tilework.h>

int hist(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(int64_t, n, tile->operand[1]);
    if (!tw_view_is(&tile->operand[0], TW_FLOAT64, 1) || !tw_view_is(&tile->operand[1], TW_INT64, 1)) {
        return tw_tile_fail(tile, 1, "hist takes x[i] of float64 and n[b] of int64");
    }
    for (int64_t i = 0; i < x.shape[0]; i++) {
        const int64_t bin = (int64_t)(TW_AT(x, i) * (double)n.shape[0]);
        if (bin >= 0 && bin < n.shape[0]) {
            TW_AT(n, bin) += 1;
        }
    }
    return 0;
}
