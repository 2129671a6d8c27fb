/* view.h - the arithmetic of views: boxes, rows, copies, reach and overlap. Knows bytes, not who owns them. */
#ifndef TW_ARRAY_VIEW_H
#define TW_ARRAY_VIEW_H

#include <tilework/tilework.h>

/* "3 x 4 float64". */
void tw__view_text(const tw_view *view, char *text, size_t size);

int tw__view_same_shape(const tw_view *a, const tw_view *b);

/* Moves `view` to the box start[axis] .. stop[axis] of `whole`, whose dimension d is axis axes[d]. dtype, ndim and
 * strides of `view` must be those of `whole` already: workers move their views once a tile. */
static inline void tw__view_move(tw_view *view, const tw_view *whole, const uint8_t *axes, const int64_t *start,
                                 const int64_t *stop)
{
    int64_t offset = 0;
    for (int d = 0; d < view->ndim; d++) {
        const int axis = axes[d];
        offset += start[axis] * view->strides[d];
        view->shape[d] = stop[axis] - start[axis];
    }
    /* As a number: a view of items without bytes has no memory, and C adds nothing to NULL, not even 0. */
    view->data = (void *)((uintptr_t)whole->data + (uintptr_t)offset);
}

/* The same box as a view of its own. */
tw_view tw__view_box(const tw_view *whole, const uint8_t *axes, const int64_t *start, const int64_t *stop);

/* The box that begins at start[ndim] and has this shape. */
tw_view tw__view_part(const tw_view *whole, const int64_t *start, const int64_t *shape);

/* An odometer over views of one shape: it stops once at each index of the first `ndim` dimensions, the last of these
 * fastest, and says where each view is there. What lies along the dimensions behind them, a row or a single item, is
 * the caller's.
 *
 *     struct tw__rows rows;
 *     tw__rows_first(&rows, ndim, shape, a->strides, b->strides);
 *     do {
 *         ... (char *)a->data + rows.offset[0], (char *)b->data + rows.offset[1] ...
 *     } while (tw__rows_next(&rows));
 *
 * No length may be 0: there is no first index then. */
struct tw__rows {
    int ndim;
    const int64_t *shape, *strides[2];
    int64_t offset[2]; /* bytes from the data of each view */
    int64_t index[TW_MAX_DIMS];
};

/* A single view is given twice. */
static inline void tw__rows_first(struct tw__rows *rows, int ndim, const int64_t *shape, const int64_t *strides,
                                  const int64_t *others)
{
    rows->ndim = ndim;
    rows->shape = shape;
    rows->strides[0] = strides;
    rows->strides[1] = others;
    rows->offset[0] = rows->offset[1] = 0;
    for (int d = 0; d < ndim; d++) {
        rows->index[d] = 0;
    }
}

/* 0: that was the last. */
static inline int tw__rows_next(struct tw__rows *rows)
{
    for (int d = rows->ndim - 1; d >= 0; d--) {
        rows->offset[0] += rows->strides[0][d];
        rows->offset[1] += rows->strides[1][d];
        if (++rows->index[d] < rows->shape[d]) {
            return 1;
        }
        rows->offset[0] -= rows->index[d] * rows->strides[0][d];
        rows->offset[1] -= rows->index[d] * rows->strides[1][d];
        rows->index[d] = 0;
    }
    return 0;
}

/* Copies all items between views of the same shape and item size that do not overlap. */
void tw__view_copy(const tw_view *destination, const tw_view *source);

/* The same items without those that are there several times since a stride is 0: these dimensions have length 1. */
tw_view tw__view_distinct(const tw_view *view);

/* Bytes that a copy of a view needs: of its distinct items, or of all that they reach, if that is less, as of windows
 * that overlap. */
int64_t tw__view_distinct_bytes(const tw_view *view);

/* Bytes before and after view->data that its items reach: [data - *before, data + *after). Both 0 for no items. Returns
 * 0 if that overflows. */
int tw__view_reach(const tw_view *view, int64_t *before, int64_t *after);

/* Whether the address ranges of two views overlap. Views that interleave without sharing an item count as overlapping.
 */
int tw__view_overlap(const tw_view *a, const tw_view *b);

#endif
