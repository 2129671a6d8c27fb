/* ledger.h - which tiles of a job are done, and which of them are recorded: integers and memory alone. Knows no files,
 * so that a run and any number of journals can fill one ledger. */
#ifndef TW_RECORD_LEDGER_H
#define TW_RECORD_LEDGER_H

#include <stdint.h>

#include <tilework/tilework.h>

struct tw__ledger {
    uint64_t count;        /* tiles */
    uint64_t *is_done;     /* bit t: tile t is done */
    uint64_t *is_recorded; /* bit t: ... and a journal's file says so */
    uint64_t *sums;        /* [count] checksums of the tiles' elements */
    uint64_t done;         /* bits set in is_done */
    uint64_t pending;      /* tiles that are done and await their record */
};

/* A ledger in which no tile is done. Errors: TW_ERROR_MEMORY. */
tw_status tw__ledger_init(struct tw__ledger *ledger, uint64_t count, tw_error *error);
void tw__ledger_fini(struct tw__ledger *ledger);

static inline int tw__ledger_has(const struct tw__ledger *ledger, uint64_t tile)
{
    return tile < ledger->count && (ledger->is_done[tile / 64] >> tile % 64 & 1);
}

static inline int tw__ledger_is_recorded(const struct tw__ledger *ledger, uint64_t tile)
{
    return tile < ledger->count && (ledger->is_recorded[tile / 64] >> tile % 64 & 1);
}

/* The first tile from `tile` on that is not done; ledger->count: there is none. */
uint64_t tw__ledger_missing(const struct tw__ledger *ledger, uint64_t tile);

/* This run has done a missing tile, which then awaits its record. */
void tw__ledger_note(struct tw__ledger *ledger, uint64_t tile, uint64_t sum);

/* A journal's file says that a tile is done. 0: it is known already, with another checksum, which stays. */
int tw__ledger_take(struct tw__ledger *ledger, uint64_t tile, uint64_t sum);

/* All tiles are done; those that were missing need no record. */
void tw__ledger_complete(struct tw__ledger *ledger);

/* A missing tile that nobody needs: it counts as done and as recorded. */
void tw__ledger_spare(struct tw__ledger *ledger, uint64_t tile);

/* A tile is missing again. */
void tw__ledger_drop(struct tw__ledger *ledger, uint64_t tile);

/* The next neighbours, *first from `tile` on, that are done and not recorded: how many, at most `most`; 0: none. */
uint64_t tw__ledger_unrecorded(const struct tw__ledger *ledger, uint64_t tile, uint64_t most, uint64_t *first);

/* These tiles, which tw__ledger_unrecorded gave, have their records. */
void tw__ledger_mark(struct tw__ledger *ledger, uint64_t first, uint64_t count);

#endif
