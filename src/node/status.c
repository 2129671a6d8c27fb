/* status.c - how far a job on nodes is, read from its run folder, or from the mark of its finished file. Changes
 * nothing, and believes nothing that it reads before it is checked. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "base/text.h"
#include "node/job_mark.h"
#include "node/log.h"
#include "node/member.h"
#include "node/run_folder.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/flat_folder.h"
#include "os/path.h"
#include "os/process.h"
#include "store/shared_mark.h"

#define MOST_DISAGREEMENTS 1000

/* All journals of a run folder. */
struct survey {
    struct tw__peer *peers; /* [npeers], by node and member */
    int npeers, room;
    int failed; /* out of memory */
    uint64_t tiles, done;
    uint64_t *sums;   /* [tiles] of the first record of each */
    uint32_t *owners; /* [tiles] 1 + the peer that has it; 0: no record */
    int reading;      /* the peer that is read */
    uint64_t *twice;  /* [npeers] */
    tw_disagreement *disagreements;
    int ndisagreements, disagreements_room;
};

static void free_survey(struct survey *survey)
{
    free(survey->peers);
    free(survey->sums);
    free(survey->owners);
    free(survey->twice);
    free(survey->disagreements);
}

static int note_name(const char *name, void *user)
{
    struct survey *survey = user;
    int64_t node, member;
    if (!tw__log_is_name(name, &node, &member)) {
        return 0;
    }
    struct tw__peer *peers = tw__grow(survey->peers, survey->npeers, &survey->room, sizeof *peers);
    if (peers == NULL) {
        survey->failed = 1;
        return 1;
    }
    survey->peers = peers;
    peers[survey->npeers] = (struct tw__peer){.who = {.node = node, .member = member}};
    tw__log_name(peers[survey->npeers++].name, node, member);
    return 0;
}

static int by_node_and_member(const void *a, const void *b)
{
    const struct tw__log_who *one = &((const struct tw__peer *)a)->who;
    return tw__log_order(one->node, one->member, &((const struct tw__peer *)b)->who);
}

static void note_disagreement(struct survey *survey, uint64_t tile)
{
    if (survey->ndisagreements == MOST_DISAGREEMENTS) {
        return;
    }
    tw_disagreement *list =
        tw__grow(survey->disagreements, survey->ndisagreements, &survey->disagreements_room, sizeof *list);
    if (list == NULL) {
        survey->failed = 1;
        return;
    }
    survey->disagreements = list;
    list[survey->ndisagreements++] = (tw_disagreement){
        .tile = tile,
        .node = {survey->peers[survey->owners[tile] - 1].who.node, survey->peers[survey->reading].who.node}};
}

static void take(void *user, enum tw__log_kind kind, uint64_t tile, uint64_t sum)
{
    struct survey *survey = user;
    if (kind != TW__LOG_DONE || tile >= survey->tiles) {
        return;
    }
    if (survey->owners[tile] == 0) {
        survey->owners[tile] = (uint32_t)survey->reading + 1;
        survey->sums[tile] = sum;
        survey->done++;
        return;
    }
    survey->twice[survey->reading]++;
    survey->twice[survey->owners[tile] - 1]++;
    if (survey->sums[tile] != sum) {
        note_disagreement(survey, tile);
    }
}

static tw_status read_all(struct survey *survey, const struct tw__run_folder *folder, tw_error *error)
{
    (void)tw__flat_folder_each(folder->fd, note_name, survey);
    survey->sums = calloc((size_t)survey->tiles + 1, sizeof *survey->sums);
    survey->owners = calloc((size_t)survey->tiles + 1, sizeof *survey->owners);
    survey->twice = calloc((size_t)survey->npeers + 1, sizeof *survey->twice);
    if (survey->failed || survey->sums == NULL || survey->owners == NULL || survey->twice == NULL) {
        return tw__fail_memory(error, (size_t)survey->tiles * 12, "the status of a job");
    }
    if (survey->npeers > 0) {
        qsort(survey->peers, (size_t)survey->npeers, sizeof *survey->peers, by_node_and_member);
    }
    for (int p = 0; p < survey->npeers; p++) {
        survey->reading = p;
        (void)tw__peer_read(&survey->peers[p], folder->fd, folder->tag, take, survey);
    }
    return survey->failed ? tw__fail_memory(error, sizeof(tw_disagreement), "the status of a job") : TW_OK;
}

/* ---- what is said of it ---- */

static int is_at_work(const struct tw__peer *peer, const char *host)
{
    const struct tw__log_state *state = &peer->state;
    return peer->is_known && state->nintents > 0 && !state->ended && !state->failed &&
           !(strcmp(peer->who.host, host) == 0 && tw__process_is_gone((int)peer->who.pid));
}

static void fill_state(tw_node_state *to, const struct tw__peer *peer, uint64_t twice)
{
    const struct tw__log_state *state = &peer->state;
    const int64_t now = tw__wall_time();
    *to = (tw_node_state){.node = peer->who.node,
                          .count = peer->who.nodes,
                          .member = (int)peer->who.member,
                          .pid = peer->who.pid,
                          .done = peer->records,
                          .twice = twice,
                          .at_work = (double)state->worked * 1e-9,
                          .silent = state->recorded_at != 0 ? (double)(now - state->recorded_at) * 1e-9 : -1,
                          .failed = (int)state->failed,
                          .failed_tile = state->failed_tile};
    to->silent = state->recorded_at != 0 && to->silent < 0 ? 0 : to->silent; /* a clock that is ahead */
    snprintf(to->host, sizeof to->host, "%s", peer->who.host);
    snprintf(to->failure, sizeof to->failure, "%s", state->failure);
    for (uint32_t n = 0; n < state->nintents && !state->ended; n++) {
        to->intended += state->intents[n].count;
    }
}

