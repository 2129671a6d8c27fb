/* here.h - tiles of a step on the calling thread, without a pool. */
#ifndef TW_JOB_HERE_H
#define TW_JOB_HERE_H

#include "job/step.h"
#include "pool/task.h"

/* Runs the tiles first .. first + count - 1 of a step in order, up to the first that fails:
 *
 *     for (tile = first; tile < first + count; tile++) kernel(tile);
 *
 * stop: may be NULL; a raised one ends the loop before the next tile. The request's accesses come from a binding
 * without a crew. Fills *outcome and returns its status: TW_OK, TW_ERROR_KERNEL or TW_ERROR_INTERRUPTED, for which
 * tw__explain has the sentence; or TW_ERROR_MEMORY, which fills *error, before the first tile. */
tw_status tw__step_run_here(const struct tw__step_request *request, uint64_t first, uint64_t count, const int *stop,
                            struct tw__outcome *outcome, tw_error *error);

#endif
