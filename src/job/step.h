/* step.h - one step of a job as its workers read it: one flat piece of memory that means the same in every process of
 * the pool. */
#ifndef TW_JOB_STEP_H
#define TW_JOB_STEP_H

#include "base/float_mode.h"
#include "grid/grid.h"
#include "job/access/access.h"
#include "job/access/guarded.h"
#include "job/choice.h"
#include "kernel/kernel.h"
#include "pool/crew.h"

/* What a worker reports beside its tiles' words. */
struct tw__step_worker {
    _Alignas(64) int64_t populated; /* bytes */
    int64_t first;               /* nanoseconds of the first tile of all that the worker ran; 0: another job had it */
    _Atomic uint64_t committing; /* tile + 1 of which this worker's room has all that was written */
};

struct tw__step {
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
    struct tw__step_worker *workers;
    struct tw__float_mode float_mode; /* the caller's */
    uint64_t *sums; /* [tiles of the grid] checksums of the outputs' elements; NULL: none are wanted */
    const _Atomic uint64_t *elsewhere; /* bit t: another node has done tile t of the job; NULL: this process is alone */
    char *rooms;                       /* each worker's room for its accesses, room_size apart */
    size_t room_size;
    int recovers;                 /* a worker that dies while it gives leaves a tile that cannot be run again */
    struct tw__guard_note *notes; /* [workers]; NULL: no guard */
    struct tw__choices *choices;  /* NULL: all dtypes are given */
    int touches;                  /* some outputs' pages must be made present before they are written */
    int takes;                    /* some accesses are not direct */
    tw_fold fold;                 /* not TW_FOLD_NONE: its tiles fold partials, operand 0, into an output, operand 1 */
    uint64_t begun;               /* bit k: output k has first values, those of its fold */
    int first_output, noutputs;   /* they lie side by side */
    int noperands;
    struct tw__access operands[];
};

/* What is asked of a step. */
struct tw__step_request {
    const tw_kernel *kernel; /* NULL: none, a fold of the library's */
    const void *context;     /* what its tiles get in place of the kernel's own context; NULL: that */
    size_t context_size;
    tw_fold fold; /* see tw__step.fold */
    const tw_grid *grid;
    const struct tw__access *accesses; /* [noperands] how tiles reach the operands */
    size_t scratch_size;
    int guard;
    struct tw__choices *choices; /* NULL: none */
};

/* Bytes that a step needs. */
struct tw__step_room {
    size_t payload;  /* its description */
    size_t accesses; /* each worker's, for its accesses */
};

/* Errors: TW_ERROR_MEMORY. */
tw_status tw__step_measure(struct tw__step_room *room, const struct tw__crew *crew,
                           const struct tw__step_request *request, tw_error *error);

/* Lays the step out in room.payload bytes of memory that all workers read. Its place in the job (number, first, sums,
 * rooms) is left empty. crew: NULL: the calling thread alone. */
struct tw__step *tw__step_fill(void *memory, const struct tw__crew *crew, const struct tw__step_request *request);

/* The tw__tile_function of every step: `argument` is the step. */
struct tw__result tw__step_run_tile(void *argument, struct tw__worker *worker, uint64_t number, unsigned attempt,
                                    char *message);

/* The tw__recover_function of every step. */
int tw__step_recover(void *argument, unsigned worker, uint64_t number);

/* The tw__task.find of every step: what the guard knows of the address that ended the worker. */
int tw__step_find(void *argument, unsigned worker, const struct tw__death *death, char *text, size_t size);

/* Frees what tw__step_run_tile keeps in a worker's seat. */
void tw__step_release_local(void *local);

#endif
