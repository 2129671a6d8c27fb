/* rounds.c - a run of one node: what its pool does next, and who records it. The rules are in portion.c; here is what
 * they are given, time among it. No clock of another machine is ever compared with one of this. */
#include "node/rounds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "node/finals.h"
#include "node/finish.h"
#include "node/pace.h"
#include "node/read_back.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/wait.h"

/* A round is at least so long, in nanoseconds of measured work, and LOOKS times what a look at the others costs: the
 * last ones are short where that is cheap, so that nobody waits long for another's last round. */
#define LEAST_ROUND INT64_C(2000000)
#define MOST_LEAST_ROUND INT64_C(100000000)
#define LOOKS 16
#define READ_AT_ONCE 512 /* journals of others */

/* A batch costs the time of its syncs and reads, as in record/recorder.c. */
#define PAUSE 8
#define LEAST_PAUSE INT64_C(250000000)
#define MOST_PAUSE TW__MOST_PAUSE

/* Seconds between two looks of a node that waits: PAUSE times what a look costs, and one part in PATIENT of what it has
 * waited. Who waits long looks seldom, and who waits for a last tile sees it at once. */
#define LEAST_WAIT 0.002
#define MOST_WAIT 1.0
#define PATIENT 16
#define HEARS_EACH 0.05 /* seconds, in which a wait hears that the run is stopped */
#define MOST_VERIFICATIONS 3
#define READ_BACK INT64_C(100000000) /* nanoseconds until others hear what was read back */

/* ---- what was done ---- */

/* Takes note of what the round has done so far. With the lock. */
static void note_round(struct tw__rounds *rounds)
{
    struct tw__member *member = rounds->member;
    const _Atomic uint32_t *words = tw__steps_words(rounds->steps);
    const uint64_t *sums = tw__steps_sums(rounds->steps);
    const struct tw__round *round = &rounds->round;
    for (uint64_t tile = round->first; tile < round->first + round->count; tile++) {
        /* acquire: with the word come the elements and their checksum */
        const uint32_t word = atomic_load_explicit(&words[tile], memory_order_acquire);
        if (TW__WORD_STATE(word) == TW_TILE_DONE && (word & TW__WORD_BEFORE) == 0 && sums[tile] != 0 &&
            !tw__set_has(member->mine, tile)) {
            tw__member_note(member, tile, sums[tile]);
        } else if (TW__WORD_STATE(word) == TW_TILE_FAILED) {
            tw__set_add(member->failed, tile);
        }
    }
}

static void end_round(struct tw__rounds *rounds)
{
    struct tw__member *member = rounds->member;
    note_round(rounds);
    if (member->round_began != 0) {
        member->worked += tw__now() - member->round_began;
        member->round_began = 0;
    }
    rounds->round.count = 0;
}

/* ---- what others mean to do ---- */

/* Tiles of the intent that no node has done yet. 0, too: it is none. */
static uint64_t left_of(const struct tw__member *member, const struct tw__intent *intent, const uint64_t *done)
{
    uint64_t left = 0, end;
    if (__builtin_add_overflow(intent->first, intent->count, &end) || end > member->ledger.count) {
        return 0;
    }
    for (uint64_t tile = intent->first; tile < end; tile++) {
        left += (uint64_t)!tw__set_has(done, tile);
    }
    return left;
}

/* How many of the tiles that a peer means to do are better left to it, if it is not late: it begins those after them so
 * late that this node would have done and recorded one long before, and the peer read of it. A node that is slow is not
 * late by its own pace: the end of its round is done by a node that finds nothing else. */
