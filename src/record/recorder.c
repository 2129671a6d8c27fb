/* recorder.c - the thread that brings the tiles of a run into its journal during the run. Knows words and time, not
 * the file. */
#include "record/recorder.h"

#include "base/error.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/wait.h"
#include "pool/claims.h"

/* A batch costs the time of its syncs, in which the disk serves nobody else: it may have one part in 1 + PAUSE of the
 * run. What a killed program loses is what was done since the last batch. */
#define PAUSE 8
#define LEAST_PAUSE 0.25 /* seconds */
#define MOST_PAUSE 10.0

static void take_note(const struct tw__recorder *recorder)
{
    struct tw__ledger *ledger = &recorder->journal->ledger;
    for (uint64_t tile = 0; (tile = tw__ledger_missing(ledger, tile)) < ledger->count; tile++) {
        /* acquire: with the word come the elements and their checksum */
        if (TW__WORD_STATE(atomic_load_explicit(&recorder->words[tile], memory_order_acquire)) == TW_TILE_DONE) {
            tw__ledger_note(ledger, tile, recorder->sums[tile]);
        }
    }
}

/* What the thread is asked for, and what it answers. */
enum { NOTHING, END, CATCH_UP };
enum { UNANSWERED, CAUGHT_UP, GONE };

/* Sleeps until something is asked for, or the time is up; returns it. */
static uint32_t await_wish(struct tw__recorder *recorder, double pause)
{
    const int64_t until = tw__now() + (int64_t)(pause * 1e9);
    int64_t now = tw__now();
    while (atomic_load(&recorder->wake) == NOTHING && now < until) {
        tw__wait(&recorder->wake, NOTHING, (double)(until - now) * 1e-9);
        now = tw__now();
    }
    return atomic_load(&recorder->wake);
}

static void answer(struct tw__recorder *recorder, uint32_t what)
{
    atomic_store(&recorder->answer, what);
    tw__wake(&recorder->answer, 1);
}

static void *record_now_and_then(void *argument)
{
    struct tw__recorder *recorder = argument;
    struct tw__journal *journal = recorder->journal;
    double pause = LEAST_PAUSE;
    for (;;) {
        const uint32_t wish = await_wish(recorder, pause);
        const int64_t began = tw__now();
        if (wish == END) {
            return NULL;
        }
        take_note(recorder);
        const int failed = journal->ledger.pending > 0 && tw__journal_record(journal) != TW_OK;
        if (failed) {
            recorder->halt(recorder->argument);
            answer(recorder, GONE);
            return NULL;
        }
        if (wish == CATCH_UP) {
            atomic_store(&recorder->wake, NOTHING); /* the caller waits for the answer, and asks for nothing else */
            answer(recorder, CAUGHT_UP);
        }
        pause = (double)(tw__now() - began) * 1e-9 * PAUSE;
        pause = pause < LEAST_PAUSE ? LEAST_PAUSE : pause > MOST_PAUSE ? MOST_PAUSE : pause;
    }
}

tw_status tw__recorder_begin(struct tw__recorder *recorder, struct tw__journal *journal, const _Atomic uint32_t *words,
                             const uint64_t *sums, void (*halt)(void *argument), void *argument, tw_error *error)
{
    recorder->journal = journal;
    recorder->words = words;
    recorder->sums = sums;
    recorder->halt = halt;
    recorder->argument = argument;
    atomic_store(&recorder->wake, NOTHING);
    atomic_store(&recorder->answer, UNANSWERED);
    const int os_error = tw__thread_start(&recorder->thread, record_now_and_then, recorder);
    return os_error == 0 ? TW_OK
                         : tw__fail_os(error, TW_ERROR_PROCESS, os_error,
                                       "no thread is available to keep the journal; fewer workers leave room for it");
}

tw_status tw__recorder_catch_up(struct tw__recorder *recorder, tw_error *error)
{
    const struct tw__journal *journal = recorder->journal;
    uint32_t caught_up = CAUGHT_UP;
    (void)TW__POINT("barrier.before");
    atomic_store(&recorder->wake, CATCH_UP);
    tw__wake(&recorder->wake, 1);
    while (atomic_load(&recorder->answer) == UNANSWERED) {
        tw__wait(&recorder->answer, UNANSWERED, -1);
    }
    (void)TW__POINT("barrier.after");
    if (atomic_compare_exchange_strong(&recorder->answer, &caught_up, UNANSWERED)) {
        return TW_OK;
    }
    if (error != NULL) { /* the thread is gone, and its answer stays */
        *error = journal->failure;
    }
    return journal->failure.status;
}

tw_status tw__recorder_end(struct tw__recorder *recorder, tw_error *error)
{
    struct tw__journal *journal = recorder->journal;
    atomic_store(&recorder->wake, END);
    tw__wake(&recorder->wake, 1);
    tw__thread_join(&recorder->thread);
    take_note(recorder);
    if (journal->ledger.done == journal->ledger.count) {
        tw__journal_sync_all(journal);
    } else if (journal->failure.status == TW_OK && journal->ledger.pending > 0) {
        tw__journal_record(journal);
    }
    if (journal->failure.status != TW_OK && error != NULL) {
        *error = journal->failure;
    }
    return journal->failure.status;
}
