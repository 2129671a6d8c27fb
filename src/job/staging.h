/* staging.h - a job with stages as the list of its steps: what each of them calls, and how its tiles reach their
 * operands. */
#ifndef TW_JOB_STAGING_H
#define TW_JOB_STAGING_H

#include "grid/stages.h"
#include "job/bind.h"
#include "job/step.h"

struct tw__staging {
    const struct tw__stages *stages;
    int count;
    struct tw__step_request *requests; /* [count] */
    struct tw__access *accesses;       /* of all steps */
    tw_view *temporaries;              /* [stages->ntemporaries] */
};

/* Refuses folds of dtypes that have none. Errors: TW_ERROR_ARGUMENT. */
tw_status tw__staging_check(const tw_grid *grid, tw_array *const *arrays, tw_error *error);

/* Makes the steps of a bound job whose grid has stages. `memory`: of its temporaries (job/temporaries.h), in the pool's
 * heap or, without one, this process's; not used if `between` has them: arrays that all workers see. crew: NULL: the
 * calling thread alone. Errors: TW_ERROR_MEMORY. */
tw_status tw__staging_create(struct tw__staging *staging, const struct tw__binding *binding, const tw_grid *grid,
                             const tw_kernel *kernel, const struct tw__crew *crew, void *memory,
                             tw_array *const *between, tw_error *error);
void tw__staging_fini(struct tw__staging *staging);

#endif
