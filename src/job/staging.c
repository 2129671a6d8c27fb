/* staging.c - a job with stages as the list of its steps. Knows which memory each operand of a step is; not when steps
 * run. */
#include "job/staging.h"

#include <stdlib.h>

#include "array/combine.h"
#include "base/error.h"
#include "grid/signature.h"
#include "job/temporaries.h"

tw_status tw__staging_check(const tw_grid *grid, tw_array *const *arrays, tw_error *error)
{
    tw_status status = TW_OK;
    for (int k = 0; grid->stages != NULL && status == TW_OK && k < grid->signature->noperands; k++) {
        const tw_dtype *dtype = &arrays[k]->view.dtype;
        const int is_chosen = dtype->kind == TW_OPAQUE && dtype->itemsize == 0;
        if (!is_chosen) {
            status = tw__combine_check(grid->stages->folds[k], dtype, grid->signature->operands[k].name, error);
        }
    }
    return status;
}

static int is_apart(const struct tw__crew *crew)
{
    return crew != NULL && crew->ops->apart;
}

/* An operand that the step does not use: an item without bytes. */
static void bind_nothing(struct tw__access *access, const tw_operand *operand, int n)
{
    static const tw_view nothing = {.dtype = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 0, .descr = "|V0"}};
    tw__bind_access(access, operand, n, &nothing, NULL, 0);
    access->touch = 0;
}

/* Slot 0 of an operand with parts, and what leads to the others. */
static void bind_part(struct tw__access *access, const tw_operand *operand, int n, const tw_view *whole,
                      const tw_array *owner, uint64_t parts)
{
    tw_view slot;
    slot.data = whole->data;
    slot.dtype = whole->dtype;
    slot.ndim = whole->ndim - 1;
    for (int d = 0; d < slot.ndim; d++) {
        slot.shape[d] = whole->shape[d + 1];
        slot.strides[d] = whole->strides[d + 1];
    }
    tw__bind_access(access, operand, n, &slot, owner, 0); /* between steps: written again whole, if a worker dies */
    access->ops = access->store == NULL ? &tw__partial : access->ops;
    access->fill = TW_FOLD_NONE;
    access->parts = parts;
    access->part_step = whole->strides[0];
}

/* Whether a step before `stage` writes the job's operand. */
static int is_written_before(const struct tw__stages *stages, const struct tw__stage *stage, int number)
{
    for (const struct tw__stage *before = stages->stage; before < stage; before++) {
        for (int k = 0; k < before->grid->signature->noperands; k++) {
            if (before->operand[k] == number && before->grid->signature->operands[k].role != TW_IN) {
                return 1;
            }
        }
    }
    return 0;
}

/* An operand of the job. What it begins with lies elsewhere if it is a store with a `begin`, until a step writes it. */
static void bind_own(const struct tw__staging *staging, struct tw__access *access, const struct tw__stage *stage, int n,
                     const struct tw__binding *binding, const struct tw__crew *crew)
{
    const tw_operand *operand = &stage->grid->signature->operands[n];
    const tw_array *memory;
    const int number = stage->operand[n];
    const tw_view *view = tw__bind_view(binding, crew, number, &memory);
    const tw_array *begin = memory != NULL && memory->store != NULL ? memory->store->begin : NULL;
    const int is_begun = begin != NULL && is_written_before(staging->stages, stage, number);
    if (begin != NULL && !is_begun && operand->role == TW_IN) {
        tw__bind_access(access, operand, n, &begin->view, begin, is_apart(crew));
        return;
    }
    tw__bind_access(access, operand, n, view, memory, is_apart(crew));
    access->begin = is_begun ? NULL : access->begin;
}

