/* joining.c - how a process comes to a job on nodes: the run folder is there, or it is made, or the job is finished.
 * Many may come at once, and each look is old when it ends: whoever finds that something has changed looks again. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "job/units.h"
#include "kernel/cache.h"
#include "kernel/kernel.h"
#include "node/joining.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/filesystem.h"
#include "os/flat_folder.h"
#include "os/wait.h"
#include "record/contents.h"
#include "record/fingerprint.h"
#include "record/journal_file.h"
#include "record/outputs.h"
#include "record/partials.h"
#include "record/recovery.h"
#include "store/shared.h"
#include "store/store.h"

#define MOST_LOOKS 200
#define KERNEL "kernel.so"
#define PARTIALS "partials"
#define MOST_OBJECT ((size_t)1 << 30) /* bytes of a kernel's object */
#define SHORT_WAIT 0.01               /* seconds */

/* ---- final files ---- */

/* An output that has its name, to be read. */
static tw_status open_final(const struct tw__joining *joining, int k, tw_error *error)
{
    tw_outputs *outputs = joining->outputs;
    return tw_array_open(&outputs->operands[k], NULL, outputs->files[k], error);
}

static void close_arrays(tw_outputs *outputs)
{
    tw__partials_close(outputs->partials, 0);
    outputs->partials = NULL;
    for (int k = 0; k < outputs->noperands; k++) {
        if (outputs->files[k] != NULL) {
            tw_array_destroy(outputs->operands[k]);
            outputs->operands[k] = NULL;
        }
    }
}

static tw_status open_finals(const struct tw__joining *joining, tw_error *error)
{
    tw_status status = TW_OK;
    for (int k = 0; status == TW_OK && k < joining->outputs->noperands; k++) {
        status = joining->outputs->files[k] != NULL ? open_final(joining, k, error) : TW_OK;
    }
    if (status != TW_OK) {
        close_arrays(joining->outputs);
    }
    return status;
}

/* ---- parts ---- */

/* What is asked of the store for one output, and the texts that this needs. */
struct wish {
    struct tw__shared_wish shared;
    char name[24];
    char shown[4096];
    unsigned char tag[TW__TAG_SIZE];
    int64_t shape[TW_MAX_DIMS];
};

static void wish_for(const struct tw__joining *joining, int k, int number, const unsigned char *job_tag, int folder,
                     struct wish *wish)
{
    const struct tw__member *member = joining->member;
    snprintf(wish->name, sizeof wish->name, "%d.npy", number);
    snprintf(wish->shown, sizeof wish->shown, "%.4000s/%s", member->folder.path, wish->name);
    memset(wish->tag, 0, sizeof wish->tag);
    memcpy(wish->tag + 2, job_tag, sizeof wish->tag - 2);
    const int ndim = tw__joining_shape(joining->outputs->grid, k, wish->shape);
    wish->shared = (struct tw__shared_wish){.folder = folder,
                                            .name = wish->name,
                                            .shown = wish->shown,
                                            .path = joining->outputs->files[k],
                                            .mark = member->mark,
                                            .dtype = &joining->files[k].dtype,
                                            .ndim = ndim,
                                            .shape = wish->shape,
                                            .tag = wish->tag};
}

/* Tiles that the mask leaves out keep the first values of an inout operand. */
static tw_status keep_first_values(const struct tw__joining *joining, const tw_array *part, int k, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    tw_status status = TW_OK;
    for (uint64_t tile = 0; status == TW_OK && tile < outputs->grid->count; tile++) {
        if (tw__where_skips(&outputs->where, tile)) {
            tw__grid_part(outputs->grid, tile, k, start, shape);
            status = tw__store_copy(part, joining->arrays[k], start, shape, error);
        }
    }
    const int failed = status == TW_OK ? tw__store_sync(part) : 0;
    return failed == 0
               ? status
               : tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", outputs->files[k]);
}

static tw_status make_part(const struct tw__joining *joining, int k, struct wish *wish, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    tw_array *part = NULL;
    tw_status status = tw__shared_create(&wish->shared, error);
    if (status != TW_OK || outputs->where.count == 0 || joining->arrays[k] == NULL) {
        return status;
    }
    status = tw__shared_open(&part, &wish->shared, error);
    if (status == TW_OK && part != NULL) {
        status = keep_first_values(joining, part, k, error);
        tw_array_destroy(part);
    }
    return status;
}

static tw_status fill_rest(const struct tw__joining *joining, int folder, tw_error *error);

