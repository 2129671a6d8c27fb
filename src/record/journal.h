/* journal.h - which tiles of a job are done, in a file beside its outputs.
 *
 * The file: a header of whole 512-byte units (a line with its size and checksum, then one JSON object: identities of
 * the output files and the job's fingerprint), then one 16-byte record a tile, at a place given by the tile's number,
 * all of it allocated when the journal is made. A record has the tile, the checksum of its elements and a check of its
 * own that is seeded with the header's; zeros, or a record half-written, are no record.
 *
 * Order, so that a record is never true too early: the outputs are synced, then the header where that was not done,
 * then the records of tiles that were done before the first of these syncs, then those are synced. */
#ifndef TW_RUN_JOURNAL_H
#define TW_RUN_JOURNAL_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

#include <tilework/tilework.h>

#include "os/thread.h"
#include "store/held.h"

struct tw__recorder {
    struct tw__thread thread;
    _Atomic uint32_t wake; /* 1: the run is over */
    const _Atomic uint32_t *words;
    const uint64_t *sums;
    void (*halt)(void *argument);
    void *argument;
};

struct tw_journal {
    struct tw__held held;
    const tw_kernel *kernel; /* what it was made for; the caller's */
    const tw_grid *grid;
    int noperands;
    tw_array *operands[TW_MAX_OPERANDS];
    uint64_t count;     /* tiles */
    int64_t records_at; /* bytes of the header */
    uint64_t seed;      /* the header's checksum */
    json_t *sources;    /* what inout operands began with, by name */
    int is_safe;        /* header, files and their names are on the disk */
    int is_finished;    /* an output was found with its magic: all tiles were done, nothing is written any more */
    uint64_t *has;      /* bit t: tile t is done */
    uint64_t *recorded; /* bit t: ... and that is on the disk, or needs no record */
    uint64_t *sums;     /* [count] */
    uint64_t done;      /* bits set in `has` */
    uint64_t pending;   /* of these, not recorded */
    tw_error failure;   /* what the disk has refused; status TW_OK: nothing */
    struct tw__recorder recorder;
};

/* TW_OK where the journal was made for this kernel, grid and operands (the same objects), else TW_ERROR_ARGUMENT. */
tw_status tw__journal_check(const tw_journal *journal, const tw_kernel *kernel, const tw_grid *grid,
                            tw_array *const *operands, tw_error *error);

/* Takes note of a tile that is done. */
void tw__journal_note(tw_journal *journal, uint64_t tile, uint64_t sum);

/* Syncs the outputs and records all that is noted. What fails stays failed: journal->failure. */
tw_status tw__journal_record(tw_journal *journal);

/* To be called when all tiles are done. The magic of one output says of all of them that their tiles are done, so
 * before the first gets its magic the others have to be on the disk. What fails stays failed. */
tw_status tw__journal_sync_all(tw_journal *journal);

/* Recording during a run. words[count]: the tiles' words of the pool (pool/claims.h), a tile is done once its state,
 * read with acquire, is TW_TILE_DONE; sums[count]: what workers stored before. Starts a thread that now and then
 * records what is done. Should that fail, `halt(argument)` is called once, from that thread, and nothing is recorded
 * any more. Errors: TW_ERROR_PROCESS. */
tw_status tw__journal_begin(tw_journal *journal, const _Atomic uint32_t *words, const uint64_t *sums,
                            void (*halt)(void *argument), void *argument, tw_error *error);

/* Ends the thread and takes note of every tile that is done; unless all are, it records them now: a commit that follows
 * a finished run syncs anyway, and tw_journal_close records what is not recorded yet. Where all are done and there are
 * several outputs, these are synced. TW_OK, or what went wrong with the disk since tw__journal_begin. */
tw_status tw__journal_end(tw_journal *journal, tw_error *error);

#endif
