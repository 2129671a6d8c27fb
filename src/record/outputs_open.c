/* outputs_open.c - how the files of a run begin: what an earlier run has left is found, refused, resumed or replaced.
 */
#include "record/outputs.h"

#include <inttypes.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "record/contents.h"
#include "record/journal_file.h"
#include "record/partials.h"
#include "record/recovery.h"
#include "record/restore.h"
#include "store/part.h"
#include "store/store.h"

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
    tw_status status = tw__outputs_new(&outputs, signature, files, error);
    if (status != TW_OK) {
        return status;
    }
    status = look(outputs, &journal, error);
    if (status == TW_OK) {
        status = look_for_loss(outputs, &journal, &loss, error);
    }
    tw__outputs_close(outputs, 0);
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
    const int ndim = tw__grid_shape(outputs->grid, k, shape);
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
    const int ndim = tw__grid_shape(outputs->grid, k, shape);
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
        tw__outputs_close_arrays(outputs, 1);
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
        tw__partials_close(outputs->partials, 0);
        outputs->partials = NULL;
        tw__outputs_close_arrays(outputs, 1);
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
