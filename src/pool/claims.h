/* claims.h - which worker has which tile. Fixed-size words that all workers of a pool reach, threads or processes.
 *
 * Each worker has a share: an interval of tile numbers, [first, end), in one 64-bit word. It takes from the front of
 * its own share; when that is empty it moves the far half of another worker's share into its own. The shares are only a
 * hint of where to look. The truth is one 32-bit word a tile:
 *
 *     free --CAS by the worker, before it works--> running --store by the worker, release--> done | failed
 *      ^                                              |
 *      +------- by the supervisor, after it has reaped the worker that had it -------+
 *
 * A worker's tally, one 64-bit word, holds the number of tiles that it brought to an end and the one that it works on,
 * or is about to take. It is written before a word becomes running and again after it has become terminal, so that the
 * supervisor reads one word to know which tile a dead worker had, and whether that tile was counted.
 *
 * Nobody ever waits for a worker's next step while that worker may be dead: workers hold no lock, and a worker that
 * dies between two of these steps leaves a word that says running (it is freed again) or a tile that is free but in
 * nobody's share (a sweep over all words, which follows each death, finds it).
 *
 * A job is open while `generation` is odd. A worker says that it is inside by storing the generation in its slot and
 * then looks whether that generation is still the current one; the caller changes the generation and then waits until
 * nobody is inside the old one. So a worker that sleeps through a job is never waited for. */
#ifndef TW_POOL_CLAIMS_H
#define TW_POOL_CLAIMS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

#include "os/process.h"

/* A tile's word: 2 bits state (tw_tile_state), 12 bits worker, 8 bits attempt, 1 bit for tiles that were done before
 * the job was opened, 1 bit for those of them that nobody wants. */
#define TW__WORD(state, worker, attempt) ((uint32_t)(state) | (uint32_t)(worker) << 2 | (uint32_t)(attempt) << 14)
#define TW__WORD_STATE(word) ((word)&3u)
#define TW__WORD_WORKER(word) ((word) >> 2 & 0xfffu)
#define TW__WORD_ATTEMPT(word) ((word) >> 14 & 0xffu)
#define TW__WORD_BEFORE (1u << 22)
#define TW__WORD_EARLIER ((uint32_t)TW_TILE_DONE | TW__WORD_BEFORE)
/* The same for tiles that nobody wants: they are as good as done. */
#define TW__WORD_SKIPPED (TW__WORD_EARLIER | 1u << 23)
/* Set before a job is opened: the tile must not be run, and has neither been done nor failed. */
#define TW__WORD_BARRED ((uint32_t)TW_TILE_FAILED | TW__WORD_BEFORE)
#define TW__MAX_ATTEMPTS 255
#define TW__MAX_TILES ((uint64_t)UINT32_MAX - 1)

/* A worker as the function that runs a tile sees it. */
struct tw__worker {
    unsigned index;
    void *local;              /* the function's own, private to this worker, kept from job to job; NULL at first */
    uint64_t tiles;           /* that it has begun in jobs with tiles_per_worker */
    const volatile int *mark; /* 0 in a process that a kernel has forked from the worker; NULL: nobody knows */
};

/* How the work on one tile ended. All zeros: it is done. */
struct tw__result {
    tw_status status; /* TW_ERROR_KERNEL: the function's own code says why not; another error: it had no chance */
    int code;         /* TW_ERROR_KERNEL: any int but 0 */
};

static inline struct tw__result tw__result_of(int code)
{
    return (struct tw__result){code == 0 ? TW_OK : TW_ERROR_KERNEL, code};
}

/* Computes one tile. A failure leaves a text in message[TW_TILE_MESSAGE_SIZE]. */
typedef struct tw__result (*tw__tile_function)(void *argument, struct tw__worker *worker, uint64_t tile,
                                               unsigned attempt, char *message);

/* For the supervisor: worker `worker` died, maybe after the function had begun to commit this tile. Finishes that and
 * returns 1, or returns 0 if the tile must be run again, or -1 if it can be neither finished nor run again. */
typedef int (*tw__recover_function)(void *argument, unsigned worker, uint64_t tile);

/* Seconds since the job began. */
struct tw__time {
    float start, duration;
};

/* What one worker says to the others; on cache lines of its own. */
struct tw__slot {
    _Alignas(128) _Atomic uint64_t share; /* first << 32 | end */
    _Atomic uint64_t tally;      /* tiles it brought to an end in this job << 32 | the tile that it works on + 1 */
    _Atomic int64_t since;       /* jobs with a time limit: tw__now() when its tile began; 0: none */
    _Atomic uint32_t inside;     /* generation of the job it is in, 0: none */
    _Atomic uint32_t left;       /* generation of the job that it last left, having found nothing to do */
    _Atomic uint32_t sweep;      /* 1: it must look at every word before it leaves */
    _Atomic uint32_t retired;    /* 1: it has run as many tiles as it may and ends; another takes its seat */
    struct tw__fault_note fault; /* what the signal that ended it was about */
    _Alignas(128) _Atomic uint64_t failed_tile; /* lowest tile that failed here, UINT64_MAX: none */
    struct tw__result failure;
    char message[TW_TILE_MESSAGE_SIZE]; /* of failed_tile */
    char draft[TW_TILE_MESSAGE_SIZE];   /* what kernels write to */
};

