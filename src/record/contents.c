/* contents.c - the checksum of all elements of an array, by all cores. Knows no journal.
 *
 * The elements are cut into slabs, and the checksum is that of the slabs' checksums in order. How they are cut follows
 * from shape and item size alone: not from strides, nor from the number of cores. An array of one slab has the
 * checksum that a tile with the same elements has. */
#include "record/contents.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "array/array.h"
#include "array/slabs.h"
#include "array/sum.h"
#include "base/error.h"
#include "os/cores.h"
#include "store/store.h"

struct reading {
    const tw_array *array;
    struct tw__slabs slabs;
    uint64_t *sums;     /* [slabs.count] */
    _Atomic int failed; /* a slab could not be read; the first thread that says so writes the next two */
    tw_status status;
    tw_error error;
};

static tw_status sum_slab(struct reading *reading, int64_t number, tw_error *error)
{
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    tw_view box;
    void *copy;
    tw__slabs_place(&reading->slabs, number, start, shape);
    const tw_status status = tw__store_view(&box, &copy, reading->array, start, shape, error);
    if (status == TW_OK) {
        reading->sums[number] = tw__sum(&box, 1);
        free(copy);
    }
    return status;
}

static void read_slab(void *user, int64_t number)
{
    struct reading *reading = user;
    tw_error error;
    const tw_status status = !reading->failed ? sum_slab(reading, number, &error) : TW_OK;
    if (status != TW_OK && atomic_exchange(&reading->failed, 1) == 0) {
        reading->status = status;
        reading->error = error;
    }
}

tw_status tw_array_checksum(uint64_t *sum, const tw_array *array, tw_error *error)
{
    uint64_t one = 0;
    struct reading reading = {.array = array, .sums = &one};
    if (sum == NULL || array == NULL) {
        return tw__fail_null(error, "tw_array_checksum", sum == NULL ? "sum" : "array");
    }
    if (tw_view_size(&array->view) * array->view.dtype.itemsize == 0) {
        *sum = tw__sum(NULL, 0);
        return TW_OK;
    }
    tw__slabs_cut(&reading.slabs, &array->view);
    if (reading.slabs.count == 1) {
        const tw_status status = sum_slab(&reading, 0, error);
        *sum = status == TW_OK ? one : *sum;
        return status;
    }
    const int64_t count = reading.slabs.count;
    reading.sums = calloc((size_t)count, sizeof *reading.sums);
    if (reading.sums == NULL) {
        return tw__fail_memory(error, (size_t)count * sizeof *reading.sums, "the checksum of an array");
    }
    tw__by_all_cores(count, read_slab, &reading);
    if (reading.status == TW_OK) {
        const tw_view sums = {.data = reading.sums,
                              .dtype = tw_dtype_of(TW_UINT64),
                              .ndim = 1,
                              .shape = {count},
                              .strides = {sizeof *reading.sums}};
        *sum = tw__sum(&sums, 1);
    } else if (error != NULL) {
        *error = reading.error;
    }
    free(reading.sums);
    return reading.status;
}

tw_status tw__contents_text(const tw_array *array, char *text, size_t size, tw_error *error)
{
    uint64_t sum;
    if (array->origin != NULL) {
        snprintf(text, size, "%s", array->origin);
        return TW_OK;
    }
    const tw_status status = tw_array_checksum(&sum, array, error);
    if (status == TW_OK) {
        snprintf(text, size, "contents with checksum %016" PRIx64, sum);
    }
    return status;
}
