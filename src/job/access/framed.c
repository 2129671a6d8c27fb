/* framed.c - the access that is a view with its halo: inside the array a plain one, at the border a copy in the
 * worker's room, padded as the edges of the axes say. Knows one operand of one tile.
 *
 * The copy is filled part by part. Along each dimension the indices fall into runs that read every element in order,
 * one element again and again, elements backwards, or none; a part is one run of each dimension.
 *
 *     u of length 10, tile [8, 10), halo -1..3, mirror
 *     index   7  8  9 | 10 11 12
 *     reads   7  8  9 |  8  7  6        two runs: 7 to 9, and 8 to 6 backwards       */
#include <string.h>

#include "array/constant.h"
#include "array/view.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"
#include "grid/cells.h"
#include "grid/edge.h"
#include "grid/halo.h"
#include "job/access/access.h"

struct run {
    int64_t place; /* of the first element that is read; -1: none, the edge's number stands there */
    int64_t step;  /* from one element to the next: 1, 0 or -1 */
    int64_t count;
};

static int64_t length_of(const struct tw__access *access, const tw_grid *grid, int d)
{
    return grid->axes[access->axes[d]].length;
}

/* A dimension of 1 is there once, whatever the tile's length along its axis. */
static int is_single(const struct tw__access *access, int d)
{
    return access->view.shape[d] == 1;
}

/* ---- runs ---- */

/* The run that begins at `index`, which is before `stop`. */
static struct run run_at(tw_edge edge, int64_t index, int64_t stop, int64_t length)
{
    struct run run = {.place = tw__edge_place(edge, index, length), .step = 1, .count = 1};
    if (index >= 0 && index < length) {
        run.count = (stop < length ? stop : length) - index;
    } else if (run.place < 0) {
        run.count = (index < 0 && stop > 0 && length > 0 ? 0 : stop) - index;
    } else if (index + 1 < stop) {
        const int64_t step = tw__edge_place(edge, index + 1, length) - run.place;
        run.step = step >= -1 && step <= 1 ? step : 1;
        while (index + run.count < stop &&
               tw__edge_place(edge, index + run.count, length) == run.place + run.count * run.step) {
            run.count++;
        }
    }
    return run;
}

/* ---- parts ---- */

/* The copy while it is filled: `to` is the part of it, `from` and `place` what the part reads. */
struct frame {
    const struct tw__access *access;
    const tw_grid *grid;
    int64_t first[TW_MAX_DIMS]; /* index of the copy's first element, perhaps outside */
    tw_view to, from;
    int64_t place[TW_MAX_DIMS], step[TW_MAX_DIMS];
};

static void fill_with_number(const tw_view *to, const struct tw__grid_edge *edge)
{
    _Alignas(16) char item[16] = {0};
    tw_view from = *to;
    if (tw_view_size(to) == 0) {
        return;
    }
    if (to->dtype.kind == TW_OPAQUE && edge->edge != TW_EDGE_CONSTANT) { /* zero: items of any size */
        struct tw__rows rows;
        tw__rows_first(&rows, to->ndim, to->shape, to->strides, to->strides);
        do {
            memset((char *)to->data + rows.offset[0], 0, (size_t)to->dtype.itemsize);
        } while (tw__rows_next(&rows));
        return;
    }
    if (edge->edge == TW_EDGE_CONSTANT) {
        tw__item_of_number(&to->dtype, edge->constant, edge->imag, item);
    }
    from.data = item;
    memset(from.strides, 0, (size_t)from.ndim * sizeof from.strides[0]);
    tw__view_copy(to, &from);
}

/* Fills the part, all of which is outside along dimension d: with the number of d, but where a later dimension is
 * outside too and its edge has a number, with that of the last of these, as numpy.pad does. */
static void fill_outside(const struct frame *frame, int d)
{
    const struct tw__access *access = frame->access;
    fill_with_number(&frame->to, &frame->grid->edges[access->axes[d]]);
    for (int e = d + 1; e < access->view.ndim; e++) {
        const struct tw__grid_edge *edge = &frame->grid->edges[access->axes[e]];
        const int64_t first = frame->first[e], stop = first + frame->to.shape[e];
        struct run run;
        for (int64_t index = first; index < stop && !tw__edge_has_place(edge->edge); index += run.count) {
            run = run_at(edge->edge, index, stop, length_of(access, frame->grid, e));
            if (run.place < 0) {
                tw_view to = frame->to;
                to.data = (char *)to.data + (index - first) * to.strides[e];
                to.shape[e] = run.count;
                fill_with_number(&to, edge);
            }
        }
    }
}

/* Takes one box of the store, in which each repeated element is there once, and repeats it dimension by dimension. */
static int take_part(const struct frame *frame)
{
    struct tw__store *store = frame->access->store;
    tw_view box = frame->to;
    for (int d = 0; d < box.ndim; d++) {
        box.shape[d] = frame->step[d] == 0 ? 1 : box.shape[d];
    }
    const int failed = store->ops->take(store, frame->place, &box);
    for (int d = 0; d < box.ndim && failed == 0; d++) {
        if (frame->to.shape[d] > box.shape[d]) {
            tw_view to = box, from = box;
            to.data = (char *)box.data + box.strides[d];
            to.shape[d] = from.shape[d] = frame->to.shape[d] - 1;
            from.strides[d] = 0;
            tw__view_copy(&to, &from);
            box.shape[d] = frame->to.shape[d];
        }
    }
    return failed;
}

static int fill_part(const struct frame *frame)
{
    if (frame->access->store != NULL) {
        return take_part(frame);
    }
    tw__view_copy(&frame->to, &frame->from);
    return 0;
}

