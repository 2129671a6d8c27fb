/* outputs.c - the files that a run writes, as one thing: given their names all or none, or kept. How they are created
 * or found again: outputs_open.c. Knows no format and not how tiles are run. */
#include "record/outputs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "job/access/access.h"
#include "record/file_names.h"
#include "record/journal_file.h"
#include "record/partials.h"
#include "store/store.h"

/* ---- the object ---- */

static void release(tw_outputs *outputs)
{
    for (int k = 0; k < TW_MAX_OPERANDS; k++) {
        free(outputs->files[k]);
        free(outputs->unfinished[k]);
    }
    free(outputs->journal_path);
    free(outputs->partials_path);
    tw__where_fini(&outputs->where);
    free(outputs);
}

void tw__outputs_close_arrays(tw_outputs *outputs, int keep)
{
    for (int k = 0; k < outputs->noperands; k++) {
        if (outputs->files[k] == NULL) {
            continue;
        }
        if (keep) {
            tw__store_keep(outputs->operands[k]);
        } else {
            tw_array_destroy(outputs->operands[k]);
        }
        outputs->operands[k] = NULL;
    }
}

static void close_partials(tw_outputs *outputs, int remove)
{
    tw__partials_close(outputs->partials, remove);
    outputs->partials = NULL;
}

tw_status tw__outputs_new(tw_outputs **outputs, const tw_signature *signature, const tw_output *files, tw_error *error)
{
    tw_outputs *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "the outputs of a run");
    }
    made->noperands = signature->noperands;
    const tw_status status = tw__outputs_name(made, signature, files, error);
    if (status != TW_OK) {
        release(made);
        return status;
    }
    *outputs = made;
    return TW_OK;
}

tw_status tw__outputs_fail_ended(const tw_outputs *outputs, tw_error *error)
{
    return tw__fail(error, TW_ERROR_ARGUMENT, "these outputs have been %s: open them anew", outputs->end);
}

tw_status tw__outputs_check(const tw_outputs *outputs, const tw_kernel *kernel, const tw_grid *grid,
                            tw_array *const *operands, tw_error *error)
{
    int same = outputs->kernel == kernel && outputs->grid == grid;
    if (outputs->end != NULL) {
        return tw__outputs_fail_ended(outputs, error);
    }
    for (int k = 0; same && k < outputs->noperands; k++) {
        same = outputs->operands[k] == operands[k];
    }
    return same ? TW_OK
                : tw__fail(error, TW_ERROR_ARGUMENT,
                           "the outputs were opened for another kernel, grid or operands than those of this run");
}

/* ---- the beginning ---- */

static tw_status check_arguments(const tw_grid *grid, tw_array *const *arrays, const tw_outputs_options *options,
                                 tw_error *error)
{
    const int is_alone = options->node == NULL && options->join == NULL; /* else the rules are those of nodes */
    if (is_alone && options->resume && (options->restart || options->no_journal)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "resume excludes %s", options->restart ? "restart" : "no_journal");
    }
    if (is_alone && options->verify && !options->resume) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "verify reads the tiles of a run that is resumed: it needs resume");
    }
    if (tw__signature_first_output(grid->signature) < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a job without outputs has no files to write and no journal");
    }
    for (int k = 0; k < grid->signature->noperands; k++) {
        if (arrays[k] == NULL && grid->signature->operands[k].role != TW_OUT) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "operand '%s' has no array", grid->signature->operands[k].name);
        }
        const tw_status status = grid->signature->operands[k].has_halo /* as tw_run does, before there are files */
                                     ? tw__framed_check(grid, k, &arrays[k]->view.dtype, error)
                                     : TW_OK;
        if (status != TW_OK) {
            return status;
        }
    }
    return TW_OK;
}

tw_status tw__outputs_prepare(tw_outputs **outputs, const tw_kernel *kernel, const tw_grid *grid,
                              tw_array *const *arrays, const tw_output *files, const tw_outputs_options *options,
                              tw_error *error)
{
    tw_outputs *made = NULL;
    if (outputs == NULL || kernel == NULL || grid == NULL || arrays == NULL || files == NULL) {
        return tw__fail_null(error, "tw_outputs_open",
                             outputs == NULL  ? "outputs"
                             : kernel == NULL ? "kernel"
                             : grid == NULL   ? "grid"
                             : arrays == NULL ? "arrays"
                                              : "files");
    }
    tw_status status = check_arguments(grid, arrays, options, error);
    if (status == TW_OK) {
        status = tw__outputs_new(&made, grid->signature, files, error);
    }
    if (status != TW_OK) {
        return status;
    }
    made->kernel = kernel;
    made->grid = grid;
    for (int k = 0; k < made->noperands; k++) {
        made->operands[k] = made->files[k] == NULL ? arrays[k] : NULL;
    }
    if (options->where != NULL) {
        status = tw__where_create(&made->where, grid, options->where, options->where_axes, error);
    }
    if (status != TW_OK) {
        release(made);
        return status;
    }
    *outputs = made;
    return TW_OK;
}

tw_array *const *tw_outputs_operands(const tw_outputs *outputs)
{
    return outputs->operands;
}

void tw__outputs_get_totals(const tw_outputs *outputs, tw_outputs_totals *totals)
{
    const uint64_t skipped = outputs->where.count;
    *totals = (tw_outputs_totals){.tiles = outputs->grid->count,
                                  .done = outputs->journal != NULL ? outputs->journal->ledger.done - skipped : 0,
                                  .skipped = skipped,
                                  .dropped = outputs->dropped,
                                  .lost = outputs->lost,
                                  .kept = outputs->kept};
}

/* ---- the end ---- */

tw_status tw__outputs_commit(tw_outputs *outputs, tw_error *error)
{
    tw_status status = TW_OK;
    if (!outputs->is_complete) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "outputs get their names after tw_run has done all of their tiles");
    }
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        status = outputs->files[k] != NULL ? tw__store_check(outputs->operands[k], error) : TW_OK;
    }
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        status = outputs->files[k] != NULL ? tw_array_commit(outputs->operands[k], error) : TW_OK;
    }
    if (status == TW_OK) {
        close_partials(outputs, 1); /* before the journal, which says that nobody needs them */
        tw__journal_remove(outputs->journal);
        outputs->journal = NULL;
        outputs->end = "committed";
    }
    return status;
}

tw_status tw__outputs_keep(tw_outputs *outputs, tw_error *error)
{
    uint64_t tiles;
    const int keep = outputs->journal != NULL && outputs->journal->ledger.done > outputs->where.count;
    tw_status status = TW_OK;
    if (keep) {
        status = tw__journal_close(outputs->journal, error);
        if (tw__journal_look(&outputs->kept, &tiles, outputs->journal_path, NULL) != TW_OK) {
            outputs->kept = 0;
        }
    } else {
        tw__journal_remove(outputs->journal);
    }
    outputs->journal = NULL;
    close_partials(outputs, !keep);
    outputs->end = "kept";
    tw__outputs_close_arrays(outputs, keep); /* also if the disk has refused records: what is there may be of use */
    return status;
}

void tw__outputs_close(tw_outputs *outputs, int remove)
{
    tw__journal_remove(outputs->journal);
    close_partials(outputs, remove);
    tw__outputs_close_arrays(outputs, 0);
    release(outputs);
}
