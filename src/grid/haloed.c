/* haloed.c - how the axes of a kernel with halos are divided: tiles that read little more than their own. Arithmetic
 * alone. */
#include "grid/haloed.h"

#include "base/checked.h"
#include "grid/automatic.h"
#include "grid/halo.h"

/* How often tiles with halos may read an element, if there are FEW_SQUARES of them: a filter that computes around its
 * tile takes as much longer. */
#define READ_OFTEN 1.1

/* Tiles of a kernel with halos read each element of an input this often, at most: a tile of 10 with a halo of 1 on each
 * side reads 12 for 10. An axis that is whole has its halo once. */
static double read_often(const struct tw__division *division)
{
    double most = 1;
    for (int k = 0; k < division->signature->noperands; k++) {
        const tw_operand *operand = &division->signature->operands[k];
        double often = 1;
        for (int d = 0; d < operand->ndim; d++) {
            const double tile = (double)division->extent[operand->axes[d]];
            const int is_cut = (division->cut >> operand->axes[d] & 1) != 0;
            often *= is_cut ? (tile + (double)tw__division_width(division, k, d)) / tile : 1;
        }
        most = often > most ? often : most;
    }
    return most;
}

static int64_t haloed_length(const struct tw__division *division, int axis, int64_t scale)
{
    int64_t tile;
    const int64_t length = division->lengths[axis];
    return tw__mul(tw__halo_width(division->signature, axis), scale, &tile) && tile < length ? tile : length;
}

static int64_t haloed_tiles(const struct tw__division *division, uint64_t axes, int64_t scale)
{
    int64_t tiles = 1;
    for (int a = 0; a < division->signature->naxes; a++) {
        const int64_t length = division->lengths[a], tile = haloed_length(division, a, scale);
        if ((axes >> a & 1) != 0 && !tw__mul(tiles, length / tile + (length % tile != 0), &tiles)) {
            return INT64_MAX;
        }
    }
    return tiles;
}

/* Cuts these axes into `wanted` tiles or a few more, each axis in proportion to its halo. */
static void divide_by_halo(struct tw__division *division, uint64_t axes, int64_t wanted)
{
    int64_t low = 1, high = INT64_MAX;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        *(haloed_tiles(division, axes, middle) >= wanted ? &low : &high) = middle;
    }
    for (int a = 0; a < division->signature->naxes; a++) {
        const int64_t tile = haloed_length(division, a, low);
        if ((axes >> a & 1) != 0 && tile < division->lengths[a]) {
            tw__division_cut(division, a, division->lengths[a] / tile + (division->lengths[a] % tile != 0));
        }
    }
}

/* Where the tiles of a kernel would read much more than their own, it gets fewer and larger ones, as nearly square as
 * its halo is. u[i-4..i+4,j-4..j+4] -> v[i,j], float32:
 *     lengths          tiles        read
 *     8000 x 8000      16 x 16      1.03 times      and not 256 x 1: 1.26 times
 *     1000 x 1000      6 x 6        1.10 times
 *     100 x 100        4 x 4        1.74 times      16 tiles in any case      */
uint64_t tw__haloed_divide(struct tw__division *division, const struct tw__division *whole, uint64_t axes)
{
    uint64_t haloed = 0;
    for (int a = 0; a < division->signature->naxes; a++) {
        haloed |= tw__halo_width(division->signature, a) > 0 ? axes & UINT64_C(1) << a : 0;
    }
    const uint64_t others = axes & ~haloed;
    if ((division->cut & haloed) == 0 || read_often(division) <= READ_OFTEN) {
        return 0;
    }
    int64_t wanted = TW__MANY_TILES;
    do {
        tw__division_begin_again(division, whole);
        divide_by_halo(division, haloed, wanted);
        wanted /= 2;
    } while (wanted >= (others != 0 ? 1 : TW__FEW_SQUARES) && read_often(division) > READ_OFTEN);
    const int64_t bytes = tw__division_tile(division, UINT64_MAX);
    if (others == 0 && bytes > division->most && division->tiles < INT64_MAX / (bytes / division->most + 1)) {
        wanted = division->tiles * (bytes / division->most + 1);
        tw__division_begin_again(division, whole);
        divide_by_halo(division, haloed, wanted);
    }
    return others;
}
