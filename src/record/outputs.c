/* outputs.c - the files that a run writes, as one thing: created or found again, given their names all or none, kept.
 * Knows no format and not how tiles are run. */
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
#include "record/contents.h"
#include "record/file_names.h"
#include "record/journal_file.h"
#include "record/partials.h"
#include "record/recovery.h"
#include "record/restore.h"
#include "store/part.h"
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

/* Destroys the arrays of the outputs; `keep`: what is in their files stays. */
static void close_arrays(tw_outputs *outputs, int keep)
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

static tw_status new_outputs(tw_outputs **outputs, const tw_signature *signature, const tw_output *files,
                             tw_error *error)
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

/* ---- looking ---- */

/* Whether any output is there unfinished. It may be the only sign of a run that is alive. */
static tw_status find_unfinished(const tw_outputs *outputs, int *there, tw_error *error)
{
    *there = 0;
    for (int k = 0; k < outputs->noperands; k++) {
        struct tw__part part;
        if (outputs->files[k] == NULL) {
            continue;
        }
        const tw_status status = tw__part_open(&part, outputs->files[k], 0, error);
        if (status != TW_OK) {
            return status;
        }
        *there |= part.held.fd >= 0;
        tw__part_close(&part, 0);
    }
    return TW_OK;
}

/* What the journal says, if there is one. */
struct found {
    int is_there; /* whatever is in it */
    tw_unfinished recorded;
};

static tw_status look(const tw_outputs *outputs, struct found *found, tw_error *error)
{
    *found = (struct found){0};
    const tw_status status =
        tw__journal_look(&found->recorded.done, &found->recorded.tiles, outputs->journal_path, error);
    found->is_there = status != TW_ERROR_JOURNAL;
    return found->is_there ? status : TW_OK;
}

/* *loss: what would be lost if these outputs began anew, beside the journal that was found. */
static tw_status look_for_loss(const tw_outputs *outputs, const struct found *found, tw_unfinished *loss,
                               tw_error *error)
{
    int unfinished = 0;
    const tw_status status = found->recorded.done > 0 ? find_unfinished(outputs, &unfinished, error) : TW_OK;
    /* A journal alone is what a crash left of a run that was finished. */
    *loss = (tw_unfinished){.done = unfinished ? found->recorded.done : 0, .tiles = found->recorded.tiles};
    return status;
}

tw_status tw_outputs_look(tw_unfinished *found, const tw_signature *signature, const tw_output *files, tw_error *error)
{
    tw_outputs *outputs = NULL;
    struct found journal;
    tw_unfinished loss;
    if (signature == NULL || files == NULL) {
        return tw__fail_null(error, "tw_outputs_look", signature == NULL ? "signature" : "files");
    }
    tw_status status = new_outputs(&outputs, signature, files, error);
    if (status != TW_OK) {
        return status;
    }
    status = look(outputs, &journal, error);
    if (status == TW_OK) {
        status = look_for_loss(outputs, &journal, &loss, error);
    }
    release(outputs);
    if (status == TW_OK) {
        *found = loss;
    }
    return status;
}

/* ---- opening ---- */

/* What is known when the outputs are opened. */
struct opening {
    tw_outputs *outputs;
    tw_array *const *arrays;
    const tw_output *files;
    const tw_outputs_options *options;
};

static int shape_of(const tw_grid *grid, int operand, int64_t *shape)
{
    const tw_operand *described = &grid->signature->operands[operand];
    for (int d = 0; d < described->ndim; d++) {
        shape[d] = grid->axes[described->axes[d]].length;
    }
    return described->ndim;
}

/* An inout operand begins with its first values. A journal says what they were. */
static tw_status fill_file(const struct opening *opening, int k, tw_error *error)
{
    char text[256];
    tw_array *array = opening->outputs->operands[k];
    const tw_array *first_values = opening->arrays[k];
    tw_status status = tw_array_copy(array, first_values, error);
    if (status == TW_OK && first_values->origin == NULL && !opening->options->no_journal) {
        status = tw__contents_text(first_values, text, sizeof text, error);
        status = status == TW_OK ? tw__array_set_origin(array, text, error) : status;
    }
    return status;
}

static tw_status create_file(const struct opening *opening, int k, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    const tw_outputs_options *options = opening->options;
    const tw_array *first_values = opening->arrays[k];
    int64_t shape[TW_MAX_DIMS];
    const int ndim = shape_of(outputs->grid, k, shape);
    const tw_status status =
        tw_array_create_file(&outputs->operands[k], outputs->files[k], &opening->files[k].dtype, ndim, shape, error);
    if (status != TW_OK) {
        return status;
    }
    if (options->made != NULL) {
        options->made(options->made_user, outputs->unfinished[k]);
    }
    return first_values != NULL ? fill_file(opening, k, error) : TW_OK;
}

