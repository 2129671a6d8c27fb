/* staged.c - the access that works on a copy: the tile's part is copied into the worker's room, and what the kernel
 * wrote there goes back once the kernel has succeeded.
 *
 * For elements that no view can show, since a store delivers them box by box, and for operands that are read and
 * written by workers that may die: one that dies while it computes has changed nothing, and one that dies while it
 * gives back leaves a room from which the supervisor can do it. Knows one operand of one tile; nothing of workers. */
#include <stdio.h>

#include "array/combine.h"
#include "array/view.h"
#include "base/error.h"
#include "grid/cells.h"
#include "grid/signature.h"
#include "job/access/access.h"

/* A dimension of 1 is there once, whatever the tile's length along its axis. */
static int is_single(const struct tw__access *access, int d)
{
    return access->view.shape[d] == 1;
}

static size_t staged_room(const struct tw__access *access, const tw_grid *grid)
{
    int64_t bytes = access->view.dtype.itemsize;
    for (int d = 0; d < access->view.ndim; d++) {
        /* no more than the operand has, which fits */
        bytes *= is_single(access, d) ? 1 : tw__axis_longest(&grid->axes[access->axes[d]]);
    }
    return (size_t)bytes;
}

/* The tile's part in the room: start[ndim] is where it begins in the operand. */
static void lay_out(const struct tw__access *access, const struct tw__desk *desk, tw_view *copy, int64_t *start)
{
    int64_t step = access->view.dtype.itemsize;
    copy->data = desk->room + access->room;
    copy->dtype = access->view.dtype;
    copy->ndim = access->view.ndim;
    for (int d = copy->ndim - 1; d >= 0; d--) {
        const int axis = access->axes[d];
        start[d] = is_single(access, d) ? 0 : desk->start[axis];
        copy->shape[d] = is_single(access, d) ? 1 : desk->stop[axis] - desk->start[axis];
        copy->strides[d] = step;
        step *= copy->shape[d];
    }
}

tw_status tw__access_fail(const struct tw__access *access, const struct tw__desk *desk, int failed, const char *what)
{
    tw_error error;
    tw__fail_os(&error, tw__file_status(failed), failed, "the tile's part of '%.64s' cannot be %s",
                desk->grid->signature->operands[access->number].name, what);
    snprintf(desk->message, TW_TILE_MESSAGE_SIZE, "%.*s", TW_TILE_MESSAGE_SIZE - 1, error.message);
    return error.status;
}

/* From the room into the store, in which a slot is one place of its first dimension. 0, or an errno. */
static int give_to_store(const struct tw__access *access, const struct tw__desk *desk, const int64_t *start,
                         const tw_view *copy)
{
    struct tw__store *store = access->store;
    if (access->parts == 0) {
        return store->ops->give(store, start, copy);
    }
    int64_t place[TW_MAX_DIMS];
    tw_view slot = {.data = copy->data, .dtype = copy->dtype, .ndim = copy->ndim + 1, .shape = {1}};
    place[0] = tw__partial_number(access, desk->grid, desk->coordinate);
    for (int d = 0; d < copy->ndim; d++) {
        place[d + 1] = start[d];
        slot.shape[d + 1] = copy->shape[d];
        slot.strides[d + 1] = copy->strides[d];
    }
    return store->ops->give(store, place, &slot);
}

static tw_status staged_take(const struct tw__access *access, const struct tw__desk *desk, tw_view *view)
{
    int64_t start[TW_MAX_DIMS];
    lay_out(access, desk, view, start);
    if (access->role != TW_OUT && access->store != NULL) {
        const tw_array *begin = access->role == TW_INOUT ? access->store->begin : NULL;
        const int failed =
            begin != NULL ? tw__store_take(begin, start, view) : access->store->ops->take(access->store, start, view);
        if (failed != 0) {
            return tw__access_fail(access, desk, failed, "read");
        }
    } else if (access->role != TW_OUT) {
        const tw_view place = tw__view_part(&access->view, start, view->shape);
        tw__view_copy(view, &place);
    } else if (access->fill != TW_FOLD_NONE) {
        tw__combine_begin(access->fill, view);
    }
    for (int d = 0; d < view->ndim; d++) {
        if (is_single(access, d)) {
            view->shape[d] = desk->stop[access->axes[d]] - desk->start[access->axes[d]];
            view->strides[d] = 0;
        }
    }
    return TW_OK;
}

static tw_status staged_give(const struct tw__access *access, const struct tw__desk *desk)
{
    int64_t start[TW_MAX_DIMS];
    tw_view copy;
    lay_out(access, desk, &copy, start);
    if (access->role == TW_IN) {
        return TW_OK;
    }
    if (access->store != NULL) {
        const int failed = give_to_store(access, desk, start, &copy);
        return failed == 0 ? TW_OK : tw__access_fail(access, desk, failed, "written");
    }
    const tw_view place = tw__view_part(&access->view, start, copy.shape);
    tw__view_copy(&place, &copy);
    return TW_OK;
}

const struct tw__access_ops tw__staged = {.room = staged_room, .take = staged_take, .give = staged_give};
