/* slabs.h - a shape cut into boxes of some bytes each, for loops over all elements of an array by all cores. How it is
 * cut follows from shape and item size alone: not from strides, nor from the number of cores. */
#ifndef TW_ARRAY_SLABS_H
#define TW_ARRAY_SLABS_H

#include <tilework/tilework.h>

/* One core reads 4 MiB in about 0.3 ms, so that taking the next slab costs nothing, and 64 cores find enough of them
 * in an array of 1 GiB. */
#define TW__SLAB_BYTES (INT64_C(4) << 20)

struct tw__slabs {
    int ndim;
    int64_t shape[TW_MAX_DIMS];
    int axis;       /* that is cut into pieces of `step`; those before it are cut into single indices; -1: none */
    int64_t step;   /* indices of the axis in a slab */
    int64_t pieces; /* of the axis */
    int64_t count;
};

/* Cuts the shape of a view that has elements. */
void tw__slabs_cut(struct tw__slabs *slabs, const tw_view *view);

/* The box of one slab. */
void tw__slabs_place(const struct tw__slabs *slabs, int64_t number, int64_t *start, int64_t *shape);

#endif
