/* explain.h - the sentence about a run that failed: which tile, where, why. */
#ifndef TW_RUN_EXPLAIN_H
#define TW_RUN_EXPLAIN_H

#include "grid/grid.h"
#include "kernel/kernel.h"
#include "pool/pool.h"

struct tw__explanation {
    const tw_kernel *kernel; /* of the step that failed */
    const tw_grid *grid;
    uint64_t first; /* number of the grid's first tile in the job */
    uint64_t tiles; /* of the job */
    const struct tw__outcome *outcome;
};

/* Fills *error for outcome->status and returns the status, which is another one where the failure was not the kernel's.
 */
tw_status tw__explain(const struct tw__explanation *explanation, tw_error *error);

#endif