static tw_status fill_folder(void *user, int folder, const unsigned char *tag, tw_error *error)
{
    const struct tw__joining *joining = user;
    struct wish *wish = malloc(sizeof *wish);
    tw_status status = wish != NULL ? TW_OK : tw__fail_memory(error, sizeof *wish, "an output");
    int number = 0;
    for (int k = 0; status == TW_OK && k < joining->outputs->noperands; k++) {
        if (joining->outputs->files[k] != NULL) {
            wish_for(joining, k, number++, tag, folder, wish);
            status = make_part(joining, k, wish, error);
        }
    }
    free(wish);
    return status == TW_OK ? fill_rest(joining, folder, error) : status;
}

/* The portable object of a kernel, so that nodes without a compiler, or with another one, need none. */
static tw_status bring_kernel(const tw_kernel *kernel, int folder, tw_error *error)
{
    char *object = NULL;
    size_t length;
    int fd = -1;
    if (kernel->path == NULL || kernel->origin[0] == '\0') {
        return TW_OK;
    }
    int failed = tw__file_text(&object, &length, kernel->path, MOST_OBJECT);
    failed = failed == 0 ? TW__POINT("node.kernel") : failed;
    failed = failed == 0 ? tw__file_create_in(&fd, folder, KERNEL, 0644) : failed;
    if (failed == 0) {
        failed = tw__file_write(fd, object, length, 0);
        failed = failed == 0 ? tw__file_sync(fd) : failed;
        tw__file_close(fd);
    }
    free(object);
    return failed == 0 ? TW_OK
                       : tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be copied to the run folder",
                                     kernel->path);
}

static int has_temporaries(const tw_grid *grid)
{
    return grid->stages != NULL && grid->stages->ntemporaries > 0;
}

/* What a new folder has beside its parts. */
static tw_status fill_rest(const struct tw__joining *joining, int folder, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    tw_array *operands[TW_MAX_OPERANDS];
    for (int k = 0; k < outputs->noperands; k++) {
        operands[k] = outputs->files[k] != NULL ? joining->shadows[k] : joining->arrays[k];
    }
    const tw_status status =
        has_temporaries(outputs->grid)
            ? tw__partials_share(folder, PARTIALS, joining->member->folder.path, outputs->grid->stages, operands, error)
            : TW_OK;
    return status == TW_OK ? bring_kernel(outputs->kernel, folder, error) : status;
}

static tw_status open_partials(const struct tw__joining *joining, int *gone, tw_error *error)
{
    tw_outputs *outputs = joining->outputs;
    const struct tw__member *member = joining->member;
    if (!has_temporaries(outputs->grid)) {
        return TW_OK;
    }
    const tw_status status = tw__partials_join(&outputs->partials, member->folder.fd, PARTIALS, member->folder.path,
                                               outputs->grid->stages, outputs->operands, 0, error);
    *gone |= status == TW_OK && outputs->partials == NULL;
    return status;
}

/* Opens the parts. *gone: some are not there, nor have their final names: the folder went meanwhile. */
static tw_status open_parts(const struct tw__joining *joining, int *finals, int *gone, tw_error *error)
{
    tw_outputs *outputs = joining->outputs;
    struct tw__member *member = joining->member;
    struct wish *wish = malloc(sizeof *wish);
    tw_status status = wish != NULL ? TW_OK : tw__fail_memory(error, sizeof *wish, "an output");
    int number = 0;
    *finals = *gone = 0;
    member->is_coherent = 1;
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        if (outputs->files[k] == NULL) {
            continue;
        }
        wish_for(joining, k, number++, member->folder.tag, member->folder.fd, wish);
        status = tw__shared_open(&outputs->operands[k], &wish->shared, error);
        if (status == TW_OK && outputs->operands[k] != NULL) {
            member->is_coherent &= tw__shared_is_coherent(outputs->operands[k]);
            if (joining->arrays[k] != NULL) {
                status = tw__shared_begin_with(outputs->operands[k], joining->arrays[k], error);
            }
        } else if (status == TW_OK && !member->is_worker && tw__member_has_final(member, k)) {
            status = open_final(joining, k, error);
            ++*finals;
            member->has_finals = 1;
        } else if (status == TW_OK) {
            *gone = 1;
        }
    }
    free(wish);
    *finals = *finals == number;
    if (status == TW_OK && !*gone && !*finals) {
        status = open_partials(joining, gone, error);
    }
    if (status != TW_OK || *gone) {
        close_arrays(outputs);
    }
    return status;
}

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

