/* pool.h - runs f(worker, tile number) for the numbers 0 .. n-1. Integers alone: knows neither arrays nor grids. */
#ifndef TW_POOL_POOL_H
#define TW_POOL_POOL_H

#include <tilework/tilework.h>

#include "heap/heap.h"
#include "heap/memory.h"
#include "os/process.h"
#include "os/thread.h"
#include "pool/claims.h"

/* How long idle workers and waiting callers look before they sleep. Measured with runs of two empty tiles: a worker
 * that sleeps answers after 25 us and more, one that looks after 2 us or less; callers that run again within this time
 * get the quick answer, and a worker burns no more than this after its last run. */
#define TW__SPIN_NANOSECONDS 100000

struct tw__task {
    tw__tile_function function;
    void *argument; /* where all workers can read it */
    uint64_t count;
    const int *stop; /* may be NULL */
    int retries;
    int timed;                    /* keep start and duration of each tile */
    int keep_going;               /* a tile that failed does not keep others from being begun */
    int lost_ends_run;            /* processes: tiles past one that is given up are not begun */
    double timeout;               /* processes: seconds that a tile may take; 0: no limit */
    uint64_t tiles_per_worker;    /* processes: a worker is replaced after so many; 0: never */
    tw__recover_function recover; /* processes: may be NULL */
    /* Processes: what else is known of the death of a worker, just after it; 0: nothing. May be NULL. */
    int (*find)(void *argument, unsigned worker, const struct tw__death *death, char *text, size_t size);
    /* Processes: called by the supervisor whenever it is awake, for what workers that signal pool->event want; must not
     * wait. NULL: nothing. */
    void (*serve)(void *user);
    void *serve_user;
    int (*is_done)(const void *user, uint64_t tile); /* tiles that need not be run; NULL: all must */
    const void *is_done_user;
    void (*died)(void *user, const tw_death *death); /* may be NULL */
    void *died_user;
    double stall_seconds;                               /* processes: 0: the default */
    void (*stalled)(void *user, const tw_stall *stall); /* processes; may be NULL */
    void *stalled_user;
    void (*progress)(void *user, const tw_progress *progress);
    void *progress_user;
};

/* A worker that died and was replaced during a job. */
struct tw__burial {
    unsigned worker;
    int pid;
    double when; /* seconds since the job began */
};

#define TW__MAX_BURIALS 64 /* as many as are remembered by name; all are counted */

/* What became of a job. */
struct tw__outcome {
    tw_status status; /* TW_OK, TW_ERROR_KERNEL, TW_ERROR_WORKER, TW_ERROR_INTERRUPTED, TW_ERROR_PROCESS */
    uint64_t tile;    /* that failed, lowest number */
    unsigned worker;
    struct tw__result result;           /* TW_ERROR_KERNEL: what the function returned */
    int os_error;                       /* TW_ERROR_PROCESS */
    struct tw__death death;             /* TW_ERROR_WORKER: how the last worker on the tile died */
    char finding[TW_TILE_MESSAGE_SIZE]; /* TW_ERROR_WORKER: what task.find said; empty: nothing */
    int timed_out;                      /* TW_ERROR_WORKER: it was killed because the tile took too long */
    uint64_t done;                      /* tiles with state TW_TILE_DONE, those that needed not be run included */
    uint64_t earlier;                   /* tiles that needed not be run */
    uint64_t failed;                    /* tiles with state TW_TILE_FAILED */
    int64_t began;                      /* tw__now() */
    double seconds;
    int deaths;
    int timeouts; /* of the deaths */
    int recycled; /* workers that were replaced after tiles_per_worker tiles */
    struct tw__burial burials[TW__MAX_BURIALS];
    char message[TW_TILE_MESSAGE_SIZE]; /* the function's text, or how the worker died */
};

