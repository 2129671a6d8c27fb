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
struct tw__partials;
struct tw__where;

/* One of the outputs whose tiles the journal records. */
struct tw__journal_output {
    int operand; /* its number in the signature */
    tw_array *array;
    char *began; /* inout: what its first values were (contents.h); "": they are not known; NULL: not inout */
};

struct tw__journal {
    struct tw__held held;
    const tw_grid *grid; /* the caller's */
    int noutputs;
    struct tw__journal_output outputs[TW_MAX_OPERANDS]; /* [noutputs] */
    int64_t records_at;                                 /* bytes of the header */
    uint64_t seed;                                      /* the header's checksum */
    int is_safe;                                        /* header, files and their names are on the disk */
    int is_finished; /* an output was found with its magic: all tiles were done, nothing is written any more */
    struct tw__partials
        *partials;      /* what steps leave for later ones, synced with the outputs; the caller's. NULL: none */
    char *partials_tag; /* that of the header, when it was opened again; NULL: it has none */
    struct tw__ledger ledger;
    uint64_t *is_stale;       /* bit t: the file has a record of tile t that is not to be believed */
    struct tw__record *batch; /* records on their way to the file; made here, since a thread that allocates for the
                                 first time gets an arena that stays mapped */
    tw_error failure;         /* what the disk has refused; status TW_OK: nothing */
};

/* Begins a journal, replacing a file of that name. operands[noperands]: outputs have stores. where: the mask of the
 * job, NULL: none. partials: NULL: none; they must outlive the journal. Errors: TW_ERROR_FILE, TW_ERROR_DISK,
 * TW_ERROR_MEMORY. */
tw_status tw__journal_create(struct tw__journal **journal, const char *path, const tw_kernel *kernel,
                             const tw_grid *grid, tw_array *const *operands, const struct tw__where *where,
                             struct tw__partials *partials, tw_error *error);

/* Opens the journal that an interrupted run left, to resume it; what its steps left for later ones is the caller's to
 * find (journal->partials_tag). Errors: TW_ERROR_JOURNAL (there is none, it is of
 * another job: the sentence says what differs), TW_ERROR_FILE, TW_ERROR_FORMAT (damaged), TW_ERROR_MEMORY. */
tw_status tw__journal_open(struct tw__journal **journal, const char *path, const tw_kernel *kernel, const tw_grid *grid,
                           tw_array *const *operands, const struct tw__where *where, tw_error *error);

/* Adds to the ledger what the journal in another file says is done, which is only read. It must be of the job with this
 * fingerprint. Errors: TW_ERROR_JOURNAL (no such file, another job, another checksum of a tile that is known), those of
 * tw__journal_open. */
tw_status tw__journal_read(struct tw__ledger *ledger, const char *path, const struct json_t *fingerprint,
                           tw_error *error);

/* Reads every recorded tile again; those whose elements do not have their checksum any more are dropped, to be run
 * again, and counted in *dropped. What a later step may have overwritten, and partials that are not there, are left
 * out. Errors: TW_ERROR_FILE; TW_ERROR_JOURNAL (such a tile is in outputs that were finished: a run was ended between
 * their names and the end of its journal). */
tw_status tw__journal_verify(struct tw__journal *journal, uint64_t *dropped, tw_error *error);

/* Tiles that the mask leaves out need no run and no record. */
void tw__journal_spare(struct tw__journal *journal, const struct tw__where *where);

/* A tile is missing again; its record goes with the next tw__journal_erase. */
void tw__journal_drop(struct tw__journal *journal, uint64_t tile);

/* Erases the records of all tiles that were dropped, and waits until that is on the disk: before such a tile is written
 * again, its record must be gone. Nothing may be recorded after a failure. */
tw_status tw__journal_erase(struct tw__journal *journal, tw_error *error);

/* Syncs the outputs and records all that is done. What fails stays failed: journal->failure. */
tw_status tw__journal_record(struct tw__journal *journal);

/* Called when all tiles are done. The magic of one output says of all of them that their tiles are done, so
 * before the first gets its magic the others must be on the disk. What fails stays failed. */
tw_status tw__journal_sync_all(struct tw__journal *journal);

/* Records what is not recorded yet, if this process opened the journal, and closes the file. NULL: nothing. */
tw_status tw__journal_close(struct tw__journal *journal, tw_error *error);

/* Removes the file: its tiles are in files that have their final names, or are not wanted any more. NULL: nothing. */
void tw__journal_remove(struct tw__journal *journal);

#endif
