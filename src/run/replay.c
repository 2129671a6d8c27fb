/* replay.c - tw_replay: one tile alone, on the calling thread. */
#include "base/error.h"
#include "job/bind.h"
#include "job/steps.h"
#include "run/explain.h"

static tw_status run_one(tw_pool *pool, const tw_kernel *kernel, const tw_grid *grid, struct tw__binding *binding,
                         uint64_t tile, const tw_run_options *options, tw_error *error)
{
    struct tw__steps steps;
    struct tw__outcome outcome;
    const struct tw__job_request request = {.kernel = kernel,
                                            .grid = grid,
                                            .views = binding->views,
                                            .arrays = binding->places,
                                            .scratch_size = options->scratch_size,
                                            .guard = options->guard};
    const tw_status status = tw__steps_create(&steps, pool, &request, 1, &(struct tw__steps_options){0}, error);
    if (status != TW_OK) {
        return status;
    }
    outcome.message[0] = '\0';
    outcome.result = tw__job_run_tile(steps.step[0], &pool->seats[0], tile, 0, outcome.message);
    outcome.message[sizeof outcome.message - 1] = '\0';
    if (outcome.result.status == TW_OK) {
        return TW_OK;
    }
    outcome.status = TW_ERROR_KERNEL;
    outcome.tile = tile;
    outcome.worker = 0;
    outcome.done = outcome.failed = 0;
    outcome.finding[0] = '\0';
    const struct tw__explanation explanation = {
        .kernel = kernel, .grid = grid, .tiles = grid->count, .outcome = &outcome};
    return tw__explain(&explanation, error);
}

tw_status tw_replay(const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands, uint64_t tile,
                    const tw_run_options *options, tw_error *error)
{
    const tw_run_options none = {0};
    const tw_pool_options serial = {.kind = TW_SERIAL};
    struct tw__binding binding;
    tw_pool *pool = NULL;
    if (tile >= grid->count) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "there is no tile %llu: the grid has %llu, counted from 0",
                        (unsigned long long)tile, (unsigned long long)grid->count);
    }
    tw_status status = tw__bind_check(grid, operands, error);
    if (status == TW_OK) {
        status = tw_pool_open(&pool, &serial, error);
    }
    if (status == TW_OK) {
        status = tw__bind(&binding, pool, grid, operands, error);
    }
    if (status == TW_OK) {
        status = run_one(pool, kernel, grid, &binding, tile, options != NULL ? options : &none, error);
        tw__unbind(&binding);
    }
    tw_pool_close(pool);
    return status;
}
