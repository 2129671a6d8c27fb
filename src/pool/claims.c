/* claims.c - which worker has which tile. Integers alone; knows neither arrays nor what a tile is. claims.h describes
 * the protocol. */
#include "pool/claims.h"

#include <string.h>

#include "os/clock.h"
#include "os/fault.h"
#include "os/process.h"
#include "os/usage.h"
#include "os/wait.h"

#define ORPHAN_SECONDS 5

#define SHARE(first, end) ((uint64_t)(first) << 32 | (uint64_t)(end))
#define SHARE_FIRST(share) ((uint32_t)((share) >> 32))
#define SHARE_END(share) ((uint32_t)(share))

#define TALLY(ended, tile) ((uint64_t)(ended) << 32 | (uint64_t)(tile))
#define TALLY_ENDED(tally) ((tally) >> 32)
#define TALLY_TILE(tally) ((uint32_t)(tally)) /* tile + 1; 0: none */

size_t tw__claims_size(unsigned workers)
{
    return sizeof(struct tw__claims) + workers * sizeof(struct tw__slot);
}

void tw__claims_init(struct tw__claims *claims, unsigned workers, int64_t spin)
{
    claims->workers = workers;
    claims->spin = spin;
    claims->caller_event.fd = -1;
    for (unsigned w = 0; w < workers; w++) {
        atomic_init(&claims->slots[w].failed_tile, UINT64_MAX);
    }
}

void tw__claims_ring(struct tw__claims *claims)
{
    /* Sequentially consistent with a worker that counts itself among the sleepers and then compares the bell (inside
     * the futex call): one of the two sees the other. */
    atomic_fetch_add(&claims->bell, 1);
    if (atomic_load(&claims->sleepers) > 0) {
        tw__wake(&claims->bell, INT32_MAX);
    }
}

void tw__claims_open(struct tw__claims *claims)
{
    const uint64_t first = claims->first, count = claims->end - first, workers = claims->workers;
    atomic_store_explicit(&claims->limit, UINT64_MAX, memory_order_relaxed);
    for (uint64_t w = 0; w < workers; w++) {
        struct tw__slot *slot = &claims->slots[w];
        /* 64-bit: count and workers are below 2^32 and 2^12 */
        atomic_store_explicit(&slot->share, SHARE(first + count * w / workers, first + count * (w + 1) / workers),
                              memory_order_relaxed);
        atomic_store_explicit(&slot->tally, 0, memory_order_relaxed);
        atomic_store_explicit(&slot->sweep, 0, memory_order_relaxed);
        atomic_store_explicit(&slot->failed_tile, UINT64_MAX, memory_order_relaxed);
    }
    atomic_fetch_add(&claims->generation, 1); /* publishes the job */
    tw__claims_ring(claims);
}

uint64_t tw__claims_tile_of(const struct tw__claims *claims, unsigned worker)
{
    const uint64_t tally = atomic_load_explicit(&claims->slots[worker].tally, memory_order_acquire);
    return TALLY_TILE(tally) != 0 ? TALLY_TILE(tally) - 1 : UINT64_MAX;
}

uint64_t tw__claims_done(const struct tw__claims *claims)
{
    uint64_t done = claims->earlier;
    for (unsigned w = 0; w < claims->workers; w++) {
        /* acquire: with the count come the elements of the tiles counted */
        done += TALLY_ENDED(atomic_load_explicit(&claims->slots[w].tally, memory_order_acquire));
    }
    return done;
}

/* Whoever sees the flag raised keeps it raised for this job: workers that left because of it do not come back. */
static int must_stop(struct tw__claims *claims)
{
    if (atomic_load_explicit(&claims->stop_word, memory_order_relaxed) != 0) {
        return 1;
    }
    if (__atomic_load_n(claims->stop, __ATOMIC_RELAXED) == 0) {
        return 0;
    }
    atomic_store(&claims->stop_word, 1);
    return 1;
}

/* Every tile up to the lowest that failed has ended. A worker may have entered after its slot was looked at, and die
 * with a tile that nobody would run again once the job is closed. */
