/* journal.h - a file beside the outputs of a run that says which of its tiles are done.
 *
 * The file: a header of whole 512-byte units (a line with its size and checksum, then one JSON object: identities of
 * the output files and the job's fingerprint), then one 16-byte record a tile, at a place given by the tile's number,
 * all of it allocated when the journal is made. A record has the tile, the checksum of its elements and a check of its
 * own that is seeded with the header's; zeros, or a record half-written, are no record.
 *
 * Order, so that a record is never true too early: the outputs are synced, then the header if that was not done,
 * then the records of tiles that were done before the first of these syncs, then those are synced.
 *
 * A run writes one journal and may read others of the same job (tw__journal_read): what is done is in the ledger. */
#ifndef TW_RECORD_JOURNAL_H
#define TW_RECORD_JOURNAL_H

#include <stdint.h>

#include <tilework/tilework.h>

#include "record/ledger.h"
#include "store/held.h"

struct json_t;

/* One of the outputs whose tiles the journal records. */
struct tw__journal_output {
    int operand; /* its number in the signature */
    tw_array *array;
    char *began; /* inout: the file that its first values are from, "" for none; NULL: they are not known */
};

struct tw_journal {
    struct tw__held held;
    const tw_kernel *kernel; /* what it was made for; the caller's */
    const tw_grid *grid;
    tw_array *operands[TW_MAX_OPERANDS];
    int noutputs;
    struct tw__journal_output outputs[TW_MAX_OPERANDS]; /* [noutputs] */
    int64_t records_at;                                 /* bytes of the header */
    uint64_t seed;                                      /* the header's checksum */
    int is_safe;                                        /* header, files and their names are on the disk */
    int is_finished; /* an output was found with its magic: all tiles were done, nothing is written any more */
    struct tw__ledger ledger;
    tw_error failure; /* what the disk has refused; status TW_OK: nothing */
};

/* TW_OK if the journal was made for this kernel, grid and operands (the same objects), else TW_ERROR_ARGUMENT. */
tw_status tw__journal_check(const tw_journal *journal, const tw_kernel *kernel, const tw_grid *grid,
                            tw_array *const *operands, tw_error *error);

/* Adds to the ledger what the journal in another file says is done, which is only read. It must be of the job with this
 * fingerprint. Errors: TW_ERROR_JOURNAL (no such file, another job, another checksum of a tile that is known), those of
 * tw_journal_open. */
tw_status tw__journal_read(struct tw__ledger *ledger, const char *path, const struct json_t *fingerprint,
                           tw_error *error);

/* Syncs the outputs and records all that is done. What fails stays failed: journal->failure. */
tw_status tw__journal_record(tw_journal *journal);

/* To be called when all tiles are done. The magic of one output says of all of them that their tiles are done, so
 * before the first gets its magic the others must be on the disk. What fails stays failed. */
tw_status tw__journal_sync_all(tw_journal *journal);

#endif
