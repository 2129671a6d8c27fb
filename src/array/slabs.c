/* slabs.c - a shape cut into boxes of some bytes each. */
#include "array/slabs.h"

void tw__slabs_cut(struct tw__slabs *slabs, const tw_view *view)
{
    int64_t inner = view->dtype.itemsize; /* bytes of one index of the axis */
    int axis = view->ndim - 1;
    while (axis > 0 && inner * view->shape[axis] <= TW__SLAB_BYTES) {
        inner *= view->shape[axis--];
    }
    slabs->ndim = view->ndim;
    slabs->axis = axis;
    slabs->step = inner > 0 && inner < TW__SLAB_BYTES ? TW__SLAB_BYTES / inner : 1;
    slabs->pieces = axis < 0 ? 1 : (view->shape[axis] - 1) / slabs->step + 1;
    slabs->count = slabs->pieces;
    for (int d = 0; d < view->ndim; d++) {
        slabs->shape[d] = view->shape[d];
        slabs->count *= d < axis ? view->shape[d] : 1;
    }
}

void tw__slabs_place(const struct tw__slabs *slabs, int64_t number, int64_t *start, int64_t *shape)
{
    for (int d = 0; d < slabs->ndim; d++) {
        start[d] = 0;
        shape[d] = slabs->shape[d];
    }
    if (slabs->axis < 0) {
        return;
    }
    start[slabs->axis] = number % slabs->pieces * slabs->step;
    const int64_t left = slabs->shape[slabs->axis] - start[slabs->axis];
    shape[slabs->axis] = slabs->step < left ? slabs->step : left;
    number /= slabs->pieces;
    for (int d = slabs->axis - 1; d >= 0; d--) {
        start[d] = number % slabs->shape[d];
        shape[d] = 1;
        number /= slabs->shape[d];
    }
}
