/* pooled.c - arrays made where the workers of a pool reach them. */
#include "array/array.h"
#include "base/error.h"
#include "pool/pool.h"
#include "store/npy/npy_read.h"

tw_status tw_array_create(tw_array **array, tw_pool *pool, const tw_dtype *dtype, int ndim, const int64_t *shape,
                          tw_error *error)
{
    return tw__array_create(array, pool != NULL ? pool->crew.heap : NULL, dtype, ndim, shape, error);
}

tw_status tw_array_open(tw_array **array, tw_pool *pool, const char *path, tw_error *error)
{
    if (array == NULL || path == NULL) {
        return tw__fail_null(error, "tw_array_open", array == NULL ? "array" : "path");
    }
    return tw__npy_open(array, pool != NULL ? pool->crew.heap : NULL, path, error);
}
