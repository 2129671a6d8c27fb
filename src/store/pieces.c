/* pieces.c - a box of an array that lies in C order as runs of neighbouring elements. Knows neither files nor memory.
 *
 *     whole 6 x 4 x 5, box 2 x 4 x 5    one piece: all behind the first dimension is whole
 *                      box 2 x 3 x 5    two pieces of 15 elements
 *                      box 1 x 3 x 5    one of 15
 *                      box 2 x 3 x 2    six of 2 */
#include "store/pieces.h"

void tw__pieces_first(struct tw__pieces *pieces, int ndim, const int64_t *whole, const int64_t *start,
                      const int64_t *box, int64_t itemsize, int64_t most)
{
    int64_t stride = itemsize;
    pieces->ndim = ndim;
    pieces->whole = whole;
    pieces->box = box;
    pieces->offset = 0;
    for (int d = ndim - 1; d >= 0; d--) {
        pieces->stride[d] = stride;
        pieces->offset += start[d] * stride;
        pieces->index[d] = 0;
        stride *= whole[d];
    }
    pieces->fixed = ndim > 0 ? ndim - 1 : 0;
    while (pieces->fixed > 0 && box[pieces->fixed] == whole[pieces->fixed]) {
        pieces->fixed--;
    }
    pieces->bytes = ndim > 0 ? box[pieces->fixed] * pieces->stride[pieces->fixed] : itemsize;
    while (most > 0 && pieces->bytes > most && pieces->fixed < ndim - 1) {
        pieces->fixed++;
        pieces->bytes = box[pieces->fixed] * pieces->stride[pieces->fixed];
    }
}

int tw__pieces_next(struct tw__pieces *pieces)
{
    for (int d = pieces->fixed - 1; d >= 0; d--) {
        pieces->offset += pieces->stride[d];
        if (++pieces->index[d] < pieces->box[d]) {
            return 1;
        }
        pieces->offset -= pieces->index[d] * pieces->stride[d];
        pieces->index[d] = 0;
    }
    return 0;
}
