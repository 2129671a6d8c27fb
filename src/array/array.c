/* array.c - the array object: a view, and who owns the memory under it. Knows no file formats. */
#include "array/array.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array/descr.h"
#include "array/dtype.h"
#include "array/mark.h"
#include "array/shape.h"
#include "base/error.h"
#include "base/text.h"
#include "heap/spare.h"
#include "os/cpu.h"
#include "os/map.h"

/* Bytes that a heap of one array is longer, so that the array can begin at a huge page. */
#define SPARE ((int64_t)1 << 21)

/* "3.1 GiB", in integers, so that no locale has a say in the point. */
static void bytes_text(int64_t bytes, char *text, size_t size)
{
    const int64_t unit = bytes >= (int64_t)1 << 30 ? (int64_t)1 << 30 : (int64_t)1 << 20;
    struct tw__text out;
    tw__text_init(&out, text, size);
    tw__text_add(&out, "%" PRId64 ".%d %s", bytes / unit, (int)(bytes % unit * 10 / unit),
                 unit == (int64_t)1 << 30 ? "GiB" : "MiB");
}

tw_status tw__array_new(tw_array **array, const tw_dtype *dtype, int ndim, const int64_t *shape, int64_t *bytes,
                        tw_error *error)
{
    int64_t size;
    tw_status status = tw__shape_check(ndim, shape, dtype->itemsize > 0 ? dtype->itemsize : 0, &size, TW_ERROR_ARGUMENT,
                                       "an array", error);
    if (status != TW_OK) {
        return status;
    }
    tw_array *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "an array");
    }
    made->view.dtype = *dtype;
    status = tw__descr_own(&made->view.dtype, &made->descr, error);
    if (status != TW_OK) {
        free(made);
        return status;
    }
    made->view.ndim = ndim;
    for (int d = 0; d < ndim; d++) {
        made->view.shape[d] = shape[d];
    }
    tw__strides_c(ndim, shape, dtype->itemsize, made->view.strides);
    *array = made;
    *bytes = size;
    return TW_OK;
}

tw_status tw__array_set_origin(tw_array *array, const char *origin, tw_error *error)
{
    char *made = origin != NULL ? strdup(origin) : NULL;
    if (origin != NULL && made == NULL) {
        return tw__fail_memory(error, strlen(origin) + 1, "where an array comes from");
    }
    free(array->origin);
    array->origin = made;
    return TW_OK;
}

static tw_status fail_room(const tw_view *view, int64_t bytes, int64_t available, tw_error *error)
{
    char what[384], needed[48], there[48];
    tw__view_text(view, what, sizeof what);
    bytes_text(bytes, needed, sizeof needed);
    bytes_text(available, there, sizeof there);
    return tw__fail(error, TW_ERROR_MEMORY, "an array of %s needs %s; this machine has %s available", what, needed,
                    there);
}

static tw_status take_private(tw_array *array, int64_t bytes, tw_error *error)
{
    /* Pages appear at first touch, so a mapping that is too large succeeds and ends with the out-of-memory killer.
     * Small arrays are not what fills a machine, and looking costs more than they do. */
    int64_t available = tw__is_small(bytes) ? INT64_MAX : tw__available_memory();
    if (bytes > available) {
        tw__spare_relieve(); /* what is kept may be what is missing */
        available = tw__available_memory();
    }
    if (bytes > available) {
        return fail_room(&array->view, bytes, available, error);
    }
    const int failed = tw__spare_take(&array->base, bytes > 0 ? (size_t)bytes : 1, &array->bytes, &array->zero);
    if (failed != 0) {
        char what[384];
        tw__view_text(&array->view, what, sizeof what);
        return tw__fail_os(error, TW_ERROR_MEMORY, failed, "no address space for an array of %s", what);
    }
    array->memory = TW_PRIVATE;
    return TW_OK;
}

