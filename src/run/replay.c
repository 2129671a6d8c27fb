/* replay.c - tw_replay: one tile alone, on the calling thread. */
#include <stdlib.h>

#include "array/array.h"
#include "array/view.h"
#include "base/error.h"
#include "grid/order.h"
#include "job/bind.h"
#include "job/here.h"
#include "run/again.h"
#include "run/explain.h"

/* Not on the caller's stack, which may be small. */
struct replay {
    struct tw__binding binding;
    struct tw__outcome outcome;
};

static tw_status run_one(struct replay *replay, const tw_kernel *kernel, const tw_grid *grid, uint64_t tile,
                         const tw_run_options *options, tw_error *error)
{
    const struct tw__step_request request = {.kernel = kernel,
                                             .grid = grid,
                                             .accesses = replay->binding.accesses,
                                             .scratch_size = options->scratch_size,
                                             .guard = options->guard};
    const struct tw__explanation explanation = {
        .kernel = kernel, .grid = grid, .tiles = grid->count, .outcome = &replay->outcome};
    const tw_status status = tw__step_run_here(&request, tile, 1, NULL, &replay->outcome, error);
    return status == replay->outcome.status ? tw__explain(&explanation, error) : status;
}

/* Arrays in place of the outputs that steps before the tile's own write: what they leave is for the tile alone. */
static tw_status make_scratch(tw_array **scratch, const tw_grid *grid, const struct tw__stage *stage,
                              tw_array *const *operands, tw_error *error)
{
    tw_status status = TW_OK;
    for (const struct tw__stage *before = grid->stages->stage; before < stage; before++) {
        const tw_signature *signature = before->grid->signature;
        for (int n = 0; status == TW_OK && n < signature->noperands; n++) {
            const int k = before->operand[n];
            if (k < 0 || k >= TW__TEMPORARY || signature->operands[n].role == TW_IN || scratch[k] != NULL) {
                continue;
            }
            const tw_view *view = &operands[k]->view;
            status = tw__array_create(&scratch[k], NULL, &view->dtype, view->ndim, view->shape, error);
            if (status == TW_OK && grid->signature->operands[k].role == TW_INOUT) {
                status = tw_array_copy(scratch[k], operands[k], error);
            }
        }
    }
    return status;
}

/* What the tile's own step uses: what was computed for it, but the caller's arrays for what it writes. */
static void choose_arrays(tw_array **last, tw_array *const *scratch, const tw_grid *grid, const struct tw__stage *stage,
                          tw_array *const *operands)
{
    const tw_signature *signature = stage->grid->signature;
    for (int k = 0; k < grid->signature->noperands; k++) {
        last[k] = scratch[k] != NULL ? scratch[k] : operands[k];
    }
    for (int n = 0; n < signature->noperands; n++) {
        const int k = stage->operand[n];
        if (k >= 0 && k < TW__TEMPORARY && signature->operands[n].role != TW_IN) {
            last[k] = operands[k];
        }
    }
}

/* What a tile contributes to a reduction can be seen: in the tile's part of the output. */
static void leave_partials(const struct tw__again *own, uint64_t tile, tw_array *const *operands)
{
    const struct tw__stages *stages = own->grid->stages;
    const struct tw__stage *stage = tw__stage_of(stages, tile);
    const struct tw__access *accesses = own->staging.requests[stage - stages->stage].accesses;
    struct tw__order order;
    tw__order_seek(&order, stage->grid, tile - stage->first);
    for (int k = 0; k < own->grid->signature->noperands; k++) {
        if (stage->call == TW__STAGE_KERNEL && stages->folds[k] != TW_FOLD_NONE && stage->parts[k] != 0) {
            const struct tw__access *access = &accesses[k];
            tw_view part = tw__view_box(&access->view, access->axes, order.start, order.stop);
            tw__partial_move(access, stage->grid, order.coordinate, &part);
            const tw_view place = tw__view_box(&operands[k]->view, access->axes, order.start, order.stop);
            tw__view_copy(&place, &part);
        }
    }
}

/* A tile of a job with stages: the steps before its own are computed first, whole. */
static tw_status replay_staged(const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands, uint64_t tile,
                               const tw_run_options *options, tw_error *error)
{
    const struct tw__stage *stage = tw__stage_of(grid->stages, tile);
    tw_array *scratch[TW_MAX_OPERANDS] = {NULL}, *first[TW_MAX_OPERANDS], *last[TW_MAX_OPERANDS];
    struct tw__again *before = NULL, *own = NULL;
    tw_status status = make_scratch(scratch, grid, stage, operands, error);
    for (int k = 0; status == TW_OK && k < grid->signature->noperands; k++) {
        first[k] = scratch[k] != NULL ? scratch[k] : operands[k];
    }
    if (status == TW_OK) {
        status = tw__again_create(&before, kernel, grid, first, NULL, error);
    }
    if (status == TW_OK) {
        status = tw__again_run(before, (int)(stage - grid->stages->stage), options, error);
    }
    if (status == TW_OK) {
        choose_arrays(last, scratch, grid, stage, operands);
        status = tw__again_create(&own, kernel, grid, last, before->memory, error);
    }
    if (status == TW_OK) {
        status = tw__again_run_tile(own, tile, options, error);
    }
    if (status == TW_OK) {
        leave_partials(own, tile, operands);
    }
    tw__again_destroy(own);
    tw__again_destroy(before);
    for (int k = 0; k < grid->signature->noperands; k++) {
        tw_array_destroy(scratch[k]);
    }
    return status;
}

tw_status tw_replay(const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands, uint64_t tile,
                    const tw_run_options *options, tw_error *error)
{
    const tw_run_options none = {0};
    if (tile >= grid->count) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "there is no tile %llu: the grid has %llu, counted from 0",
                        (unsigned long long)tile, (unsigned long long)grid->count);
    }
    tw_status status = tw__bind_check(grid, operands, error);
    if (status != TW_OK) {
        return status;
    }
    if (grid->stages != NULL) {
        status = tw__staging_check(grid, operands, error);
        return status == TW_OK ? replay_staged(kernel, grid, operands, tile, options != NULL ? options : &none, error)
                               : status;
    }
    struct replay *replay = malloc(sizeof *replay);
    if (replay == NULL) {
        return tw__fail_memory(error, sizeof *replay, "a tile that is run alone");
    }
    status = tw__bind(&replay->binding, NULL, grid, operands, error);
    if (status == TW_OK) {
        status = run_one(replay, kernel, grid, tile, options != NULL ? options : &none, error);
        tw__unbind(&replay->binding);
    }
    free(replay);
    return status;
}