static uint64_t best_left(const struct tw__member *member, const struct tw__peer *peer, int64_t longest)
{
    const struct tw__log_state *state = &peer->state, *own = &member->log.state;
    const int64_t cost = tw__pace_of(state->worked, state->done), here = tw__pace_own(member);
    if (cost == 0) {
        return UINT64_MAX; /* nobody knows its pace */
    }
    const int64_t longer = state->pause > own->pause ? state->pause : own->pause;
    const int64_t pause = longer < LEAST_PAUSE ? LEAST_PAUSE : longer < MOST_PAUSE ? longer : MOST_PAUSE;
    const int64_t cycle = pause * (member->npeers / READ_AT_ONCE + 1); /* after which all were read once */
    const int64_t since = peer->seen_at > peer->moved_at ? peer->seen_at : peer->moved_at;
    const int64_t needs = (here > 0 ? here : longest) + 2 * cycle + TW__LEAST_PATIENCE;
    return (uint64_t)((tw__now() - since + needs) / cost) + 1;
}

/* A node does its intents one after the other, and records them together: they are late together. */
static void add_intents(struct tw__rounds *rounds, const struct tw__peer *peer, const uint64_t *done, int64_t longest)
{
    const struct tw__member *member = rounds->member;
    uint64_t all = 0;
    for (uint32_t n = 0; n < peer->state.nintents; n++) {
        all += left_of(member, &peer->state.intents[n], done);
    }
    const int late = all > 0 && tw__pace_is_late(member, peer, all, longest);
    uint64_t in_time = late ? 0 : best_left(member, peer, longest);
    for (uint32_t n = 0; n < peer->state.nintents; n++) {
        const struct tw__intent *intent = &peer->state.intents[n];
        const uint64_t left = left_of(member, intent, done);
        const uint64_t end = left > 0 ? intent->first + intent->count : intent->first;
        for (uint64_t tile = intent->first; tile < end; tile++) {
            if (tw__set_has(done, tile)) {
                continue;
            }
            /* One who is not late is doing it: nobody else needs to. */
            if (in_time > 0) {
                in_time--;
                tw__set_remove(rounds->late, tile);
            } else if (!tw__set_has(rounds->meant, tile)) {
                tw__set_add(rounds->late, tile);
            }
            tw__set_add(rounds->meant, tile);
        }
    }
}

/* The sets of the portion. */
static void look_around(struct tw__rounds *rounds)
{
    struct tw__member *member = rounds->member;
    uint64_t *done = rounds->done;
    const size_t words = (size_t)(member->ledger.count / 64 + 1);
    const int64_t longest = tw__pace_longest(member);
    for (size_t w = 0; w < words; w++) {
        done[w] = member->ledger.is_done[w] | member->mine[w];
        rounds->meant[w] = member->failed[w] & ~done[w];
        rounds->late[w] = 0;
    }
    for (int p = 0; p < member->npeers; p++) {
        if (member->peers[p].is_known && member->peers[p].state.nintents > 0 &&
            !tw__pace_is_dead(member, &member->peers[p])) {
            add_intents(rounds, &member->peers[p], done, longest);
        }
    }
}

/* Nanoseconds of a look at the others and a choice: the smaller of the last two, since one may have been kept waiting.
 */
static int64_t look_cost(const struct tw__rounds *rounds)
{
    return rounds->looks[0] < rounds->looks[1] ? rounds->looks[0] : rounds->looks[1];
}

/* Tiles of the smallest round. */
static uint64_t least_of(const struct tw__rounds *rounds)
{
    const int64_t cost = tw__pace_own(rounds->member), looks = LOOKS * look_cost(rounds);
    const int64_t least = looks < LEAST_ROUND ? LEAST_ROUND : looks > MOST_LEAST_ROUND ? MOST_LEAST_ROUND : looks;
    const uint64_t timed = cost > 0 ? (uint64_t)(least / cost) : 0;
    return timed > rounds->workers ? timed : rounds->workers;
}

static void choose(struct tw__rounds *rounds, int step)
{
    struct tw__member *member = rounds->member;
    look_around(rounds);
    const uint64_t first = rounds->steps->step[step]->first;
    struct tw__portion portion = {.first = first,
                                  .count = tw__steps_end(rounds->steps, step) - first,
                                  .node = member->node.index,
                                  .nodes = member->node.count,
                                  .unit = member->unit,
                                  .least = least_of(rounds),
                                  .done = rounds->done,
                                  .meant = rounds->meant,
                                  .late = rounds->late,
                                  .random = rounds->random};
    tw__portion_next(&portion, &rounds->round);
    rounds->random = portion.random;
}

