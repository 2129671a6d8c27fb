/* recorder.h - the thread that brings the tiles of a run into its journal during the run. */
#ifndef TW_RECORD_RECORDER_H
#define TW_RECORD_RECORDER_H

#include <stdatomic.h>

#include "os/thread.h"
#include "record/journal.h"

struct tw__recorder {
    struct tw__journal *journal;
    struct tw__thread thread;
    _Atomic uint32_t wake;   /* what the thread is asked for: enum in recorder.c */
    _Atomic uint32_t answer; /* ... and what it answers */
    const _Atomic uint32_t *words;
    const uint64_t *sums;
    void (*halt)(void *argument);
    void *argument;
};

/* Recording during a run. words[tiles]: the tiles' words of the pool (pool/claims.h), a tile is done once its state,
 * read with acquire, is TW_TILE_DONE; sums[tiles]: what workers stored before. Starts a thread that now and then
 * records what is done. If that fails, `halt(argument)` is called once, from that thread, and nothing is recorded
 * any more. Errors: TW_ERROR_PROCESS. */
tw_status tw__recorder_begin(struct tw__recorder *recorder, struct tw__journal *journal, const _Atomic uint32_t *words,
                             const uint64_t *sums, void (*halt)(void *argument), void *argument, tw_error *error);

/* Records every tile that is done, and returns when that is safe: before a step begins that overwrites what those tiles
 * were made of. No tile runs meanwhile. Errors: what the disk has refused since tw__recorder_begin. */
tw_status tw__recorder_catch_up(struct tw__recorder *recorder, tw_error *error);

/* Ends the thread and takes note of every tile that is done; unless all are, it records them now: a commit that follows
 * a finished run syncs anyway, and tw__journal_close records what is not recorded yet. If all are done and there are
 * several outputs, these are synced. TW_OK, or what went wrong with the disk since tw__recorder_begin. */
tw_status tw__recorder_end(struct tw__recorder *recorder, tw_error *error);

#endif
