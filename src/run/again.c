/* again.c - the steps of a job with stages on the calling thread. Knows neither pools nor what the results are for. */
#include "run/again.h"

#include <stdlib.h>

#include "base/error.h"
#include "job/here.h"
#include "job/temporaries.h"
#include "run/explain.h"

static tw_status take_memory(struct tw__again *again, tw_array *const *arrays, tw_error *error)
{
    int64_t bytes;
    const tw_status status = tw__temporaries_measure(again->grid->stages, arrays, &bytes, error);
    if (status != TW_OK) {
        return status;
    }
    if (posix_memalign(&again->memory, TW__TEMPORARY_ALIGNMENT, (size_t)bytes + 1) != 0) {
        again->memory = NULL;
        return tw__fail_memory(error, (size_t)bytes, "partials");
    }
    return TW_OK;
}

tw_status tw__again_create(struct tw__again **again, const tw_kernel *kernel, const tw_grid *grid,
                           tw_array *const *arrays, void *memory, tw_error *error)
{
    struct tw__again *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a job that is run again");
    }
    made->kernel = kernel;
    made->grid = grid;
    made->memory = memory;
    made->borrowed = memory != NULL;
    tw_status status = memory == NULL ? take_memory(made, arrays, error) : TW_OK;
    if (status == TW_OK) {
        status = tw__bind(&made->binding, NULL, grid, arrays, error); /* copies nothing: there is no crew */
    }
    if (status == TW_OK) {
        status = tw__staging_create(&made->staging, &made->binding, grid, kernel, NULL, made->memory, NULL, error);
    }
    if (status != TW_OK) {
        tw__again_destroy(made);
        return status;
    }
    *again = made;
    return TW_OK;
}

void tw__again_destroy(struct tw__again *again)
{
    if (again != NULL) {
        tw__staging_fini(&again->staging);
        free(again->borrowed ? NULL : again->memory);
        free(again);
    }
}

/* Tiles of step s, [first, first + count) in its own grid. */
static tw_status run_range(struct tw__again *again, int s, uint64_t first, uint64_t count,
                           const tw_run_options *options, int guard, tw_error *error)
{
    struct tw__step_request *request = &again->staging.requests[s];
    request->scratch_size = options->scratch_size;
    request->guard = guard && request->fold == TW_FOLD_NONE;
    const struct tw__explanation explanation = {
        .kernel = again->kernel, .grid = again->grid, .tiles = again->grid->count, .outcome = &again->outcome};
    const tw_status status = tw__step_run_here(request, first, count, options->stop, &again->outcome, error);
    if (status == TW_OK || status != again->outcome.status) {
        return status;
    }
    again->outcome.tile += again->grid->stages->stage[s].first;
    return tw__explain(&explanation, error);
}

tw_status tw__again_run(struct tw__again *again, int count, const tw_run_options *options, tw_error *error)
{
    tw_status status = TW_OK;
    for (int s = 0; status == TW_OK && s < count; s++) {
        status = run_range(again, s, 0, again->grid->stages->stage[s].grid->count, options, 0, error);
    }
    return status;
}

tw_status tw__again_run_tile(struct tw__again *again, uint64_t tile, const tw_run_options *options, tw_error *error)
{
    const struct tw__stages *stages = again->grid->stages;
    const struct tw__stage *stage = tw__stage_of(stages, tile);
    return run_range(again, (int)(stage - stages->stage), tile - stage->first, 1, options, options->guard, error);
}
