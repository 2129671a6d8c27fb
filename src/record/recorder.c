/* recorder.c - the thread that brings the tiles of a run into its journal during the run. Knows words and time, not
 * the file. */
#include "os/clock.h"
#include "os/wait.h"
#include "pool/claims.h"
#include "record/journal.h"

#include "base/error.h"

/* A batch costs the time of its syncs, in which the disk serves nobody else: it may have one part in 1 + PAUSE of the
 * run. What a killed program loses is what was done since the last batch. */
#define PAUSE 8
#define LEAST_PAUSE 0.25 /* seconds */
#define MOST_PAUSE 10.0

/* Reads the words of 64 tiles at a time only where one of them is not known to be done. */
static void take_note(tw_journal *journal)
{
    const struct tw__recorder *recorder = &journal->recorder;
    for (uint64_t first = 0; first < journal->count; first += 64) {
        const uint64_t end = first + 64 < journal->count ? first + 64 : journal->count;
        if (journal->has[first / 64] == UINT64_MAX) {
            continue;
        }
        for (uint64_t tile = first; tile < end; tile++) {
            const int known = (int)(journal->has[tile / 64] >> tile % 64 & 1);
            /* acquire: with the word come the elements and their checksum */
            if (!known &&
                TW__WORD_STATE(atomic_load_explicit(&recorder->words[tile], memory_order_acquire)) == TW_TILE_DONE) {
                tw__journal_note(journal, tile, recorder->sums[tile]);
            }
        }
    }
}

static void *record_now_and_then(void *argument)
{
    tw_journal *journal = argument;
    struct tw__recorder *recorder = &journal->recorder;
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
        take_note(journal);
        if (journal->pending > 0 && tw__journal_record(journal) != TW_OK) {
            recorder->halt(recorder->argument);
            return NULL;
        }
        pause = (double)(tw__now() - now) * 1e-9 * PAUSE;
        pause = pause < LEAST_PAUSE ? LEAST_PAUSE : pause > MOST_PAUSE ? MOST_PAUSE : pause;
    }
}

tw_status tw__journal_begin(tw_journal *journal, const _Atomic uint32_t *words, const uint64_t *sums,
                            void (*halt)(void *argument), void *argument, tw_error *error)
{
    struct tw__recorder *recorder = &journal->recorder;
    recorder->words = words;
    recorder->sums = sums;
    recorder->halt = halt;
    recorder->argument = argument;
    atomic_store(&recorder->wake, 0);
    const int os_error = tw__thread_start(&recorder->thread, record_now_and_then, journal);
    return os_error == 0 ? TW_OK
                         : tw__fail_os(error, TW_ERROR_PROCESS, os_error,
                                       "no thread is available to keep the journal; fewer workers leave room for it");
}

tw_status tw__journal_end(tw_journal *journal, tw_error *error)
{
    struct tw__recorder *recorder = &journal->recorder;
    atomic_store(&recorder->wake, 1);
    tw__wake(&recorder->wake, 1);
    tw__thread_join(&recorder->thread);
    take_note(journal);
    if (journal->done == journal->count) {
        tw__journal_sync_all(journal);
    } else if (journal->failure.status == TW_OK && journal->pending > 0) {
        tw__journal_record(journal);
    }
    if (journal->failure.status != TW_OK && error != NULL) {
        *error = journal->failure;
    }
    return journal->failure.status;
}
