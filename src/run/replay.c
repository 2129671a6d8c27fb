/* replay.c - tw_replay: one tile alone, on the calling thread. */
#include <stdlib.h>

#include "base/error.h"
#include "job/bind.h"
#include "job/here.h"
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
