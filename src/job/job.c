/* job.c - laying a job out for its workers. Runs in the caller; work.c has the workers' side. */
#include "job/job.h"

#include <string.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/signature.h"
#include "os/file.h"

#define ALIGNMENT 64

/* Hands out pieces of one piece of memory; with base NULL it only counts. */
struct layout {
    char *base;
    size_t used;
};

static void *place(struct layout *layout, size_t size)
{
    void *at = layout->base != NULL ? layout->base + layout->used : NULL;
    layout->used += (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    return at;
}

static char *place_text(struct layout *layout, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = place(layout, size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

static void set_operand(struct tw__job_operand *operand, const struct tw__job_request *request, int k, int apart)
{
    const tw_operand *described = &request->grid->signature->operands[k];
    const tw_view *view = &request->views[k];
    const size_t used = (size_t)view->ndim;
    operand->view.data = view->data;
    operand->view.dtype = view->dtype;
    operand->view.ndim = view->ndim;
    memcpy(operand->view.shape, view->shape, used * sizeof view->shape[0]);
    memcpy(operand->view.strides, view->strides, used * sizeof view->strides[0]);
    memcpy(operand->axes, described->axes, used);
    for (int d = 0; d < view->ndim; d++) {
        if (view->shape[d] == 1) {
            operand->view.strides[d] = 0;
        }
    }
    const tw_array *array = request->arrays[k];
    const int shared = array == NULL || array->memory == TW_SHARED || array->memory == TW_MAPPED;
    operand->touch = described->role != TW_IN && shared;
    operand->copied = described->role == TW_INOUT && apart;
    operand->base = array != NULL ? array->base : NULL;
    operand->bytes = array != NULL ? array->bytes : 0;
}

/* Called twice: to count, and to fill. */
static struct tw__job *fill(struct layout *layout, tw_pool *pool, const struct tw__job_request *request)
{
    const tw_kernel *kernel = request->kernel;
    const int apart = pool->kind == TW_PROCESSES;
    const int noperands = request->grid->signature->noperands;
    struct tw__job *job = place(layout, sizeof *job + (size_t)noperands * sizeof job->operands[0]);
    const size_t workers_size = (size_t)pool->workers * sizeof(struct tw__job_worker);
    struct tw__job_worker *workers = place(layout, workers_size);
    struct tw__guard_note *notes =
        request->guard ? place(layout, (size_t)pool->workers * sizeof(struct tw__guard_note)) : NULL;
    const tw_grid *grid = request->grid;
    if (apart) {
        void *image = place(layout, tw__grid_image_size(grid));
        grid = image != NULL ? tw__grid_image(grid, image) : grid;
    }
    const char *path = apart && kernel->path != NULL ? place_text(layout, kernel->path) : NULL;
    const char *symbol = path != NULL || (apart && kernel->path != NULL) ? place_text(layout, kernel->symbol) : NULL;
    void *context = kernel->context;
    if (kernel->context_size > 0) {
        context = place(layout, kernel->context_size);
        if (context != NULL) {
            memcpy(context, kernel->context, kernel->context_size);
        }
    }
    for (int k = 0; k < noperands; k++) {
        const char *descr = request->views[k].dtype.descr;
        if (apart && request->views[k].dtype.kind == TW_OPAQUE && descr != NULL) {
            descr = place_text(layout, descr);
        }
        if (job != NULL) {
            set_operand(&job->operands[k], request, k, apart);
            job->operands[k].view.dtype.descr = descr;
        }
    }
    if (job == NULL) {
        return NULL;
    }
    memset(workers, 0, workers_size);
    job->grid = grid;
    job->function = path == NULL ? kernel->function : NULL;
    job->path = path;
    job->symbol = symbol;
    job->kernel_created_at = kernel->created_at;
    job->kernel_is_object = kernel->path != NULL;
    job->context = context;
    job->scratch_size = request->scratch_size;
    job->number = ++pool->jobs;
    job->heap_base = pool->heap != NULL ? tw__heap_base(pool->heap) : NULL;
    job->heap_size = pool->heap != NULL ? tw__heap_size(pool->heap) : 0;
    job->heap_epoch = pool->heap != NULL ? tw__heap_epoch(pool->heap) : 0;
    job->workers = workers;
    job->float_mode = tw__float_mode_get();
    job->sums = request->sums;
    job->copies = NULL;
    job->copy_size = 0;
    job->notes = notes;
    job->choices = request->choices;
    if (notes != NULL) {
        memset(notes, 0, (size_t)pool->workers * sizeof *notes);
    }
    job->noutputs = 0;
    for (int k = 0; k < noperands; k++) {
        job->noutputs += request->grid->signature->operands[k].role != TW_IN;
    }
    job->noperands = noperands;
    return job;
}

static int64_t longest_tile(const struct tw__grid_axis *axis)
{
    int64_t longest = axis->tile + (axis->longer > 0);
    for (int64_t k = 0; axis->cuts != NULL && k < axis->count; k++) {
        const int64_t length = tw__axis_stop(axis, k) - tw__axis_start(axis, k);
        longest = k == 0 || length > longest ? length : longest;
    }
    return longest < axis->length ? longest : axis->length;
}

/* Bytes that one worker needs for its copies. */
static tw_status count_copies(size_t *size, const struct tw__job_request *request, tw_error *error)
{
    *size = 0;
    for (int k = 0; k < request->grid->signature->noperands; k++) {
        const tw_operand *operand = &request->grid->signature->operands[k];
        int64_t bytes = request->views[k].dtype.itemsize;
        if (operand->role != TW_INOUT) {
            continue;
        }
        for (int d = 0; d < request->views[k].ndim; d++) {
            bytes *= longest_tile(&request->grid->axes[operand->axes[d]]); /* no more than the operand has */
        }
        bytes = (bytes + ALIGNMENT - 1) & ~(int64_t)(ALIGNMENT - 1);
        if (__builtin_add_overflow(*size, (size_t)bytes, size)) {
            return tw__fail_memory(error, SIZE_MAX, "copies of the inout operands of a tile");
        }
    }
    return TW_OK;
}

/* A worker that dies while it writes an inout operand would leave a tile that cannot be run again. */
static tw_status add_copies(struct tw__job *job, tw_pool *pool, const struct tw__job_request *request, tw_error *error)
{
    size_t size = 0, all;
    tw_status status = pool->kind == TW_PROCESSES ? count_copies(&size, request, error) : TW_OK;
    if (status != TW_OK || size == 0) {
        return status;
    }
    if (__builtin_mul_overflow(size, (size_t)pool->workers, &all)) {
        return tw__fail_memory(error, SIZE_MAX, "copies of the inout operands of a tile");
    }
    status = tw__memory_reserve(&pool->copies, pool->heap, all, "copies of the inout operands of a tile", error);
    job->copies = pool->copies.data;
    job->copy_size = size;
    return status;
}

tw_status tw__job_create(struct tw__job **job, tw_pool *pool, const struct tw__job_request *request, tw_error *error)
{
    struct layout layout = {0};
    fill(&layout, pool, request);
    if (pool->kind == TW_PROCESSES && request->kernel->is_kept) {
        tw__file_touch(request->kernel->path); /* a worker may be about to open it */
    }
    const tw_status status =
        tw__memory_reserve(&pool->payload, pool->heap, layout.used, "the description of a job", error);
    if (status != TW_OK) {
        return status;
    }
    layout = (struct layout){.base = pool->payload.data};
    *job = fill(&layout, pool, request);
    return add_copies(*job, pool, request, error);
}
