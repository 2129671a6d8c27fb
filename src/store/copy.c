/* copy.c - elements from one array to another, be they in memory or in a store. Knows no format. */
#include <stdlib.h>
#include <string.h>

#include "array/dtype.h"
#include "array/shape.h"
#include "array/view.h"
#include "base/checked.h"
#include "base/error.h"
#include "store/store.h"

#define SLAB_BYTES (INT64_C(1) << 20) /* of elements that are copied from a store to a store in one piece */

int tw__store_take(const tw_array *array, const int64_t *start, const tw_view *into)
{
    if (tw__is_delivered(array)) {
        return array->store->ops->take(array->store, start, into);
    }
    const tw_view box = tw__view_part(&array->view, start, into->shape);
    tw__view_copy(into, &box);
    return 0;
}

int tw__store_give(const tw_array *array, const int64_t *start, const tw_view *from)
{
    if (tw__is_delivered(array)) {
        return array->store->ops->give(array->store, start, from);
    }
    const tw_view box = tw__view_part(&array->view, start, from->shape);
    tw__view_copy(&box, from);
    return 0;
}

static tw_status fail_copy(int failed, tw_error *error)
{
    return tw__fail_os(error, tw__file_status(failed), failed,
                       "an array cannot be copied to or from where it is stored");
}

tw_status tw__store_view(tw_view *view, void **copy, const tw_array *array, const int64_t *start, const int64_t *shape,
                         tw_error *error)
{
    *copy = NULL;
    if (!tw__is_delivered(array)) {
        *view = tw__view_part(&array->view, start, shape);
        return TW_OK;
    }
    tw_view box = array->view;
    memcpy(box.shape, shape, (size_t)box.ndim * sizeof *shape);
    tw__strides_c(box.ndim, box.shape, box.dtype.itemsize, box.strides);
    const int64_t bytes = tw_view_size(&box) * box.dtype.itemsize;
    box.data = malloc((size_t)bytes + 1);
    if (box.data == NULL) {
        return tw__fail_memory(error, (size_t)bytes, "a copy of an array");
    }
    const int failed = array->store->ops->take(array->store, start, &box);
    if (failed != 0) {
        free(box.data);
        return fail_copy(failed, error);
    }
    *view = box;
    *copy = box.data;
    return TW_OK;
}

/* From store to store by way of memory: the box's slabs across the first dimension, each of whole units. */
static tw_status copy_slabs(const tw_array *destination, const tw_array *source, const int64_t *start,
                            const int64_t *shape, int *failed, tw_error *error)
{
    tw_view slab = destination->view;
    int64_t at[TW_MAX_DIMS], length = 1, row = slab.dtype.itemsize; /* the whole array's size has been checked */
    for (int d = 0; d < slab.ndim; d++) {
        at[d] = start[d];
        slab.shape[d] = shape[d];
        length = d == 0 ? shape[d] : length;
        row *= d == 0 ? 1 : shape[d];
    }
    const int64_t unit = destination->store->unit != NULL && slab.ndim > 0 ? destination->store->unit[0] : 1;
    const int64_t units = row > 0 && SLAB_BYTES / row > unit ? SLAB_BYTES / row / unit : 1;
    const int64_t step = unit < length && units * unit < length ? units * unit : length;
    int64_t bytes;
    slab.data = tw__mul(step, row, &bytes) ? malloc((size_t)bytes + 1) : NULL;
    if (slab.data == NULL) {
        return tw__fail_memory(error, (size_t)row * (size_t)step, "a copy of an array");
    }
    tw__strides_c(slab.ndim, slab.shape, slab.dtype.itemsize, slab.strides);
    for (int64_t done = 0; *failed == 0 && done < length; done += step) {
        if (slab.ndim > 0) {
            at[0] = start[0] + done;
            slab.shape[0] = step < length - done ? step : length - done;
        }
        *failed = tw__store_take(source, at, &slab);
        *failed = *failed != 0 ? *failed : tw__store_give(destination, at, &slab);
    }
    free(slab.data);
    return TW_OK;
}

tw_status tw__store_copy(const tw_array *destination, const tw_array *source, const int64_t *start,
                         const int64_t *shape, tw_error *error)
{
    tw_status status = TW_OK;
    int failed = 0;
    for (int d = 0; d < source->view.ndim; d++) {
        if (shape[d] == 0) {
            return TW_OK;
        }
    }
    if (!tw__is_delivered(destination)) {
        const tw_view box = tw__view_part(&destination->view, start, shape);
        failed = tw__store_take(source, start, &box);
    } else if (!tw__is_delivered(source)) {
        const tw_view box = tw__view_part(&source->view, start, shape);
        failed = tw__store_give(destination, start, &box);
    } else {
        status = copy_slabs(destination, source, start, shape, &failed, error);
    }
    return failed == 0 ? status : fail_copy(failed, error);
}

tw_status tw_array_copy(tw_array *destination, const tw_array *source, tw_error *error)
{
    const tw_view *to = &destination->view, *from = &source->view;
    if (!tw__view_same_shape(to, from) || !tw__dtype_same(&to->dtype, &from->dtype)) {
        char to_text[384], from_text[384];
        tw__view_text(to, to_text, sizeof to_text);
        tw__view_text(from, from_text, sizeof from_text);
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "an array of %s cannot be copied to one of %s; both need the same shape and dtype", from_text,
                        to_text);
    }
    if (!destination->writable) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "an array that was opened for reading cannot be copied to");
    }
    if (tw__arrays_overlap(destination, source)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "an array cannot be copied to one that overlaps it in memory");
    }
    static const int64_t origin[TW_MAX_DIMS];
    const tw_status status = tw__store_copy(destination, source, origin, from->shape, error);
    /* An unfinished output that was copied to is known by what its first values come from. */
    return status == TW_OK && destination->store != NULL ? tw__array_set_origin(destination, source->origin, error)
                                                         : status;
}
