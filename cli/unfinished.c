/* unfinished.c - the outputs of a run in the words of the command: refused, resumed, discarded, kept. Knows the
 * options and what is said, the library knows the files. */
#include "unfinished.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "interrupt.h"

/* Adds to the library's sentence how to get rid of a journal that is of no use. */
static tw_status add_advice(tw_error *error)
{
    static const char advice[] = "; --restart discards the unfinished run";
    const size_t length = strlen(error->message);
    if ((error->status == TW_ERROR_JOURNAL || error->status == TW_ERROR_FORMAT) &&
        length + sizeof advice <= sizeof error->message) {
        memcpy(error->message + length, advice, sizeof advice);
    }
    return error->status;
}

tw_status cli_unfinished_look(const struct cli_unfinished *unfinished, tw_error *error)
{
    const struct cli_operands *operands = unfinished->operands;
    tw_output files[TW_MAX_OPERANDS];
    tw_unfinished found;
    if (unfinished->request->restart || unfinished->node->is_given) {
        return TW_OK; /* nodes continue what there is */
    }
    cli_operands_files(operands, files);
    if (tw_outputs_look(&found, operands->signature, files, error) != TW_OK) {
        return add_advice(error);
    }
    return unfinished->request->resume || found.done == 0
               ? TW_OK
               : cli_error(error, TW_ERROR_ARGUMENT,
                           "%s: holds %" PRIu64 " of %" PRIu64 " tiles of an unfinished run; add --resume to continue "
                           "it or --restart to discard it",
                           cli_operands_first_output(operands)->unfinished, found.done, found.tiles);
}

/* Once for each output, before it is worked on or at the latest when it is finished. */
static void say_notes(struct cli_unfinished *unfinished)
{
    for (int k = 0; k < unfinished->operands->count; k++) {
        const char *note = tw_array_note(tw_outputs_operands(unfinished->outputs)[k]);
        if (note != NULL && !unfinished->noted[k]) {
            cli_say("note: %s", note);
            unfinished->noted[k] = 1;
        }
    }
}

/* For an end that leaves no time to look. */
static void guard(void *user, const char *file)
{
    struct cli_unfinished *unfinished = user;
    int k = 0;
    while (unfinished->guarded[k] != NULL) {
        k++;
    }
    unfinished->guarded[k] = strdup(file);
    if (unfinished->guarded[k] != NULL) {
        cli_interrupt_guard(unfinished->guarded[k]);
    }
}

static void release_guarded(struct cli_unfinished *unfinished)
{
    for (int k = 0; k < TW_MAX_OPERANDS && unfinished->guarded[k] != NULL; k++) {
        cli_interrupt_release(unfinished->guarded[k]);
        free(unfinished->guarded[k]);
        unfinished->guarded[k] = NULL;
    }
}

static void prepare_for_the_worst(struct cli_unfinished *unfinished)
{
    const char *folder = tw_outputs_folder(unfinished->outputs);
    const char *place = folder != NULL ? folder : cli_operands_first_output(unfinished->operands)->unfinished;
    if (asprintf(&unfinished->kept, "tilework: tiles that were recorded are kept in %s; %s\n", place,
                 folder != NULL ? "the same command continues" : "add --resume to continue") < 0) {
        unfinished->kept = NULL;
    }
    if (unfinished->kept != NULL) {
        cli_clean(unfinished->kept, "");
        unfinished->kept[strlen(unfinished->kept) - 1] = '\n'; /* it was cleaned away, as those in a name are */
        cli_interrupt_kept(unfinished->kept);
    }
}

tw_status cli_unfinished_open(struct cli_unfinished *unfinished, const tw_kernel *kernel, const tw_grid *grid,
                              tw_error *error)
{
    const struct cli_request *request = unfinished->request;
    const struct cli_node *node = unfinished->node;
    const tw_outputs_options options = {.resume = request->resume && !node->is_given,
                                        .restart = request->restart,
                                        .verify = request->verify,
                                        .no_journal = request->no_journal,
                                        .made = request->no_journal ? guard : NULL,
                                        .made_user = unfinished,
                                        .where = unfinished->where->mask,
                                        .where_axes = unfinished->where->axes,
                                        .node = node->is_given ? &node->node : NULL,
                                        .describe = node->is_given ? node->describe : NULL};
    tw_array *inputs[TW_MAX_OPERANDS];
    tw_output files[TW_MAX_OPERANDS];
    for (int k = 0; k < unfinished->operands->count; k++) {
        inputs[k] = unfinished->operands->operand[k].input;
    }
    cli_operands_files(unfinished->operands, files);
    if (tw_outputs_open(&unfinished->outputs, kernel, grid, inputs, files, &options, error) != TW_OK) {
        release_guarded(unfinished);
        return node->is_given ? error->status : add_advice(error); /* its sentences say what restart does */
    }
    say_notes(unfinished);
    if (!request->no_journal) {
        prepare_for_the_worst(unfinished);
    }
    return TW_OK;
}

int cli_unfinished_is_finished(const struct cli_unfinished *unfinished)
{
    tw_outputs_totals totals;
    tw_outputs_get_totals(unfinished->outputs, &totals);
    return totals.finished;
}

tw_status cli_unfinished_commit(struct cli_unfinished *unfinished, tw_error *error)
{
    if (tw_outputs_commit(unfinished->outputs, error) != TW_OK) {
        return error->status;
    }
    cli_interrupt_kept(NULL);
    release_guarded(unfinished);
    say_notes(unfinished);
    return TW_OK;
}

uint64_t cli_unfinished_failed(struct cli_unfinished *unfinished, int wrong)
{
    tw_outputs_totals totals = {0};
    tw_error error;
    cli_interrupt_kept(NULL);
    if (unfinished->outputs != NULL && !wrong) {
        if (tw_outputs_keep(unfinished->outputs, &error) != TW_OK) {
            cli_say("%s", error.message);
        }
        tw_outputs_get_totals(unfinished->outputs, &totals);
    }
    tw_outputs_destroy(unfinished->outputs);
    unfinished->outputs = NULL;
    release_guarded(unfinished);
    return totals.kept;
}

void cli_unfinished_fini(struct cli_unfinished *unfinished)
{
    cli_interrupt_kept(NULL);
    tw_outputs_destroy(unfinished->outputs);
    release_guarded(unfinished);
    free(unfinished->kept);
}
