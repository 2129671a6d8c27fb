/* job.c - laying a step out for its workers. Runs in the caller; work.c has the workers' side. */
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

/* What the kernel is, for workers that have it and for those that must open it. */
static void place_kernel(struct tw__job *job, struct layout *layout, const tw_kernel *kernel, int apart)
{
    const int opened = apart && kernel->path != NULL;
    const char *path = opened ? place_text(layout, kernel->path) : NULL;
    const char *symbol = opened ? place_text(layout, kernel->symbol) : NULL;
    void *context = kernel->context_size > 0 ? place(layout, kernel->context_size) : kernel->context;
    if (job == NULL) {
        return;
    }
    if (kernel->context_size > 0) {
        memcpy(context, kernel->context, kernel->context_size);
    }
    job->function = opened ? NULL : kernel->function;
    job->path = path;
    job->symbol = symbol;
    job->kernel_created_at = kernel->created_at;
    job->kernel_is_object = kernel->path != NULL;
    job->context = context;
}

static void place_operands(struct tw__job *job, struct layout *layout, const struct tw__job_request *request, int apart)
{
    const tw_signature *signature = request->grid->signature;
    int noutputs = 0;
    for (int k = 0; k < signature->noperands; k++) {
        const char *descr = request->views[k].dtype.descr;
        if (apart && request->views[k].dtype.kind == TW_OPAQUE && descr != NULL) {
            descr = place_text(layout, descr);
        }
        if (job != NULL) {
            set_operand(&job->operands[k], request, k, apart);
            job->operands[k].view.dtype.descr = descr;
        }
        noutputs += signature->operands[k].role != TW_IN;
    }
    if (job != NULL) {
        job->noutputs = noutputs;
        job->noperands = signature->noperands;
    }
}

/* Called twice: to count, and to fill. */
static struct tw__job *fill(struct layout *layout, const tw_pool *pool, const struct tw__job_request *request)
{
    const struct tw__crew *crew = &pool->crew;
    const size_t workers = (size_t)crew->workers;
    const int apart = crew->ops->apart;
    const int noperands = request->grid->signature->noperands;
    struct tw__job *job = place(layout, sizeof *job + (size_t)noperands * sizeof job->operands[0]);
    struct tw__job_worker *own = place(layout, workers * sizeof *own);
    struct tw__guard_note *notes = request->guard ? place(layout, workers * sizeof *notes) : NULL;
    void *image = apart ? place(layout, tw__grid_image_size(request->grid)) : NULL;
    place_kernel(job, layout, request->kernel, apart);
    place_operands(job, layout, request, apart);
    if (job == NULL) {
        return NULL;
    }
    memset(own, 0, workers * sizeof *own);
    if (notes != NULL) {
        memset(notes, 0, workers * sizeof *notes);
    }
    job->grid = apart ? tw__grid_image(request->grid, image) : request->grid;
    job->scratch_size = request->scratch_size;
    job->heap_base = apart ? tw__heap_base(crew->heap) : NULL;
    job->heap_size = apart ? tw__heap_size(crew->heap) : 0;
    job->heap_epoch = apart ? tw__heap_epoch(crew->heap) : 0;
    job->workers = own;
    job->float_mode = tw__float_mode_get();
    job->notes = notes;
    job->choices = request->choices;
    job->number = job->first = 0;
    job->sums = NULL;
    job->copies = NULL;
    job->copy_size = 0;
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

tw_status tw__job_measure(struct tw__job_room *room, const tw_pool *pool, const struct tw__job_request *request,
                          tw_error *error)
{
    struct layout layout = {0};
    fill(&layout, pool, request);
    room->payload = layout.used;
    room->copies = 0;
    /* A worker that dies while it writes an inout operand would leave a tile that cannot be run again. */
    return pool->crew.ops->apart ? count_copies(&room->copies, request, error) : TW_OK;
}

struct tw__job *tw__job_fill(void *memory, const tw_pool *pool, const struct tw__job_request *request)
{
    struct layout layout = {.base = memory};
    if (pool->crew.ops->apart && request->kernel->is_kept) {
        tw__file_touch(request->kernel->path); /* a worker may be about to open it */
    }
    return fill(&layout, pool, request);
}