/* ---- when nothing can be done ---- */

/* Whether only tiles that have failed are left of the step. */
static int only_failures_left(const struct tw__rounds *rounds, uint64_t first, uint64_t end)
{
    const struct tw__member *member = rounds->member;
    uint64_t tile = first;
    while ((tile = tw__ledger_missing(&member->ledger, tile)) < end && tw__set_has(member->failed, tile)) {
        tile++;
    }
    return tile >= end;
}

static tw_status fail_elsewhere(struct tw__rounds *rounds, tw_error *error)
{
    const struct tw__member *member = rounds->member;
    for (int p = 0; p < member->npeers; p++) {
        const struct tw__peer *peer = &member->peers[p];
        if (peer->state.failed && !peer->was_failed) {
            rounds->is_said = 1; /* of an own tile the outcome says what happened */
            const tw_status status = tw__fail(error, TW_ERROR_KERNEL, "node %" PRId64 " on %s: %s", peer->who.node,
                                              peer->who.host, peer->state.failure);
            if (error != NULL) {
                error->tile = (int64_t)peer->state.failed_tile;
            }
            return status;
        }
    }
    return tw__fail(error, TW_ERROR_KERNEL, "a tile has failed on this node");
}

static int is_stopped(const struct tw__rounds *rounds)
{
    return rounds->stop != NULL && __atomic_load_n(rounds->stop, __ATOMIC_RELAXED) != 0;
}

/* Sleeps in short pieces, so that whoever stops the run is heard. */
static void sleep_for(struct tw__rounds *rounds, double seconds)
{
    _Atomic uint32_t never = 0;
    const int64_t until = tw__now() + (int64_t)(seconds * 1e9);
    while (!is_stopped(rounds) && tw__now() < until) {
        tw__wait(&never, 0, HEARS_EACH < seconds ? HEARS_EACH : seconds);
        if (rounds->waits != NULL) {
            rounds->waits(rounds->waits_user);
        }
    }
}

/* Seconds until the next look, after `waited` nanoseconds of waiting. */
static double next_wait(const struct tw__rounds *rounds, int64_t waited)
{
    const double wait = 1e-9 * (double)(PAUSE * look_cost(rounds) + waited / PATIENT);
    return wait < LEAST_WAIT ? LEAST_WAIT : wait > MOST_WAIT ? MOST_WAIT : wait;
}

/* ---- the next round ---- */

/* All tiles of the job are recorded: some of them are read back, the others by other nodes. *holds: all were. */
static tw_status share_reading(struct tw__rounds *rounds, int *holds, tw_error *error)
{
    const tw_status status = tw__read_back(rounds->member, READ_BACK, &rounds->random, holds, error);
    if (rounds->waits != NULL) {
        rounds->waits(rounds->waits_user);
    }
    return status;
}

/* All tiles [begin, end) of a step are recorded: are they what was recorded? Tiles that are not are missing again.
 * Before the next step reads what they have left; and before the end all tiles of the job once more, of which those of
 * earlier steps cannot run again in this run. */
