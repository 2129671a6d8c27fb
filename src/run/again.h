/* again.h - the steps of a job with stages on the calling thread, in memory of their own: for check and replay. */
#ifndef TW_RUN_AGAIN_H
#define TW_RUN_AGAIN_H

#include "grid/grid.h"
#include "job/bind.h"
#include "job/staging.h"
#include "pool/task.h"

struct tw__again {
    const tw_kernel *kernel;
    const tw_grid *grid;
    struct tw__binding binding;
    struct tw__staging staging;
    struct tw__outcome outcome;
    void *memory; /* of the temporaries */
    int borrowed; /* ... is another's */
};

/* Lays the steps out over these arrays. memory: of another one for the same job, whose temporaries it uses; NULL: its
 * own. Errors: TW_ERROR_MEMORY. */
tw_status tw__again_create(struct tw__again **again, const tw_kernel *kernel, const tw_grid *grid,
                           tw_array *const *arrays, void *memory, tw_error *error);

/* Runs all tiles of the first `count` steps, up to the first tile that fails, whose sentence is in *error. */
tw_status tw__again_run(struct tw__again *again, int count, const tw_run_options *options, tw_error *error);

/* Runs one tile, by its number in the job. */
tw_status tw__again_run_tile(struct tw__again *again, uint64_t tile, const tw_run_options *options, tw_error *error);

void tw__again_destroy(struct tw__again *again); /* NULL: does nothing */

#endif
