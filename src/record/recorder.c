/* recorder.c - the thread that brings the tiles of a run into its journal during the run. Knows words and time, not
 * the file. */
#include "record/recorder.h"

#include "base/error.h"
#include "os/clock.h"
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

static void *record_now_and_then(void *argument)
{
    struct tw__recorder *recorder = argument;
    struct tw__journal *journal = recorder->journal;
    double pause = LEAST_PAUSE;
    for (;;) {
        const int64_t until = tw__now() + (int64_t)(pause * 1e9);
        int64_t now = tw__now();
        while (atomic_load(&recorder->wake) == 0 && now < until) {
            tw__wait(&recorder->wake, 0, (double)(until - now) * 1e-9);
            now = tw__now();
        }
        if (atomic_load(&recorder->wake) != 0) {
            return NULL;
        }
        take_note(recorder);
        if (journal->ledger.pending > 0 && tw__journal_record(journal) != TW_OK) {
            recorder->halt(recorder->argument);
            return NULL;
        }
        pause = (double)(tw__now() - now) * 1e-9 * PAUSE;
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
    atomic_store(&recorder->wake, 0);
    const int os_error = tw__thread_start(&recorder->thread, record_now_and_then, recorder);
    return os_error == 0 ? TW_OK
                         : tw__fail_os(error, TW_ERROR_PROCESS, os_error,
                                       "no thread is available to keep the journal; fewer workers leave room for it");
}

tw_status tw__recorder_end(struct tw__recorder *recorder, tw_error *error)
{
    struct tw__journal *journal = recorder->journal;
    atomic_store(&recorder->wake, 1);
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
