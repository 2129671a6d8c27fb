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
    size_t rooms; /* bytes of a worker's room that have an access; SIZE_MAX: too many */
};

static int is_apart(const struct tw__crew *crew)
{
    return crew != NULL && crew->ops->apart;
}

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

static void add_room(struct layout *layout, size_t size)
{
    if (__builtin_add_overflow(size, ALIGNMENT - 1, &size) ||
        __builtin_add_overflow(layout->rooms, size & ~(size_t)(ALIGNMENT - 1), &layout->rooms)) {
        layout->rooms = SIZE_MAX;
    }
}

static void place_operands(struct tw__job *job, struct layout *layout, const struct tw__job_request *request, int apart)
{
    const tw_signature *signature = request->grid->signature;
    int noutputs = 0, recovers = 0, touches = 0;
    for (int k = 0; k < signature->noperands; k++) {
        const struct tw__access *access = &request->accesses[k];
        const char *descr = access->view.dtype.descr;
        if (apart && access->view.dtype.kind == TW_OPAQUE && descr != NULL) {
            descr = place_text(layout, descr);
        }
        if (job != NULL) {
            tw__access_copy(&job->operands[k], access);
            job->operands[k].view.dtype.descr = descr;
            job->operands[k].room = layout->rooms;
        }
        if (access->ops != NULL) {
            add_room(layout, access->ops->room(access, request->grid));
        }
        recovers |= apart && access->ops != NULL && access->role == TW_INOUT;
        touches |= access->touch;
        noutputs += access->role != TW_IN;
    }
    if (job != NULL) {
        job->recovers = recovers;
        job->touches = touches;
        job->noutputs = noutputs;
        job->noperands = signature->noperands;
    }
}

/* Called twice: to count, and to fill. */
static struct tw__job *fill(struct layout *layout, const struct tw__crew *crew, const struct tw__job_request *request)
{
    const size_t workers = crew != NULL ? (size_t)crew->workers : 1;
    const int apart = is_apart(crew);
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
    job->rooms = NULL;
    job->room_size = layout->rooms;
    return job;
}

tw_status tw__job_measure(struct tw__job_room *room, const struct tw__crew *crew, const struct tw__job_request *request,
                          tw_error *error)
{
    struct layout layout = {0};
    fill(&layout, crew, request);
    room->payload = layout.used;
    room->accesses = layout.rooms;
    return layout.rooms == SIZE_MAX ? tw__fail_memory(error, SIZE_MAX, "copies of a tile's operands") : TW_OK;
}

struct tw__job *tw__job_fill(void *memory, const struct tw__crew *crew, const struct tw__job_request *request)
{
    struct layout layout = {.base = memory};
    if (is_apart(crew) && request->kernel->is_kept) {
        tw__file_touch(request->kernel->path); /* a worker may be about to open it */
    }
    return fill(&layout, crew, request);
}
