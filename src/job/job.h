/* job.h - one step of a job as its workers read it: one flat piece of memory that means the same in every process of
 * the pool. */
#ifndef TW_JOB_JOB_H
#define TW_JOB_JOB_H

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
    uint64_t number; /* no other step of this pool has it */
    uint64_t first;  /* number of its first tile in the job; in its grid that is tile 0 */
    void *heap_base;
    size_t heap_size;
    uint64_t heap_epoch;
    struct tw__job_worker *workers;
    struct tw__float_mode float_mode; /* the caller's */
    uint64_t *sums; /* [tiles of the grid] checksums of the outputs' elements; NULL: none are wanted */
    char *copies;   /* each worker's copies of the inout operands of its tile, copy_size apart */
    size_t copy_size;
    struct tw__guard_note *notes; /* [workers]; NULL: no guard */
    struct tw__choices *choices;  /* NULL: all dtypes are given */
    int noutputs;                 /* the last ones of the operands */
    int noperands;
    struct tw__job_operand operands[];
};

/* What is asked of a step. */
struct tw__job_request {
    const tw_kernel *kernel;
    const tw_grid *grid;
    const tw_view *views;    /* [noperands] where workers find the operands */
    tw_array *const *arrays; /* [noperands] whose memory that is, for touching; NULL entry: the pool's heap */
    size_t scratch_size;
    int guard;
    struct tw__choices *choices; /* NULL: none */
};

/* Bytes that a step needs. */
struct tw__job_room {
    size_t payload; /* its description */
    size_t copies;  /* each worker's copies */
};

/* Errors: TW_ERROR_MEMORY. */
tw_status tw__job_measure(struct tw__job_room *room, const tw_pool *pool, const struct tw__job_request *request,
                          tw_error *error);

/* Lays the step out in room.payload bytes of memory that all workers read. Its place in the job (number, first, sums,
 * copies) is left empty. */
struct tw__job *tw__job_fill(void *memory, const tw_pool *pool, const struct tw__job_request *request);

/* The tw__tile_function of every step: `argument` is the step. */
struct tw__result tw__job_run_tile(void *argument, struct tw__worker *worker, uint64_t number, unsigned attempt,
                                   char *message);

/* The tw__recover_function of every step. */
int tw__job_recover(void *argument, unsigned worker, uint64_t number);

/* The tw__task.find of every step: what the guard knows of the address that ended the worker. */
int tw__job_find(void *argument, unsigned worker, const struct tw__death *death, char *text, size_t size);

/* Frees what tw__job_run_tile keeps in a worker's seat. */
void tw__job_release_local(void *local);

#endif
