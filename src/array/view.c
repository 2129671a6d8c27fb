/* view.c - the arithmetic of views: boxes, rows, copies, reach and overlap. Knows bytes, not who owns them. */
#include "array/view.h"

#include <string.h>

#include "array/shape.h"
#include "base/checked.h"
#include "base/text.h"

void tw__view_text(const tw_view *view, char *text, size_t size)
{
    char shape[256];
    tw__shape_text(view->ndim, view->shape, shape, sizeof shape);
    struct tw__text out;
    tw__text_init(&out, text, size);
    tw__text_add(&out, "%s %.60s", shape, tw_dtype_name(&view->dtype));
}

int tw__view_same_shape(const tw_view *a, const tw_view *b)
{
    if (a->ndim != b->ndim) {
        return 0;
    }
    for (int d = 0; d < a->ndim; d++) {
        if (a->shape[d] != b->shape[d]) {
            return 0;
        }
    }
    return 1;
}

tw_view tw__view_box(const tw_view *whole, const uint8_t *axes, const int64_t *start, const int64_t *stop)
{
    tw_view view = *whole;
    tw__view_move(&view, whole, axes, start, stop);
    return view;
}

tw_view tw__view_part(const tw_view *whole, const int64_t *start, const int64_t *shape)
{
    tw_view view = *whole;
    for (int d = 0; d < view.ndim; d++) {
        view.data = (char *)view.data + start[d] * view.strides[d];
        view.shape[d] = shape[d];
    }
    return view;
}

/* What is copied: its dimensions, and the strides on both sides. */
struct copy {
    int ndim;
    int64_t itemsize;
    int64_t shape[TW_MAX_DIMS];
    int64_t to[TW_MAX_DIMS];
    int64_t from[TW_MAX_DIMS];
};

/* Drops dimensions of length 1, then takes neighbours together whose items follow each other on both sides. */
static void simplify(struct copy *copy, const tw_view *destination, const tw_view *source)
{
    copy->ndim = 0;
    copy->itemsize = destination->dtype.itemsize;
    for (int d = 0; d < destination->ndim; d++) {
        if (destination->shape[d] == 1) {
            continue;
        }
        const int64_t length = destination->shape[d], to = destination->strides[d], from = source->strides[d];
        const int last = copy->ndim - 1;
        if (last >= 0 && copy->to[last] == to * length && copy->from[last] == from * length) {
            copy->shape[last] *= length;
            copy->to[last] = to;
            copy->from[last] = from;
        } else {
            copy->shape[copy->ndim] = length;
            copy->to[copy->ndim] = to;
            copy->from[copy->ndim] = from;
            copy->ndim++;
        }
    }
    /* A last dimension without gaps becomes part of the item. */
    const int last = copy->ndim - 1;
    if (last >= 0 && copy->to[last] == copy->itemsize && copy->from[last] == copy->itemsize) {
        copy->itemsize *= copy->shape[last];
        copy->ndim--;
    }
}

/* Inlined with a constant size, the memcpy of one item is a load and a store. */
static inline __attribute__((always_inline)) void copy_row(char *to, int64_t to_step, const char *from,
                                                           int64_t from_step, int64_t count, size_t itemsize)
{
    for (int64_t k = 0; k < count; k++) {
        memcpy(to + k * to_step, from + k * from_step, itemsize);
    }
}

static void copy_items(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t count, int64_t itemsize)
{
    switch (itemsize) {
    case 1:
        copy_row(to, to_step, from, from_step, count, 1);
        break;
    case 2:
        copy_row(to, to_step, from, from_step, count, 2);
        break;
    case 4:
        copy_row(to, to_step, from, from_step, count, 4);
        break;
    case 8:
        copy_row(to, to_step, from, from_step, count, 8);
        break;
    case 16:
        copy_row(to, to_step, from, from_step, count, 16);
        break;
    default:
        copy_row(to, to_step, from, from_step, count, (size_t)itemsize);
    }
}

