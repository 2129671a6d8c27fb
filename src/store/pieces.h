/* pieces.h - a box of an array that lies in C order as runs of neighbouring elements, its pieces. Pure: integers alone.
 */
#ifndef TW_STORE_PIECES_H
#define TW_STORE_PIECES_H

#include <stdint.h>

#include <tilework/tilework.h>

/* An odometer over the pieces of a box that has elements: each is a box of its own, of the same number of dimensions.
 *
 *     struct tw__pieces pieces;
 *     tw__pieces_first(&pieces, ndim, whole, start, box, itemsize, most);
 *     do {
 *         ... bytes [pieces.offset, pieces.offset + pieces.bytes) of the array; in the box: pieces.index ...
 *     } while (tw__pieces_next(&pieces));                                                               */
struct tw__pieces {
    int ndim, fixed;             /* dimensions before `fixed` are at one index each; the others belong to a piece */
    int64_t bytes;               /* of a piece */
    int64_t offset;              /* of this one, from the array's first element on */
    int64_t index[TW_MAX_DIMS];  /* of its first element, in the box */
    const int64_t *whole, *box;  /* [ndim] shapes */
    int64_t stride[TW_MAX_DIMS]; /* bytes in the array */
};

/* most: bytes; longer pieces are cut along their first dimensions, as far as these go. 0: they are left whole. */
void tw__pieces_first(struct tw__pieces *pieces, int ndim, const int64_t *whole, const int64_t *start,
                      const int64_t *box, int64_t itemsize, int64_t most);

/* 0: that was the last. */
int tw__pieces_next(struct tw__pieces *pieces);

#endif