/* Fills the copy from dimension d on; those before are at one run each. Returns 0, or the store's errno. */
static int fill(struct frame *frame, int d)
{
    const struct tw__access *access = frame->access;
    if (d == access->view.ndim) {
        return fill_part(frame);
    }
    const struct tw__grid_edge *edge = &frame->grid->edges[access->axes[d]];
    const int64_t length = length_of(access, frame->grid, d), count = frame->to.shape[d];
    const int64_t stop = frame->first[d] + count;
    void *const to = frame->to.data, *const from = frame->from.data;
    int failed = 0;
    for (int64_t index = frame->first[d]; index < stop && failed == 0;) {
        struct run run = run_at(edge->edge, index, stop, length);
        if (access->store != NULL && run.step < 0) {
            run.count = 1; /* no store reads backwards */
        }
        if (access->store != NULL && run.place >= 0 && is_single(access, d)) {
            run.place = run.step = 0;
        }
        frame->to.data = (char *)to + (index - frame->first[d]) * frame->to.strides[d];
        frame->to.shape[d] = run.count;
        if (run.place < 0) {
            fill_outside(frame, d);
        } else {
            frame->from.data = (void *)((uintptr_t)from + (uintptr_t)(run.place * access->view.strides[d]));
            frame->from.strides[d] = run.step * access->view.strides[d];
            frame->from.shape[d] = run.count;
            frame->place[d] = run.place;
            frame->step[d] = run.step;
            failed = fill(frame, d + 1);
        }
        index += run.count;
    }
    frame->to.data = to;
    frame->to.shape[d] = count;
    frame->from.data = from;
    return failed;
}

/* ---- the access ---- */

static size_t framed_room(const struct tw__access *access, const tw_grid *grid)
{
    struct tw__reach reach;
    int64_t bytes = access->view.dtype.itemsize;
    tw__halo_reach(grid->signature, access->number, &reach);
    for (int d = 0; d < access->view.ndim; d++) {
        const int64_t longest = tw__axis_longest(&grid->axes[access->axes[d]]);
        int64_t all;
        if (!tw__add(longest, reach.high[d] - reach.low[d], &all) || !tw__mul(bytes, all, &bytes)) {
            return SIZE_MAX;
        }
    }
    return (size_t)bytes;
}

/* Where the view begins and how long it is; whether all of it is inside of the array. */
static int find_box(const struct tw__access *access, const struct tw__desk *desk, int64_t *first, int64_t *shape)
{
    struct tw__reach reach;
    int is_inside = 1;
    tw__halo_reach(desk->grid->signature, access->number, &reach);
    for (int d = 0; d < access->view.ndim; d++) {
        const int axis = access->axes[d];
        first[d] = desk->start[axis] + reach.low[d];
        shape[d] = desk->stop[axis] + reach.high[d] - first[d];
        is_inside &= first[d] >= 0 && first[d] + shape[d] <= desk->grid->axes[axis].length;
    }
    return is_inside;
}

static tw_status framed_take(const struct tw__access *access, const struct tw__desk *desk, tw_view *view)
{
    struct frame frame;
    const int is_inside = find_box(access, desk, frame.first, view->shape);
    if (is_inside && access->store == NULL) {
        int64_t offset = 0;
        for (int d = 0; d < view->ndim; d++) {
            offset += frame.first[d] * view->strides[d]; /* they are the array's */
        }
        view->data = (void *)((uintptr_t)access->view.data + (uintptr_t)offset);
        return TW_OK;
    }
    int64_t step = access->view.dtype.itemsize;
    view->data = desk->room + access->room;
    view->dtype = access->view.dtype;
    view->ndim = access->view.ndim;
    for (int d = view->ndim - 1; d >= 0; d--) {
        view->strides[d] = step;
        step *= view->shape[d];
    }
    frame.access = access;
    frame.grid = desk->grid;
    frame.to = *view;
    frame.from = access->view;
    const int failed = tw_view_size(view) > 0 ? fill(&frame, 0) : 0;
    return failed == 0 ? TW_OK : tw__access_fail(access, desk, failed, "read");
}

static tw_status framed_give(const struct tw__access *access, const struct tw__desk *desk)
{
    (void)access;
    (void)desk;
    return TW_OK; /* an input */
}

const struct tw__access_ops tw__framed = {.room = framed_room, .take = framed_take, .give = framed_give};

tw_status tw__framed_check(const tw_grid *grid, int k, const tw_dtype *dtype, tw_error *error)
{
    const tw_signature *signature = grid->signature;
    _Alignas(16) char item[16];
    char text[128];
    for (int h = 0; h < signature->nhalos; h++) {
        const struct tw__halo *halo = &signature->halos[h];
        const int axis = signature->operands[halo->operand].axes[halo->dimension];
        const struct tw__grid_edge *edge = &grid->edges[axis];
        if (halo->operand != k || edge->edge != TW_EDGE_CONSTANT ||
            tw__item_of_number(dtype, edge->constant, edge->imag, item)) {
            continue;
        }
        struct tw__text out;
        tw__text_init(&out, text, sizeof text);
        tw__halo_edge_text(&out, edge);
        return tw__fail(error, TW_ERROR_ARGUMENT, "the edge of axis %s, %s, is no value of %s, whose dtype is %s%s",
                        signature->axes[axis], text, signature->operands[k].name, tw_dtype_name(dtype),
                        dtype->kind == TW_OPAQUE ? ": only numbers have constants (zero fills items with zero bytes)"
                                                 : "");
    }
    return TW_OK;
}