static int all_ended_to_limit(struct tw__claims *claims)
{
    const uint64_t limit = atomic_load(&claims->limit);
    for (uint64_t tile = claims->first; tile < claims->end && tile <= limit; tile++) {
        const uint32_t word = atomic_load_explicit(&claims->words[tile], memory_order_acquire);
        if (TW__WORD_STATE(word) == TW_TILE_FREE || TW__WORD_STATE(word) == TW_TILE_RUNNING) {
            return 0;
        }
    }
    return 1;
}

int tw__claims_finished(struct tw__claims *claims)
{
    if (tw__claims_done(claims) == claims->end) {
        return 1;
    }
    /* Without a failure or a stop every tile is done in the end: a worker that found nothing to do says nothing about
     * those that others work on. */
    if (!must_stop(claims) && atomic_load(&claims->limit) == UINT64_MAX) {
        return 0;
    }
    const uint32_t generation = atomic_load(&claims->generation);
    int somebody_left = 0;
    for (unsigned w = 0; w < claims->workers; w++) {
        const struct tw__slot *slot = &claims->slots[w];
        if (atomic_load(&slot->sweep) != 0 || atomic_load(&slot->inside) == generation ||
            atomic_load(&slot->retired) != 0) {
            return 0;
        }
        somebody_left |= atomic_load(&slot->left) == generation;
    }
    return somebody_left && (must_stop(claims) || all_ended_to_limit(claims));
}

void tw__claims_close(struct tw__claims *claims)
{
    atomic_fetch_add(&claims->generation, 1);
}

int tw__claims_empty(struct tw__claims *claims)
{
    const uint32_t generation = atomic_load(&claims->generation) - 1;
    for (unsigned w = 0; w < claims->workers; w++) {
        if (atomic_load(&claims->slots[w].inside) == generation) {
            return 0;
        }
    }
    return 1;
}

void tw__claims_caller_waits(struct tw__claims *claims, int waits)
{
    atomic_store(&claims->caller_waits, (uint32_t)waits);
}

static void lower_limit(struct tw__claims *claims, uint64_t tile)
{
    uint64_t limit = atomic_load(&claims->limit);
    while (tile < limit && !atomic_compare_exchange_weak(&claims->limit, &limit, tile)) {
    }
}

/* Frees or settles the tile that it worked on, and corrects the number of tiles that it brought to an end. */
static void take_back(struct tw__claims *claims, unsigned worker, struct tw__grave *grave)
{
    struct tw__slot *slot = &claims->slots[worker];
    const uint64_t tally = atomic_load_explicit(&slot->tally, memory_order_relaxed);
    if (TALLY_TILE(tally) == 0) {
        return;
    }
    const uint64_t tile = TALLY_TILE(tally) - 1;
    const uint32_t word = atomic_load_explicit(&claims->words[tile], memory_order_relaxed);
    const unsigned attempt = TW__WORD_ATTEMPT(word);
    uint64_t ended = TALLY_ENDED(tally);
    if (TW__WORD_STATE(word) == TW_TILE_FREE || TW__WORD_WORKER(word) != worker) {
        /* It died before it had the tile. */
    } else if (TW__WORD_STATE(word) != TW_TILE_RUNNING) {
        ended++; /* it died between the word and its count of it */
    } else {
        uint32_t next = TW__WORD(TW_TILE_FREE, 0, attempt + !grave->free_of_charge);
        grave->tile = tile;
        grave->attempt = attempt;
        const int recovered = grave->recover != NULL ? grave->recover(claims->argument, worker, tile) : 0;
        grave->recovered = recovered > 0;
        grave->given_up = recovered < 0 || (recovered == 0 && !grave->free_of_charge &&
                                            ((int)attempt >= grave->retries || attempt + 1 >= TW__MAX_ATTEMPTS));
        if (claims->times != NULL) {
            const double now = (double)(tw__now() - claims->began) * 1e-9;
            claims->times[tile].duration = (float)(now - (double)claims->times[tile].start);
        }
        if (grave->recovered || grave->given_up) {
            next = TW__WORD(grave->given_up ? TW_TILE_FAILED : TW_TILE_DONE, worker, attempt);
            ended++;
        }
        if (grave->given_up && grave->ends_run) {
            lower_limit(claims, tile);
        }
        atomic_store_explicit(&claims->words[tile], next, memory_order_release);
    }
    atomic_store_explicit(&slot->tally, TALLY(ended, 0), memory_order_release);
}

