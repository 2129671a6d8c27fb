/* targets.c - the files that a run's operands go to: created, opened again, kept, given their names. Knows neither what
 * is computed nor in which order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit.h"
#include "interrupt.h"
#include "operands.h"

static tw_status name_part(struct cli_operand *operand, tw_error *error)
{
    if (asprintf(&operand->part, "%s.part", operand->target) < 0) {
        operand->part = NULL;
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    return TW_OK;
}

/* Once for each output, before it is worked on or at the latest when it is finished. */
static void say_note(struct cli_operand *operand)
{
    const char *note = operand->output != NULL ? tw_array_note(operand->output) : NULL;
    if (note != NULL && !operand->noted) {
        cli_say("note: %s", note);
        operand->noted = 1;
    }
}

static tw_status create_target(struct cli_operands *operands, int k, const int64_t *lengths, int kept, tw_error *error)
{
    struct cli_operand *operand = &operands->operand[k];
    int64_t shape[TW_MAX_DIMS];
    const int ndim = cli_operands_shape(operands, k, lengths, shape);
    if (tw_array_create_file(&operand->output, operand->target, &operand->dtype, ndim, shape, error) != TW_OK ||
        name_part(operand, error) != TW_OK) {
        return error->status;
    }
    say_note(operand);
    if (!kept) {
        cli_interrupt_guard(operand->part);
    }
    if (stat(operand->part, &operand->made) != 0) {
        return cli_error(error, TW_ERROR_FILE, "%s: was removed while it was being written", operand->part);
    }
    return operand->input != NULL ? tw_array_copy(operand->output, operand->input, error) : TW_OK;
}

tw_status cli_operands_create(struct cli_operands *operands, const int64_t *lengths, int kept, tw_error *error)
{
    for (int k = 0; k < operands->count; k++) {
        if (operands->operand[k].target != NULL && create_target(operands, k, lengths, kept, error) != TW_OK) {
            return error->status;
        }
    }
    return TW_OK;
}

tw_status cli_operands_reopen(struct cli_operands *operands, const int64_t *lengths, tw_error *error)
{
    for (int k = 0; k < operands->count; k++) {
        struct cli_operand *operand = &operands->operand[k];
        int64_t shape[TW_MAX_DIMS];
        const int ndim = cli_operands_shape(operands, k, lengths, shape);
        if (operand->target == NULL) {
            continue;
        }
        if (tw_array_reopen_file(&operand->output, operand->target, &operand->dtype, ndim, shape, error) != TW_OK ||
            name_part(operand, error) != TW_OK) {
            return error->status;
        }
        operand->finished = stat(operand->part, &operand->made) != 0; /* a commit has given it its name already */
    }
    return TW_OK;
}

static void release_part(struct cli_operand *operand)
{
    if (operand->part != NULL) {
        cli_interrupt_release(operand->part);
        free(operand->part);
        operand->part = NULL;
    }
}

void cli_operands_keep(struct cli_operands *operands)
{
    for (int k = 0; k < operands->count; k++) {
        tw_array_keep(operands->operand[k].output);
        operands->operand[k].output = NULL;
        release_part(&operands->operand[k]);
    }
}

const char *cli_operands_first_target(const struct cli_operands *operands)
{
    int k = 0;
    while (operands->operand[k].target == NULL) { /* every signature has an output */
        k++;
    }
    return operands->operand[k].target;
}

int cli_operands_part_is_there(const struct cli_operands *operands)
{
    int there = 0;
    for (int k = 0; k < operands->count; k++) {
        char *part;
        struct stat info;
        if (operands->operand[k].target != NULL && asprintf(&part, "%s.part", operands->operand[k].target) >= 0) {
            there |= stat(part, &info) == 0;
            free(part);
        }
    }
    return there;
}

/* Whether TARGET can be the name of what is in TARGET.part, before any output gets its name: a folder or a permission
 * may have changed since the run began. */
static tw_status check_target(const struct cli_operand *operand, tw_error *error)
{
    struct stat info;
    if (operand->finished) {
        return TW_OK;
    }
    if (stat(operand->part, &info) != 0 || info.st_dev != operand->made.st_dev || info.st_ino != operand->made.st_ino) {
        return cli_error(error, TW_ERROR_FILE, "%s: was removed or replaced while it was being written", operand->part);
    }
    if (stat(operand->target, &info) == 0 && !S_ISREG(info.st_mode)) {
        return cli_error(error, TW_ERROR_FILE, "%s: has become %s, so the output cannot be given its name",
                         operand->target, S_ISDIR(info.st_mode) ? "a folder" : "something that is no regular file");
    }
    const char *slash = strrchr(operand->target, '/');
    char *folder = slash == NULL              ? strdup(".")
                   : slash == operand->target ? strdup("/")
                                              : strndup(operand->target, (size_t)(slash - operand->target));
    if (folder == NULL) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    const int denied = access(folder, W_OK | X_OK) != 0 ? errno : 0;
    free(folder);
    return denied == 0 ? TW_OK
                       : cli_error(error, TW_ERROR_FILE, "%s: its folder can no longer be written: %s", operand->target,
                                   strerror(denied));
}

tw_status cli_operands_commit(struct cli_operands *operands, tw_error *error)
{
    for (int k = 0; k < operands->count; k++) {
        if (operands->operand[k].output != NULL && check_target(&operands->operand[k], error) != TW_OK) {
            return error->status;
        }
    }
    for (int k = 0; k < operands->count; k++) {
        struct cli_operand *operand = &operands->operand[k];
        if (operand->output != NULL) {
            if (tw_array_commit(operand->output, error) != TW_OK) {
                return error->status;
            }
            say_note(operand);
            release_part(operand);
        }
    }
    return TW_OK;
}

void cli_operands_close(struct cli_operands *operands)
{
    for (int k = 0; k < operands->count; k++) {
        struct cli_operand *operand = &operands->operand[k];
        tw_array_destroy(operand->output);
        release_part(operand);
        tw_array_destroy(operand->input);
        operand->output = operand->input = NULL;
    }
}

void cli_operands_fini(struct cli_operands *operands)
{
    cli_operands_close(operands);
    for (int k = 0; k < operands->count; k++) {
        free(operands->operand[k].file);
        operands->operand[k].file = NULL;
        operands->operand[k].target = NULL;
    }
}
