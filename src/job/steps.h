/* steps.h - a job: the list of its steps, each of them one kernel over one grid. They are run one after the other;
 * every worker has finished one before the next begins. Tile numbers run through all steps. */
#ifndef TW_JOB_STEPS_H
#define TW_JOB_STEPS_H

#include "grid/stages.h"
#include "job/kept.h"
#include "job/step.h"

#define TW__MAX_STEPS TW__MOST_STAGES

/* Between two steps, when no worker is in a tile: before the tiles of step `step` begin. Errors end the run. */
typedef tw_status tw__steps_before(void *user, int step, tw_error *error);

/* With nodes: the next tiles of step `step` that are run here, *count from *first on, tiles of that step alone; those
 * whose words are not free are passed over. Called when no worker is in a tile, the first time before the step begins.
 * *count 0: all tiles of the step are done, here or by other nodes. Errors end the run. */
typedef tw_status tw__steps_next(void *user, int step, uint64_t *first, uint64_t *count, tw_error *error);

struct tw__steps {
    int count;
    uint64_t tiles;                  /* of all steps */
    uint64_t from, to;               /* tiles [from, to) alone are run: what is kept of others is not set */
    struct tw__kept *kept;           /* where its memory is, until the pool's next job */
    int timed, summed;               /* kept->times, kept->sums are this job's */
    const struct tw__stages *stages; /* what the steps have to do with each other; NULL: nothing is known */
    tw__steps_before *before;        /* may be NULL */
    void *before_user;
    tw__steps_next *next; /* NULL: all tiles of a step at once */
    void *next_user;
    struct tw__step *step[TW__MAX_STEPS]; /* as workers read them */
};

/* What is known of a job's steps, and what its tiles leave beside their elements. */
struct tw__steps_options {
    const struct tw__stages *stages; /* NULL: none */
    tw__steps_before *before;        /* NULL: nothing */
    void *before_user;
    tw__steps_next *next; /* NULL: all tiles of a step at once */
    void *next_user;
    uint64_t only_first, only_count; /* with `next`: it gives tiles among these alone; count 0: any */
    int timed;                       /* start and duration of each tile */
    int summed;                      /* a checksum of each tile's outputs */
};

/* Lays out a job of `count` steps, and makes the pool ready for it: no tile has begun. What a step reads and another
 * one writes must be the same memory, which workers see as it is. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY,
 * TW_ERROR_PROCESS. */
tw_status tw__steps_create(struct tw__steps *steps, tw_pool *pool, const struct tw__step_request *requests, int count,
                           const struct tw__steps_options *options, tw_error *error);

/* Runs all steps, or those up to the first that fails, is stopped or has no workers left; tiles of the others are not
 * begun. If the stages are known and the run keeps going, or a tile is given up because its workers died, later steps
 * are run but for the tiles that depend on one that was not done: these are left free. `task` says how, and whom to
 * report to; its tiles and what is called for them are filled in here. Returns outcome->status. */
tw_status tw__steps_run(const struct tw__steps *steps, tw_pool *pool, struct tw__task *task,
                        struct tw__outcome *outcome, tw_error *error);

/* Which step a tile belongs to. */
int tw__steps_of(const struct tw__steps *steps, uint64_t tile);

/* One past the last tile of a step. */
uint64_t tw__steps_end(const struct tw__steps *steps, int step);

/* The tiles' words and checksums. */
_Atomic uint32_t *tw__steps_words(const struct tw__steps *steps);
uint64_t *tw__steps_sums(const struct tw__steps *steps);

/* With `next`: bit t: tile t was done by another node, so that no worker begins it or writes what it has computed. Set
 * by any thread. */
_Atomic uint64_t *tw__steps_elsewhere(const struct tw__steps *steps);

/* Nanoseconds of the longest tile that was its worker's first of all; 0: there was none. */
int64_t tw__steps_first(const struct tw__steps *steps, int workers);

/* Bytes of outputs' pages that workers have populated. */
int64_t tw__steps_populated(const struct tw__steps *steps, int workers);

#endif
