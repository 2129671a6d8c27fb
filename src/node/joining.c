/* joining.c - how a process comes to a job on nodes: the run folder is there, or it is made, or the job is finished.
 * Many may come at once, and each look is old when it ends: whoever finds that something has changed looks again. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "job/units.h"
#include "node/finals.h"
#include "node/joining.h"
#include "node/unfinished.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/filesystem.h"
#include "os/flat_folder.h"
#include "os/process.h"
#include "os/wait.h"
#include "record/fingerprint.h"
#include "record/outputs.h"

#define MOST_LOOKS 200
#define SHORT_WAIT 0.01 /* seconds */

/* ---- the folder ---- */

static void leave_folder(struct tw__member *member)
{
    if (member->folder.fd >= 0) {
        tw__file_close(member->folder.fd);
        member->folder.fd = -1;
    }
}

static tw_status compare_job(const struct tw__joining *joining, const struct tw__job_text *job, tw_error *error)
{
    char difference[900];
    const struct tw__member *member = joining->member;
    if (member->is_worker) {
        return job->tiles == joining->outputs->grid->count
                   ? TW_OK
                   : tw__fail(error, TW_ERROR_JOURNAL, "%s: is of another job: it has %" PRIu64 " tiles",
                              member->folder.path, job->tiles);
    }
    if (!tw__fingerprint_same(job->fingerprint, member->fingerprint, difference, sizeof difference)) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: is of another job: %s; restart begins anew", member->folder.path,
                        difference);
    }
    return TW_OK;
}

/* The folder is there, and open. *settled: 0: it went meanwhile. */
static tw_status join_job(const struct tw__joining *joining, const struct tw__job_text *job, int *settled,
                          tw_error *error)
{
    struct tw__member *member = joining->member;
    int gone = 0, finals = 0;
    tw_status status = compare_job(joining, job, error);
    member->replaces = job->replaces;
    status = status == TW_OK ? tw__unfinished_open(joining, &finals, &gone, error) : status;
    member->is_finished = status == TW_OK && !gone && finals;
    *settled = status == TW_OK && !gone;
    if (!*settled || member->is_finished) {
        leave_folder(member);
    }
    return status;
}

/* There is no folder, and the job is not finished: makes the folder. It is opened like any other, the next time around.
 */
static tw_status begin_job(const struct tw__joining *joining, tw_error *error)
{
    struct tw__member *member = joining->member;
    const tw_outputs *outputs = joining->outputs;
    const int restarts = joining->options->restart;
    struct tw__job_text job = {.tiles = outputs->grid->count,
                               .skipped = outputs->where.count,
                               .replaces = restarts,
                               .fingerprint = member->fingerprint,
                               .description = (char *)(uintptr_t)joining->options->describe};
    int won = 0;
    memcpy(job.launch, member->launch, sizeof job.launch);
    tw_status status = restarts ? TW_OK : tw__member_check_finals(member, error);
    if (status == TW_OK) { /* before there is a folder with these cuts */
        status = tw__pieces_check(outputs->grid, joining->shadows, tw__filesystem_piece(member->folder.parent), error);
    }
    if (status != TW_OK) {
        return status;
    }
    status = tw__run_folder_make(&member->folder, &job, tw__unfinished_fill, (void *)(uintptr_t)joining, &won, error);
    /* Somebody may have finished this job, or another one, between the look at the files and this. */
    if (status == TW_OK && won) {
        status = restarts ? TW_OK : tw__member_check_finals(member, error);
        if (status != TW_OK || tw__member_finds_finished(member, NULL)) {
            (void)tw__run_folder_remove(&member->folder, member->folder.tag);
        }
    }
    leave_folder(member);
    return status;
}

/* One look. *settled: 1: the folder and its parts are open, or the job is finished; 0: look again. */
static tw_status look_once(const struct tw__joining *joining, int *settled, tw_error *error)
{
    struct tw__member *member = joining->member;
    struct tw__job_text job;
    *settled = 0;
    (void)TW__POINT("node.look");
    tw_status status = tw__run_folder_open(&member->folder, &job, error);
    const int is_there = status == TW_OK && job.fingerprint != NULL;
    if (is_there) {
        status = join_job(joining, &job, settled, error);
    }
    tw__job_text_fini(&job);
    if (is_there || status != TW_OK || member->is_worker) {
        return status;
    }
    if (tw__member_finds_finished(member, NULL)) {
        member->is_finished = *settled = 1;
        return tw__unfinished_open_finals(joining, error);
    }
    return begin_job(joining, error);
}

static tw_status look(const struct tw__joining *joining, tw_error *error)
{
    _Atomic uint32_t never = 0;
    int settled = 0;
    tw_status status = TW_OK;
    for (int looks = 0; status == TW_OK && !settled && looks < MOST_LOOKS; looks++) {
        if (looks > 1) {
            tw__wait(&never, 0, SHORT_WAIT);
        }
        status = look_once(joining, &settled, error);
        if (status == TW_OK && !settled && joining->member->is_worker) {
            break;
        }
    }
    if (status == TW_OK && !settled) {
        return tw__fail(error, TW_ERROR_FILE,
                        joining->member->is_worker
                            ? "%s: is not there: the job was finished, or begun anew"
                            : "%s: a part of the job is missing, and it is not finished: was it removed? restart it",
                        joining->member->folder.path);
    }
    if (status == TW_OK && joining->member->is_finished) { /* what whoever finished it may have left */
        (void)tw__run_folder_remove(&joining->member->folder, joining->member->folder.tag);
    }
    return status;
}