/* Operand n of a step. */
static void bind_operand(struct tw__staging *staging, struct tw__access *access, const struct tw__stage *stage, int n,
                         const struct tw__binding *binding, const struct tw__crew *crew, tw_array *const *between)
{
    static const tw_array own = {.memory = TW_PRIVATE};
    const tw_operand *operand = &stage->grid->signature->operands[n];
    const int number = stage->operand[n];
    const tw_array *memory = is_apart(crew) ? NULL : &own;
    if (number < 0) {
        bind_nothing(access, operand, n);
    } else if (number >= TW__TEMPORARY) {
        const tw_view *view = &staging->temporaries[number - TW__TEMPORARY];
        memory = between != NULL ? between[number - TW__TEMPORARY] : memory;
        if (stage->parts[n] != 0) {
            bind_part(access, operand, n, view, memory, stage->parts[n]);
        } else {
            tw__bind_access(access, operand, n, view, memory, is_apart(crew));
        }
    } else {
        bind_own(staging, access, stage, n, binding, crew);
    }
}

/* An output of the kernel that is a reduction begins as the value which changes nothing. */
static void begin_fold(struct tw__access *access, const struct tw__stages *stages, const struct tw__stage *stage, int k)
{
    if (stage->call == TW__STAGE_KERNEL && access->role == TW_OUT && stages->folds[k] != TW_FOLD_NONE) {
        access->fill = stages->folds[k];
        access->ops = access->ops == NULL ? &tw__partial : access->ops;
    }
}

static void make_step(struct tw__staging *staging, int s, struct tw__access *accesses,
                      const struct tw__binding *binding, const tw_kernel *kernel, const struct tw__crew *crew,
                      tw_array *const *between)
{
    const struct tw__stages *stages = staging->stages;
    const struct tw__stage *stage = &stages->stage[s];
    for (int n = 0; n < stage->grid->signature->noperands; n++) {
        bind_operand(staging, &accesses[n], stage, n, binding, crew, between);
        begin_fold(&accesses[n], stages, stage, n);
    }
    struct tw__step_request *request = &staging->requests[s];
    *request = (struct tw__step_request){.kernel = kernel,
                                         .context = stage->context,
                                         .context_size = stage->context_size,
                                         .grid = stage->grid,
                                         .accesses = accesses};
    if (stage->call == TW__STAGE_FOLD) {
        request->fold = stages->folds[stage->fold];
        request->kernel = stages->fold_kernel[stage->fold];
    }
}

tw_status tw__staging_create(struct tw__staging *staging, const struct tw__binding *binding, const tw_grid *grid,
                             const tw_kernel *kernel, const struct tw__crew *crew, void *memory,
                             tw_array *const *between, tw_error *error)
{
    const struct tw__stages *stages = grid->stages;
    const size_t ntemporaries = (size_t)stages->ntemporaries;
    size_t noperands = 0;
    for (int s = 0; s < stages->count; s++) {
        noperands += (size_t)stages->stage[s].grid->signature->noperands;
    }
    *staging = (struct tw__staging){.stages = stages, .count = stages->count};
    staging->requests = calloc((size_t)stages->count, sizeof *staging->requests);
    staging->accesses = calloc(noperands, sizeof *staging->accesses);
    staging->temporaries = calloc(ntemporaries + 1, sizeof *staging->temporaries);
    if (staging->requests == NULL || staging->accesses == NULL || staging->temporaries == NULL) {
        tw__staging_fini(staging);
        return tw__fail_memory(error, noperands * sizeof *staging->accesses, "the steps of a job");
    }
    for (int t = 0; between != NULL && t < stages->ntemporaries; t++) {
        staging->temporaries[t] = between[t]->view;
    }
    if (between == NULL) {
        tw__temporaries_place(staging->temporaries, stages, binding->arrays, memory);
    }
    struct tw__access *accesses = staging->accesses;
    for (int s = 0; s < stages->count; s++) {
        make_step(staging, s, accesses, binding, kernel, crew, between);
        accesses += stages->stage[s].grid->signature->noperands;
    }
    return TW_OK;
}

void tw__staging_fini(struct tw__staging *staging)
{
    free(staging->requests);
    free(staging->accesses);
    free(staging->temporaries);
    *staging = (struct tw__staging){0};
}
