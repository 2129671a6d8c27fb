/* shape.c - arithmetic on shapes and strides, and moving items between views. Knows bytes, not who owns them. */
#include "array/shape.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"

void tw__shape_text(int ndim, const int64_t *shape, char *text, size_t size)
{
    struct tw__text out;
    tw__text_init(&out, text, size);
    if (ndim == 0) {
        tw__text_add(&out, "a single item");
    }
    for (int d = 0; d < ndim; d++) {
        tw__text_add(&out, "%s%" PRId64, d == 0 ? "" : " x ", shape[d]);
    }
}

tw_status tw__shape_check(int ndim, const int64_t *shape, int64_t itemsize, int64_t *bytes, tw_status status,
                          const char *what, tw_error *error)
{
    if (ndim < 0 || ndim > TW_MAX_DIMS) {
        return tw__fail(error, status, "%s has %d dimensions; an array has 0 to %d", what, ndim, TW_MAX_DIMS);
    }
    int64_t product = itemsize > 0 ? itemsize : 1;
    int fits = 1, empty = itemsize == 0;
    for (int d = 0; d < ndim; d++) {
        if (shape[d] < 0) {
            return tw__fail(error, status, "%s has length %" PRId64 " in dimension %d; a length is 0 or more", what,
                            shape[d], d);
        }
        empty = empty || shape[d] == 0;
        fits = fits && tw__mul(product, shape[d] > 0 ? shape[d] : 1, &product);
    }
    if (!fits) {
        char text[256];
        tw__shape_text(ndim, shape, text, sizeof text);
        return tw__fail(error, status, "%s has shape %s of %" PRId64 " bytes an item, more than 2^63 bytes", what, text,
                        itemsize);
    }
    *bytes = empty ? 0 : product;
    return TW_OK;
}

void tw__strides_c(int ndim, const int64_t *shape, int64_t itemsize, int64_t *strides)
{
    int64_t step = itemsize;
    for (int d = ndim - 1; d >= 0; d--) {
        strides[d] = step;
        step *= shape[d] > 0 ? shape[d] : 1;
    }
}

void tw__strides_fortran(int ndim, const int64_t *shape, int64_t itemsize, int64_t *strides)
{
    int64_t step = itemsize;
    for (int d = 0; d < ndim; d++) {
        strides[d] = step;
        step *= shape[d] > 0 ? shape[d] : 1;
    }
}

int tw__shape_same(const tw_view *a, const tw_view *b)
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

/* A box of items to copy: its dimensions, and the strides on both sides. */
struct box {
    int ndim;
    int64_t itemsize;
    int64_t shape[TW_MAX_DIMS];
    int64_t to[TW_MAX_DIMS];
    int64_t from[TW_MAX_DIMS];
};

/* Drops dimensions of length 1, then takes neighbours together whose items follow each other on both sides. */
static void simplify(struct box *box, const tw_view *destination, const tw_view *source)
{
    box->ndim = 0;
    box->itemsize = destination->dtype.itemsize;
    for (int d = 0; d < destination->ndim; d++) {
        if (destination->shape[d] == 1) {
            continue;
        }
        const int64_t length = destination->shape[d], to = destination->strides[d], from = source->strides[d];
        const int last = box->ndim - 1;
        if (last >= 0 && box->to[last] == to * length && box->from[last] == from * length) {
            box->shape[last] *= length;
            box->to[last] = to;
            box->from[last] = from;
        } else {
            box->shape[box->ndim] = length;
            box->to[box->ndim] = to;
            box->from[box->ndim] = from;
            box->ndim++;
        }
    }
    /* A last dimension without gaps becomes part of the item. */
    const int last = box->ndim - 1;
    if (last >= 0 && box->to[last] == box->itemsize && box->from[last] == box->itemsize) {
        box->itemsize *= box->shape[last];
        box->ndim--;
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

/* Walks the box with an odometer over all dimensions but the last. */
static void copy_box(const struct box *box, const int64_t *shape, char *to, const char *from)
{
    const int last = box->ndim - 1;
    int64_t index[TW_MAX_DIMS] = {0};
    for (;;) {
        copy_items(to, box->to[last], from, box->from[last], shape[last], box->itemsize);
        int d = last - 1;
        while (d >= 0 && ++index[d] == shape[d]) {
            to -= box->to[d] * (shape[d] - 1);
            from -= box->from[d] * (shape[d] - 1);
            index[d--] = 0;
        }
        if (d < 0) {
            return;
        }
        to += box->to[d];
        from += box->from[d];
    }
}

/* Halves the longest dimension until a part fits the first cache on both sides, whatever its order in memory: a
 * transposed copy then reads each cache line once. (Frigo and others, Cache-oblivious algorithms, FOCS 1999.) */
#define PART_ITEMS 1024

static void copy_parts(const struct box *box, const int64_t *shape, char *to, const char *from)
{
    int64_t part[TW_MAX_DIMS];
    int64_t items = 1;
    int longest = 0;
    for (int d = 0; d < box->ndim; d++) {
        part[d] = shape[d];
        items *= shape[d];
        longest = shape[d] > shape[longest] ? d : longest;
    }
    if (items <= PART_ITEMS) {
        copy_box(box, shape, to, from);
        return;
    }
    const int64_t half = shape[longest] / 2;
    part[longest] = half;
    copy_parts(box, part, to, from);
    part[longest] = shape[longest] - half;
    copy_parts(box, part, to + half * box->to[longest], from + half * box->from[longest]);
}

void tw__view_copy(const tw_view *destination, const tw_view *source)
{
    if (tw_view_size(destination) == 0 || destination->dtype.itemsize == 0) {
        return;
    }
    struct box box;
    simplify(&box, destination, source);
    if (box.ndim == 0) {
        memcpy(destination->data, source->data, (size_t)box.itemsize);
    } else {
        copy_parts(&box, box.shape, destination->data, source->data);
    }
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

void tw__swap_bytes(void *data, int64_t count, int width)
{
    char *at = data;
    for (int64_t k = 0; k < count; k++, at += width) {
        switch (width) {
        case 2: {
            uint16_t number;
            memcpy(&number, at, sizeof number);
            number = __builtin_bswap16(number);
            memcpy(at, &number, sizeof number);
            break;
        }
        case 4: {
            uint32_t number;
            memcpy(&number, at, sizeof number);
            number = __builtin_bswap32(number);
            memcpy(at, &number, sizeof number);
            break;
        }
        default: {
            uint64_t number;
            memcpy(&number, at, sizeof number);
            number = __builtin_bswap64(number);
            memcpy(at, &number, sizeof number);
        }
        }
    }
}
