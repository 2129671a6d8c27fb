/* allocate.c - the public calls that join an array with a pool or a grid. */
#include <stdlib.h>

#include "array/array.h"
#include "array/shape.h"
#include "base/error.h"
#include "grid/signature.h"
#include "job/units.h"
#include "pool/pool.h"
#include "store/npy/npy_read.h"

/* Bytes that a heap of one array is longer, so that the array can begin at a huge page. */
#define SPARE ((int64_t)1 << 21)

tw_status tw_array_create(tw_array **array, tw_pool *pool, const tw_dtype *dtype, int ndim, const int64_t *shape,
                          tw_error *error)
{
    return tw__array_create(array, pool != NULL ? pool->crew.heap : NULL, dtype, ndim, shape, error);
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

tw_status tw_heap_open(tw_heap **heap, int64_t bytes, tw_error *error)
{
    struct tw__heap *made;
    if (bytes < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a shared heap cannot have a negative size");
    }
    const tw_status status = tw__heap_create(&made, bytes, error);
    if (status == TW_OK) {
        tw__heap_return(made);
        *heap = made;
    }
    return status;
}

void tw_heap_close(tw_heap *heap)
{
    if (heap != NULL) {
        tw__heap_seal(heap);
        tw__heap_release(heap);
    }
}

tw_status tw_array_create_in(tw_array **array, tw_heap *heap, const tw_dtype *dtype, int ndim, const int64_t *shape,
                             tw_error *error)
{
    return tw__array_create(array, heap, dtype, ndim, shape, error);
}

tw_status tw_array_open(tw_array **array, tw_pool *pool, const char *path, tw_error *error)
{
    return tw__npy_open(array, pool != NULL ? pool->crew.heap : NULL, path, error);
}

tw_status tw_grid_for(tw_grid **grid, const tw_signature *signature, tw_array *const *operands, const tw_split *splits,
                      size_t nsplits, tw_error *error)
{
    const tw_view *views[TW_MAX_OPERANDS];
    int64_t itemsizes[TW_MAX_OPERANDS], lengths[TW__MAX_AXES], units[TW__MAX_AXES];
    for (int k = 0; k < signature->noperands; k++) {
        if (operands[k] == NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "operand %s has no array", signature->operands[k].name);
        }
        views[k] = &operands[k]->view;
        itemsizes[k] = views[k]->dtype.itemsize;
    }
    for (int a = 0; a < signature->naxes; a++) {
        lengths[a] = -1;
    }
    const tw_status status = tw_signature_lengths(signature, views, lengths, error);
    if (status != TW_OK) {
        return status;
    }
    tw__units(signature, operands, units);
    const tw_grid_options options = {.splits = splits, .nsplits = nsplits, .itemsizes = itemsizes, .units = units};
    return tw_grid_create(grid, signature, lengths, &options, error);
}
