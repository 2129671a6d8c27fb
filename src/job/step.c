/* step.c - laying a step out for its workers. Runs in the caller; work.c has the workers' side. */
#include "job/step.h"

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
static void place_kernel(struct tw__step *step, struct layout *layout, const struct tw__step_request *request,
                         int apart)
{
    static const tw_kernel none = {0};
    const tw_kernel *kernel = request->kernel != NULL ? request->kernel : &none;
    const size_t context_size = request->context != NULL ? request->context_size : kernel->context_size;
    const int opened = apart && kernel->path != NULL;
    const char *path = opened ? place_text(layout, kernel->path) : NULL;
    const char *symbol = opened ? place_text(layout, kernel->symbol) : NULL;
    void *context = context_size > 0 ? place(layout, context_size) : kernel->context;
    if (step == NULL) {
        return;
    }
    if (context_size > 0) {
        memcpy(context, request->context != NULL ? request->context : kernel->context, context_size);
    }
    step->function = opened ? NULL : kernel->function;
    step->path = path;
    step->symbol = symbol;
    step->kernel_created_at = kernel->created_at;
    step->kernel_is_object = kernel->path != NULL;
    step->context = context;
}

static void add_room(struct layout *layout, size_t size)
{
    if (__builtin_add_overflow(size, ALIGNMENT - 1, &size) ||
        __builtin_add_overflow(layout->rooms, size & ~(size_t)(ALIGNMENT - 1), &layout->rooms)) {
        layout->rooms = SIZE_MAX;
    }
}

static void place_operands(struct tw__step *step, struct layout *layout, const struct tw__step_request *request,
                           int apart)
{
    const tw_signature *signature = request->grid->signature;
    int first_output = 0, noutputs = 0, recovers = 0, touches = 0, takes = 0;
    uint64_t begun = 0;
    for (int k = 0; k < signature->noperands; k++) {
        const struct tw__access *access = &request->accesses[k];
        const char *descr = access->view.dtype.descr;
        if (apart && access->view.dtype.kind == TW_OPAQUE && descr != NULL) {
            descr = place_text(layout, descr);
        }
        if (step != NULL) {
            tw__access_copy(&step->operands[k], access);
            step->operands[k].view.dtype.descr = descr;
            step->operands[k].room = layout->rooms;
        }
        if (access->ops != NULL) {
            takes = 1;
            begun |= (uint64_t)(access->fill != TW_FOLD_NONE) << k;
            add_room(layout, access->ops->room(access, request->grid));
        }
        recovers |= apart && access->ops != NULL && access->role == TW_INOUT;
        touches |= access->touch;
        first_output = access->role != TW_IN && noutputs == 0 ? k : first_output;
        noutputs += access->role != TW_IN;
    }
    if (step != NULL) {
        step->recovers = recovers;
        step->touches = touches;
        step->takes = takes;
        step->begun = begun;
        step->first_output = first_output;
        step->noutputs = noutputs;
        step->noperands = signature->noperands;
    }
}

/* Called twice: to count, and to fill. */
static struct tw__step *fill(struct layout *layout, const struct tw__crew *crew, const struct tw__step_request *request)
{
    const size_t workers = crew != NULL ? (size_t)crew->workers : 1;
    const int apart = is_apart(crew);
    const int noperands = request->grid->signature->noperands;
    struct tw__step *step = place(layout, sizeof *step + (size_t)noperands * sizeof step->operands[0]);
    struct tw__step_worker *own = place(layout, workers * sizeof *own);
    struct tw__guard_note *notes = request->guard ? place(layout, workers * sizeof *notes) : NULL;
    void *image = apart ? place(layout, tw__grid_image_size(request->grid)) : NULL;
    place_kernel(step, layout, request, apart);
    place_operands(step, layout, request, apart);
    if (step == NULL) {
        return NULL;
    }
    memset(own, 0, workers * sizeof *own);
    if (notes != NULL) {
        memset(notes, 0, workers * sizeof *notes);
    }
    step->grid = apart ? tw__grid_image(request->grid, image) : request->grid;
    step->scratch_size = request->scratch_size;
    step->heap_base = apart ? tw__heap_base(crew->heap) : NULL;
    step->heap_size = apart ? tw__heap_size(crew->heap) : 0;
    step->heap_epoch = apart ? tw__heap_epoch(crew->heap) : 0;
    step->workers = own;
    step->float_mode = tw__float_mode_get();
    step->notes = notes;
    step->choices = request->choices;
    step->fold = request->fold;
    step->number = step->first = 0;
    step->sums = NULL;
    step->elsewhere = NULL;
    step->rooms = NULL;
    step->room_size = layout->rooms;
    return step;
}

tw_status tw__step_measure(struct tw__step_room *room, const struct tw__crew *crew,
                           const struct tw__step_request *request, tw_error *error)
{
    struct layout layout = {0};
    fill(&layout, crew, request);
    room->payload = layout.used;
    room->accesses = layout.rooms;
    return layout.rooms == SIZE_MAX ? tw__fail_memory(error, SIZE_MAX, "copies of a tile's operands") : TW_OK;
}

struct tw__step *tw__step_fill(void *memory, const struct tw__crew *crew, const struct tw__step_request *request)
{
    struct layout layout = {.base = memory};
    if (is_apart(crew) && request->kernel != NULL && request->kernel->is_kept) {
        tw__file_touch(request->kernel->path); /* a worker may be about to open it */
    }
    return fill(&layout, crew, request);
}
