/* replay.c - tilework replay: one tile of a job alone, in this process. Knows the order of the steps, as run.c does,
 * but neither pools nor files that are written in tiles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "look/clock.h"
#include "operands.h"
#include "recipe.h"
#include "request.h"
#include "units.h"

struct replay {
    const struct cli_request *request;
    struct cli_recipe recipe;
    struct cli_reductions reductions;
    tw_grid *grid;
    struct cli_operands operands;
    tw_array *arrays[TW_MAX_OPERANDS];
};

static tw_status prepare(struct replay *replay, tw_error *error)
{
    const struct cli_request *request = replay->request;
    int64_t itemsizes[TW_MAX_OPERANDS];
    if (cli_recipe_begin(&replay->recipe, request->kernel, request->signature, &request->notation, &request->lengths,
                         error) != TW_OK ||
        cli_operands_bind_some(&replay->operands, replay->recipe.signature, &request->inputs, &request->outputs,
                               error) != TW_OK ||
        cli_operands_open(&replay->operands, error) != TW_OK ||
        cli_recipe_settle(&replay->recipe, &replay->operands, &request->lengths, &request->dtypes, itemsizes, error) !=
            TW_OK ||
        cli_operands_sizes(&replay->operands, replay->recipe.lengths, error) != TW_OK ||
        cli_reductions_open(&replay->reductions, replay->recipe.signature, &request->reductions, &request->compile,
                            error) != TW_OK ||
        cli_recipe_divide(&replay->grid, &replay->recipe, &request->splits, &replay->reductions, itemsizes, error) !=
            TW_OK) {
        return error->status;
    }
    if (request->tile >= tw_grid_count(replay->grid)) {
        return cli_error(error, TW_ERROR_ARGUMENT, "there is no tile %llu: the grid has %llu, counted from 0",
                         (unsigned long long)request->tile, (unsigned long long)tw_grid_count(replay->grid));
    }
    return cli_recipe_open(&replay->recipe, request->kernel, request->object, &request->compile, error);
}

/* Memory for a whole output, of which the tile's pages alone are ever touched; inout operands begin with their source.
 */
static tw_status create_outputs(struct replay *replay, tw_error *error)
{
    for (int k = 0; k < replay->operands.count; k++) {
        const struct cli_operand *operand = &replay->operands.operand[k];
        int64_t shape[TW_MAX_DIMS];
        replay->arrays[k] = operand->input;
        if (tw_signature_role(replay->recipe.signature, k) == TW_IN) {
            continue;
        }
        const int ndim = cli_operands_shape(&replay->operands, k, replay->recipe.lengths, shape);
        replay->arrays[k] = NULL;
        if (tw_array_create(&replay->arrays[k], NULL, &operand->dtype, ndim, shape, error) != TW_OK ||
            (operand->input != NULL && tw_array_copy(replay->arrays[k], operand->input, error) != TW_OK)) {
            return error->status;
        }
    }
    return TW_OK;
}

/* The tile's part of an output as a .npy file. */
static tw_status save_part(const struct replay *replay, int k, tw_error *error)
{
    tw_view view = *tw_array_view(replay->arrays[k]);
    const size_t naxes = (size_t)tw_signature_naxes(replay->recipe.signature);
    int64_t *start = calloc(2 * naxes + 1, sizeof *start);
    tw_array *part = NULL;
    if (start == NULL) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for the axes");
    }
    tw_grid_tile(replay->grid, replay->request->tile, start, start + naxes);
    for (int d = 0; d < view.ndim; d++) {
        const int axis = tw_signature_operand_axis(replay->recipe.signature, k, d);
        view.data = (char *)view.data + start[axis] * view.strides[d];
        view.shape[d] = start[naxes + (size_t)axis] - start[axis];
    }
    free(start);
    if (tw_array_wrap(&part, &view, error) != TW_OK ||
        tw_array_save(part, replay->operands.operand[k].target, error) != TW_OK) {
        tw_array_destroy(part);
        return error->status;
    }
    tw_array_destroy(part);
    return TW_OK;
}

static tw_status execute(struct replay *replay, tw_error *error)
{
    const tw_run_options options = {.scratch_size = replay->request->scratch, .guard = replay->request->guard};
    char box[1024], seconds[CLI_UNITS_TEXT];
    if (create_outputs(replay, error) != TW_OK) {
        return error->status;
    }
    tw_grid_tile_text(replay->grid, replay->request->tile, box, sizeof box);
    cli_say("tile %llu of %llu: %s", (unsigned long long)replay->request->tile,
            (unsigned long long)tw_grid_count(replay->grid), box);
    const double began = cli_now();
    if (tw_replay(replay->recipe.kernel, replay->grid, replay->arrays, replay->request->tile, &options, error) !=
        TW_OK) {
        return error->status;
    }
    cli_say("done in %s", cli_text_seconds(seconds, sizeof seconds, cli_now() - began));
    for (int k = 0; k < replay->operands.count; k++) {
        if (replay->operands.operand[k].target != NULL && save_part(replay, k, error) != TW_OK) {
            return error->status;
        }
    }
    return TW_OK;
}

static void replay_fini(struct replay *replay)
{
    for (int k = 0; k < replay->operands.count; k++) {
        if (replay->arrays[k] != replay->operands.operand[k].input) {
            tw_array_destroy(replay->arrays[k]);
        }
    }
    cli_operands_fini(&replay->operands);
    tw_grid_destroy(replay->grid);
    cli_reductions_fini(&replay->reductions);
    cli_recipe_fini(&replay->recipe);
}

int cli_replay(int argc, char **argv)
{
    struct cli_request request;
    struct replay replay = {.request = &request};
    tw_error error;
    int code = cli_request_parse_replay(&request, argc, argv);
    if (code == CLI_DONE && (prepare(&replay, &error) != TW_OK || execute(&replay, &error) != TW_OK)) {
        code = cli_fail(&error);
    }
    replay_fini(&replay);
    cli_request_fini(&request);
    return code;
}
