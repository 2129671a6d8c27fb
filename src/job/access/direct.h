/* direct.h - the access that is a slice of memory: nothing is copied, and its part is moved from tile to tile. Inline,
 * since this is all that a tile of a step without other accesses pays for its operands. */
#ifndef TW_JOB_ACCESS_DIRECT_H
#define TW_JOB_ACCESS_DIRECT_H

#include "array/view.h"
#include "job/access/access.h"

/* Once a step: what stays the same from tile to tile. */
static inline void tw__direct_begin(const struct tw__access *access, tw_view *view)
{
    view->dtype = access->view.dtype;
    view->ndim = access->view.ndim;
    memcpy(view->strides, access->view.strides, (size_t)view->ndim * sizeof view->strides[0]);
}

static inline void tw__direct_take(const struct tw__access *access, const int64_t *start, const int64_t *stop,
                                   tw_view *view)
{
    tw__view_move(view, &access->view, access->axes, start, stop);
}

#endif
