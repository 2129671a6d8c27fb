/* unfinished.c - runs that were not finished: refused, gone on with, thrown away, kept. Knows files and journals, not
 * how tiles are run. */
#include "unfinished.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "interrupt.h"

/* Adds what can be done about it to the library's sentence. */
static tw_status add_advice(tw_error *error)
{
    static const char advice[] = "; --restart throws the unfinished run away";
    const size_t length = strlen(error->message);
    if (length + sizeof advice <= sizeof error->message) {
        memcpy(error->message + length, advice, sizeof advice);
    }
    return error->status;
}

/* Neither --resume nor --restart was said, and one of them is needed, unless the other run is alive. */
static tw_status refuse_to_choose(const struct cli_unfinished *unfinished, uint64_t tiles,
                                  struct cli_operands *operands, const int64_t *lengths, tw_error *error)
{
    const tw_status status = cli_operands_reopen(operands, lengths, error);
    cli_operands_keep(operands);
    if (status == TW_ERROR_FILE) {
        return status; /* it is being written, and the sentence says by whom */
    }
    return cli_error(error, TW_ERROR_ARGUMENT,
                     "%s.part: holds %" PRIu64 " of %" PRIu64 " tiles of an unfinished run; add --resume to continue "
                     "it or --restart to throw it away",
                     cli_operands_first_target(operands), unfinished->recorded, tiles);
}