/* Partials are worth a file only beside a journal: without it they are memory of the pool's. */
static tw_status create_partials(const struct opening *opening, const char *tag, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    const struct tw__stages *stages = outputs->grid->stages;
    return stages != NULL && stages->ntemporaries > 0 && !opening->options->no_journal
               ? tw__partials_create(&outputs->partials, outputs->partials_path, stages, outputs->operands, tag, error)
               : TW_OK;
}

/* An earlier run's journal goes before its files do: if the machine goes down in between, a job is left that was never
 * begun, and no journal beside files that are not its own. So it goes also if no new one is made. */
static tw_status create(const struct opening *opening, int is_there, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    tw_status status = is_there ? tw__journal_forget(outputs->journal_path, error) : TW_OK;
    if (status == TW_OK) {
        tw__partials_forget(outputs->partials_path);
    }
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        status = outputs->files[k] != NULL ? create_file(opening, k, error) : TW_OK;
    }
    if (status == TW_OK) {
        status = create_partials(opening, NULL, error);
    }
    if (status == TW_OK && !opening->options->no_journal) {
        status = tw__journal_create(&outputs->journal, outputs->journal_path, outputs->kernel, outputs->grid,
                                    outputs->operands, &outputs->where, outputs->partials, error);
    }
    return status;
}

static tw_status reopen_file(const struct opening *opening, int k, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    int64_t shape[TW_MAX_DIMS];
    const int ndim = shape_of(outputs->grid, k, shape);
    return tw__store_reopen(&outputs->operands[k], outputs->files[k], &opening->files[k].dtype, ndim, shape, error);
}

static tw_status reopen_partials(const struct opening *opening, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    struct tw__journal *journal = outputs->journal;
    if (journal->partials_tag == NULL) {
        return TW_OK;
    }
    const tw_status status = tw__partials_open(&outputs->partials, outputs->partials_path, outputs->grid->stages,
                                               outputs->operands, journal->partials_tag, error);
    journal->partials = outputs->partials;
    return status;
}

static tw_status reopen(const struct opening *opening, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    tw_status status = TW_OK;
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        status = outputs->files[k] != NULL ? reopen_file(opening, k, error) : TW_OK;
    }
    if (status == TW_OK) {
        status = tw__journal_open(&outputs->journal, outputs->journal_path, outputs->kernel, outputs->grid,
                                  outputs->operands, &outputs->where, error);
    }
    return status == TW_OK ? reopen_partials(opening, error) : status;
}

/* ---- resuming a job of several steps ---- */

static tw_status fail_blocked(const tw_outputs *outputs, const struct tw__recovery *recovery, int lost, tw_error *error)
{
    const struct tw__stages *stages = outputs->grid->stages;
    const char *name = recovery->operand < TW__TEMPORARY ? outputs->grid->signature->operands[recovery->operand].name
                                                         : stages->temporary[recovery->operand - TW__TEMPORARY].name;
    if (lost) {
        return tw__fail(error, TW_ERROR_FORMAT,
                        "%s: is missing or of another run, and '%s', which it was computed from, has been overwritten "
                        "since: this run cannot be resumed",
                        outputs->partials_path, name);
    }
    return tw__fail(error, TW_ERROR_FORMAT,
                    "%s: a tile of step %d must run again, and '%s', which it reads, has been overwritten since: this "
                    "run cannot be resumed",
                    outputs->journal_path, recovery->blocked, name);
}

/* Tiles whose partials are lost, or that nobody needs. */
static void settle(tw_outputs *outputs, const struct tw__recovery *recovery, int lost)
{
    struct tw__journal *journal = outputs->journal;
    const struct tw__stages *stages = outputs->grid->stages;
    for (int s = 0; s < stages->count; s++) {
        const struct tw__stage *stage = &stages->stage[s];
        int nothing_else;
        const int is_lost = lost && tw__stage_leaves(stage, &nothing_else);
        for (uint64_t tile = stage->first; tile < stage->first + stage->grid->count; tile++) {
            const int was_done = tw__ledger_has(&journal->ledger, tile);
            if (recovery->fate[s] == TW__FATE_ALL || is_lost) {
                tw__journal_drop(journal, tile); /* also one that need not run: its record would be believed later */
            }
            if (recovery->fate[s] != TW__FATE_ALL && (recovery->fate[s] == TW__FATE_SPARED || was_done)) {
                tw__ledger_spare(&journal->ledger, tile);
            }
        }
    }
}

