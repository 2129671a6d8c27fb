/* node.c - the outputs of a job, whether this process writes them alone or together with others: the public face of
 * both. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "grid/grid.h"
#include "grid/stages.h"
#include "node/finals.h"
#include "node/finish.h"
#include "node/joining.h"
#include "node/member.h"
#include "node/portion.h"
#include "node/run_folder.h"
#include "os/file.h"
#include "os/path.h"
#include "record/outputs.h"

/* A job on nodes that is not finished has these outputs: they are not taken from under it by mistake. What cannot be
 * looked at, or is no such job, is no reason to fail. */
static tw_status look_for_nodes(const tw_outputs *made, int restart, tw_error *error)
{
    struct tw__run_folder folder = TW__RUN_FOLDER_NONE;
    struct tw__job_text job = {0};
    tw_status status = TW_OK;
    const char *file = made->files[tw__outputs_first(made)];
    if (tw__run_folder_place(&folder, file, NULL) == TW_OK && tw__run_folder_open(&folder, &job, NULL) == TW_OK &&
        job.fingerprint != NULL) {
        if (!restart) {
            status =
                tw__fail(error, TW_ERROR_ARGUMENT,
                         "%s: holds an unfinished job on nodes, which writes %s; continue it with node, or restart",
                         folder.path, file);
        } else {
            const int failed = tw__run_folder_remove(&folder, job.tag);
            status = failed == 0 ? TW_OK : tw__fail_path(error, failed, folder.path, "cannot be removed");
        }
    }
    tw__job_text_fini(&job);
    tw__run_folder_close(&folder);
    return status;
}

tw_status tw_outputs_open(tw_outputs **outputs, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *arrays,
                          const tw_output *files, const tw_outputs_options *options, tw_error *error)
{
    const tw_outputs_options none = {0};
    const tw_outputs_options *how = options != NULL ? options : &none;
    const int is_alone = how->node == NULL && how->join == NULL;
    tw_outputs *made = NULL;
    tw_status status = tw__outputs_prepare(outputs != NULL ? &made : NULL, kernel, grid, arrays, files, how, error);
    if (status != TW_OK) {
        return status;
    }
    status = is_alone ? look_for_nodes(made, how->restart, error) : TW_OK;
    if (status == TW_OK) {
        status = is_alone ? tw__outputs_open(made, arrays, files, how, error)
                          : tw__member_open(&made->member, made, arrays, files, how, error);
    }
    if (status != TW_OK) {
        tw__outputs_close(made, is_alone);
        return status;
    }
    *outputs = made;
    return TW_OK;
}

tw_status tw_outputs_commit(tw_outputs *outputs, tw_error *error)
{
    if (outputs == NULL) {
        return tw__fail_null(error, "tw_outputs_commit", "outputs");
    }
    if (outputs->end != NULL) {
        return tw__outputs_fail_ended(outputs, error);
    }
    if (outputs->member == NULL) {
        return tw__outputs_commit(outputs, error);
    }
    if (outputs->member->is_worker) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "outputs that were opened with join are committed by the process that gave the work");
    }
    const tw_status status = tw__member_commit(outputs->member, error);
    outputs->end = status == TW_OK ? "committed" : NULL;
    return status;
}

/* What is recorded stays: records what is not yet, and says to the others that this node is gone. */
static tw_status leave(struct tw__member *member, tw_error *error)
{
    const tw_status status = tw__member_record(member) == TW_OK ? TW_OK : tw__member_failure(member, error);
    tw__member_end(member);
    return status;
}

tw_status tw_outputs_keep(tw_outputs *outputs, tw_error *error)
{
    if (outputs == NULL || outputs->end != NULL) {
        return TW_OK;
    }
    if (outputs->member == NULL) {
        return tw__outputs_keep(outputs, error);
    }
    const tw_status status = leave(outputs->member, error);
    outputs->kept = tw__member_is_there(outputs->member) ? outputs->member->ledger.done - outputs->where.count : 0;
    outputs->end = "kept";
    return status;
}

void tw_outputs_get_totals(const tw_outputs *outputs, tw_outputs_totals *totals)
{
    const struct tw__member *member = outputs->member;
    if (member == NULL) {
        tw__outputs_get_totals(outputs, totals);
        return;
    }
    const uint64_t done = member->ledger.done - outputs->where.count;
    *totals = (tw_outputs_totals){.tiles = outputs->grid->count,
                                  .done = done,
                                  .skipped = outputs->where.count,
                                  .kept = outputs->kept,
                                  .finished = member->is_finished,
                                  .elsewhere = done - (member->recorded < done ? member->recorded : done),
                                  .twice = member->log.state.twice,
                                  .nodes = (uint64_t)member->npeers + (member->log.name[0] != '\0')};
}

