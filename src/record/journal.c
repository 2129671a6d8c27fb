/* journal.c - which tiles of a job are done, in a file beside its outputs: made, found again, written. Knows no pools;
 * recorder.c decides when something is recorded. */
#include "record/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/dtype.h"
#include "array/sum.h"
#include "array/view.h"
#include "base/error.h"
#include "grid/signature.h"
#include "os/fault.h"
#include "os/file.h"
#include "record/fingerprint.h"
#include "record/journal_file.h"
#include "record/journal_header.h"
#include "store/npy/npy_write.h"

#define BATCH 4096 /* records a write */

/* ---- bits ---- */

static int get_bit(const uint64_t *bits, uint64_t k)
{
    return (int)(bits[k / 64] >> k % 64 & 1);
}

static void set_bit(uint64_t *bits, uint64_t k)
{
    bits[k / 64] |= (uint64_t)1 << k % 64;
}

static void clear_bit(uint64_t *bits, uint64_t k)
{
    bits[k / 64] &= ~((uint64_t)1 << k % 64);
}

/* ---- the object ---- */

static void release(tw_journal *journal)
{
    tw__held_close(&journal->held);
    json_decref(journal->sources);
    free(journal->has);
    free(journal->recorded);
    free(journal->sums);
    free(journal);
}

static tw_status new_journal(tw_journal **journal, const tw_kernel *kernel, const tw_grid *grid,
                             tw_array *const *operands, tw_error *error)
{
    tw_journal *made = calloc(1, sizeof *made);
    const size_t bits = (size_t)(grid->count / 64 + 1);
    if (made != NULL) {
        made->held = TW__HELD_NONE;
        made->has = calloc(bits, sizeof *made->has);
        made->recorded = calloc(bits, sizeof *made->recorded);
        made->sums = calloc((size_t)grid->count + 1, sizeof *made->sums);
    }
    if (made == NULL || made->has == NULL || made->recorded == NULL || made->sums == NULL) {
        if (made != NULL) {
            release(made);
        }
        return tw__fail_memory(error, (size_t)grid->count * sizeof(uint64_t), "a journal");
    }
    made->kernel = kernel;
    made->grid = grid;
    made->noperands = grid->signature->noperands;
    memcpy(made->operands, operands, (size_t)made->noperands * sizeof(tw_array *));
    made->count = grid->count;
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
        if (grid->signature->operands[k].role != TW_IN && tw__outfile_identity(operands[k], &identity) != 0) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "output %s is not a file that is being written; a journal is for those",
                            grid->signature->operands[k].name);
        }
    }
    return TW_OK;
}

tw_status tw__journal_check(const tw_journal *journal, const tw_kernel *kernel, const tw_grid *grid,
                            tw_array *const *operands, tw_error *error)
{
    int same = journal->kernel == kernel && journal->grid == grid;
    for (int k = 0; same && k < journal->noperands; k++) {
        same = journal->operands[k] == operands[k];
    }
    return same ? TW_OK
                : tw__fail(error, TW_ERROR_ARGUMENT,
                           "the journal was made for another kernel, grid or operands than those of this run");
}

/* ---- the header ---- */

static tw_status fail_write(const tw_journal *journal, int failed, tw_error *error)
{
    return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", journal->held.path);
}

/* A kernel may have closed the descriptor and opened a file of its own. */
static int write_checked(const tw_journal *journal, const void *data, size_t length, int64_t offset)
{
    return tw__held_is_open(&journal->held) ? tw__file_write(journal->held.fd, data, length, offset) : EBADF;
}

static tw_status write_header(tw_journal *journal, const char *json, tw_error *error)
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
        !__builtin_add_overflow((int64_t)size, (int64_t)(journal->count * sizeof(struct tw__record)), &whole)) {
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
                           (uint64_t)size + journal->count * sizeof(struct tw__record));
    }
    return failed == 0 ? TW_OK : fail_write(journal, failed, error);
}

