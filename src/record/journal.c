/* journal.c - a file beside the outputs of a run that says which of its tiles are done: made, found again, written.
 * Knows no pools; recorder.c decides when something is recorded. */
#include "record/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/sum.h"
#include "base/error.h"
#include "grid/signature.h"
#include "job/where.h"
#include "os/fault.h"
#include "os/file.h"
#include "record/fingerprint.h"
#include "record/journal_file.h"
#include "record/journal_header.h"
#include "record/partials.h"
#include "record/recovery.h"
#include "record/written.h"
#include "store/store.h"

#define BATCH 4096 /* records a write */

/* ---- the object ---- */

static void release(struct tw__journal *journal)
{
    tw__held_close(&journal->held);
    for (int k = 0; k < journal->noutputs; k++) {
        free(journal->outputs[k].began);
    }
    tw__ledger_fini(&journal->ledger);
    free(journal->partials_tag);
    free(journal->is_stale);
    free(journal->batch);
    free(journal);
}

static tw_status new_journal(struct tw__journal **journal, const tw_grid *grid, tw_array *const *operands,
                             tw_error *error)
{
    const tw_signature *signature = grid->signature;
    struct tw__journal *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a journal");
    }
    made->held = TW__HELD_NONE;
    tw_status status = tw__ledger_init(&made->ledger, grid->count, error);
    if (status == TW_OK) {
        made->batch = malloc(BATCH * sizeof *made->batch);
        made->is_stale = calloc((size_t)(grid->count / 64 + 1), sizeof *made->is_stale);
        status = made->batch != NULL && made->is_stale != NULL
                     ? TW_OK
                     : tw__fail_memory(error, BATCH * sizeof *made->batch, "a journal");
    }
    if (status != TW_OK) {
        release(made);
        return status;
    }
    made->grid = grid;
    for (int k = 0; k < signature->noperands; k++) {
        if (signature->operands[k].role != TW_IN) {
            made->outputs[made->noutputs++] = (struct tw__journal_output){.operand = k, .array = operands[k]};
        }
    }
    *journal = made;
    return TW_OK;
}

static tw_status check_outputs(const tw_grid *grid, tw_array *const *operands, tw_error *error)
{
    for (int k = 0; k < grid->signature->noperands; k++) {
        struct tw__file_identity identity;
        if (operands[k] == NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "operand %s has no array", grid->signature->operands[k].name);
        }
        if (grid->signature->operands[k].role != TW_IN && tw__store_identity(operands[k], &identity) != 0) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "output %s is not a file that is being written; a journal is for those",
                            grid->signature->operands[k].name);
        }
    }
    return TW_OK;
}

/* ---- the header ---- */

static tw_status fail_write(const struct tw__journal *journal, int failed, tw_error *error)
{
    return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", journal->held.path);
}

/* A kernel may have closed the descriptor and opened a file of its own. */
static int write_checked(const struct tw__journal *journal, const void *data, size_t length, int64_t offset)
{
    return tw__held_is_open(&journal->held) ? tw__file_write(journal->held.fd, data, length, offset) : EBADF;
}

static tw_status write_header(struct tw__journal *journal, const char *json, tw_error *error)
{
    const size_t length = strlen(json);
    const size_t size = tw__journal_file_header_size(length);
    char *header = calloc(1, size + 1);
    int64_t whole;
    if (header == NULL) {
        return tw__fail_memory(error, size, "a journal's header");
    }
    journal->records_at = (int64_t)size;
    journal->seed = tw__journal_file_header(header, size, json, length);
    int failed = TW__POINT("journal.create");
    if (failed == 0) {
        failed = tw__file_truncate(journal->held.fd, 0);
    }
    if (failed == 0 &&
        !__builtin_add_overflow((int64_t)size, (int64_t)(journal->ledger.count * sizeof(struct tw__record)), &whole)) {
        failed = tw__file_allocate(journal->held.fd, whole);
    }
    if (failed == 0) {
        failed = TW__POINT("journal.header");
    }
    if (failed == 0) {
        failed = write_checked(journal, header, size, 0);
    }
    free(header);
    if (failed == ENOSPC || failed == EDQUOT) {
        return tw__fail_os(error, TW_ERROR_DISK, failed, "%s: needs %" PRIu64 " bytes", journal->held.path,
                           (uint64_t)size + journal->ledger.count * sizeof(struct tw__record));
    }
    return failed == 0 ? TW_OK : fail_write(journal, failed, error);
}

