/* work.c - the workers' side of a job: one tile's views, its pages, its kernel. Runs in threads and in forked
 * processes; takes no lock and, after a worker's first tile of a job, allocates nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid/order.h"
#include "run/job.h"
#include "run/touch.h"

/* What a worker keeps from tile to tile and from job to job. */
struct local {
    uint64_t number; /* of the job it is set up for */
    struct tw__order order;
    tw_tile tile;
    tw_view *views;
    struct tw__region *regions; /* one an operand; those in the pool's heap share `heap` */
    int capacity;               /* of views and regions */
    void *scratch;
    size_t scratch_capacity;
    tw_function function;
    struct tw__library library; /* of the last kernel that came from one */
    tw_function library_function;
    int64_t library_of; /* created_at of that kernel; 0: none is open */
    struct tw__region heap;
    uint64_t heap_epoch;
};

static void close_library(struct local *local)
{
    if (local->library_of != 0) {
        tw__library_close(&local->library);
        local->library_of = 0;
    }
}

void tw__job_release_local(void *memory)
{
    struct local *local = memory;
    if (local == NULL) {
        return;
    }
    close_library(local);
    for (int k = 0; k < local->capacity; k++) {
        tw__region_fini(&local->regions[k]);
    }
    tw__region_fini(&local->heap);
    free(local->views);
    free(local->regions);
    free(local->scratch);
    free(local);
}

static tw_status out_of_memory(char *message, const char *what)
{
    snprintf(message, TW_TILE_MESSAGE_SIZE, "not enough memory for %s", what);
    return TW_ERROR_MEMORY;
}

static tw_status set_kernel(struct local *local, const struct tw__job *job, char *message)
{
    if (job->function != NULL) {
        local->function = job->function;
        return TW_OK;
    }
    if (local->library_of != job->kernel_created_at) {
        close_library(local);
        char *why = NULL;
        local->library_function = tw__kernel_resolve(job->path, job->symbol, &local->library, &why);
        if (local->library_function == NULL) {
            snprintf(message, TW_TILE_MESSAGE_SIZE, "a worker cannot open the kernel: %s",
                     why != NULL ? why : "out of memory");
            free(why);
            return TW_ERROR_FILE;
        }
        local->library_of = job->kernel_created_at;
    }
    local->function = local->library_function;
    return TW_OK;
}

static int grow(struct local *local, int noperands)
{
    if (noperands <= local->capacity) {
        return 1;
    }
    tw_view *views = realloc(local->views, (size_t)noperands * sizeof *views);
    if (views == NULL) {
        return 0;
    }
    local->views = views;
    memset(views + local->capacity, 0, (size_t)(noperands - local->capacity) * sizeof *views);
    struct tw__region *regions = realloc(local->regions, (size_t)noperands * sizeof *regions);
    if (regions == NULL) {
        return 0;
    }
    local->regions = regions;
    memset(regions + local->capacity, 0, (size_t)(noperands - local->capacity) * sizeof *regions);
    local->capacity = noperands;
    return 1;
}

static tw_status set_regions(struct local *local, const struct tw__job *job, char *message)
{
    if (job->heap_base != NULL && (local->heap.base != job->heap_base || local->heap_epoch != job->heap_epoch)) {
        if (tw__region_set(&local->heap, job->heap_base, job->heap_size, 1) != 0) {
            return out_of_memory(message, "a worker's list of pages");
        }
        local->heap_epoch = job->heap_epoch;
    }
    for (int k = 0; k < job->noperands; k++) {
        const struct tw__job_operand *operand = &job->operands[k];
        if (operand->touch && operand->base != NULL &&
            tw__region_set(&local->regions[k], operand->base, operand->bytes, 0) != 0) {
            return out_of_memory(message, "a worker's list of pages");
        }
    }
    return TW_OK;
}