static tw_status verify(struct tw__rounds *rounds, int step, uint64_t begin, uint64_t end, int *holds, tw_error *error)
{
    struct tw__member *member = rounds->member;
    const int is_last = end == rounds->steps->tiles;
    uint64_t dropped = 0, earlier = 0;
    *holds = 1;
    if (!tw__reads_back(member)) {
        return TW_OK;
    }
    rounds->verified = step == rounds->verified_step ? rounds->verified : 0;
    rounds->verified_step = step;
    if (rounds->verified++ >= MOST_VERIFICATIONS) {
        return tw__fail(error, TW_ERROR_DISK,
                        "%s: a tile was computed again, and still reads back with other bytes than were written",
                        member->folder.path);
    }
    _Atomic uint32_t *words = tw__steps_words(rounds->steps);
    tw_status status = tw__member_verify(member, begin, end, words, &dropped, error);
    if (status == TW_OK && is_last && dropped == 0) {
        status = tw__member_verify(member, 0, begin, words, &earlier, error);
    }
    if (status == TW_OK && earlier > 0) {
        return tw__fail(error, TW_ERROR_DISK,
                        "%s: %" PRIu64 " tiles of an earlier step read back with other bytes than were written; the "
                        "same command computes them again",
                        member->folder.path, earlier);
    }
    member->is_verified = status == TW_OK && dropped == 0 && is_last;
    *holds = dropped == 0;
    return status;
}

/* What a worker does: the tiles that it was given, once. */
static void next_given(struct tw__rounds *rounds, int step, uint64_t *first, uint64_t *count)
{
    const struct tw__steps *steps = rounds->steps;
    const uint64_t begin = steps->step[step]->first;
    const uint64_t end = tw__steps_end(steps, step);
    uint64_t from = rounds->only_first > begin ? rounds->only_first : begin;
    uint64_t to = rounds->only_first + rounds->only_count < end ? rounds->only_first + rounds->only_count : end;
    *first = begin;
    *count = 0;
    if (rounds->round.count == 0 && from < to) {
        *first = rounds->round.first = from;
        *count = rounds->round.count = to - from;
    } else {
        rounds->round.count = 0;
    }
}

/* One look: 1: *first and *count are what comes next, or *status is an error. 0: nothing can be done now, or, *again,
 * it is worth another look at once. */
static int try_next(struct tw__rounds *rounds, int step, uint64_t *first, uint64_t *count, int *again,
                    tw_status *status, tw_error *error)
{
    struct tw__member *member = rounds->member;
    const uint64_t begin = rounds->steps->step[step]->first;
    const uint64_t end = tw__steps_end(rounds->steps, step);
    int holds = 1;
    *first = begin;
    *count = 0;
    tw__lock(&member->lock);
    const int64_t began = tw__now();
    tw__member_refresh(member, READ_AT_ONCE);
    const int all = tw__member_has_all(member, begin, end - begin);
    const int shares = *again = all && end == rounds->steps->tiles && tw__reads_back(member) && !member->found_wrong;
    if (all && !shares && !member->is_committed) {
        *status = verify(rounds, step, begin, end, &holds, error);
    }
    if (!all || !holds) {
        choose(rounds, step);
        rounds->looks[1] = rounds->looks[0];
        rounds->looks[0] = tw__now() - began; /* with a check, if the tiles did not hold: once */
    }
    const int failures = !all && only_failures_left(rounds, begin, end);
    const struct tw__round round = rounds->round;
    if (round.count > 0) {
        member->round_began = tw__now();
    }
    tw__unlock(&member->lock);
    if (shares) {
        *status = share_reading(rounds, &holds, error);
    }
    if (*status != TW_OK || (all && holds)) {
        return 1;
    }
    if (round.count > 0) {
        *first = round.first;
        *count = round.count;
        *status = tw__member_intend(member, round.first, round.count);
        *status = *status == TW_OK ? TW_OK : tw__member_failure(member, error);
        return 1;
    }
    if (failures) {
        *status = fail_elsewhere(rounds, error);
    }
    return failures;
}

