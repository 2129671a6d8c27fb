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
#include "array/sum.h"
#include "base/error.h"
#include "os/cpu.h"
#include "os/thread.h"
#include "store/store.h"

/* One core reads 4 MiB in about 0.3 ms, so that taking the next slab costs nothing, and 64 cores find enough of them
 * in an array of 1 GiB. */
#define SLAB_BYTES (INT64_C(4) << 20)
#define MOST_THREADS 64 /* memory has no more to give */

struct slabs {
    const tw_array *array;
    int axis;       /* that is cut into pieces of `step`; those before it are cut into single indices */
    int64_t step;   /* indices of the axis in a slab */
    int64_t pieces; /* of the axis */
    int64_t count;
    uint64_t *sums; /* [count] */
    _Atomic int64_t next;
    _Atomic int failed; /* one of the threads has a failure to report */
};

struct reader {
    struct slabs *slabs;
    struct tw__thread thread;
    tw_status status;
    tw_error error;
};

static void cut(struct slabs *slabs, const tw_view *view)
{
    int64_t inner = view->dtype.itemsize; /* bytes of one index of the axis */
    int axis = view->ndim - 1;
    while (axis > 0 && inner * view->shape[axis] <= SLAB_BYTES) {
        inner *= view->shape[axis--];
    }
    slabs->axis = axis;
    slabs->step = inner > 0 && inner < SLAB_BYTES ? SLAB_BYTES / inner : 1;
    slabs->pieces = axis < 0 ? 1 : (view->shape[axis] - 1) / slabs->step + 1;
    slabs->count = slabs->pieces;
    for (int d = 0; d < axis; d++) {
        slabs->count *= view->shape[d];
    }
}

/* The box of one slab. */
static void place(const struct slabs *slabs, int64_t number, int64_t *start, int64_t *shape)
{
    const tw_view *view = &slabs->array->view;
    for (int d = 0; d < view->ndim; d++) {
        start[d] = 0;
        shape[d] = view->shape[d];
    }
    if (slabs->axis < 0) {
        return;
    }
    start[slabs->axis] = number % slabs->pieces * slabs->step;
    const int64_t left = view->shape[slabs->axis] - start[slabs->axis];
    shape[slabs->axis] = slabs->step < left ? slabs->step : left;
    number /= slabs->pieces;
    for (int d = slabs->axis - 1; d >= 0; d--) {
        start[d] = number % view->shape[d];
        shape[d] = 1;
        number /= view->shape[d];
    }
}

static tw_status sum_slab(struct slabs *slabs, int64_t number, tw_error *error)
{
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    tw_view box;
    void *copy;
    place(slabs, number, start, shape);
    const tw_status status = tw__store_view(&box, &copy, slabs->array, start, shape, error);
    if (status == TW_OK) {
        slabs->sums[number] = tw__sum(&box, 1);
        free(copy);
    }
    return status;
}

static void *read_slabs(void *argument)
{
    struct reader *reader = argument;
    struct slabs *slabs = reader->slabs;
    int64_t number;
    while (!slabs->failed && (number = atomic_fetch_add(&slabs->next, 1)) < slabs->count) {
        reader->status = sum_slab(slabs, number, &reader->error);
        if (reader->status != TW_OK) {
            slabs->failed = 1;
        }
    }
    return NULL;
}

/* The caller and as many threads as the system grants. All of them have ended when it returns, since what follows may
 * fork. */
static tw_status read_by_all(struct slabs *slabs, tw_error *error)
{
    const int workers = tw__default_workers(), most = workers < MOST_THREADS ? workers : MOST_THREADS;
    const int64_t threads = most < slabs->count ? most : slabs->count;
    struct reader *readers = calloc((size_t)threads, sizeof *readers);
    tw_status status = TW_OK;
    int64_t started = 1;
    if (readers == NULL) {
        return tw__fail_memory(error, (size_t)threads * sizeof *readers, "the checksum of an array");
    }
    for (int64_t t = 0; t < threads; t++) {
        readers[t].slabs = slabs;
    }
    while (started < threads && tw__thread_start(&readers[started].thread, read_slabs, &readers[started]) == 0) {
        started++;
    }
    read_slabs(&readers[0]);
    for (int64_t t = 1; t < started; t++) {
        tw__thread_join(&readers[t].thread);
    }
    for (int64_t t = 0; status == TW_OK && t < started; t++) {
        status = readers[t].status;
        if (status != TW_OK && error != NULL) {
            *error = readers[t].error;
        }
    }
    free(readers);
    return status;
}

tw_status tw_array_checksum(uint64_t *sum, const tw_array *array, tw_error *error)
{
    uint64_t one = 0;
    struct slabs slabs = {.array = array, .sums = &one};
    if (sum == NULL || array == NULL) {
        return tw__fail_null(error, "tw_array_checksum", sum == NULL ? "sum" : "array");
    }
    if (tw_view_size(&array->view) * array->view.dtype.itemsize == 0) {
        *sum = tw__sum(NULL, 0);
        return TW_OK;
    }
    cut(&slabs, &array->view);
    if (slabs.count == 1) {
        const tw_status status = sum_slab(&slabs, 0, error);
        *sum = status == TW_OK ? one : *sum;
        return status;
    }
    slabs.sums = calloc((size_t)slabs.count, sizeof *slabs.sums);
    if (slabs.sums == NULL) {
        return tw__fail_memory(error, (size_t)slabs.count * sizeof *slabs.sums, "the checksum of an array");
    }
    const tw_status status = read_by_all(&slabs, error);
    if (status == TW_OK) {
        const tw_view sums = {.data = slabs.sums,
                              .dtype = tw_dtype_of(TW_UINT64),
                              .ndim = 1,
                              .shape = {slabs.count},
                              .strides = {sizeof *slabs.sums}};
        *sum = tw__sum(&sums, 1);
    }
    free(slabs.sums);
    return status;
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