tw_status tw_journal_create(tw_journal **journal, const char *path, const tw_kernel *kernel, const tw_grid *grid,
                            tw_array *const *operands, tw_error *error)
{
    tw_journal *made = NULL;
    json_t *fingerprint = NULL, *header = NULL;
    char *json = NULL;
    tw_status status = check_outputs(grid, operands, error);
    if (status == TW_OK) {
        status = tw__fingerprint(&fingerprint, kernel, grid, operands, error);
    }
    if (status == TW_OK) {
        status = new_journal(&made, kernel, grid, operands, error);
    }
    if (status == TW_OK) {
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
    fingerprint = NULL; /* it is the header's */
    json = header != NULL ? tw__journal_file_text(header) : NULL;
    status = json != NULL ? write_header(made, json, error) : tw__fail_memory(error, 4096, "a journal's header");
    if (status != TW_OK) {
        goto fail;
    }
    free(json);
    json_decref(header);
    *journal = made;
    return TW_OK;
fail:
    free(json);
    json_decref(header);
    json_decref(fingerprint);
    if (made != NULL) {
        tw__held_remove(&made->held);
        release(made);
    }
    return status;
}

/* ---- resuming ---- */

static void take_record(void *user, uint64_t tile, uint64_t sum)
{
    tw_journal *journal = user;
    set_bit(journal->has, tile);
    set_bit(journal->recorded, tile);
    journal->sums[tile] = sum;
    journal->done++;
}

static tw_status take_over(tw_journal *journal, struct tw__journal_file *found, const json_t *fingerprint,
                           tw_error *error)
{
    char difference[900];
    int finished = 0;
    if (found->header == NULL) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: nothing was recorded", found->path);
    }
    if (!tw__fingerprint_same(json_object_get(found->header, "job"), fingerprint, difference, sizeof difference)) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: is of another job: %s", found->path, difference);
    }
    if (found->tiles != journal->count) {
        return tw__journal_file_damaged(found, error);
    }
    tw_status status = tw__journal_header_check(journal, json_object_get(found->header, "outputs"), &finished, error);
    if (status == TW_OK) {
        status = tw__journal_file_records(found, journal->held.fd, take_record, journal, error);
    }
    if (status != TW_OK) {
        return status;
    }
    journal->records_at = found->records_at;
    journal->seed = found->seed;
    journal->sources = json_incref(json_object_get(found->header, "sources"));
    journal->is_finished = finished;
    for (uint64_t tile = 0; finished && tile < journal->count; tile++) {
        journal->done += !get_bit(journal->has, tile);
        set_bit(journal->has, tile);
    }
    return TW_OK;
}

tw_status tw_journal_open(tw_journal **journal, const char *path, const tw_kernel *kernel, const tw_grid *grid,
                          tw_array *const *operands, tw_error *error)
{
    tw_journal *made = NULL;
    json_t *fingerprint = NULL;
    struct tw__journal_file found = {0};
    tw_status status = check_outputs(grid, operands, error);
    if (status == TW_OK) {
        status = tw__fingerprint(&fingerprint, kernel, grid, operands, error);
    }
    if (status == TW_OK) {
        status = new_journal(&made, kernel, grid, operands, error);
    }
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
    json_decref(found.header);
    json_decref(fingerprint);
    if (status != TW_OK) {
        if (made != NULL) {
            release(made);
        }
        return status;
    }
    *journal = made;
    return TW_OK;
}

uint64_t tw_journal_done(const tw_journal *journal)
{
    return journal->done;
}

int tw_journal_has(const tw_journal *journal, uint64_t tile)
{
    return tile < journal->count && get_bit(journal->has, tile);
}

/* ---- writing ---- */

void tw__journal_note(tw_journal *journal, uint64_t tile, uint64_t sum)
{
    set_bit(journal->has, tile);
    journal->sums[tile] = sum;
    journal->done++;
    journal->pending++;
}

static int sync_outputs(const tw_journal *journal)
{
    int failed = TW__POINT("journal.data-sync");
    for (int k = 0; failed == 0 && k < journal->noperands; k++) {
        if (tw__journal_is_output(journal, k)) {
            failed = tw__outfile_sync(journal->operands[k]);
        }
    }
    return failed;
}

static int sync_header(tw_journal *journal)
{
    int failed = journal->is_safe ? 0 : TW__POINT("journal.header-sync");
    if (failed != 0 || journal->is_safe) {
        return failed;
    }
    failed = tw__held_is_open(&journal->held) ? tw__file_sync(journal->held.fd) : EBADF;
    for (int k = 0; failed == 0 && k < journal->noperands; k++) {
        failed =
            tw__journal_is_output(journal, k) ? tw__outfile_sync_name(journal->operands[k], journal->held.folder) : 0;
    }
    if (failed == 0) {
        failed = tw__folder_sync(journal->held.folder);
    }
    journal->is_safe = failed == 0;
    return failed;
}

/* Writes the records of all tiles that have none, neighbours in one piece. Marks them recorded: they are so once the
 * sync that follows has succeeded, and after one that failed nobody asks. */
static int write_records(tw_journal *journal)
{
    static const size_t size = sizeof(struct tw__record);
    struct tw__record *records = malloc(BATCH * size);
    if (records == NULL) {
        return ENOMEM;
    }
    int failed = 0;
    for (uint64_t tile = 0; failed == 0 && tile < journal->count; tile++) {
        uint64_t n = 0;
        if (tile % 64 == 0 && journal->has[tile / 64] == journal->recorded[tile / 64]) {
            tile += 63;
            continue;
        }
        for (; n < BATCH && tile + n < journal->count && get_bit(journal->has, tile + n) &&
               !get_bit(journal->recorded, tile + n);
             n++) {
            const uint64_t sum = journal->sums[tile + n];
            records[n] = (struct tw__record){(uint32_t)(tile + n), tw__record_check(journal->seed, tile + n, sum), sum};
            set_bit(journal->recorded, tile + n);
        }
        if (n > 0) {
            failed = TW__POINT("journal.record");
            failed = failed != 0 ? failed
                                 : write_checked(journal, records, (size_t)n * size,
                                                 journal->records_at + (int64_t)(tile * size));
            tile += n - 1;
        }
    }
    free(records);
    return failed;
}