static tw_status set_up(struct local *local, const struct tw__job *job, uint64_t tile, unsigned worker, char *message)
{
    if (!grow(local, job->noperands)) {
        return out_of_memory(message, "a worker's views");
    }
    if (job->scratch_size > local->scratch_capacity) {
        free(local->scratch);
        local->scratch_capacity = 0;
        if (posix_memalign(&local->scratch, 64, job->scratch_size) != 0) {
            local->scratch = NULL;
            return out_of_memory(message, "a worker's scratch");
        }
        local->scratch_capacity = job->scratch_size;
    }
    tw_status status = set_kernel(local, job, message);
    if (status == TW_OK) {
        status = set_regions(local, job, message);
    }
    if (status != TW_OK) {
        return status;
    }
    for (int k = 0; k < job->noperands; k++) {
        const tw_view *whole = &job->operands[k].view;
        tw_view *view = &local->views[k];
        view->dtype = whole->dtype;
        view->ndim = whole->ndim;
        memcpy(view->strides, whole->strides, (size_t)whole->ndim * sizeof whole->strides[0]);
    }
    tw__order_seek(&local->order, job->grid, tile);
    local->tile = (tw_tile){.naxes = job->grid->naxes,
                            .noperands = job->noperands,
                            .start = local->order.start,
                            .stop = local->order.stop,
                            .operand = local->views,
                            .worker = worker,
                            .scratch = job->scratch_size > 0 ? local->scratch : NULL,
                            .scratch_size = job->scratch_size,
                            .context = job->context};
    local->number = job->number;
    return TW_OK;
}

static void cut_views(struct local *local, const struct tw__job *job)
{
    const int64_t *start = local->order.start, *stop = local->order.stop;
    for (int k = 0; k < job->noperands; k++) {
        const struct tw__job_operand *operand = &job->operands[k];
        tw_view *view = &local->views[k];
        int64_t offset = 0;
        for (int d = 0; d < view->ndim; d++) {
            const int axis = operand->axes[d];
            offset += start[axis] * view->strides[d];
            view->shape[d] = stop[axis] - start[axis];
        }
        view->data = (char *)operand->view.data + offset;
    }
}

static tw_status touch_outputs(struct local *local, const struct tw__job *job, int64_t *populated, char *message)
{
    for (int k = 0; k < job->noperands; k++) {
        const struct tw__job_operand *operand = &job->operands[k];
        if (!operand->touch) {
            continue;
        }
        struct tw__region *region = operand->base != NULL ? &local->regions[k] : &local->heap;
        const int error = tw__region_touch(region, &local->views[k], populated);
        if (error == ENOMEM) {
            return out_of_memory(message, "the pages of an output");
        }
        if (error != 0) {
            snprintf(message, TW_TILE_MESSAGE_SIZE, "the pages of an output cannot be had (was its file cut short?)");
            return TW_ERROR_FILE;
        }
    }
    return TW_OK;
}

int tw__job_run_tile(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt, char *message)
{
    const struct tw__job *job = argument;
    struct local *local = worker->local;
    struct tw__job_worker *own = &job->workers[worker->index];
    if (local == NULL) {
        local = calloc(1, sizeof *local);
        if (local == NULL) {
            return TW__TROUBLE(out_of_memory(message, "a worker"));
        }
        worker->local = local;
    }
    if (local->number != job->number) {
        const tw_status status = set_up(local, job, tile, worker->index, message);
        if (status != TW_OK) {
            return TW__TROUBLE(status);
        }
    } else {
        tw__order_move(&local->order, tile);
    }
    cut_views(local, job);
    const tw_status status = touch_outputs(local, job, &own->populated, message);
    if (status != TW_OK) {
        return TW__TROUBLE(status);
    }
    local->tile.index = tile;
    local->tile.attempt = attempt;
    local->tile.message = message;
    const int code = local->function(&local->tile);
    return TW__IS_TROUBLE(code) ? TW__LOWEST_CODE : code;
}