tw_status cli_unfinished_look(struct cli_unfinished *unfinished, const struct cli_request *request,
                              struct cli_operands *operands, const int64_t *lengths, tw_error *error)
{
    uint64_t tiles = 0;
    const char *target = cli_operands_first_target(operands);
    if (asprintf(&unfinished->path, "%s.journal", target) < 0) {
        unfinished->path = NULL;
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    const tw_status status = tw_journal_look(&unfinished->recorded, &tiles, unfinished->path, error);
    unfinished->is_there = status != TW_ERROR_JOURNAL;
    if (request->restart || status == TW_ERROR_JOURNAL) {
        return TW_OK;
    }
    if (status != TW_OK) {
        return add_advice(error);
    }
    /* Without a .part it is what a crash left of a run that was finished. */
    if (!request->resume && unfinished->recorded > 0 && cli_operands_part_is_there(operands)) {
        return refuse_to_choose(unfinished, tiles, operands, lengths, error);
    }
    return TW_OK;
}

static tw_status create(struct cli_unfinished *unfinished, const struct cli_request *request,
                        struct cli_operands *operands, const tw_kernel *kernel, const tw_grid *grid,
                        const int64_t *lengths, tw_error *error)
{
    tw_array *arrays[TW_MAX_OPERANDS];
    /* With --no-journal too, so that an earlier run's journal is not left beside another run's output. */
    if (unfinished->is_there && tw_journal_forget(unfinished->path, error) != TW_OK) {
        return error->status;
    }
    if (cli_operands_create(operands, lengths, !request->no_journal, error) != TW_OK) {
        return error->status;
    }
    cli_operands_arrays(operands, arrays);
    return request->no_journal ? TW_OK
                               : tw_journal_create(&unfinished->journal, unfinished->path, kernel, grid, arrays, error);
}

/* Tiles that are missing may have been begun: inout operands get their first values back there. */
static tw_status restore(struct cli_unfinished *unfinished, const struct cli_operands *operands, tw_error *error)
{
    for (int k = 0; k < operands->count; k++) {
        const struct cli_operand *operand = &operands->operand[k];
        if (operand->input != NULL && operand->output != NULL && !operand->finished &&
            tw_journal_restore(unfinished->journal, k, operand->input, error) != TW_OK) {
            return error->status;
        }
    }
    return TW_OK;
}

static tw_status reopen(struct cli_unfinished *unfinished, struct cli_operands *operands, const tw_kernel *kernel,
                        const tw_grid *grid, const int64_t *lengths, tw_error *error)
{
    tw_array *arrays[TW_MAX_OPERANDS];
    if (cli_operands_reopen(operands, lengths, error) != TW_OK) {
        return error->status;
    }
    cli_operands_arrays(operands, arrays);
    return tw_journal_open(&unfinished->journal, unfinished->path, kernel, grid, arrays, error);
}

/* For an end that leaves no time to look. */
static void prepare_for_the_worst(struct cli_unfinished *unfinished, const struct cli_operands *operands)
{
    if (unfinished->journal != NULL &&
        asprintf(&unfinished->kept,
                 "tilework: tiles that were recorded are kept in %s.part; add --resume to continue\n",
                 cli_operands_first_target(operands)) < 0) {
        unfinished->kept = NULL;
    }
    if (unfinished->kept != NULL) {
        cli_clean(unfinished->kept, "");
        unfinished->kept[strlen(unfinished->kept) - 1] = '\n'; /* it was cleaned away, as those in a name are */
        cli_interrupt_kept(unfinished->kept);
    }
}

/* What cannot be gone on with stays as it is. */
static tw_status refuse(struct cli_unfinished *unfinished, struct cli_operands *operands, tw_error *error)
{
    tw_journal_close(unfinished->journal, NULL);
    unfinished->journal = NULL;
    cli_operands_keep(operands);
    return error->status == TW_ERROR_JOURNAL ? add_advice(error) : error->status;
}

static tw_status begin(struct cli_unfinished *unfinished, const struct cli_request *request,
                       struct cli_operands *operands, const tw_kernel *kernel, const tw_grid *grid,
                       const int64_t *lengths, tw_error *error)
{
    if (!request->resume || !unfinished->is_there) {
        return create(unfinished, request, operands, kernel, grid, lengths, error);
    }
    const tw_status status = reopen(unfinished, operands, kernel, grid, lengths, error);
    if (status == TW_ERROR_JOURNAL && unfinished->recorded == 0) {
        cli_operands_keep(operands);
        return create(unfinished, request, operands, kernel, grid, lengths, error);
    }
    if (status != TW_OK ||
        (request->verify && tw_journal_verify(unfinished->journal, &unfinished->dropped, error) != TW_OK) ||
        restore(unfinished, operands, error) != TW_OK) {
        return refuse(unfinished, operands, error);
    }
    return TW_OK;
}

tw_status cli_unfinished_begin(struct cli_unfinished *unfinished, const struct cli_request *request,
                               struct cli_operands *operands, const tw_kernel *kernel, const tw_grid *grid,
                               const int64_t *lengths, tw_error *error)
{
    if (begin(unfinished, request, operands, kernel, grid, lengths, error) != TW_OK) {
        return error->status;
    }
    prepare_for_the_worst(unfinished, operands);
    return TW_OK;
}

void cli_unfinished_done(struct cli_unfinished *unfinished)
{
    cli_interrupt_kept(NULL);
    tw_journal_remove(unfinished->journal);
    unfinished->journal = NULL;
}

uint64_t cli_unfinished_failed(struct cli_unfinished *unfinished, struct cli_operands *operands, int wrong)
{
    uint64_t kept = 0, tiles = 0;
    tw_error error;
    cli_interrupt_kept(NULL);
    if (unfinished->journal == NULL) {
        return 0;
    }
    if (!wrong && tw_journal_done(unfinished->journal) > 0) {
        if (tw_journal_close(unfinished->journal, &error) != TW_OK) {
            cli_say("%s", error.message);
        }
        if (tw_journal_look(&kept, &tiles, unfinished->path, &error) != TW_OK) {
            kept = 0;
        }
        cli_operands_keep(operands); /* also where the disk has refused records: what is there may be of use */
    } else {
        tw_journal_remove(unfinished->journal);
    }
    unfinished->journal = NULL;
    return kept;
}

void cli_unfinished_fini(struct cli_unfinished *unfinished)
{
    tw_journal_close(unfinished->journal, NULL);
    free(unfinished->path);
    free(unfinished->kept);
}