/* ---- what is known then ---- */

/* Tiles that fill 64 KiB of the first output, if its tiles are rows of it: borders between nodes then share no page. */
static uint64_t unit_of(const struct tw__joining *joining)
{
    static const int64_t border = 64 << 10;
    const tw_outputs *outputs = joining->outputs;
    const tw_grid *grid = outputs->grid;
    const int k = tw__outputs_first(outputs);
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS], bytes;
    if (grid->stages != NULL || grid->count < 2) {
        return 1;
    }
    tw__grid_part(grid, 0, k, start, shape);
    bytes = joining->files[k].dtype.itemsize;
    for (int d = 0; d < grid->signature->operands[k].ndim; d++) {
        const int64_t length = grid->axes[grid->signature->operands[k].axes[d]].length;
        if (d > 0 && shape[d] != length) {
            return 1;
        }
        bytes *= shape[d];
    }
    return bytes > 0 && bytes < border ? (uint64_t)(border / bytes) : 1;
}

/* Who this member is, for its journal. */
static void introduce(struct tw__member *member)
{
    struct tw__log_who *who = &member->log.who;
    memset(who, 0, sizeof *who);
    memcpy(who->tag, member->folder.tag, sizeof who->tag);
    who->node = member->node.index;
    who->nodes = member->node.count;
    who->pid = tw__process_id();
    who->began = tw__wall_time();
    tw__flat_folder_host(who->host, sizeof who->host);
    for (int p = 0; p < member->npeers; p++) {
        const struct tw__log_who *other = &member->peers[p].who;
        who->member = other->node == who->node && other->member >= who->member ? other->member + 1 : who->member;
    }
    member->log.folder = member->folder.fd;
}

static tw_status take_stock(const struct tw__joining *joining, tw_error *error)
{
    struct tw__member *member = joining->member;
    tw_outputs *outputs = joining->outputs;
    const uint64_t count = outputs->grid->count;
    tw_status status = tw__ledger_init(&member->ledger, count, error);
    if (status != TW_OK) {
        return status;
    }
    member->mine = calloc((size_t)(count / 64 + 1), sizeof *member->mine);
    member->checked = calloc((size_t)(count / 64 + 1), sizeof *member->checked);
    member->failed = calloc((size_t)(count / 64 + 1), sizeof *member->failed);
    if (member->mine == NULL || member->checked == NULL || member->failed == NULL) {
        return tw__fail_memory(error, (size_t)count / 2, "what nodes have done");
    }
    for (uint64_t tile = 0; outputs->where.count > 0 && tile < count; tile++) {
        if (tw__where_skips(&outputs->where, tile)) {
            tw__ledger_spare(&member->ledger, tile);
        }
    }
    if (member->is_finished) {
        tw__ledger_complete(&member->ledger);
        return TW_OK;
    }
    if (member->is_worker) {
        return TW_OK;
    }
    tw__member_refresh(member, INT_MAX);
    member->trusts_others = 1;
    for (int p = 0; p < member->npeers; p++) { /* a later start tries again */
        struct tw__peer *peer = &member->peers[p];
        peer->was_failed = (int)peer->state.failed;
    }
    memset(member->failed, 0, (size_t)(count / 64 + 1) * sizeof *member->failed);
    introduce(member);
    member->unit = unit_of(joining);
    return TW_OK;
}

tw_status tw__member_open(struct tw__member **member, tw_outputs *outputs, tw_array *const *arrays,
                          const tw_output *files, const tw_outputs_options *options, tw_error *error)
{
    tw_status status = tw__joining_check(options, outputs->grid, error);
    struct tw__member *made = status == TW_OK ? calloc(1, sizeof *made) : NULL;
    if (made == NULL) {
        return status != TW_OK ? status : tw__fail_memory(error, sizeof *made, "a node");
    }
    made->outputs = outputs;
    made->folder = TW__RUN_FOLDER_NONE;
    made->log.fd = -1;
    made->disputed = made->late_differs = UINT64_MAX;
    made->is_worker = options->join != NULL;
    made->verifies = options->verify;
    made->node = options->node != NULL ? *options->node : (tw_node){0, 1};
    if (made->node.count > 1) {
        tw__launch_find(made->launch, NULL, NULL);
    }
    tw__lock_init(&made->lock);
    tw__lock_init(&made->recording);
    struct tw__joining joining = {
        .member = made, .outputs = outputs, .arrays = arrays, .files = files, .options = options};
    if (made->is_worker) {
        status = tw__run_folder_place_at(&made->folder, options->join, error);
    } else {
        status = tw__joining_check_files(&joining, error);
        status = status == TW_OK ? tw__joining_shadow(&joining, error) : status;
        status = status == TW_OK ? tw__joining_identify(&joining, error) : status;
        status = status == TW_OK
                     ? tw__run_folder_place(&made->folder, outputs->files[tw__outputs_first(outputs)], error)
                     : status;
        status = status == TW_OK && options->restart ? tw__joining_restart(&joining, error) : status;
    }
    if (status == TW_OK) {
        status = look(&joining, error);
    }
    if (status == TW_OK) {
        status = take_stock(&joining, error);
    }
    for (int k = 0; k < outputs->noperands; k++) {
        tw_array_destroy(joining.shadows[k]);
    }
    if (status != TW_OK) {
        tw__unfinished_close(outputs);
        tw__member_close(made);
        return status;
    }
    *member = made;
    return TW_OK;
}
