/* explain.c - the sentence about a run that failed. Knows what happened, and changes nothing. */
#include "run/explain.h"

#include <inttypes.h>
#include <stdio.h>

#include "array/combine.h"
#include "base/error.h"
#include "grid/stages.h"

#define BOX_TEXT 512

/* The function that the tile's step calls. */
static const char *name_of(const struct tw__explanation *it)
{
    const struct tw__stages *stages = it->grid->stages;
    const struct tw__stage *stage = stages != NULL ? tw__stage_of(stages, it->outcome->tile) : NULL;
    if (stage == NULL || stage->call == TW__STAGE_KERNEL) {
        return it->kernel->name;
    }
    return stages->fold_kernel[stage->fold] != NULL ? stages->fold_kernel[stage->fold]->name
                                                    : tw__fold_name(stages->folds[stage->fold]);
}

static tw_status explain_kernel(const struct tw__explanation *it, const char *box, tw_error *error)
{
    const struct tw__outcome *outcome = it->outcome;
    const tw_status status = outcome->result.status;
    if (status != TW_ERROR_KERNEL) {
        if (status == TW_ERROR_GUARD) {
            return tw__fail(error, status, "kernel %s %s at tile %" PRIu64 ", %s", name_of(it), outcome->message,
                            outcome->tile, box);
        }
        return tw__fail(error, status, "tile %" PRIu64 ", %s: %s", outcome->tile, box, outcome->message);
    }
    return tw__fail(error, TW_ERROR_KERNEL, "kernel %s returned %d at tile %" PRIu64 ", %s, on worker %u%s%s",
                    name_of(it), outcome->result.code, outcome->tile, box, outcome->worker,
                    outcome->message[0] != '\0' ? ": " : "", outcome->message);
}

static tw_status explain_death(const struct tw__explanation *it, const char *box, tw_error *error)
{
    const struct tw__outcome *outcome = it->outcome;
    char again[96];
    if (outcome->finding[0] != '\0') {
        return tw__fail(error, TW_ERROR_GUARD, "kernel %s %s at tile %" PRIu64 ", %s", name_of(it), outcome->finding,
                        outcome->tile, box);
    }
    if (outcome->attempts == 1) {
        snprintf(again, sizeof again, "it was not run again");
    } else {
        snprintf(again, sizeof again, "it was run %d times in all", outcome->attempts);
    }
    return tw__fail(error, TW_ERROR_WORKER, "worker %u %s at tile %" PRIu64 ", %s, in kernel %s; %s%s", outcome->worker,
                    outcome->message, outcome->tile, box, name_of(it), again,
                    outcome->done + outcome->failed >= it->tiles && it->tiles > 1 && !it->is_part
                        ? ", and all other tiles have been run"
                        : "");
}

tw_status tw__explain(const struct tw__explanation *it, tw_error *error)
{
    const struct tw__outcome *outcome = it->outcome;
    tw_status status = outcome->status;
    char box[BOX_TEXT];
    if (status == TW_ERROR_INTERRUPTED) {
        return tw__fail(error, status, "interrupted: %" PRIu64 " of %" PRIu64 " tiles are done", outcome->done,
                        it->tiles);
    }
    if (status != TW_ERROR_KERNEL && status != TW_ERROR_WORKER) {
        return status; /* the pool has said it */
    }
    tw_grid_tile_text(it->grid, outcome->tile, box, sizeof box);
    if (status == TW_ERROR_KERNEL) {
        status = explain_kernel(it, box, error);
    } else {
        status = explain_death(it, box, error);
    }
    if (error != NULL) {
        error->tile = (int64_t)outcome->tile;
        error->worker = (int)outcome->worker;
        error->kernel_code = status == TW_ERROR_KERNEL ? outcome->result.code : 0;
    }
    return status;
}
