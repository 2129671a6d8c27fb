/* member.h - this process in a job on nodes: what it knows of which tiles are done and by whom, its own journal, and
 * how tiles become recorded. Knows no pool and does not choose tiles (rounds.h). */
#ifndef TW_NODE_MEMBER_H
#define TW_NODE_MEMBER_H

#include <stdatomic.h>
#include <stdint.h>

#include <tilework/tilework.h>

#include "node/launch.h"
#include "node/log.h"
#include "node/run_folder.h"
#include "os/lock.h"
#include "record/ledger.h"
#include "store/shared_mark.h"

struct json_t;

/* What a job on nodes is in, seen by one process. */
struct tw__member {
    tw_outputs *outputs; /* whose it is: files, arrays, grid */
    struct tw__run_folder folder;
    struct json_t *fingerprint;
    char mark[TW__MARK_SIZE];     /* what its finished files are marked with */
    char launch[TW__LAUNCH_SIZE]; /* of a job of several nodes; "": not known */
    int is_worker;                /* opened with `join`: it records nothing */
    int is_finished;              /* it was finished when it was opened */
    int has_finals;               /* some of the outputs had their names when it was opened: all tiles are recorded */
    int is_committed;             /* somebody has given the outputs their names since */
    int is_gone;                  /* the parts have lost their names: nothing is recorded any more */
    uint64_t late_differs; /* a tile that was done here when others had finished the job, with other bytes than the
                            * finished files contain; UINT64_MAX: none */
    int replaces;          /* finished files of other jobs, since it was begun with restart */
    int verifies;          /* read back before the commit, whatever the file system is */
    int is_verified;       /* every tile was read back, here or elsewhere, and was right */
    int trusts_others;     /* ... elsewhere: since this member came (read_back.h) */
    int found_wrong;       /* a tile, by any node: each trusts itself alone */
    int is_coherent;       /* the file system: what one node writes, all read at once */
    tw_node node;
    uint64_t unit; /* tiles between which borders of nodes may lie */

    struct tw__lock lock;       /* of what follows: the run's thread and the one that records use it */
    struct tw__ledger ledger;   /* which tiles are recorded, by anybody */
    uint64_t *mine;             /* bit t: tile t was done here, and has or will have a record here */
    uint64_t *checked;          /* bit t: tile t was read back, and is right */
    uint64_t *failed;           /* bit t: tile t has failed, here or elsewhere, since this member came */
    uint64_t recorded;          /* tiles of `mine` that are in the journal */
    struct tw__peer *peers;     /* [npeers] the other members, by node and member */
    int npeers, room;           /* room: of the list */
    int turn;                   /* the peer that was read last */
    struct tw__record *pending; /* [npending] tiles that are done here and await their record */
    int npending, pending_room;
    struct tw__log log;
    int64_t worked;              /* nanoseconds of rounds that have ended */
    int64_t round_began;         /* tw__now(); 0: none is under way */
    uint64_t disputed;           /* a tile with two checksums; UINT64_MAX: none */
    _Atomic uint64_t *elsewhere; /* of the run that is under way, for its workers; NULL: there is none */
    tw_error failure;            /* what the disk has refused; status TW_OK: nothing */

    uint64_t *sums; /* [sums_count] a worker's: of the tiles from sums_first on that it ran last */
    uint64_t sums_first, sums_count;

    struct tw__lock recording; /* one thread records at a time; taken before `lock` */
};

/* NULL: nothing. What is recorded stays. */
void tw__member_close(struct tw__member *member);

/* Reads what others have recorded, at most `most` of their journals; they are new to this member or were read longest
 * ago. */
void tw__member_refresh(struct tw__member *member, int most);

/* Whether a run has nothing to do: the job is finished, or some outputs have their names already. */
int tw__member_needs_no_run(const struct tw__member *member);

/* Whether tiles [first, first + count) are all recorded. */
int tw__member_has_all(const struct tw__member *member, uint64_t first, uint64_t count);

/* A tile was done here. */
void tw__member_note(struct tw__member *member, uint64_t tile, uint64_t sum);

/* Syncs the outputs, and what steps leave for later ones. 0, or an errno. */
int tw__member_sync(const struct tw__member *member);

/* Syncs the outputs, then writes and syncs the records of all tiles that were noted before. What fails stays failed:
 * see tw__member_failure. */
tw_status tw__member_record(struct tw__member *member);

/* What the disk has refused: its status, and the error. Only after a call that failed for it. */
tw_status tw__member_failure(const struct tw__member *member, tw_error *error);

/* Says to the others what this node is about to do, or (count 0) that it does nothing. */
tw_status tw__member_intend(struct tw__member *member, uint64_t first, uint64_t count);

/* Says to the others what was seen of tiles [first, first + count). Nobody hears it when the job is no more. */
tw_status tw__member_say(struct tw__member *member, enum tw__log_kind kind, uint64_t first, uint64_t count,
                         tw_error *error);

/* Says to the others that a tile has failed here. */
void tw__member_fail(struct tw__member *member, const tw_error *error);

/* Says to the others that this node means to do nothing any more, and closes its journal. */
void tw__member_end(struct tw__member *member);

/* Whether a part of an output still has its name in the folder. 0: the job was committed, or begun anew. */
int tw__member_is_there(const struct tw__member *member);

#endif