static tw_status take_shared(tw_array *array, struct tw__heap *heap, int64_t bytes, tw_error *error)
{
    const tw_status status = tw__heap_take(heap, (size_t)bytes, &array->base, error);
    if (status == TW_OK) {
        tw__heap_retain(heap);
        array->heap = heap;
        array->bytes = (size_t)bytes;
        array->mapped_at = tw__heap_mapped_at(heap);
        array->memory = TW_SHARED;
    }
    return status;
}

tw_status tw__array_create(tw_array **array, struct tw__heap *heap, const tw_dtype *dtype, int ndim,
                           const int64_t *shape, tw_error *error)
{
    tw_array *made = NULL;
    int64_t bytes = 0;
    tw_status status = tw__array_new(&made, dtype, ndim, shape, &bytes, error);
    if (status == TW_OK) {
        status = heap != NULL ? take_shared(made, heap, bytes, error) : take_private(made, bytes, error);
    }
    if (status != TW_OK) {
        tw_array_destroy(made);
        return status;
    }
    made->view.data = made->base;
    made->writable = 1;
    *array = made;
    return TW_OK;
}

/* A view of bytes. */
static tw_view bytes_at(void *data, int64_t count)
{
    return (tw_view){
        .data = data, .dtype = tw_dtype_of(TW_UINT8), .ndim = 1, .shape = {count}, .strides = {count > 0 ? 1 : 0}};
}

tw_status tw__array_create_like(tw_array **array, struct tw__heap *heap, const tw_view *view, tw_view *to,
                                tw_view *from, tw_error *error)
{
    const tw_view distinct = tw__view_distinct(view);
    const int64_t bytes = tw__view_distinct_bytes(view);
    const int overlaps = bytes < tw_view_size(&distinct) * distinct.dtype.itemsize;
    int64_t before = 0, after = 0;
    tw_array *made = NULL;
    (void)tw__view_reach(view, &before, &after); /* it is known to do so if items overlap */
    tw_status status;
    if (overlaps) {
        const tw_view memory = bytes_at(NULL, bytes);
        status = tw__array_create(&made, heap, &memory.dtype, 1, memory.shape, error);
    } else {
        status = tw__array_create(&made, heap, &view->dtype, view->ndim, distinct.shape, error);
    }
    if (status != TW_OK) {
        return status;
    }
    *to = made->view;
    *from = overlaps ? bytes_at((char *)view->data - before, bytes) : distinct;
    for (int d = 0; d < view->ndim; d++) {
        made->view.shape[d] = view->shape[d];
        made->view.strides[d] = overlaps ? view->strides[d] : distinct.shape[d] == view->shape[d] ? to->strides[d] : 0;
    }
    if (overlaps) {
        made->view.data = (char *)made->base + before;
        made->view.ndim = view->ndim;
        made->view.dtype = view->dtype;
        status = tw__descr_own(&made->view.dtype, &made->descr, error);
    }
    if (status != TW_OK) {
        tw_array_destroy(made);
        return status;
    }
    *array = made;
    return TW_OK;
}

tw_status tw_array_create_in(tw_array **array, tw_heap *heap, const tw_dtype *dtype, int ndim, const int64_t *shape,
                             tw_error *error)
{
    return tw__array_create(array, heap, dtype, ndim, shape, error);
}

tw_status tw_array_create_shared(tw_array **array, const tw_dtype *dtype, int ndim, const int64_t *shape,
                                 tw_error *error)
{
    struct tw__heap *heap = NULL;
    int64_t bytes;
    tw_status status = tw__shape_check(ndim, shape, dtype->itemsize, &bytes, TW_ERROR_ARGUMENT, "an array", error);
    if (status == TW_OK && bytes > INT64_MAX - SPARE) {
        status = tw__fail_memory(error, (size_t)bytes, "an array in shared memory");
    }
    if (status == TW_OK) {
        status = tw__heap_create(&heap, bytes + SPARE, error);
    }
    if (status == TW_OK) {
        status = tw__array_create(array, heap, dtype, ndim, shape, error);
        tw__heap_release(heap); /* the array has it */
    }
    return status;
}