static tw_status fail_outputs(tw_journal *journal, int failed)
{
    return tw__fail_os(&journal->failure, tw__file_status(failed), failed,
                       "the disk has failed to take what was written to the outputs");
}

tw_status tw__journal_sync_all(tw_journal *journal)
{
    int outputs = 0;
    for (int k = 0; k < journal->noperands; k++) {
        outputs += tw__journal_is_output(journal, k);
    }
    const int failed = outputs > 1 && journal->failure.status == TW_OK ? sync_outputs(journal) : 0;
    return failed == 0 ? journal->failure.status : fail_outputs(journal, failed);
}

tw_status tw__journal_record(tw_journal *journal)
{
    tw_error *failure = &journal->failure;
    if (failure->status != TW_OK) {
        return failure->status;
    }
    int failed = sync_outputs(journal);
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
    journal->pending = 0;
    (void)TW__POINT("journal.recorded");
    return TW_OK;
}

/* ---- looking again ---- */

static uint64_t sum_again(const tw_journal *journal, uint64_t tile)
{
    tw_view views[TW_MAX_OPERANDS];
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    int count = 0;
    tw_grid_tile(journal->grid, tile, start, stop);
    for (int k = 0; k < journal->noperands; k++) {
        if (tw__journal_is_output(journal, k)) {
            views[count++] =
                tw__view_box(&journal->operands[k]->view, journal->grid->signature->operands[k].axes, start, stop);
        }
    }
    return tw__sum(views, count);
}

tw_status tw_journal_verify(tw_journal *journal, uint64_t *dropped, tw_error *error)
{
    static const struct tw__record none;
    uint64_t count = 0;
    int failed = 0;
    for (uint64_t tile = 0; failed == 0 && tile < journal->count; tile++) {
        if (!get_bit(journal->recorded, tile) || sum_again(journal, tile) == journal->sums[tile]) {
            continue;
        }
        if (journal->is_finished) { /* beside its magic a tile may not be half done */
            return tw__fail(error, TW_ERROR_JOURNAL, "%s: tile %" PRIu64 " has changed since the outputs were finished",
                            journal->held.path, tile);
        }
        failed = write_checked(journal, &none, sizeof none, journal->records_at + (int64_t)(tile * sizeof none));
        clear_bit(journal->has, tile);
        clear_bit(journal->recorded, tile);
        journal->done--;
        count++;
    }
    if (failed == 0 && count > 0) { /* before such a tile is written again, its record must be gone */
        failed = tw__file_sync(journal->held.fd);
    }
    *dropped = count;
    if (failed != 0) { /* nor may anything be recorded after a sync that failed */
        fail_write(journal, failed, &journal->failure);
        return fail_write(journal, failed, error);
    }
    return TW_OK;
}

tw_status tw_journal_restore(tw_journal *journal, int operand, const tw_array *source, tw_error *error)
{
    char now[256];
    if (operand < 0 || operand >= journal->noperands || !tw__journal_is_output(journal, operand)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "operand %d is no output of the journal's job", operand);
    }
    const tw_operand *described = &journal->grid->signature->operands[operand];
    tw_array *array = journal->operands[operand];
    if (!tw__view_same_shape(&array->view, &source->view) || !tw__dtype_same(&array->view.dtype, &source->view.dtype)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "'%s' cannot begin with an array of another shape or dtype",
                        described->name);
    }
    const char *was = json_string_value(json_object_get(journal->sources, described->name));
    tw__fingerprint_source(source, now, sizeof now);
    if (was != NULL && was[0] != '\0' && strcmp(was, now) != 0) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: is of another job: '%s' began as %s and is %s",
                        journal->held.path, described->name, was, now[0] != '\0' ? now : "no file");
    }
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    for (uint64_t tile = 0; tile < journal->count; tile++) {
        if (!get_bit(journal->has, tile)) {
            tw_grid_tile(journal->grid, tile, start, stop);
            const tw_view to = tw__view_box(&array->view, described->axes, start, stop);
            const tw_view from = tw__view_box(&source->view, described->axes, start, stop);
            tw__view_copy(&to, &from);
        }
    }
    return TW_OK;
}

/* ---- the end ---- */

tw_status tw_journal_close(tw_journal *journal, tw_error *error)
{
    if (journal == NULL) {
        return TW_OK;
    }
    const int owned = journal->held.owner == tw__process_id();
    if (owned && journal->pending > 0) {
        tw__journal_record(journal);
    }
    const tw_status status = journal->failure.status;
    if (status != TW_OK && error != NULL) {
        *error = journal->failure;
    }
    release(journal);
    return status;
}

void tw_journal_remove(tw_journal *journal)
{
    if (journal != NULL) {
        (void)TW__POINT("journal.remove");
        tw__held_remove(&journal->held);
        release(journal);
    }
}