void tw__claims_bury(struct tw__claims *claims, unsigned worker, struct tw__grave *grave)
{
    struct tw__slot *slot = &claims->slots[worker];
    grave->tile = UINT64_MAX;
    grave->attempt = 0;
    grave->given_up = grave->recovered = 0;
    take_back(claims, worker, grave);
    grave->retired = atomic_load(&slot->retired) != 0;
    if (!grave->retired) { /* else it has noted itself whether a sweep is needed */
        atomic_store(&slot->sweep, atomic_load(&claims->generation) % 2);
    }
    atomic_store(&slot->retired, 0);
    atomic_store(&slot->since, 0);
    atomic_store(&slot->inside, 0);
}

void tw__claims_set_sweep(struct tw__claims *claims, unsigned worker, int must)
{
    atomic_store(&claims->slots[worker].sweep, (uint32_t)must);
}

void tw__claims_quit(struct tw__claims *claims)
{
    atomic_store(&claims->quit, 1);
    tw__claims_ring(claims);
}

/* ---- the worker's side ---- */

static int take_own(struct tw__slot *slot, uint64_t *tile)
{
    uint64_t share = atomic_load_explicit(&slot->share, memory_order_relaxed);
    while (SHARE_FIRST(share) < SHARE_END(share)) {
        const uint64_t rest = SHARE(SHARE_FIRST(share) + 1, SHARE_END(share));
        if (atomic_compare_exchange_weak_explicit(&slot->share, &share, rest, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            *tile = SHARE_FIRST(share);
            return 1;
        }
    }
    return 0;
}

/* Takes the far half of somebody's share (at least one tile): its first tile for now, the others as this worker's own
 * share, which is empty. Were the first left in the share as well, thieves could move one last tile to and fro
 * forever. A stale value of `share` that is current again describes the share as it is now; no job ends while the thief
 * is inside. */
static int steal(struct tw__claims *claims, unsigned self, uint64_t *tile)
{
    for (unsigned k = 1; k < claims->workers; k++) {
        const unsigned victim = (self + k) % claims->workers;
        struct tw__slot *slot = &claims->slots[victim];
        uint64_t share = atomic_load_explicit(&slot->share, memory_order_relaxed);
        while (SHARE_FIRST(share) < SHARE_END(share)) {
            const uint32_t length = SHARE_END(share) - SHARE_FIRST(share);
            const uint32_t middle = SHARE_END(share) - (length + 1) / 2;
            if (atomic_compare_exchange_weak_explicit(&slot->share, &share, SHARE(SHARE_FIRST(share), middle),
                                                      memory_order_relaxed, memory_order_relaxed)) {
                (void)TW__POINT("steal.taken");
                atomic_store_explicit(&claims->slots[self].share, SHARE(middle + 1, SHARE_END(share)),
                                      memory_order_release);
                if (length > 2) {
                    tw__claims_ring(claims); /* somebody may have looked while these tiles were in nobody's share */
                }
                *tile = middle;
                return 1;
            }
        }
    }
    return 0;
}

__attribute__((noinline)) static void fail(struct tw__claims *claims, struct tw__slot *slot, uint64_t tile,
                                           struct tw__result result)
{
    if (tile < atomic_load_explicit(&slot->failed_tile, memory_order_relaxed)) {
        slot->failure = result;
        memcpy(slot->message, slot->draft, sizeof slot->message);
        slot->message[sizeof slot->message - 1] = '\0';
        atomic_store_explicit(&slot->failed_tile, tile, memory_order_release);
    }
    if (!claims->keep_going) {
        lower_limit(claims, tile);
    }
}

/* Makes the tile's word running, if it is free. The word that it had tells which attempt this is. */
static int take_word(struct tw__claims *claims, struct tw__slot *slot, unsigned self, uint64_t tile, unsigned *attempt)
{
    _Atomic uint32_t *word = &claims->words[tile];
    uint32_t free_word = atomic_load_explicit(word, memory_order_relaxed);
    if (TW__WORD_STATE(free_word) != TW_TILE_FREE) {
        return 0;
    }
    *attempt = TW__WORD_ATTEMPT(free_word);
    const uint64_t ended = TALLY_ENDED(atomic_load_explicit(&slot->tally, memory_order_relaxed));
    atomic_store_explicit(&slot->tally, TALLY(ended, tile + 1), memory_order_relaxed);
    (void)TW__POINT("claim.look");
    /* release: the tally is seen by whoever sees the word running */
    if (!atomic_compare_exchange_strong_explicit(word, &free_word, TW__WORD(TW_TILE_RUNNING, self, *attempt),
                                                 memory_order_acq_rel, memory_order_relaxed)) {
        atomic_store_explicit(&slot->tally, TALLY(ended, 0), memory_order_relaxed);
        return 0;
    }
    (void)TW__POINT("claim.taken");
    return 1;
}

static struct tw__result call(struct tw__claims *claims, struct tw__worker *worker, uint64_t tile, unsigned attempt)
{
    struct tw__slot *slot = &claims->slots[worker->index];
    slot->draft[0] = '\0';
    const struct tw__result result = claims->function(claims->argument, worker, tile, attempt, slot->draft);
    if (worker->mark != NULL && *worker->mark == 0) {
        tw__process_end(); /* two of one worker would count the same tiles, and the run would never end */
    }
    return result;
}

/* Likewise; keeps the tile's times, and the moment that the supervisor watches. Apart, so that a tile of which nobody
 * wants to know this pays nothing for it: it is 5 % of an empty one. */
__attribute__((noinline)) static struct tw__result call_watched(struct tw__claims *claims, struct tw__worker *worker,
                                                                uint64_t tile, unsigned attempt)
{
    struct tw__slot *slot = &claims->slots[worker->index];
    struct tw__time *time = claims->times != NULL ? &claims->times[tile] : NULL;
    struct tw__effort effort;
    if (claims->own_times) {
        tw__effort_begin(&effort);
    }
    const int64_t start = claims->own_times ? effort.now : tw__now();
    if (claims->watched) {
        atomic_store_explicit(&slot->since, start, memory_order_relaxed);
    }
    if (time != NULL) {
        time->start = (float)((double)(start - claims->began) * 1e-9);
    }
    const struct tw__result result = call(claims, worker, tile, attempt);
    if (claims->watched) {
        atomic_store_explicit(&slot->since, 0, memory_order_relaxed);
    }
    if (time != NULL) {
        time->duration = (float)((double)(claims->own_times ? tw__effort_end(&effort) : tw__now() - start) * 1e-9);
    }
    return result;
}

/* Wakes the caller, if it sleeps. */
__attribute__((noinline)) static void call_caller(struct tw__claims *claims)
{
    if (atomic_load(&claims->caller_waits) != 0) {
        if (claims->caller_event.fd >= 0) {
            tw__event_signal(&claims->caller_event);
        } else {
            atomic_fetch_add(&claims->caller_bell, 1);
            tw__wake(&claims->caller_bell, 1);
        }
    }
}

static void run_tile(struct tw__claims *claims, struct tw__worker *worker, uint64_t tile)
{
    struct tw__slot *slot = &claims->slots[worker->index];
    unsigned attempt;
    if (!take_word(claims, slot, worker->index, tile, &attempt)) {
        return;
    }
    if (claims->tiles_per_worker != 0) {
        worker->tiles++; /* threads share the line that this is on, so it is not written in vain */
    }
    const struct tw__result result =
        claims->timed ? call_watched(claims, worker, tile, attempt) : call(claims, worker, tile, attempt);
    if (result.status != TW_OK) {
        fail(claims, slot, tile, result);
    }
    (void)TW__POINT("done.before");
    /* release: whoever sees the tile done, sees its elements */
    atomic_store_explicit(&claims->words[tile],
                          TW__WORD(result.status == TW_OK ? TW_TILE_DONE : TW_TILE_FAILED, worker->index, attempt),
                          memory_order_release);
    (void)TW__POINT("done.after");
    const uint64_t ended = TALLY_ENDED(atomic_load_explicit(&slot->tally, memory_order_relaxed));
    atomic_store_explicit(&slot->tally, TALLY(ended + 1, 0), memory_order_release);
    (void)TW__POINT("tile.counted");
    if (claims->announced) {
        call_caller(claims);
    }
}

static int must_retire(const struct tw__claims *claims, const struct tw__worker *worker)
{
    return claims->tiles_per_worker != 0 && worker->tiles >= claims->tiles_per_worker;
}

static int must_leave(struct tw__claims *claims, const struct tw__worker *worker)
{
    return must_stop(claims) || must_retire(claims, worker);
}

static void work_shares(struct tw__claims *claims, struct tw__worker *worker)
{
    struct tw__slot *slot = &claims->slots[worker->index];
    uint64_t tile;
    while (!must_leave(claims, worker) && (take_own(slot, &tile) || steal(claims, worker->index, &tile))) {
        if (tile <= atomic_load_explicit(&claims->limit, memory_order_relaxed)) {
            run_tile(claims, worker, tile);
        }
    }
}

/* Free tiles may be in nobody's share: they become this worker's, one interval after the other, for others to steal
 * from. Where they are in somebody's share all the same, their words decide. */
static void sweep(struct tw__claims *claims, struct tw__worker *worker)
{
    uint64_t tile = claims->first;
    while (tile < claims->end && tile <= atomic_load_explicit(&claims->limit, memory_order_relaxed) &&
           !must_leave(claims, worker)) {
        uint64_t end = tile;
        while (end < claims->end &&
               TW__WORD_STATE(atomic_load_explicit(&claims->words[end], memory_order_relaxed)) == TW_TILE_FREE) {
            end++;
        }
        if (end > tile) {
            atomic_store_explicit(&claims->slots[worker->index].share, SHARE(tile, end), memory_order_release);
            tw__claims_ring(claims);
            work_shares(claims, worker);
        }
        tile = end + 1; /* the word at `end` was not free */
    }
}

void tw__claims_work(struct tw__claims *claims, struct tw__worker *worker)
{
    struct tw__slot *slot = &claims->slots[worker->index];
    const uint32_t generation = atomic_load(&claims->generation);
    if (generation % 2 == 0) {
        return;
    }
    atomic_store(&slot->inside, generation);
    if (atomic_load(&claims->generation) == generation) {
        /* The request is taken only once `inside` is visible, so that the caller always sees one of the two. */
        const uint32_t must_sweep = atomic_exchange(&slot->sweep, 0);
        (void)TW__POINT("job.enter");
        work_shares(claims, worker);
        if (must_sweep) {
            sweep(claims, worker);
        }
        (void)TW__POINT("job.leave");
        if (claims->parent != 0) {
            tw__process_flush(); /* a worker process ends without notice, and what it has not written with it */
        }
        if (must_retire(claims, worker)) {
            /* Its seat must be taken again before the job can end: it has not seen that nothing is left to do. */
            atomic_store(&slot->sweep, must_sweep);
            atomic_store(&slot->retired, 1);
        } else {
            atomic_store(&slot->left, generation);
        }
    }
    atomic_store(&slot->inside, 0);
    call_caller(claims);
}

/* The system ends a process whose parent is gone, unless somebody else holds the parent's end of the lifeline. */
static int is_wanted(const struct tw__claims *claims)
{
    return claims->parent == 0 || claims->parent == tw__process_parent_id();
}

/* Looks for a while, then sleeps, until the bell has rung again. */
static void await_bell(struct tw__claims *claims, uint32_t seen)
{
    if (claims->spin > 0) {
        const int64_t end = tw__now() + claims->spin;
        do {
            for (int k = 0; k < 32; k++) {
                if (atomic_load_explicit(&claims->bell, memory_order_relaxed) != seen) {
                    return;
                }
                tw__pause();
            }
        } while (tw__now() < end);
    }
    atomic_fetch_add(&claims->sleepers, 1);
    while (atomic_load(&claims->bell) == seen && is_wanted(claims)) {
        tw__wait(&claims->bell, seen, claims->parent != 0 ? ORPHAN_SECONDS : -1);
    }
    atomic_fetch_sub(&claims->sleepers, 1);
}

void tw__claims_serve(struct tw__claims *claims, struct tw__worker *worker)
{
    uint32_t seen;
    do {
        seen = atomic_load(&claims->bell);
        tw__claims_work(claims, worker);
        if (atomic_load(&claims->quit) != 0 || atomic_load(&claims->slots[worker->index].retired) != 0) {
            return;
        }
        await_bell(claims, seen);
    } while (atomic_load(&claims->quit) == 0 && is_wanted(claims));
}