/* One look. *settled: 1: the folder and its parts are open, or the job is finished; 0: look again. */
static tw_status look_once(const struct tw__joining *joining, int *settled, tw_error *error)
{
    struct tw__member *member = joining->member;
    struct tw__job_text job;
    int gone = 0, finals = 0, won = 0;
    *settled = 0;
    (void)TW__POINT("node.look");
    tw_status status = tw__run_folder_open(&member->folder, &job, error);
    if (status == TW_OK && job.fingerprint != NULL) {
        status = compare_job(joining, &job, error);
        member->replaces = job.replaces;
        status = status == TW_OK ? open_parts(joining, &finals, &gone, error) : status;
        tw__job_text_fini(&job);
        member->is_finished = status == TW_OK && !gone && finals;
        *settled = status == TW_OK && !gone;
        if (!*settled || member->is_finished) {
            leave_folder(member);
        }
        return status;
    }
    tw__job_text_fini(&job);
    if (status != TW_OK || member->is_worker) {
        return status;
    }
    if (tw__member_finds_finished(member, NULL)) {
        member->is_finished = *settled = 1;
        return open_finals(joining, error);
    }
    status = joining->options->restart ? TW_OK : tw__member_check_finals(member, error);
    if (status == TW_OK) { /* before there is a folder with these cuts */
        status = tw__pieces_check(joining->outputs->grid, joining->shadows, tw__filesystem_piece(member->folder.parent),
                                  error);
    }
    if (status != TW_OK) {
        return status;
    }
    job = (struct tw__job_text){.tiles = joining->outputs->grid->count,
                                .skipped = joining->outputs->where.count,
                                .replaces = joining->options->restart,
                                .fingerprint = member->fingerprint,
                                .description = (char *)(uintptr_t)joining->options->describe};
    memcpy(job.launch, member->launch, sizeof job.launch);
    status = tw__run_folder_make(&member->folder, &job, fill_folder, (void *)(uintptr_t)joining, &won, error);
    /* Somebody may have finished this job, or another one, between the look at the files and this. */
    if (status == TW_OK && won) {
        status = joining->options->restart ? TW_OK : tw__member_check_finals(member, error);
        if (status != TW_OK || tw__member_finds_finished(member, NULL)) {
            (void)tw__run_folder_remove(&member->folder, member->folder.tag);
        }
    }
    leave_folder(member);
    return status; /* opened like any other, the next time around */
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
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS], bytes;
    int k = 0;
    while (outputs->files[k] == NULL) {
        k++;
    }
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
    member->failed = calloc((size_t)(count / 64 + 1), sizeof *member->failed);
    if (member->mine == NULL || member->failed == NULL) {
        return tw__fail_memory(error, (size_t)count / 4, "what nodes have done");
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
    for (int p = 0; p < member->npeers; p++) { /* a later start tries again */
        struct tw__peer *peer = &member->peers[p];
        peer->was_failed = (int)peer->state.failed;
    }
    memset(member->failed, 0, (size_t)(count / 64 + 1) * sizeof *member->failed);
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
    made->disputed = UINT64_MAX;
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
    int first = 0;
    while (outputs->files[first] == NULL) {
        first++;
    }
    if (made->is_worker) {
        status = tw__run_folder_place_at(&made->folder, options->join, error);
    } else {
        status = tw__joining_check_files(&joining, error);
        status = status == TW_OK ? tw__joining_shadow(&joining, error) : status;
        status = status == TW_OK ? tw__joining_identify(&joining, error) : status;
        status = status == TW_OK ? tw__run_folder_place(&made->folder, outputs->files[first], error) : status;
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
        close_arrays(outputs);
        tw__member_close(made);
        return status;
    }
    *member = made;
    return TW_OK;
}

void tw__member_close(struct tw__member *member)
{
    if (member == NULL) {
        return;
    }
    tw__log_close(&member->log);
    if (!member->is_coherent) {
        tw__run_folder_sweep(&member->folder);
    }
    tw__run_folder_close(&member->folder);
    tw__fingerprint_free(member->fingerprint);
    tw__ledger_fini(&member->ledger);
    free(member->mine);
    free(member->failed);
    free(member->peers);
    free(member->pending);
    free(member->sums);
    tw__lock_fini(&member->lock);
    tw__lock_fini(&member->recording);
    free(member);
}
