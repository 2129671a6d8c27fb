/* access.h - how the tiles of a step reach one of its operands.
 *
 *     direct    the tile's part is a view of memory: nothing is called, and a tile pays for a moved view alone
 *     staged    the kernel works on a copy in the worker's room: taken before it, given back after it
 *     framed    the tile's part with a halo around it: inside of the array a view, at its border a padded copy
 *     partial   what one tile contributes to a reduction: a slot of an array between two steps, or the output itself,
 *               that begins as the value which changes nothing (staged, if that array is a store)
 *
 * guarded.h lies between these and the kernel: it runs the kernel twice, on copies between inaccessible pages. */
#ifndef TW_JOB_ACCESS_ACCESS_H
#define TW_JOB_ACCESS_ACCESS_H

#include <string.h>

#include "grid/grid.h"
#include "store/store.h"

struct tw__access_ops;

/* One operand as the workers of its step read it. tw__access_copy brings it to them, field by field. */
struct tw__access {
    tw_view view;              /* the whole operand; stride 0 if a dimension of 1 is broadcast */
    uint8_t axes[TW_MAX_DIMS]; /* axis of each dimension */
    tw_role role;
    int number;                       /* in the signature */
    const struct tw__access_ops *ops; /* NULL: direct */
    struct tw__store *store;          /* not NULL: the elements are there, and not at view.data */
    const tw_array *begin;            /* of a store: the tiles of an inout operand come from here; NULL: from there */
    size_t room;                      /* where its part begins in a worker's room */
    int touch;                        /* workers make its pages present before they write */
    void *base;                       /* touch: the mapping it lies in; NULL: the pool's heap */
    size_t bytes;                     /* touch: of base */
    uint64_t parts;    /* bit a: the tile's place along axis a says which slot is its own; view is slot 0 */
    int64_t part_step; /* bytes from one slot to the next */
    tw_fold fill;      /* before the kernel, its elements are what changes nothing in this fold */
};

/* What an access gets of a tile. */
struct tw__desk {
    const tw_grid *grid;
    const int64_t *start, *stop; /* [axes] the tile's box */
    const int64_t *coordinate;   /* [axes] its place among the tiles */
    char *room;    /* the worker's, for all accesses; workers that may die: where the supervisor sees it */
    char *message; /* [TW_TILE_MESSAGE_SIZE] for the sentence about a failure */
};

struct tw__access_ops {
    /* Bytes that a worker needs for the operand's part of any tile. */
    size_t (*room)(const struct tw__access *access, const tw_grid *grid);
    /* Before the kernel: makes *view, which has the operand's dtype and ndim, what the kernel gets. */
    tw_status (*take)(const struct tw__access *access, const struct tw__desk *desk, tw_view *view);
    /* After a kernel that succeeded: brings what it wrote to where it belongs. It may be called again for the same
     * tile, by the supervisor if the worker died within it: the room then has all that the kernel wrote. */
    tw_status (*give)(const struct tw__access *access, const struct tw__desk *desk);
};

extern const struct tw__access_ops tw__staged;
extern const struct tw__access_ops tw__framed;
extern const struct tw__access_ops tw__partial;

/* Refuses a constant edge that operand k, of this dtype, is read with and cannot hold. Errors: TW_ERROR_ARGUMENT. */
tw_status tw__framed_check(const tw_grid *grid, int k, const tw_dtype *dtype, tw_error *error);

/* The sentence about a store that failed with this errno: the tile's part "cannot be WHAT". */
tw_status tw__access_fail(const struct tw__access *access, const struct tw__desk *desk, int failed, const char *what);

/* The number of the tile's own slot of an operand with parts. */
static inline int64_t tw__partial_number(const struct tw__access *access, const tw_grid *grid,
                                         const int64_t *coordinate)
{
    int64_t part = 0;
    for (int a = 0; a < grid->naxes; a++) {
        part = (access->parts >> a & 1) != 0 ? part * grid->axes[a].count + coordinate[a] : part;
    }
    return part;
}

/* The slot itself, in memory. */
static inline void tw__partial_move(const struct tw__access *access, const tw_grid *grid, const int64_t *coordinate,
                                    tw_view *view)
{
    const int64_t part = tw__partial_number(access, grid, coordinate);
    view->data = (void *)((uintptr_t)view->data + (uintptr_t)(part * access->part_step));
}

/* Copies what is used of an access; most views have few dimensions. */
static inline void tw__access_copy(struct tw__access *to, const struct tw__access *from)
{
    const size_t used = (size_t)from->view.ndim;
    to->view.data = from->view.data;
    to->view.dtype = from->view.dtype;
    to->view.ndim = from->view.ndim;
    memcpy(to->view.shape, from->view.shape, used * sizeof from->view.shape[0]);
    memcpy(to->view.strides, from->view.strides, used * sizeof from->view.strides[0]);
    memcpy(to->axes, from->axes, used);
    to->role = from->role;
    to->number = from->number;
    to->ops = from->ops;
    to->store = from->store;
    to->begin = from->begin;
    to->room = from->room;
    to->touch = from->touch;
    to->base = from->base;
    to->bytes = from->bytes;
    if (from->ops != NULL) {
        to->parts = from->parts;
        to->part_step = from->part_step;
        to->fill = from->fill;
    }
}

#endif