tw_status tw__rounds_next(void *user, int step, uint64_t *first, uint64_t *count, tw_error *error)
{
    struct tw__rounds *rounds = user;
    struct tw__member *member = rounds->member;
    if (member->is_worker) {
        next_given(rounds, step, first, count);
        return TW_OK;
    }
    tw__lock(&member->lock);
    end_round(rounds);
    tw__unlock(&member->lock);
    for (int64_t waits_since = 0;;) {
        tw_status status = TW_OK;
        int again = 0;
        if (is_stopped(rounds)) {
            return TW_ERROR_INTERRUPTED;
        }
        if (member->failure.status != TW_OK) {
            return tw__member_failure(member, error);
        }
        if (!member->is_committed && !tw__member_is_there(member)) {
            status = tw__member_end_elsewhere(member, error);
        }
        if (status != TW_OK || try_next(rounds, step, first, count, &again, &status, error)) {
            return status;
        }
        if (again) {
            continue;
        }
        /* What was done here is recorded before anybody waits: others may wait for it. */
        const int pending = member->npending;
        if (tw__member_record(member) == TW_OK && pending == 0) {
            if (waits_since == 0) {
                waits_since = tw__now();
                (void)tw__member_intend(member, 0, 0);
            }
            sleep_for(rounds, next_wait(rounds, tw__now() - waits_since));
        }
    }
}

uint32_t tw__rounds_need_not_run(const struct tw__rounds *rounds, uint64_t tile)
{
    const struct tw__member *member = rounds->member;
    if (member->is_worker) {
        return tile - rounds->only_first < rounds->only_count ? 0 : TW__WORD_EARLIER;
    }
    return tw__ledger_has(&member->ledger, tile) ? TW__WORD_EARLIER : 0;
}

/* ---- the thread ---- */

/* The job was finished by others, whatever this node is in the middle of: its workers begin nothing and write nothing
 * any more. */
static void skip_all(struct tw__member *member)
{
    for (uint64_t word = 0; word <= member->ledger.count / 64; word++) {
        atomic_store_explicit(&member->elsewhere[word], UINT64_MAX, memory_order_relaxed);
    }
}

static int work_once(struct tw__rounds *rounds)
{
    struct tw__member *member = rounds->member;
    tw__lock(&member->lock);
    note_round(rounds);
    tw__member_refresh(member, READ_AT_ONCE);
    tw__unlock(&member->lock);
    if (tw__member_record(member) != TW_OK) {
        return 0;
    }
    if (tw__member_is_there(member)) {
        return 1;
    }
    if (tw__member_finds_finished(member, NULL)) {
        skip_all(member);
        return 1;
    }
    return 0;
}

static void *record_now_and_then(void *argument)
{
    struct tw__rounds *rounds = argument;
    struct tw__member *member = rounds->member;
    int64_t pause = LEAST_PAUSE;
    while (atomic_load(&rounds->wake) == 0) {
        tw__wait(&rounds->wake, 0, (double)pause * 1e-9);
        if (atomic_load(&rounds->wake) != 0) {
            break;
        }
        const int64_t began = tw__now();
        if (!work_once(rounds)) {
            rounds->halt(rounds->argument);
            break;
        }
        pause = (tw__now() - began) * PAUSE;
        pause = pause < LEAST_PAUSE ? LEAST_PAUSE : pause > MOST_PAUSE ? MOST_PAUSE : pause;
        tw__lock(&member->lock);
        member->log.state.pause = pause;
        tw__unlock(&member->lock);
    }
    return NULL;
}