struct tw_pool {
    tw_pool_kind kind;
    int owner; /* process that opened it: a fork of that has neither its threads nor its children */
    int workers;
    struct tw__heap *heap;         /* processes */
    struct tw__claims *claims;     /* threads, processes */
    struct tw__memory payload;     /* what the tasks of tw_run point to */
    struct tw__memory words;       /* of the last job: [count] uint32_t, serial too */
    struct tw__memory times;       /* of the last job: [count] struct tw__time, where it was timed */
    struct tw__memory sums;        /* of the last job: [count] uint64_t, where tiles are recorded in a journal */
    struct tw__memory copies;      /* of the last job: a tile's inout operands for each worker */
    struct tw__memory choices;     /* of the last job: outputs whose dtype its kernel chooses */
    struct tw__worker *seats;      /* [workers]; of processes: as they were when forked */
    struct tw__thread *threads;    /* [workers]; 0 is the caller and not used */
    int started;                   /* threads: how many, the caller included */
    struct tw__process *processes; /* [workers] */
    int64_t *killed_at; /* [workers] processes: slot.since of the tile for which it was killed; 0: it was not */
    struct tw__lifeline lifeline;
    int has_lifeline;
    tw_fork_hooks hooks;
    struct tw__event event;             /* processes: workers signal it, the caller sleeps on it */
    int64_t forked_at;                  /* tw__now() before the first worker was forked; 0: all see all memory */
    int64_t spin;                       /* nanoseconds that its workers look before they sleep */
    uint64_t jobs;                      /* how many there were */
    atomic_int busy;                    /* a run is under way */
    atomic_int halt;                    /* the job must end: tw__pool_halt */
    char note[256];                     /* tw_pool_note; empty: none */
    void (*release_local)(void *local); /* for what the function left in tw__worker.local */
};

/* Makes memory and workers for a task ready: pool->words, pool->times. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY,
 * TW_ERROR_PROCESS. */
tw_status tw__pool_prepare(tw_pool *pool, const struct tw__task *task, tw_error *error);

/* Runs a task for which the pool is prepared. outcome->status is returned; an error that is about the pool itself fills
 * *error too. Words and times of the job stay in the pool until the next. */
tw_status tw__pool_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome, tw_error *error);

/* Any thread: the task that is prepared or running ends after the tiles in hand, as if it were stopped. */
void tw__pool_halt(tw_pool *pool);

/* TW_ERROR_PROCESS in a fork of the process that opened the pool: nothing of it may be used or changed there. */
tw_status tw__pool_check_owner(const tw_pool *pool, tw_error *error);

/* Processes: ends all workers and forks new ones, which know all that this process has now. Else nothing. */
tw_status tw__pool_refork(tw_pool *pool, tw_error *error);

/* One file each. */
tw_status tw__serial_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome);
tw_status tw__threads_open(tw_pool *pool, tw_error *error);
tw_status tw__threads_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome);
void tw__threads_close(tw_pool *pool);
void tw__death_reason(const struct tw__death *death, double limit, char *text, size_t size);
tw_status tw__processes_open(tw_pool *pool, tw_error *error);
tw_status tw__processes_ready(tw_pool *pool, tw_error *error); /* forks workers that are missing */
tw_status tw__processes_run(tw_pool *pool, const struct tw__task *task, struct tw__outcome *outcome);
void tw__processes_close(tw_pool *pool);

/* The machine gave `pool->workers` workers of `wished`, the next one failing with os_error: for tw_pool_note. */
void tw__pool_note_fewer(tw_pool *pool, int wished, int os_error);

/* Shared by threads and processes: sets the claims' job fields; looks up the lowest tile that failed. */
void tw__pool_set_job(tw_pool *pool, const struct tw__task *task, const int *stop);
void tw__pool_collect(tw_pool *pool, struct tw__outcome *outcome);

/* Calls the task's progress function. */
void tw__pool_progress(const struct tw__task *task, uint64_t done, int64_t began);

#endif