/* A journal without a file, and the fingerprint of the job, which the caller frees, also after a failure. */
static tw_status new_of_job(struct tw__journal **journal, struct json_t **fingerprint, const tw_kernel *kernel,
                            const tw_grid *grid, tw_array *const *operands, const struct tw__where *where,
                            tw_error *error)
{
    tw_status status = check_outputs(grid, operands, error);
    if (status == TW_OK) {
        status = tw__fingerprint(fingerprint, kernel, grid, operands, where, error);
    }
    return status == TW_OK ? new_journal(journal, grid, operands, error) : status;
}

tw_status tw__journal_create(struct tw__journal **journal, const char *path, const tw_kernel *kernel,
                             const tw_grid *grid, tw_array *const *operands, const struct tw__where *where,
                             struct tw__partials *partials, tw_error *error)
{
    struct tw__journal *made = NULL;
    struct json_t *fingerprint = NULL;
    char *header = NULL;
    tw_status status = new_of_job(&made, &fingerprint, kernel, grid, operands, where, error);
    if (status == TW_OK) {
        made->partials = partials;
        status = tw__held_open(
            &made->held, &(struct tw__held_wish){.path = path, .shown = path, .how = TW__HELD_CREATE, .is_private = 1},
            error);
    }
    if (status != TW_OK) {
        goto fail;
    }
    const int failed = tw__journal_file_empty(made->held.fd);
    if (failed != 0) { /* an earlier one must be worth nothing before its place is taken */
        status = fail_write(made, failed, error);
        goto fail;
    }
    header = tw__journal_header(made, fingerprint);
    status = header != NULL ? write_header(made, header, error) : tw__fail_memory(error, 4096, "a journal's header");
    if (status != TW_OK) {
        goto fail;
    }
    free(header);
    tw__fingerprint_free(fingerprint);
    *journal = made;
    return TW_OK;
fail:
    free(header);
    tw__fingerprint_free(fingerprint);
    if (made != NULL) {
        tw__held_remove(&made->held);
        release(made);
    }
    return status;
}

/* ---- resuming ---- */

struct reading {
    struct tw__ledger *ledger;
    int64_t disputed; /* the first tile whose checksum is known to be another one; -1: none */
};

static void take_record(void *user, uint64_t tile, uint64_t sum)
{
    struct reading *reading = user;
    if (!tw__ledger_take(reading->ledger, tile, sum) && reading->disputed < 0) {
        reading->disputed = (int64_t)tile;
    }
}

/* Takes over what a file records, if it is of the job with this fingerprint. */
static tw_status take_records(struct tw__ledger *ledger, const struct tw__journal_file *found, int fd,
                              const struct json_t *fingerprint, tw_error *error)
{
    char difference[900];
    struct reading reading = {.ledger = ledger, .disputed = -1};
    if (found->header == NULL) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: nothing was recorded", found->path);
    }
    if (!tw__fingerprint_same(tw__journal_header_job(found->header), fingerprint, difference, sizeof difference)) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: is of another job: %s", found->path, difference);
    }
    if (found->tiles != ledger->count) {
        return tw__journal_file_damaged(found, error);
    }
    const tw_status status = tw__journal_file_records(found, fd, take_record, &reading, error);
    if (status == TW_OK && reading.disputed >= 0) {
        return tw__fail(error, TW_ERROR_JOURNAL,
                        "%s: tile %" PRId64 " has another checksum than in the journal that was read before",
                        found->path, reading.disputed);
    }
    return status;
}

tw_status tw__journal_read(struct tw__ledger *ledger, const char *path, const struct json_t *fingerprint,
                           tw_error *error)
{
    struct tw__journal_file found = {0};
    int fd = -1;
    tw_status status = tw__journal_file_open(&fd, path, error);
    if (status == TW_OK) {
        status = tw__journal_file_find(&found, path, fd, error);
    }
    if (status == TW_OK) {
        status = take_records(ledger, &found, fd, fingerprint, error);
    }
    tw__journal_file_fini(&found);
    if (fd >= 0) {
        tw__file_close(fd);
    }
    return status;
}

static tw_status take_over(struct tw__journal *journal, const struct tw__journal_file *found,
                           const struct json_t *fingerprint, tw_error *error)
{
    tw_status status = take_records(&journal->ledger, found, journal->held.fd, fingerprint, error);
    if (status == TW_OK) {
        status = tw__journal_header_take(journal, found->header, error);
    }
    if (status == TW_OK) {
        journal->records_at = found->records_at;
        journal->seed = found->seed;
    }
    if (status == TW_OK && journal->is_finished) {
        tw__ledger_complete(&journal->ledger);
    }
    return status;
}

