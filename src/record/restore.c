/* restore.c - inout operands of a run that resumes: tiles that are missing may have been begun, so they get their first
 * values back. Knows what is done, not where that is recorded. */
#include "record/restore.h"

#include <string.h>

#include "array/array.h"
#include "array/dtype.h"
#include "array/view.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "record/fingerprint.h"

static const struct tw__journal_output *find_output(const struct tw__journal *journal, int operand)
{
    for (int k = 0; k < journal->noutputs; k++) {
        if (journal->outputs[k].operand == operand) {
            return &journal->outputs[k];
        }
    }
    return NULL;
}

static void copy_missing(const struct tw__ledger *ledger, const tw_grid *grid, int operand, const tw_view *to,
                         const tw_view *from)
{
    const uint8_t *axes = grid->signature->operands[operand].axes;
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    for (uint64_t tile = 0; (tile = tw__ledger_missing(ledger, tile)) < ledger->count; tile++) {
        tw_grid_tile(grid, tile, start, stop);
        const tw_view to_tile = tw__view_box(to, axes, start, stop), from_tile = tw__view_box(from, axes, start, stop);
        tw__view_copy(&to_tile, &from_tile);
    }
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
    tw__fingerprint_source(source, now, sizeof now);
    if (was != NULL && was[0] != '\0' && strcmp(was, now) != 0) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: is of another job: '%s' began as %s and is %s",
                        journal->held.path, name, was, now[0] != '\0' ? now : "no file");
    }
    copy_missing(&journal->ledger, journal->grid, operand, &array->view, &source->view);
    return TW_OK;
}