/* TW_AT and its like divide strides by the item size and read whole numbers, so both must come out even. */
static tw_status check_layout(const tw_view *view, tw_error *error)
{
    int64_t before, after;
    if (!tw__view_reach(view, &before, &after)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "an array whose strides reach further than 2^63 bytes");
    }
    if (view->data == NULL && before + after > 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "an array with items needs memory, not a null pointer");
    }
    if (view->dtype.kind == TW_OPAQUE) {
        return TW_OK;
    }
    if ((uintptr_t)view->data % (uintptr_t)view->dtype.alignment != 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "an array of %s at an address that is no multiple of %d bytes; make an aligned copy",
                        tw_dtype_name(&view->dtype), (int)view->dtype.alignment);
    }
    for (int d = 0; d < view->ndim; d++) {
        if (view->shape[d] > 1 && view->strides[d] % view->dtype.itemsize != 0) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "an array of %s whose stride in dimension %d is %" PRId64
                            " bytes, no multiple of its item's %" PRId64 "; make a contiguous copy",
                            tw_dtype_name(&view->dtype), d, view->strides[d], view->dtype.itemsize);
        }
    }
    return TW_OK;
}

tw_status tw_array_wrap(tw_array **array, const tw_view *view, tw_error *error)
{
    tw_array *made = NULL;
    int64_t bytes;
    tw_status status = tw__array_new(&made, &view->dtype, view->ndim, view->shape, &bytes, error);
    if (status != TW_OK) {
        return status;
    }
    memcpy(made->view.strides, view->strides, (size_t)view->ndim * sizeof *view->strides);
    made->view.data = view->data;
    made->memory = TW_BORROWED;
    made->writable = 1;
    status = check_layout(&made->view, error);
    if (status != TW_OK) {
        tw_array_destroy(made);
        return status;
    }
    *array = made;
    return TW_OK;
}

tw_status tw_array_part(tw_array **array, const tw_array *owner, const tw_view *view, tw_error *error)
{
    tw_array *made = NULL;
    int64_t before, after;
    tw_status status = tw_array_wrap(&made, view, error);
    if (status != TW_OK) {
        return status;
    }
    const char *data = view->data, *base = owner->base != NULL ? owner->base : owner->view.data;
    const int64_t bytes =
        owner->base != NULL ? (int64_t)owner->bytes : tw_view_size(&owner->view) * owner->view.dtype.itemsize;
    const int reached = tw__view_reach(view, &before, &after);
    if (!reached || data - before < base || data + after > base + bytes) {
        tw_array_destroy(made);
        return tw__fail(error, TW_ERROR_ARGUMENT, "a part of an array that reaches outside of the array's memory");
    }
    made->memory = owner->memory;
    made->base = owner->base;
    made->bytes = owner->bytes;
    made->part = 1;
    made->mapped_at = owner->mapped_at;
    made->writable = owner->writable;
    made->heap = owner->heap;
    if (made->heap != NULL) {
        tw__heap_retain(made->heap);
    }
    *array = made;
    return TW_OK;
}

const tw_view *tw_array_view(const tw_array *array)
{
    return &array->view;
}

void *tw_array_data(const tw_array *array)
{
    return array->view.data;
}

tw_memory tw_array_memory(const tw_array *array)
{
    return array->memory;
}

int tw_array_is_zero(const tw_array *array)
{
    return array->zero;
}

void tw_array_destroy(tw_array *array)
{
    if (array == NULL) {
        return;
    }
    if (array->heap != NULL) {
        if (array->mark != NULL) {
            tw__mark_release(array);
        } else if (!array->part) {
            tw__heap_give(array->heap, array->base);
        }
        tw__heap_release(array->heap);
    } else if (array->base != NULL && !array->part && array->memory == TW_PRIVATE) {
        tw__spare_give(array->base, array->bytes);
    } else if (array->base != NULL && !array->part) {
        tw__unmap(array->base, array->bytes);
    }
    if (array->mark_base != NULL && !array->part) {
        tw__mark_detach(array);
    }
    if (array->store != NULL) {
        array->release(array->store);
    }
    free(array->descr);
    free(array->origin);
    free(array);
}
