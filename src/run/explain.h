/* explain.h - the sentence about a run that failed: which tile, where, why. */
#ifndef TW_RUN_EXPLAIN_H
#define TW_RUN_EXPLAIN_H

#include "grid/grid.h"
#include "kernel/kernel.h"
#include "pool/pool.h"

struct tw__explanation {
    const tw_kernel *kernel;
    const tw_grid *grid; /* whose tile 0 is that of the job */
    uint64_t tiles;
    int is_part; /* tw_run_options.only: the other tiles were not asked for */
    const struct tw__outcome *outcome;
};

/* Fills *error for outcome->status and returns the status, which is another one if the failure was not the kernel's.
 */
tw_status tw__explain(const struct tw__explanation *explanation, tw_error *error);

#endif
