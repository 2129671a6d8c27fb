/* job.h - a job as its workers read it: one flat piece of memory that means the same in every process of the pool. */
#ifndef TW_RUN_JOB_H
#define TW_RUN_JOB_H

#include "base/float_mode.h"
#include "grid/grid.h"
#include "job/choice.h"
#include "job/guard.h"
#include "kernel/kernel.h"
#include "pool/pool.h"

struct tw__job_operand {
    tw_view view;              /* the whole operand; stride 0 where a dimension of 1 is broadcast */
    uint8_t axes[TW_MAX_DIMS]; /* axis number of each dimension */
    int touch;                 /* workers make its pages present before they write */
    int copied;                /* inout for workers that may die: computed on a copy, which is committed afterwards */
    void *base;                /* touch: the mapping it lies in; NULL: the pool's heap */
    size_t bytes;              /* touch: of base */
};

/* What one worker has to say beside its tiles' words. */
struct tw__job_worker {
    _Alignas(64) int64_t populated; /* bytes */
    _Atomic uint64_t committing;    /* tile + 1 whose inout operands are complete in this worker's copies */
};

struct tw__job {
    const tw_grid *grid;
    tw_function function; /* NULL: path and symbol, to be opened by each worker process */
    const char *path;
    const char *symbol;
    int64_t kernel_created_at;
    int kernel_is_object; /* it comes from a shared object: it is C, and may want much stack */
    void *context;
    size_t scratch_size;
    uint64_t number; /* no other job of this pool has it */
    void *heap_base;
    size_t heap_size;
    uint64_t heap_epoch;
    struct tw__job_worker *workers;
    struct tw__float_mode float_mode; /* the caller's */
    uint64_t *sums;                   /* [tiles] checksums of the outputs' elements; NULL: none are wanted */
    char *copies;                     /* each worker's copies of the inout operands of its tile, copy_size apart */
    size_t copy_size;
    struct tw__guard_note *notes; /* [workers]; NULL: no guard */
    struct tw__choices *choices;  /* NULL: all dtypes are given */
    int noutputs;                 /* the last ones of the operands */
    int noperands;
    struct tw__job_operand operands[];
};

/* What tw_run has sorted out before. */
struct tw__job_request {
    const tw_kernel *kernel;
    const tw_grid *grid;
    const tw_view *views;    /* [noperands] where workers find the operands */
    tw_array *const *arrays; /* [noperands] whose memory that is, for touching; NULL entry: the pool's heap */
    size_t scratch_size;
    uint64_t *sums; /* [tiles], where workers can write them; NULL: none are wanted */
    int guard;
    struct tw__choices *choices; /* NULL: none */
};

/* Lays the job out in the pool's payload memory. */
tw_status tw__job_create(struct tw__job **job, tw_pool *pool, const struct tw__job_request *request, tw_error *error);

/* The tw__tile_function of every job: `argument` is the job. */
struct tw__result tw__job_run_tile(void *argument, struct tw__worker *worker, uint64_t tile, unsigned attempt,
                                   char *message);

/* The tw__recover_function of every job. */
int tw__job_recover(void *argument, unsigned worker, uint64_t tile);

/* The tw__task.find of every job: what the guard knows of the address that ended the worker. */
int tw__job_find(void *argument, unsigned worker, const struct tw__death *death, char *text, size_t size);

/* Frees what tw__job_run_tile keeps in a worker's seat. */
void tw__job_release_local(void *local);

#endif
