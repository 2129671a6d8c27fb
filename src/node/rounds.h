/* rounds.h - a run of one node: which tiles its pool gets next (the `next` of job/steps.h), and the thread that records
 * what is done and looks at what others do. */
#ifndef TW_NODE_ROUNDS_H
#define TW_NODE_ROUNDS_H

#include "job/steps.h"
#include "node/member.h"
#include "node/portion.h"
#include "os/thread.h"

struct tw__rounds {
    struct tw__member *member;
    const struct tw__steps *steps; /* the run */
    uint64_t workers;
    const int *stop; /* NULL: nobody stops the run */
    void (*halt)(void *argument);
    void *argument;
    void (*waits)(void *user); /* called now and then while this node waits for others; NULL: nothing */
    void *waits_user;
    uint64_t only_first, only_count; /* a worker's: these tiles alone */
    uint64_t random;
    int64_t looks[2]; /* nanoseconds of the last two looks at the others, the last one first */
    int is_said;      /* the sentence about the failure of the run is made */
    int verified;     /* how often the tiles of `verified_step` were read back */
    int verified_step;
    struct tw__round round;        /* the one that is under way; count 0: none */
    uint64_t *done, *meant, *late; /* room for the portion's sets */
    struct tw__thread thread;
    int has_thread;
    _Atomic uint32_t wake; /* 1: the thread ends */
};

/* Before the run, when its words are there; what is given above `random` is set. Starts the thread. Errors:
 * TW_ERROR_MEMORY, TW_ERROR_PROCESS. */
tw_status tw__rounds_begin(struct tw__rounds *rounds, tw_error *error);

/* The `next` of job/steps.h: `user` are the rounds. Returns when there is something to do, or when all tiles of the
 * step are recorded. Errors: TW_ERROR_INTERRUPTED, TW_ERROR_KERNEL (a tile has failed on another node),
 * TW_ERROR_JOURNAL (two nodes computed different bytes), TW_ERROR_FILE (the job was begun anew), TW_ERROR_DISK. */
tw_status tw__rounds_next(void *user, int step, uint64_t *first, uint64_t *count, tw_error *error);

/* Whether a tile need not be run here: the `is_done` of pool/task.h. */
uint32_t tw__rounds_need_not_run(const struct tw__rounds *rounds, uint64_t tile);

/* After the run: ends the thread and records what is done. `status`, error: how the run ended; the result is
 * that, or what went wrong with the disk. */
tw_status tw__rounds_end(struct tw__rounds *rounds, tw_status status, tw_error *error);

/* A run that has failed: if a tile of this node is to blame, the others can read it. */
void tw__rounds_tell(struct tw__rounds *rounds, tw_status status, const tw_error *error);

#endif