tw_status tw__rounds_begin(struct tw__rounds *rounds, tw_error *error)
{
    struct tw__member *member = rounds->member;
    const size_t words = (size_t)(member->ledger.count / 64 + 1);
    rounds->round = (struct tw__round){.kind = TW__ROUND_NONE};
    rounds->verified = rounds->verified_step = rounds->is_said = 0;
    rounds->looks[0] = rounds->looks[1] = MOST_LEAST_ROUND / LOOKS;
    rounds->has_thread = 0;
    rounds->meant = rounds->late = rounds->done = NULL;
    member->elsewhere = tw__steps_elsewhere(rounds->steps);
    if (member->is_worker) { /* its own tiles alone: a batch costs the same in a job of any size */
        for (uint64_t w = rounds->only_first / 64; w <= (rounds->only_first + rounds->only_count) / 64; w++) {
            atomic_store_explicit(&member->elsewhere[w], member->ledger.is_done[w], memory_order_relaxed);
        }
        return TW_OK;
    }
    tw__file_random(&rounds->random, sizeof rounds->random);
    rounds->meant = calloc(words, sizeof *rounds->meant);
    rounds->late = calloc(words, sizeof *rounds->late);
    rounds->done = calloc(words, sizeof *rounds->done);
    if (rounds->meant == NULL || rounds->late == NULL || rounds->done == NULL) {
        return tw__fail_memory(error, words * sizeof *rounds->meant, "what nodes mean to do");
    }
    _Atomic uint64_t *elsewhere = tw__steps_elsewhere(rounds->steps);
    for (size_t w = 0; w < words; w++) {
        atomic_store_explicit(&elsewhere[w], member->ledger.is_done[w], memory_order_relaxed);
    }
    member->elsewhere = elsewhere;
    atomic_store(&rounds->wake, 0);
    const int failed = tw__thread_start(&rounds->thread, record_now_and_then, rounds);
    rounds->has_thread = failed == 0;
    return failed == 0 ? TW_OK
                       : tw__fail_os(error, TW_ERROR_PROCESS, failed,
                                     "no thread is available to keep the journal; fewer workers leave room for it");
}

void tw__rounds_tell(struct tw__rounds *rounds, tw_status status, const tw_error *error)
{
    const int is_own = status == TW_ERROR_KERNEL || status == TW_ERROR_WORKER || status == TW_ERROR_GUARD;
    if (is_own && !rounds->member->is_worker && error->tile >= 0) {
        tw__member_fail(rounds->member, error);
    }
}

/* Keeps what a worker has computed for tw_outputs_sums. */
static tw_status keep_sums(const struct tw__rounds *rounds, tw_error *error)
{
    struct tw__member *member = rounds->member;
    const uint64_t *sums = tw__steps_sums(rounds->steps) + rounds->only_first;
    free(member->sums);
    member->sums = malloc((size_t)(rounds->only_count + 1) * sizeof *sums);
    if (member->sums == NULL) {
        return tw__fail_memory(error, (size_t)rounds->only_count * sizeof *sums, "checksums");
    }
    memcpy(member->sums, sums, (size_t)rounds->only_count * sizeof *sums);
    member->sums_first = rounds->only_first;
    member->sums_count = rounds->only_count;
    return TW_OK;
}

static tw_status end_of(struct tw__rounds *rounds, tw_status status, tw_error *error)
{
    struct tw__member *member = rounds->member;
    if (member->is_worker) {
        const tw_status kept =
            keep_sums(rounds, status == TW_OK ? error : NULL); /* also of those before one that failed */
        return status == TW_OK ? kept : status;
    }
    tw__lock(&member->lock);
    end_round(rounds);
    tw__unlock(&member->lock);
    const tw_status recorded = tw__member_record(member);
    if (recorded != TW_OK && (status == TW_OK || status == TW_ERROR_INTERRUPTED)) {
        return tw__member_failure(member, error);
    }
    if (!is_stopped(rounds) && status == TW_ERROR_INTERRUPTED && !tw__member_is_there(member)) {
        return tw__member_end_elsewhere(member, error);
    }
    return status;
}

tw_status tw__rounds_end(struct tw__rounds *rounds, tw_status status, tw_error *error)
{
    struct tw__member *member = rounds->member;
    if (rounds->has_thread) {
        atomic_store(&rounds->wake, 1);
        tw__wake(&rounds->wake, 1);
        tw__thread_join(&rounds->thread);
    }
    status = end_of(rounds, status, error);
    if (status == TW_OK && !member->is_worker && member->disputed != UINT64_MAX) {
        status = tw__member_fail_disputed(member, error);
    }
    if (status == TW_OK && member->late_differs != UINT64_MAX) {
        status = tw__member_fail_late(member, error);
    }
    member->elsewhere = NULL;
    free(rounds->meant);
    free(rounds->late);
    free(rounds->done);
    return status;
}
