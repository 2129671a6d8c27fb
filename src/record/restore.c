/* restore.c - inout operands of a run that resumes: tiles that are missing may have been begun, so they get their first
 * values back. Knows what is done, not where that is recorded. */
#include "record/restore.h"

#include <string.h>

#include "array/dtype.h"
#include "array/view.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "record/contents.h"
#include "record/recovery.h"
#include "record/written.h"
#include "store/store.h"

static const struct tw__journal_output *find_output(const struct tw__journal *journal, int operand)
{
    for (int k = 0; k < journal->noutputs; k++) {
        if (journal->outputs[k].operand == operand) {
            return &journal->outputs[k];
        }
    }
    return NULL;
}

/* Whether the tile's elements of the operand must be its first values when it begins: a later step finds there what an
 * earlier one has written. */
static int finds_first_values(const tw_grid *grid, uint64_t tile, int operand)
{
    const struct tw__stages *stages = grid->stages;
    return stages == NULL || tw__stage_writes_first(stages, (int)(tw__stage_of(stages, tile) - stages->stage), operand);
}

static tw_status copy_missing(const struct tw__ledger *ledger, const tw_grid *grid, int operand, const tw_array *to,
                              const tw_array *from, tw_error *error)
{
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    tw_status status = TW_OK;
    for (uint64_t tile = 0; status == TW_OK && (tile = tw__ledger_missing(ledger, tile)) < ledger->count; tile++) {
        if (finds_first_values(grid, tile, operand)) {
            tw__grid_part(grid, tile, operand, start, shape);
            status = tw__store_copy(to, from, start, shape, error);
        }
    }
    return status;
}

tw_status tw__journal_restore(struct tw__journal *journal, int operand, const tw_array *source, tw_error *error)
{
    char now[256];
    const struct tw__journal_output *output = find_output(journal, operand);
    if (output == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "operand %d is no output of the journal's job", operand);
    }
    const char *name = journal->grid->signature->operands[operand].name, *was = output->began;
    const tw_array *array = output->array;
    if (!tw__view_same_shape(&array->view, &source->view) || !tw__dtype_same(&array->view.dtype, &source->view.dtype)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "'%s' cannot begin with an array of another shape or dtype", name);
    }
    const tw_status status = was != NULL && was[0] != '\0' ? tw__contents_text(source, now, sizeof now, error) : TW_OK;
    if (status != TW_OK) {
        return status;
    }
    if (was != NULL && was[0] != '\0' && strcmp(was, now) != 0) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: is of another job: '%s' began as %s and is %s",
                        journal->held.path, name, was, now);
    }
    return copy_missing(&journal->ledger, journal->grid, operand, array, source, error);
}
