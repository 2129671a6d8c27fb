/* log.h - the journal of one member: one start of a node. Exactly one process ever writes it, and it only grows.
 *
 *     [0, 4096)     who it is: tag of the job, node, of how many, member, host, process, when it began (for people)
 *     [4096, 8192)  its state, written whole again and again: intents, counts, the first failure
 *     [8192, ...)   records of 16 bytes (record/journal_file.h), one after the other; the seed of its check says which
 *                   kind of record it is
 *
 * Each part has a check of its own: a reader stops at the first record that does not hold, and keeps the last state
 * that did. So nothing here depends on the order in which pages reach the disk or another machine. */
#ifndef TW_NODE_LOG_H
#define TW_NODE_LOG_H

#include <stdint.h>

#include <tilework/tilework.h>

#include "record/journal_file.h"

#define TW__LOG_HEADER 4096
#define TW__LOG_RECORDS 8192                   /* where they begin */
#define TW__MOST_INTENTS 16                    /* intervals of tiles */
#define TW__JOB_TAG 16                         /* random bytes: which run folder a journal is of */
#define TW__LOG_NAME 64                        /* bytes of a journal's name */
#define TW__LOG_FAILURE (TW_TILE_MESSAGE_SIZE) /* bytes of a text about a failure */

struct tw__intent {
    uint64_t first, count;
};

struct tw__log_who {
    unsigned char tag[TW__JOB_TAG];
    int64_t node, nodes, member, pid, began; /* began: tw__wall_time() */
    char host[64];
};

struct tw__log_state {
    uint64_t done, twice; /* tiles recorded; of these, that another one had recorded too */
    int64_t worked;       /* nanoseconds of its rounds */
    int64_t recorded_at;  /* tw__wall_time() of the last record; 0: none */
    int64_t pause;        /* nanoseconds from one batch of its records to the next */
    uint32_t nintents;
    uint32_t failed; /* a tile has failed: */
    uint64_t failed_tile;
    uint32_t ended; /* the member is gone: it means to do nothing any more */
    struct tw__intent intents[TW__MOST_INTENTS];
    char failure[TW__LOG_FAILURE];
};

/* What a record says of its tile, or of an interval of tiles: the first of them, with their number in the checksum's
 * place. */
enum tw__log_kind {
    TW__LOG_DONE,      /* it is done and synced, with this checksum */
    TW__LOG_READ_BACK, /* interval: when all tiles of the job were recorded, these read back as they were recorded */
    TW__LOG_WRONG,     /* interval: ... and these did not */
    TW__LOG_KINDS
};

/* One's own. */
struct tw__log {
    int folder; /* the run folder, the caller's */
    int fd;     /* -1: not made yet */
    char name[TW__LOG_NAME];
    struct tw__log_who who;
    struct tw__log_state state;
    uint64_t seed;
    uint64_t records; /* written */
    int is_safe;      /* its header and its name are on the disk */
};

/* Makes the journal, with the first member's number from who.member on that is free, which who.member then is.
 * Functions that return int: 0, or an errno. */
int tw__log_create(struct tw__log *log);

/* Writes the state. */
int tw__log_write_state(struct tw__log *log);

/* Writes records behind the others; their checks are filled in. They hold after tw__log_sync. */
int tw__log_append(struct tw__log *log, enum tw__log_kind kind, struct tw__record *records, uint64_t count);
int tw__log_sync(struct tw__log *log);
void tw__log_close(struct tw__log *log);

/* "node-K.M.journal" into name[TW__LOG_NAME]. */
void tw__log_name(char *name, int64_t node, int64_t member);

/* Reads such a name: whether it is one. */
int tw__log_is_name(const char *name, int64_t *node, int64_t *member);

/* By node and member: < 0, 0, > 0: the journal of this node and member comes before the other, is it, comes after. */
int tw__log_order(int64_t node, int64_t member, const struct tw__log_who *other);

/* What is known of another's. */
struct tw__peer {
    char name[TW__LOG_NAME];
    int is_known;           /* who it is was read */
    struct tw__log_who who; /* node and member: of the name, from the start on */
    struct tw__log_state state;
    uint64_t seed;
    uint64_t records; /* read */
    int64_t seen_at;  /* tw__now() when its intents were first seen as they are */
    int64_t read_at;  /* tw__now() when this was tried last */
    int64_t moved_at; /* tw__now() when it was first seen with this many records */
    int was_failed;   /* its failure was there when we came */
};

typedef void tw__log_take(void *user, enum tw__log_kind kind, uint64_t tile, uint64_t sum);

/* Reads what is new in it: calls take(user, kind, tile, sum) for each record. tag: of the job; a journal with another
 * one, or of another node or member than its name says, is not believed (EINVAL). 0, or an errno: ENOENT it is not
 * there any more. */
int tw__peer_read(struct tw__peer *peer, int folder, const unsigned char *tag, tw__log_take *take, void *user);

#endif
