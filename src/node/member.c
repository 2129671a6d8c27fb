/* member.c - this process in a job on nodes: what it knows, and how its tiles become recorded. */
#include "node/member.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "node/finals.h"
#include "node/portion.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/flat_folder.h"
#include "record/fingerprint.h"
#include "record/outputs.h"
#include "record/partials.h"
#include "store/shared.h"
#include "store/store.h"

/* ---- others ---- */

/* Where the peer is, or would be. */
static int find_peer(const struct tw__member *member, int64_t node, int64_t number, int *found)
{
    int low = 0, high = member->npeers;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const int order = tw__log_order(node, number, &member->peers[middle].who);
        if (order == 0) {
            *found = 1;
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *found = 0;
    return low;
}

static int note_peer(const char *name, void *user)
{
    struct tw__member *member = user;
    int64_t node, number;
    int found;
    if (!tw__log_is_name(name, &node, &number) || (member->log.fd >= 0 && strcmp(name, member->log.name) == 0)) {
        return 0;
    }
    const int place = find_peer(member, node, number, &found);
    if (found) {
        return 0;
    }
    struct tw__peer *peers = tw__grow(member->peers, member->npeers, &member->room, sizeof *peers);
    if (peers == NULL) {
        return 1; /* the next time */
    }
    member->peers = peers;
    memmove(&peers[place + 1], &peers[place], (size_t)(member->npeers - place) * sizeof *peers);
    peers[place] = (struct tw__peer){.who = {.node = node, .member = number}};
    tw__log_name(peers[place].name, node, number);
    member->npeers++;
    return 0;
}

/* A record of this checksum is on the disk. A tile with two of them is in dispute. */
static void enter(struct tw__member *member, uint64_t tile, uint64_t sum)
{
    if (!member->is_committed && !tw__ledger_take(&member->ledger, tile, sum)) {
        member->disputed = tile < member->disputed ? tile : member->disputed;
    }
}

/* What another node says of tiles [first, first + count) that it has read back. */
static void take_look(struct tw__member *member, enum tw__log_kind kind, uint64_t first, uint64_t count)
{
    uint64_t end;
    if (kind == TW__LOG_WRONG) {
        member->found_wrong = 1;
    }
    if (kind != TW__LOG_READ_BACK || !member->trusts_others || __builtin_add_overflow(first, count, &end) ||
        end > member->ledger.count) {
        return;
    }
    for (uint64_t tile = first; tile < end; tile++) {
        tw__set_add(member->checked, tile);
    }
}

static void take_record(void *user, enum tw__log_kind kind, uint64_t tile, uint64_t sum)
{
    struct tw__member *member = user;
    if (kind != TW__LOG_DONE) {
        take_look(member, kind, tile, sum);
        return;
    }
    if (tile >= member->ledger.count) {
        return;
    }
    const int is_mine = tw__set_has(member->mine, tile);
    enter(member, tile, sum);
    member->log.state.twice += (uint64_t)is_mine;
    if (!is_mine && member->elsewhere != NULL) {
        atomic_fetch_or_explicit(&member->elsewhere[tile / 64], (uint64_t)1 << tile % 64, memory_order_relaxed);
    }
}

/* Reads peers from a place on that moves, so that each has its turn. */
void tw__member_refresh(struct tw__member *member, int most)
{
    (void)TW__POINT("node.read");
    (void)tw__flat_folder_each(member->folder.fd, note_peer, member);
    const int count = member->npeers < most ? member->npeers : most;
    for (int k = 0; k < count; k++) {
        member->turn = member->turn + 1 < member->npeers ? member->turn + 1 : 0;
        struct tw__peer *peer = &member->peers[member->turn];
        (void)tw__peer_read(peer, member->folder.fd, member->folder.tag, take_record, member);
        if (peer->state.failed && !peer->was_failed && peer->state.failed_tile < member->ledger.count) {
            tw__set_add(member->failed, peer->state.failed_tile);
        }
    }
}

int tw__member_needs_no_run(const struct tw__member *member)
{
    return member->is_finished || (member->has_finals && member->ledger.done == member->ledger.count);
}

int tw__member_has_all(const struct tw__member *member, uint64_t first, uint64_t count)
{
    return tw__ledger_missing(&member->ledger, first) >= first + count;
}

/* ---- what is done here ---- */

void tw__member_note(struct tw__member *member, uint64_t tile, uint64_t sum)
{
    struct tw__record *pending = tw__grow(member->pending, member->npending, &member->pending_room, sizeof *pending);
    if (pending == NULL) { /* its word says that it is done, so nobody here would do it again: the run ends */
        if (member->failure.status == TW_OK) {
            (void)tw__fail_memory(&member->failure, sizeof *pending, "the tiles that this node has done");
        }
        return;
    }
    member->pending = pending;
    pending[member->npending++] = (struct tw__record){.tile = (uint32_t)tile, .sum = sum};
    tw__set_add(member->mine, tile);
}

static tw_status fail_disk(struct tw__member *member, int failed, const char *what)
{
    return tw__fail_os(&member->failure, tw__file_status(failed), failed, "%s: %s", member->folder.path, what);
}

tw_status tw__member_failure(const struct tw__member *member, tw_error *error)
{
    if (error != NULL) {
        *error = member->failure;
    }
    return member->failure.status;
}

/* One's own journal, made when there is something to say. */
static int make_log(struct tw__member *member)
{
    return member->log.fd >= 0 ? 0 : tw__log_create(&member->log);
}

int tw__member_sync(const struct tw__member *member)
{
    const tw_outputs *outputs = member->outputs;
    int failed = tw__partials_sync(outputs->partials);
    for (int k = 0; failed == 0 && k < outputs->noperands; k++) {
        failed = outputs->files[k] != NULL ? tw__store_sync(outputs->operands[k]) : 0;
    }
    return failed;
}

/* Takes the records that are on the disk into the ledger. */
static void take_own(struct tw__member *member, const struct tw__record *records, int count)
{
    for (int n = 0; n < count; n++) {
        const uint64_t tile = records[n].tile;
        member->log.state.twice += (uint64_t)tw__ledger_has(&member->ledger, tile);
        enter(member, tile, records[n].sum);
    }
    member->recorded += (uint64_t)count;
    member->log.state.done = member->recorded;
    member->log.state.recorded_at = tw__wall_time();
    member->log.state.worked = member->worked + (member->round_began != 0 ? tw__now() - member->round_began : 0);
}

static tw_status record_batch(struct tw__member *member, struct tw__record *batch, int count)
{
    int failed = TW__POINT("node.data-sync");
    failed = failed == 0 ? tw__member_sync(member) : failed;
    if (failed != 0) {
        return fail_disk(member, failed, "writing the outputs to the disk failed");
    }
    if (!tw__member_is_there(member)) { /* what was written may have gone nowhere */
        member->is_gone = 1;
        tw__member_find_other(member, batch, count, &member->late_differs); /* or to the finished file */
        return TW_OK;
    }
    tw__lock(&member->lock);
    failed = make_log(member);
    tw__unlock(&member->lock);
    failed = failed == 0 ? tw__log_append(&member->log, TW__LOG_DONE, batch, (uint64_t)count) : failed;
    failed = failed == 0 ? tw__log_sync(&member->log) : failed;
    if (failed != 0) {
        return fail_disk(member, failed, "the journal of this node cannot be written");
    }
    tw__lock(&member->lock);
    take_own(member, batch, count);
    failed = tw__log_write_state(&member->log);
    tw__unlock(&member->lock);
    return failed == 0 ? TW_OK : fail_disk(member, failed, "the journal of this node cannot be written");
}

tw_status tw__member_record(struct tw__member *member)
{
    tw__lock(&member->recording);
    tw__lock(&member->lock);
    struct tw__record *batch = member->pending;
    const int count = member->npending;
    member->pending = NULL;
    member->npending = member->pending_room = 0;
    tw_status status = member->failure.status;
    tw__unlock(&member->lock);
    if (status == TW_OK && count > 0 && !member->is_gone) {
        status = record_batch(member, batch, count);
    } else if (status == TW_OK) {
        tw__member_find_other(member, batch, count, &member->late_differs);
    }
    free(batch);
    tw__unlock(&member->recording);
    return status;
}

/* Tiles of an earlier round that are done, and that the others cannot know of before they are recorded. */
static int awaits_records(const struct tw__member *member, const struct tw__intent *intent)
{
    for (uint64_t tile = intent->first; tile < intent->first + intent->count; tile++) {
        if (tw__set_has(member->mine, tile) && !tw__ledger_has(&member->ledger, tile)) {
            return 1;
        }
    }
    return 0;
}

/* Leaves the intents whose tiles somebody else would take for untried. */
static void keep_intents(const struct tw__member *member, struct tw__log_state *state)
{
    uint32_t kept = 0;
    for (uint32_t n = 0; n < state->nintents; n++) {
        if (awaits_records(member, &state->intents[n])) {
            state->intents[kept++] = state->intents[n];
        }
    }
    state->nintents = kept;
}

/* Rounds that are neighbours are one intent: where syncs are slow, many rounds end between two records, and an intent
 * for which there is no room would be taken for untried tiles. */
static void add_intent(struct tw__log_state *state, uint64_t first, uint64_t count)
{
    for (uint32_t n = 0; n < state->nintents; n++) {
        struct tw__intent *intent = &state->intents[n];
        if (intent->first + intent->count == first || first + count == intent->first) {
            intent->first = first < intent->first ? first : intent->first;
            intent->count += count;
            return;
        }
    }
    if (state->nintents == TW__MOST_INTENTS) {
        state->nintents--;
        memmove(&state->intents[0], &state->intents[1], state->nintents * sizeof state->intents[0]);
    }
    state->intents[state->nintents++] = (struct tw__intent){first, count};
}

tw_status tw__member_intend(struct tw__member *member, uint64_t first, uint64_t count)
{
    struct tw__log_state *state = &member->log.state;
    if (count == 0 && member->log.fd < 0) {
        return TW_OK;
    }
    tw__lock(&member->lock);
    keep_intents(member, state);
    if (count > 0) {
        add_intent(state, first, count);
    }
    int failed = make_log(member);
    failed = failed == 0 ? tw__log_write_state(&member->log) : failed;
    tw__unlock(&member->lock);
    if (failed == 0 && !member->is_coherent) { /* else others would read it when this machine pleases */
        failed = tw__file_sync(member->log.fd);
    }
    return failed == 0 ? TW_OK : fail_disk(member, failed, "the journal of this node cannot be written");
}

tw_status tw__member_say(struct tw__member *member, enum tw__log_kind kind, uint64_t first, uint64_t count,
                         tw_error *error)
{
    struct tw__record record = {.tile = (uint32_t)first, .sum = count};
    tw__lock(&member->recording);
    tw__lock(&member->lock);
    int failed = make_log(member);
    tw__unlock(&member->lock);
    failed = failed == 0 ? tw__log_append(&member->log, kind, &record, 1) : failed;
    failed = failed == 0 ? tw__log_sync(&member->log) : failed;
    tw__unlock(&member->recording);
    if (failed == 0 || !tw__member_is_there(member)) {
        return TW_OK;
    }
    const tw_status status = fail_disk(member, failed, "the journal of this node cannot be written");
    if (error != NULL) {
        *error = member->failure;
    }
    return status;
}

void tw__member_fail(struct tw__member *member, const tw_error *error)
{
    struct tw__log_state *state = &member->log.state;
    tw__lock(&member->lock);
    if (!state->failed && make_log(member) == 0) {
        state->failed = 1;
        state->failed_tile = error->tile >= 0 ? (uint64_t)error->tile : UINT64_MAX;
        snprintf(state->failure, sizeof state->failure, "%.*s", (int)sizeof state->failure - 1, error->message);
        state->nintents = 0;
        (void)tw__log_write_state(&member->log);
    }
    tw__unlock(&member->lock);
}

void tw__member_end(struct tw__member *member)
{
    tw__lock(&member->lock);
    if (member->log.fd >= 0) {
        member->log.state.nintents = 0;
        member->log.state.ended = 1;
        (void)tw__log_write_state(&member->log);
        tw__log_close(&member->log);
    }
    tw__unlock(&member->lock);
}

/* ---- where the job is ---- */

/* While the outputs get their names, some have them and others do not: then the job still is there. */
int tw__member_is_there(const struct tw__member *member)
{
    const tw_outputs *outputs = member->outputs;
    for (int k = 0; k < outputs->noperands; k++) {
        if (outputs->files[k] != NULL && outputs->operands[k] != NULL && outputs->operands[k]->store != NULL &&
            outputs->operands[k]->store->state == TW__STORE_WRITTEN && tw__shared_is_there(outputs->operands[k]) != 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- the end ---- */

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
    free(member->checked);
    free(member->failed);
    free(member->peers);
    free(member->pending);
    free(member->sums);
    tw__lock_fini(&member->lock);
    tw__lock_fini(&member->recording);
    free(member);
}