/* Decides which tiles run, if steps depend on each other. Nothing is changed before it is known that this can be. */
static tw_status recover(const struct opening *opening, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    struct tw__journal *journal = outputs->journal;
    const struct tw__stages *stages = outputs->grid->stages;
    struct tw__recovery recovery;
    if (stages == NULL || journal->is_finished) {
        return tw__journal_erase(journal, error);
    }
    const int lost = journal->partials_tag != NULL && outputs->partials == NULL;
    tw__recovery_plan(&recovery, stages, &journal->ledger, lost);
    if (recovery.blocked >= 0) {
        return fail_blocked(outputs, &recovery, lost, error);
    }
    settle(outputs, &recovery, lost);
    outputs->lost = lost ? recovery.reruns : 0;
    tw_status status = tw__journal_erase(journal, error);
    if (status == TW_OK && lost) { /* with the tag that the journal has, once it is not believed for older tiles */
        status = create_partials(opening, journal->partials_tag, error);
        journal->partials = outputs->partials;
    }
    return status;
}

/* Tiles that are missing may have been begun: inout operands get their first values back there. */
static tw_status restore(const struct opening *opening, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    tw_status status = TW_OK;
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        const tw_array *first_values = opening->arrays[k];
        if (outputs->files[k] != NULL && first_values != NULL &&
            outputs->operands[k]->store->state != TW__STORE_FOUND) {
            status = tw__journal_restore(outputs->journal, k, first_values, error);
        }
    }
    return status;
}

static tw_status resume(const struct opening *opening, int nothing_is_recorded, tw_error *error)
{
    tw_outputs *outputs = opening->outputs;
    tw_status status = reopen(opening, error);
    if (status == TW_ERROR_JOURNAL && nothing_is_recorded) {
        close_arrays(outputs, 1);
        return create(opening, 1, error);
    }
    if (status == TW_OK && opening->options->verify) {
        status = tw__journal_verify(outputs->journal, &outputs->dropped, error);
    }
    if (status == TW_OK) {
        status = recover(opening, error);
    }
    if (status == TW_OK) {
        status = restore(opening, error);
    }
    if (status != TW_OK) { /* what cannot be resumed stays as it is */
        tw__journal_close(outputs->journal, NULL);
        outputs->journal = NULL;
        close_partials(outputs, 0);
        close_arrays(outputs, 1);
    }
    return status;
}

/* Neither resume nor restart was said, and one of them is needed, unless the other run is alive. */
static tw_status refuse_to_choose(const tw_outputs *outputs, const struct found *found, tw_error *error)
{
    tw_unfinished loss;
    const tw_status status = look_for_loss(outputs, found, &loss, error);
    if (status != TW_OK || loss.done == 0) {
        return status;
    }
    return tw__fail(error, TW_ERROR_ARGUMENT,
                    "%s: holds %" PRIu64 " of %" PRIu64 " tiles of an unfinished run; resume or restart it",
                    outputs->unfinished[tw__outputs_first(outputs)], loss.done, loss.tiles);
}

static tw_status open_files(const struct opening *opening, tw_error *error)
{
    const tw_outputs *outputs = opening->outputs;
    const tw_outputs_options *options = opening->options;
    struct found found;
    tw_status status = look(outputs, &found, options->restart ? NULL : error);
    if (options->restart) {
        status = TW_OK; /* whatever is in it goes */
    } else if (status == TW_OK && !options->resume) {
        status = refuse_to_choose(outputs, &found, error);
    }
    if (status != TW_OK) {
        return status;
    }
    return options->resume && found.is_there ? resume(opening, found.recorded.done == 0, error)
                                             : create(opening, found.is_there, error);
}

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
        status = new_outputs(&made, grid->signature, files, error);
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

tw_status tw__outputs_open(tw_outputs *outputs, tw_array *const *arrays, const tw_output *files,
                           const tw_outputs_options *options, tw_error *error)
{
    const struct opening opening = {.outputs = outputs, .arrays = arrays, .files = files, .options = options};
    const tw_status status = open_files(&opening, error);
    if (status == TW_OK && outputs->journal != NULL) {
        tw__journal_spare(outputs->journal, &outputs->where);
    }
    return status;
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
    close_arrays(outputs, keep); /* also if the disk has refused records: what is there may be of use */
    return status;
}

void tw__outputs_close(tw_outputs *outputs, int remove)
{
    tw__journal_remove(outputs->journal);
    close_partials(outputs, remove);
    close_arrays(outputs, 0);
    release(outputs);
}