static void copy_rows(const struct copy *copy, const int64_t *shape, char *to, const char *from)
{
    const int last = copy->ndim - 1;
    struct tw__rows rows;
    tw__rows_first(&rows, last, shape, copy->to, copy->from);
    do {
        copy_items(to + rows.offset[0], copy->to[last], from + rows.offset[1], copy->from[last], shape[last],
                   copy->itemsize);
    } while (tw__rows_next(&rows));
}

/* Halves the longest dimension until a part fits the first cache on both sides, whatever its order in memory: a
 * transposed copy then reads each cache line once. (Frigo and others, Cache-oblivious algorithms, FOCS 1999.) */
#define PART_ITEMS 1024

static void copy_parts(const struct copy *copy, const int64_t *shape, char *to, const char *from)
{
    int64_t part[TW_MAX_DIMS];
    int64_t items = 1;
    int longest = 0;
    for (int d = 0; d < copy->ndim; d++) {
        part[d] = shape[d];
        items *= shape[d];
        longest = shape[d] > shape[longest] ? d : longest;
    }
    if (items <= PART_ITEMS) {
        copy_rows(copy, shape, to, from);
        return;
    }
    const int64_t half = shape[longest] / 2;
    part[longest] = half;
    copy_parts(copy, part, to, from);
    part[longest] = shape[longest] - half;
    copy_parts(copy, part, to + half * copy->to[longest], from + half * copy->from[longest]);
}

void tw__view_copy(const tw_view *destination, const tw_view *source)
{
    if (tw_view_size(destination) == 0 || destination->dtype.itemsize == 0) {
        return;
    }
    struct copy copy;
    simplify(&copy, destination, source);
    if (copy.ndim == 0) {
        memcpy(destination->data, source->data, (size_t)copy.itemsize);
    } else {
        copy_parts(&copy, copy.shape, destination->data, source->data);
    }
}

tw_view tw__view_distinct(const tw_view *view)
{
    tw_view distinct = *view;
    for (int d = 0; d < view->ndim; d++) {
        if (view->strides[d] == 0 && view->shape[d] > 1) {
            distinct.shape[d] = 1;
        }
    }
    return distinct;
}

int64_t tw__view_distinct_bytes(const tw_view *view)
{
    int64_t before, after;
    const tw_view distinct = tw__view_distinct(view);
    const int64_t bytes = tw_view_size(&distinct) * distinct.dtype.itemsize;
    return tw__view_reach(view, &before, &after) && before + after < bytes ? before + after : bytes;
}

int tw__view_reach(const tw_view *view, int64_t *before, int64_t *after)
{
    *before = 0;
    *after = 0;
    int64_t low = 0, high = view->dtype.itemsize;
    for (int d = 0; d < view->ndim; d++) {
        if (view->shape[d] == 0) {
            return 1;
        }
        int64_t extent;
        if (!tw__mul(view->shape[d] - 1, view->strides[d], &extent) ||
            !(extent < 0 ? tw__add(low, extent, &low) : tw__add(high, extent, &high))) {
            return 0;
        }
    }
    if (low == INT64_MIN) {
        return 0;
    }
    *before = -low;
    *after = high;
    return 1;
}

int tw__view_overlap(const tw_view *a, const tw_view *b)
{
    int64_t a_before, a_after, b_before, b_after;
    if (!tw__view_reach(a, &a_before, &a_after) || !tw__view_reach(b, &b_before, &b_after)) {
        return 1;
    }
    if (a_before + a_after == 0 || b_before + b_after == 0) {
        return 0;
    }
    const uintptr_t a_data = (uintptr_t)a->data, b_data = (uintptr_t)b->data;
    return a_data - (uintptr_t)a_before < b_data + (uintptr_t)b_after &&
           b_data - (uintptr_t)b_before < a_data + (uintptr_t)a_after;
}
