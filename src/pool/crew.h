/* crew.h - the workers of a pool, of one kind. A kind is one file with one table of operations: serial.c, threads.c,
 * processes.c. Knows tasks and claims, neither pools nor what a tile is. */
#ifndef TW_POOL_CREW_H
#define TW_POOL_CREW_H

#include <stdatomic.h>

#include <tilework/tilework.h>

#include "heap/heap.h"
#include "pool/claims.h"
#include "pool/task.h"

/* How long idle workers and waiting callers look before they sleep. Measured with runs of two empty tiles: a worker
 * that sleeps answers after 25 us and more, one that looks after 2 us or less; callers that run again within this time
 * get the quick answer, and a worker burns no more than this after its last run. */
#define TW__SPIN_NANOSECONDS 100000

struct tw__crew;

/* A kind of worker. An operation that is NULL has nothing to do. */
struct tw__crew_ops {
    tw_pool_kind kind;
    const char *name; /* in reports: "threads" */
    int alone;        /* one worker, whatever is asked for */
    int apart; /* workers reach no memory of the caller's that is newer than they are, except the heap, and may die */
    const char *one, *many; /* "thread", "threads" */

    /* Brings crew->workers workers into being. If the system gives fewer, lowers that number and says so with
     * tw__crew_note_fewer. Sets `claims` and `own`. After a failure close is called. */
    tw_status (*open)(struct tw__crew *crew, const tw_pool_options *options, tw_error *error);
    /* Before each job: replaces workers that are missing. */
    tw_status (*ready)(struct tw__crew *crew, tw_error *error);
    /* Ends all workers and makes new ones, which know everything that this process has now. */
    tw_status (*renew)(struct tw__crew *crew, tw_error *error);
    /* Ends all workers; `ready` and `renew` make new ones. */
    void (*dismiss)(struct tw__crew *crew);
    /* Runs the task's tiles whose words are free, and adds to the outcome, which has its beginning and the tiles that
     * were done before. A tile's word is stored with release when it has ended. Returns TW_OK once all are done;
     * TW_ERROR_KERNEL or TW_ERROR_WORKER with the lowest of all tiles that fail, so those below one that failed are
     * still run, and those past it are not begun unless the task keeps going; TW_ERROR_INTERRUPTED if the job was
     * stopped, by `halt` or the task's stop; TW_ERROR_PROCESS with os_error if no worker is left. Fills in the task's
     * times and reports its progress. The functions below do most of this for workers that serve the claims. */
    tw_status (*run)(struct tw__crew *crew, const struct tw__task *task, struct tw__outcome *outcome);
    /* The process of a worker; 0: it died and has no successor yet. NULL: this process. */
    int (*pid)(const struct tw__crew *crew, int worker);
    /* Ends all workers, at once, and frees what open has made, or some of it. In a fork of the process that opened the
     * crew it ends nobody. */
    void (*close)(struct tw__crew *crew);
};

struct tw__crew {
    const struct tw__crew_ops *ops;
    int owner; /* process that opened it: a fork of that has neither its threads nor its children */
    int workers;
    int64_t spin;              /* nanoseconds that its workers look before they sleep */
    int64_t made_at;           /* tw__now() before the first worker came into being; INT64_MAX: they know all memory;
                                  0: there are none yet */
    int64_t forked_at;         /* apart: tw__now() after the last of them did, also in the place of a dead one */
    int64_t fork_time;         /* apart: nanoseconds that it took to bring all of them into being, when last done */
    int64_t warm_time;         /* apart: how much longer the first tile of such workers took than others, in a run whose
                                  workers were forked for it */
    struct tw__heap *heap;     /* apart: what workers and the caller share */
    struct tw__worker *seats;  /* [workers]; apart: as they were when the workers came into being */
    struct tw__claims *claims; /* NULL: the kind needs none */
    void *own;                 /* the kind's */
    atomic_int halt;           /* the job must end: tw__pool_halt */
    char note[256];            /* tw_pool_note; empty: none */
};

/* The kinds, a file each. */
extern const struct tw__crew_ops tw__serial_crew, tw__threads_crew, tw__processes_crew;

/* The loop of tw__serial_crew without a pool: runs a task on the calling thread, which sits in `seat`, and adds to the
 * outcome. Words may be NULL: all tiles are run, and nobody asks which of them are done. */
tw_status tw__serial_run(struct tw__worker *seat, const struct tw__task *task, struct tw__outcome *outcome);

/* ---- for the operations ---- */

/* Adds a sentence to what tw_pool_note says. */
void tw__crew_note(struct tw__crew *crew, const char *note);

/* The machine gives `given` workers of crew->workers, the next one failing with os_error: notes it and goes by it. */
void tw__crew_note_fewer(struct tw__crew *crew, int given, int os_error);

/* Fills in the claims' job for a task, without opening it. `stop`: where the workers see the stop flag. */
void tw__crew_set_job(struct tw__crew *crew, const struct tw__task *task, const struct tw__outcome *outcome,
                      const int *stop);

/* After the job: the lowest tile that failed, UINT64_MAX: none, and how many are done and failed. */
void tw__crew_collect(const struct tw__crew *crew, struct tw__outcome *outcome);

/* A caller that watches over a task. All functions but `sleep` may be NULL. */
struct tw__watch {
    struct tw__crew *crew;
    const struct tw__task *task;
    struct tw__outcome *outcome;
    int64_t look;                               /* nanoseconds that it looks before it sleeps */
    int64_t reported;                           /* when progress was last reported */
    void *own;                                  /* the functions' */
    int (*lost)(const struct tw__watch *watch); /* nobody is left who could do anything */
    void (*attend)(struct tw__watch *watch);    /* each time around; must not wait */
    void (*sleep)(struct tw__watch *watch,
                  uint32_t bell);           /* until the claims' caller_bell is another, or for a while */
    void (*awake)(struct tw__watch *watch); /* after each sleep */
};

/* Waits until over(claims), or nobody is left. The caller looks for a while, then sleeps; a sleep ends when a worker
 * leaves the job, and now and then. While workers compute it does not compete with them for the processor. */
void tw__watch_until(struct tw__watch *watch, int (*over)(struct tw__claims *claims));

/* Reports the tiles that are done, if anybody wants to know them. */
void tw__watch_notice(struct tw__watch *watch);

/* Reports progress, if it is time to. */
void tw__watch_progress(struct tw__watch *watch, int64_t now);

/* Calls the task's progress function. */
void tw__task_progress(const struct tw__task *task, uint64_t done, int64_t began);

#endif