void tw_outputs_destroy(tw_outputs *outputs)
{
    if (outputs == NULL) {
        return;
    }
    struct tw__member *member = outputs->member;
    if (member != NULL && outputs->end == NULL && !member->is_worker) {
        (void)leave(member, NULL);
    }
    tw__outputs_close(outputs, member == NULL);
    tw__member_close(member);
}

/* ---- for programs that give out the tiles themselves ---- */

static tw_status refuse(const char *function, const char *what, tw_error *error)
{
    return tw__fail(error, TW_ERROR_ARGUMENT, "%s: these outputs were opened without %s", function, what);
}

static int gives_work(const tw_outputs *outputs)
{
    return outputs != NULL && outputs->member != NULL && !outputs->member->is_worker;
}

/* One past the last tile of the first step that is not complete. */
static uint64_t end_of_step(const tw_outputs *outputs, uint64_t missing)
{
    const struct tw__stages *stages = outputs->grid->stages;
    if (stages == NULL) {
        return outputs->grid->count;
    }
    const struct tw__stage *stage = tw__stage_of(stages, missing);
    return stage->first + stage->grid->count;
}

tw_status tw_outputs_missing(const tw_outputs *outputs, uint64_t from, uint64_t *first, uint64_t *count)
{
    if (!gives_work(outputs) || first == NULL || count == NULL) {
        return TW_ERROR_ARGUMENT;
    }
    const struct tw__ledger *ledger = &outputs->member->ledger;
    const uint64_t missing = tw__ledger_missing(ledger, 0);
    const uint64_t end = missing < ledger->count ? end_of_step(outputs, missing) : missing;
    uint64_t tile = tw__ledger_missing(ledger, from > missing ? from : missing);
    *first = tile < end ? tile : end;
    while (tile < end && !tw__ledger_has(ledger, tile)) {
        tile++;
    }
    *count = tile < end || *first < end ? tile - *first : 0;
    return TW_OK;
}

tw_status tw_outputs_note(tw_outputs *outputs, uint64_t first, uint64_t count, const uint64_t *sums, tw_error *error)
{
    if (!gives_work(outputs)) {
        return refuse("tw_outputs_note", "node", error);
    }
    if (sums == NULL) {
        return tw__fail_null(error, "tw_outputs_note", "sums");
    }
    struct tw__member *member = outputs->member;
    uint64_t end;
    if (__builtin_add_overflow(first, count, &end) || end > member->ledger.count) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "tiles %" PRIu64 " and %" PRIu64 " after it: the job has %" PRIu64,
                        first, count, member->ledger.count);
    }
    tw__lock(&member->lock);
    for (uint64_t n = 0; n < count && !member->is_committed; n++) {
        if (sums[n] == 0) {
            continue; /* the worker found that it was done, or that the job is no more */
        }
        if (!tw__ledger_has(&member->ledger, first + n) && !tw__set_has(member->mine, first + n)) {
            tw__member_note(member, first + n, sums[n]);
        } else if (tw__ledger_has(&member->ledger, first + n) && member->ledger.sums[first + n] != sums[n]) {
            tw__member_note(member, first + n, sums[n]); /* both are kept, for whoever comes later */
        }
    }
    tw__unlock(&member->lock);
    if (tw__member_record(member) != TW_OK) {
        return tw__member_failure(member, error);
    }
    return member->is_committed || tw__member_is_there(member) ? TW_OK : tw__member_end_elsewhere(member, error);
}

const char *tw_outputs_folder(const tw_outputs *outputs)
{
    return outputs != NULL && outputs->member != NULL ? outputs->member->folder.path : NULL;
}

tw_status tw_outputs_sums(const tw_outputs *outputs, uint64_t first, uint64_t count, uint64_t *sums, tw_error *error)
{
    if (outputs == NULL || outputs->member == NULL || !outputs->member->is_worker) {
        return refuse("tw_outputs_sums", "join", error);
    }
    if (sums == NULL) {
        return tw__fail_null(error, "tw_outputs_sums", "sums");
    }
    const struct tw__member *member = outputs->member;
    uint64_t end;
    if (member->sums == NULL || first < member->sums_first || __builtin_add_overflow(first, count, &end) ||
        end > member->sums_first + member->sums_count) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "tw_outputs_sums: the last run of these outputs did not have all of tiles %" PRIu64
                        " to %" PRIu64,
                        first, first + count);
    }
    memcpy(sums, member->sums + (first - member->sums_first), (size_t)count * sizeof *sums);
    return TW_OK;
}

tw_status tw_outputs_sync(tw_outputs *outputs, tw_error *error)
{
    if (outputs == NULL || outputs->member == NULL || !outputs->member->is_worker) {
        return refuse("tw_outputs_sync", "join", error);
    }
    const int failed = tw__member_sync(outputs->member);
    return failed == 0 ? TW_OK
                       : tw__fail_os(error, tw__file_status(failed), failed,
                                     "%s: writing the outputs to the disk failed", outputs->member->folder.path);
}