tw_status tw__journal_open(struct tw__journal **journal, const char *path, const tw_kernel *kernel, const tw_grid *grid,
                           tw_array *const *operands, const struct tw__where *where, tw_error *error)
{
    struct tw__journal *made = NULL;
    struct json_t *fingerprint = NULL;
    struct tw__journal_file found = {0};
    tw_status status = new_of_job(&made, &fingerprint, kernel, grid, operands, where, error);
    if (status == TW_OK) {
        status = tw__held_open(&made->held, &(struct tw__held_wish){.path = path, .shown = path}, error);
    }
    if (status == TW_OK && made->held.fd < 0) {
        status = tw__fail(error, TW_ERROR_JOURNAL, "%s: there is no journal", path);
    }
    if (status == TW_OK) {
        status = tw__journal_file_find(&found, path, made->held.fd, error);
    }
    if (status == TW_OK) {
        status = take_over(made, &found, fingerprint, error);
    }
    tw__journal_file_fini(&found);
    tw__fingerprint_free(fingerprint);
    if (status != TW_OK) {
        if (made != NULL) {
            release(made);
        }
        return status;
    }
    *journal = made;
    return TW_OK;
}

void tw__journal_spare(struct tw__journal *journal, const struct tw__where *where)
{
    for (uint64_t tile = 0; where->count > 0 && tile < journal->ledger.count; tile++) {
        if (tw__where_skips(where, tile)) {
            tw__ledger_spare(&journal->ledger, tile);
        }
    }
}

/* ---- writing ---- */

static int sync_outputs(const struct tw__journal *journal, struct tw__partials *partials)
{
    int failed = TW__POINT("journal.data-sync");
    if (failed == 0) {
        failed = tw__partials_sync(partials);
    }
    for (int k = 0; failed == 0 && k < journal->noutputs; k++) {
        failed = tw__store_sync(journal->outputs[k].array);
    }
    return failed;
}

static int sync_header(struct tw__journal *journal)
{
    int failed = journal->is_safe ? 0 : TW__POINT("journal.header-sync");
    if (failed != 0 || journal->is_safe) {
        return failed;
    }
    failed = tw__held_is_open(&journal->held) ? tw__file_sync(journal->held.fd) : EBADF;
    for (int k = 0; failed == 0 && k < journal->noutputs; k++) {
        failed = tw__store_sync_name(journal->outputs[k].array, journal->held.folder);
    }
    if (failed == 0) {
        failed = tw__folder_sync(journal->held.folder);
    }
    journal->is_safe = failed == 0;
    return failed;
}

/* Writes the records of all tiles that have none, neighbours in one piece. Marks them recorded: they are so once the
 * sync that follows has succeeded, and after one that failed nobody asks. */
static int write_records(struct tw__journal *journal)
{
    static const size_t size = sizeof(struct tw__record);
    struct tw__ledger *ledger = &journal->ledger;
    struct tw__record *records = journal->batch;
    int failed = 0;
    uint64_t first = 0, count;
    while (failed == 0 && (count = tw__ledger_unrecorded(ledger, first, BATCH, &first)) > 0) {
        for (uint64_t n = 0; n < count; n++) {
            const uint64_t tile = first + n, sum = ledger->sums[tile];
            records[n] = (struct tw__record){(uint32_t)tile, tw__record_check(journal->seed, tile, sum), sum};
        }
        tw__ledger_mark(ledger, first, count);
        failed = TW__POINT("journal.record");
        if (failed == 0) {
            failed =
                write_checked(journal, records, (size_t)count * size, journal->records_at + (int64_t)(first * size));
        }
        first += count;
    }
    return failed;
}

static tw_status fail_outputs(struct tw__journal *journal, int failed)
{
    return tw__fail_os(&journal->failure, tw__file_status(failed), failed, "writing the outputs to the disk failed");
}

tw_status tw__journal_sync_all(struct tw__journal *journal)
{
    const int failed = journal->noutputs > 1 && journal->failure.status == TW_OK ? sync_outputs(journal, NULL) : 0;
    return failed == 0 ? journal->failure.status : fail_outputs(journal, failed);
}

tw_status tw__journal_record(struct tw__journal *journal)
{
    tw_error *failure = &journal->failure;
    if (failure->status != TW_OK) {
        return failure->status;
    }
    int failed = sync_outputs(journal, journal->partials);
    if (failed != 0) {
        return fail_outputs(journal, failed);
    }
    failed = sync_header(journal);
    if (failed == 0) {
        failed = write_records(journal);
    }
    if (failed == 0) {
        failed = TW__POINT("journal.record-sync");
    }
    if (failed == 0) {
        failed = tw__file_sync(journal->held.fd);
    }
    if (failed != 0) {
        return fail_write(journal, failed, failure);
    }
    (void)TW__POINT("journal.recorded");
    return TW_OK;
}

/* ---- looking again ---- */

static tw_array *array_of(const struct tw__journal *journal, int operand)
{
    if (operand >= TW__TEMPORARY) {
        return journal->partials->array[operand - TW__TEMPORARY];
    }
    for (int k = 0; k < journal->noutputs; k++) {
        if (journal->outputs[k].operand == operand) {
            return journal->outputs[k].array;
        }
    }
    return NULL; /* not reached: what a tile writes is an output */
}

