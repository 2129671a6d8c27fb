/* pool.h - runs f(worker, tile number) for an interval of numbers, on workers of one kind or another. Integers alone:
 * knows neither arrays nor grids. */
#ifndef TW_POOL_POOL_H
#define TW_POOL_POOL_H

#include <tilework/tilework.h>

#include "pool/crew.h"
#include "pool/task.h"

/* What the pool's user leaves with it from run to run. */
struct tw__tenant {
    /* The pool is closed, its workers have ended: the tenant frees itself, and what it has left in their seats. */
    void (*leave)(struct tw__tenant *tenant, struct tw__worker *seats, int workers);
};

struct tw_pool {
    struct tw__crew crew;
    struct tw__tenant *tenant; /* NULL: nobody */
    atomic_int busy;           /* a run is under way */
    void *_Atomic room; /* memory of a run that has ended, for the tables of the next; NULL: there is none. It goes
                         * with the pool */
    struct tw__worker seats[];
};

/* tw_pool_open with workers of a kind that the caller brings. */
tw_status tw__pool_open(tw_pool **pool, const struct tw__crew_ops *ops, const tw_pool_options *options,
                        tw_error *error);

/* Makes the workers ready for a job of so many tiles. Errors: TW_ERROR_ARGUMENT, TW_ERROR_PROCESS. */
tw_status tw__pool_prepare(tw_pool *pool, uint64_t tiles, tw_error *error);

/* Runs a task for which the pool is prepared, and adds to *outcome. outcome->status is returned; an error that is about
 * the pool itself fills *error too. */
tw_status tw__pool_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome, tw_error *error);

/* Any thread: the job that is prepared or running ends after the tiles that workers are in, as if it were stopped. */
void tw__pool_halt(tw_pool *pool);

/* TW_ERROR_PROCESS in a fork of the process that opened the pool: nothing of it may be used or changed there. */
tw_status tw__pool_check_owner(const tw_pool *pool, tw_error *error);

/* Workers that know everything which this process has now: if they are apart, new ones. */
tw_status tw__pool_renew(tw_pool *pool, tw_error *error);

/* Between two runs: workers that are apart end, and nothing keeps the memory that they saw. The next run makes new
 * ones. */
void tw__pool_dismiss(tw_pool *pool);

#endif