struct tw__claims {
    _Alignas(128) _Atomic uint32_t bell; /* rings when there may be something to do; idle workers sleep on it */
    _Atomic uint32_t sleepers;           /* a hint that somebody sleeps: too high once a worker has died asleep */
    _Atomic uint32_t quit;
    _Alignas(128) _Atomic uint32_t generation;
    _Alignas(128) _Atomic uint32_t caller_waits;
    _Atomic uint32_t caller_bell;  /* what the caller sleeps on: rings when a worker leaves */
    int parent;                    /* without this parent process workers are of no use; 0: they have none */
    struct tw__event caller_event; /* fd -1: none; else signalled in place of the bell */
    _Atomic int stop_word;         /* 1: the stop flag was seen raised in this job */
    /* the job: written while no job is open */
    _Alignas(128) _Atomic uint64_t limit; /* tiles past this one are not begun: the lowest that failed */
    uint64_t first, end;                  /* its tiles: [first, end) */
    uint64_t earlier;          /* tiles that ended before the job was opened, all before `first` among them */
    uint64_t tiles_per_worker; /* a worker retires after so many; 0: never */
    int keep_going;            /* a tile that failed does not keep others from being begun */
    int watched;               /* keep `since` */
    int timed;                 /* tiles are watched, or their times are kept */
    int announced;             /* the caller is woken when a tile ends */
    int own_times;             /* tiles take what they take where no others want the processor */
    tw__tile_function function;
    void *argument;
    const int *stop;         /* where the workers see it; processes cannot */
    int never;               /* a stop flag that nobody raises */
    _Atomic uint32_t *words; /* [end] */
    struct tw__time *times;  /* [end], or NULL */
    int64_t began;           /* tw__now() */
    /* the pool */
    unsigned workers;
    int64_t spin; /* nanoseconds that idle workers and the caller look before they sleep */
    struct tw__slot slots[];
};

size_t tw__claims_size(unsigned workers);

/* Fills zeroed memory of tw__claims_size bytes. */
void tw__claims_init(struct tw__claims *claims, unsigned workers, int64_t spin);

/* Caller: deals out the shares and opens a job whose fields are set, all words zero, TW__WORD_EARLIER or
 * TW__WORD_BARRED; wakes workers. */
void tw__claims_open(struct tw__claims *claims);

/* Caller: nothing is left to do: every word is terminal, or after a failure or a stop nobody is inside and somebody
 * found nothing to begin. That may be a moment early: after tw__claims_close the caller waits for tw__claims_empty.
 */
int tw__claims_finished(struct tw__claims *claims);

/* Caller: no worker begins anything from here on. */
void tw__claims_close(struct tw__claims *claims);

/* Caller, after close: nobody is inside any more. */
int tw__claims_empty(struct tw__claims *claims);

/* Caller: says that it is about to sleep (1), or that it is awake (0). After 1 it must look again before it sleeps. */
void tw__claims_caller_waits(struct tw__claims *claims, int waits);

/* How a worker is buried, and what was found. */
struct tw__grave {
    int retries;                  /* in: deaths on one tile that are survived */
    int free_of_charge;           /* in: the tile is not to blame */
    int ends_run;                 /* in: tiles past one that is given up are not begun */
    tw__recover_function recover; /* in: may be NULL */
    uint64_t tile;                /* that it worked on; UINT64_MAX: none */
    unsigned attempt;
    int given_up; /* the tile is failed: it cost more than `retries` deaths, or can be neither finished nor run again */
    int recovered; /* the tile is done after all */
    int retired;   /* it ended because it has run as many tiles as it may */
};

/* Supervisor: worker w is dead and reaped. Frees the tile it had. Then slot w may be used by a new worker, which sweeps
 * unless the dead one had retired. */
void tw__claims_bury(struct tw__claims *claims, unsigned worker, struct tw__grave *grave);

/* Supervisor: worker w must sweep (1), or has nobody who could (0: it is dead and not replaced). */
void tw__claims_set_sweep(struct tw__claims *claims, unsigned worker, int must);

/* Caller or supervisor: wakes idle workers. */
void tw__claims_ring(struct tw__claims *claims);

/* Worker: does what there is to do in the open job, if one is open. */
void tw__claims_work(struct tw__claims *claims, struct tw__worker *worker);

/* Worker: works until the pool quits, or it must retire. */
void tw__claims_serve(struct tw__claims *claims, struct tw__worker *worker);

/* Caller: makes all workers return from tw__claims_serve. */
void tw__claims_quit(struct tw__claims *claims);

/* Supervisor: the tile that a worker works on, or is about to take; UINT64_MAX: none. */
uint64_t tw__claims_tile_of(const struct tw__claims *claims, unsigned worker);

/* Tiles brought to an end, done or failed, with those that were done before. */
uint64_t tw__claims_done(const struct tw__claims *claims);

#endif