static tw_status fill_status(tw_job_status *status, struct survey *survey, tw_error *error)
{
    char host[64];
    tw__flat_folder_host(host, sizeof host);
    status->tiles = survey->tiles;
    status->done = survey->done;
    status->nodes = calloc((size_t)survey->npeers + 1, sizeof *status->nodes);
    if (status->nodes == NULL) {
        return tw__fail_memory(error, (size_t)survey->npeers * sizeof *status->nodes, "the status of a job");
    }
    for (int p = 0; p < survey->npeers; p++) {
        const struct tw__peer *peer = &survey->peers[p];
        if (!peer->is_known) {
            continue; /* it is being made */
        }
        fill_state(&status->nodes[status->nnodes++], peer, survey->twice[p]);
        if (is_at_work(peer, host) && peer->state.worked > 0) {
            status->rate += (double)peer->state.done / ((double)peer->state.worked * 1e-9);
        }
    }
    status->ndisagreements = (size_t)survey->ndisagreements;
    status->disagreements = survey->disagreements;
    survey->disagreements = NULL;
    return TW_OK;
}

/* ---- where it is ---- */

/* The job is under way in this folder. *found: 0: there is none. */
static tw_status read_folder(tw_job_status *status, struct tw__run_folder *folder, int *found, tw_error *error)
{
    struct tw__job_text job;
    struct survey survey = {0};
    tw_status result = tw__run_folder_open(folder, &job, error);
    *found = result == TW_OK && job.fingerprint != NULL;
    if (*found) {
        survey.tiles = job.tiles;
        result = read_all(&survey, folder, error);
        result = result == TW_OK ? fill_status(status, &survey, error) : result;
        status->tiles -= job.skipped < status->tiles ? job.skipped : status->tiles;
        status->description = job.description;
        job.description = NULL;
        status->seconds_left = status->rate > 0 && status->tiles >= status->done
                                   ? (double)(status->tiles - status->done) / status->rate
                                   : -1;
    }
    free_survey(&survey);
    tw__job_text_fini(&job);
    return result;
}

/* The job has given this file its name. */
static tw_status read_mark(tw_job_status *status, const char *file, int *found, tw_error *error)
{
    char mark[TW__MARK_SIZE];
    const char *name;
    int folder = -1;
    *found = 0;
    if (tw__folder_open(&folder, file, &name) != 0) {
        return TW_OK;
    }
    *found = tw__shared_mark_read(folder, name, mark) == 0;
    tw__file_close(folder);
    if (!*found) {
        return TW_OK;
    }
    int64_t tiles = 0;
    const char *line = tw__job_mark_read(mark, &tiles, NULL);
    status->finished = 1;
    status->tiles = status->done = (uint64_t)tiles;
    status->seconds_left = 0;
    status->description = line != NULL ? strdup(line) : NULL;
    return line == NULL || status->description != NULL ? TW_OK : tw__fail_memory(error, strlen(mark), "a text");
}

/* How many characters of the name are the output's: of "r.npy" and of "r.npy.run/" 5. */
static size_t output_length(const char *file)
{
    const size_t suffix = sizeof TW__RUN_FOLDER_SUFFIX - 1;
    size_t length = strlen(file);
    while (length > 1 && file[length - 1] == '/') {
        --length;
    }
    const int is_folder = length > suffix && strncmp(file + length - suffix, TW__RUN_FOLDER_SUFFIX, suffix) == 0;
    return length - (is_folder ? suffix : 0);
}

static tw_status read_either(tw_job_status *status, const char *file, tw_error *error)
{
    struct tw__run_folder folder = TW__RUN_FOLDER_NONE;
    int found = 0;
    tw_status result = tw__run_folder_place(&folder, file, error);
    if (result == TW_OK) {
        result = read_folder(status, &folder, &found, error);
    }
    tw__run_folder_close(&folder);
    if (result == TW_OK && !found) {
        result = read_mark(status, file, &found, error);
    }
    return result != TW_OK || found
               ? result
               : tw__fail(error, TW_ERROR_FILE,
                          "%s: no job on nodes is writing this file, or has written it; give the job's first output",
                          file);
}

tw_status tw_job_status_read(tw_job_status *status, const char *file, tw_error *error)
{
    tw_job_status read = {.seconds_left = -1};
    if (status == NULL || file == NULL) {
        return tw__fail_null(error, "tw_job_status_read", status == NULL ? "status" : "file");
    }
    char *output = strndup(file, output_length(file)), *followed = NULL;
    if (output == NULL) {
        return tw__fail_memory(error, strlen(file), "a file's name");
    }
    const int failed = tw__path_follow(&followed, output);
    const tw_status result =
        failed == 0 ? read_either(&read, followed, error) : tw__fail_path(error, failed, output, "cannot be read");
    free(output);
    free(followed);
    if (result != TW_OK) {
        tw_job_status_free(&read);
        return result;
    }
    *status = read;
    return TW_OK;
}

void tw_job_status_free(tw_job_status *status)
{
    if (status != NULL) {
        free(status->description);
        free(status->nodes);
        free(status->disagreements);
        *status = (tw_job_status){0};
    }
}
