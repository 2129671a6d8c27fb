/* task.h - what a pool is asked to run, f(worker, tile number) for an interval of numbers, and what became of it. */
#ifndef TW_POOL_TASK_H
#define TW_POOL_TASK_H

#include <tilework/tilework.h>

#include "os/process.h"
#include "pool/claims.h"
#include "pool/notice.h"

struct tw__task {
    tw__tile_function function;
    void *argument;        /* where all workers can read it */
    uint64_t first, count; /* tiles [first, first + count); those before `first` are done */
    uint64_t later;        /* tiles of the same job that come after these: for what is said of progress */
    /* [first + count] where all workers can write; those of this task are zero or TW__WORD_BARRED, and the pool marks
     * those of tiles that are done. NULL, for tw__serial_run alone: nobody asks for them. */
    _Atomic uint32_t *words;
    struct tw__time *times; /* [first + count] likewise; NULL: not wanted */
    int own_times;          /* apart: without what tiles waited for a processor that others had */
    const int *stop;        /* may be NULL */
    int retries;
    int keep_going;               /* a tile that failed does not keep others from being begun */
    int lost_ends_run;            /* apart: tiles past one that is given up are not begun */
    double timeout;               /* apart: seconds that a tile may take; 0: no limit */
    uint64_t tiles_per_worker;    /* apart: a worker is replaced after so many; 0: never */
    tw__recover_function recover; /* apart: may be NULL */
    /* Apart: what else is known of the death of a worker, just after it; 0: nothing. May be NULL. */
    int (*find)(void *argument, unsigned worker, const struct tw__death *death, char *text, size_t size);
    /* Apart: called by the supervisor whenever it is awake, for workers that have signalled its event; must not wait.
     * NULL: nothing. */
    void (*serve)(void *user);
    void *serve_user;
    /* Tiles that need not be run: TW__WORD_EARLIER or TW__WORD_SKIPPED, else 0. NULL: all must be. */
    uint32_t (*is_done)(const void *user, uint64_t tile);
    const void *is_done_user;
    void (*died)(void *user, const tw_death *death); /* may be NULL */
    void *died_user;
    double stall_seconds;                               /* apart: 0: the default */
    void (*stalled)(void *user, const tw_stall *stall); /* apart; may be NULL */
    void *stalled_user;
    void (*progress)(void *user, const tw_progress *progress);
    void *progress_user;
    struct tw__notice *notice; /* whom each tile that is done is reported to; NULL: nobody */
};

/* A worker that died and was replaced during a job. */
struct tw__burial {
    unsigned worker;
    int pid;
    double when; /* seconds since the job began */
};

#define TW__MAX_BURIALS 64 /* as many as are remembered by name; all are counted */

/* What became of a job. Its tasks are run one after the other and add to what is counted here. */
struct tw__outcome {
    tw_status status; /* TW_OK, TW_ERROR_KERNEL, TW_ERROR_WORKER, TW_ERROR_INTERRUPTED, TW_ERROR_PROCESS */
    uint64_t tile;    /* that failed, lowest number */
    unsigned worker;
    struct tw__result result;           /* TW_ERROR_KERNEL: what the function returned */
    int os_error;                       /* TW_ERROR_PROCESS */
    struct tw__death death;             /* TW_ERROR_WORKER: how the last worker on the tile died */
    char finding[TW_TILE_MESSAGE_SIZE]; /* TW_ERROR_WORKER: what task.find said; empty: nothing */
    int attempts;                       /* TW_ERROR_WORKER: how often the tile was run */
    int timed_out;                      /* TW_ERROR_WORKER: it was killed because the tile took too long */
    uint64_t done;                      /* tiles with state TW_TILE_DONE, those that needed not be run included */
    uint64_t earlier;                   /* tiles that an earlier run had done */
    uint64_t skipped;                   /* tiles that nobody wanted */
    uint64_t failed;                    /* tiles with state TW_TILE_FAILED */
    int64_t began;                      /* tw__now() */
    int deaths;
    int timeouts; /* of the deaths */
    int recycled; /* workers that were replaced after tiles_per_worker tiles */
    struct tw__burial burials[TW__MAX_BURIALS];
    char message[TW_TILE_MESSAGE_SIZE]; /* the function's text, or how the worker died */
};

/* The outcome of a job that begins now. Its tables are large, and are left as they are. */
void tw__outcome_begin(struct tw__outcome *outcome);

#endif