/* Whether what the tile wrote is there to be looked at. */
static int can_look(const struct tw__journal *journal, uint64_t tile)
{
    const struct tw__stages *stages = journal->grid->stages;
    int nothing_else;
    if (!tw__ledger_is_recorded(&journal->ledger, tile)) {
        return 0;
    }
    if (stages == NULL) {
        return 1;
    }
    const struct tw__stage *stage = tw__stage_of(stages, tile);
    return (journal->partials != NULL || !tw__stage_leaves(stage, &nothing_else)) &&
           !tw__stage_is_overwritten(stages, (int)(stage - stages->stage));
}

/* *changed: the tile is recorded, and what it wrote is no longer what its checksum is of. */
static tw_status look_again(int *changed, const struct tw__journal *journal, struct tw__box *boxes, uint64_t tile,
                            tw_error *error)
{
    tw_view views[TW_MAX_OPERANDS];
    void *copies[TW_MAX_OPERANDS] = {NULL};
    tw_status status = TW_OK;
    *changed = 0;
    if (!can_look(journal, tile)) {
        return TW_OK;
    }
    const int count = tw__written(boxes, journal->grid, tile);
    for (int k = 0; status == TW_OK && k < count; k++) {
        status = tw__store_view(&views[k], &copies[k], array_of(journal, boxes[k].operand), boxes[k].start,
                                boxes[k].shape, error);
    }
    if (status == TW_OK) {
        *changed = tw__sum(views, count) != journal->ledger.sums[tile];
    }
    for (int k = 0; k < count; k++) {
        free(copies[k]);
    }
    return status;
}

tw_status tw__journal_verify(struct tw__journal *journal, uint64_t *dropped, tw_error *error)
{
    struct tw__box *boxes = malloc(TW_MAX_OPERANDS * sizeof *boxes);
    uint64_t count = 0;
    tw_status status = boxes != NULL ? TW_OK : tw__fail_memory(error, TW_MAX_OPERANDS * sizeof *boxes, "a journal");
    for (uint64_t tile = 0; status == TW_OK && tile < journal->ledger.count; tile++) {
        int changed;
        status = look_again(&changed, journal, boxes, tile, error);
        if (status != TW_OK || !changed) {
            continue;
        }
        if (journal->is_finished) { /* beside its magic a tile may not be half done */
            status =
                tw__fail(error, TW_ERROR_JOURNAL, "%s: tile %" PRIu64 " has changed since the outputs were finished",
                         journal->held.path, tile);
        } else {
            tw__journal_drop(journal, tile);
            count++;
        }
    }
    free(boxes);
    if (status == TW_OK) {
        *dropped = count;
    }
    return status;
}

void tw__journal_drop(struct tw__journal *journal, uint64_t tile)
{
    if (tw__ledger_is_recorded(&journal->ledger, tile)) {
        journal->is_stale[tile / 64] |= (uint64_t)1 << tile % 64;
    }
    tw__ledger_drop(&journal->ledger, tile);
}

tw_status tw__journal_erase(struct tw__journal *journal, tw_error *error)
{
    static const struct tw__record none;
    int failed = 0, any = 0;
    for (uint64_t tile = 0; failed == 0 && tile < journal->ledger.count; tile++) {
        if ((journal->is_stale[tile / 64] >> tile % 64 & 1) != 0) {
            failed = write_checked(journal, &none, sizeof none, journal->records_at + (int64_t)(tile * sizeof none));
            any = 1;
        }
    }
    if (failed == 0 && any) {
        failed = tw__file_sync(journal->held.fd);
    }
    if (failed != 0) {
        fail_write(journal, failed, &journal->failure);
        return fail_write(journal, failed, error);
    }
    memset(journal->is_stale, 0, (size_t)(journal->ledger.count / 64 + 1) * sizeof *journal->is_stale);
    return TW_OK;
}

/* ---- the end ---- */

tw_status tw__journal_close(struct tw__journal *journal, tw_error *error)
{
    if (journal == NULL) {
        return TW_OK;
    }
    const int owned = journal->held.owner == tw__process_id();
    if (owned && journal->ledger.pending > 0) {
        tw__journal_record(journal);
    }
    const tw_status status = journal->failure.status;
    if (status != TW_OK && error != NULL) {
        *error = journal->failure;
    }
    release(journal);
    return status;
}

void tw__journal_remove(struct tw__journal *journal)
{
    if (journal != NULL) {
        (void)TW__POINT("journal.remove");
        tw__held_remove(&journal->held);
        release(journal);
    }
}
