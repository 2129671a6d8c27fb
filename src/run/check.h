/* check.h - a run's result against the same job computed as one serial tile. */
#ifndef TW_RUN_CHECK_H
#define TW_RUN_CHECK_H

#include <tilework/tilework.h>

#include "job/where.h"

/* What must be kept from before the run: the starting values of inout operands, and room for the second result, so
 * that memory that does not suffice is an error before the run and not after it. */
struct tw__check {
    const tw_kernel *kernel;
    const tw_grid *grid;
    tw_array *const *arrays;
    tw_array *again[TW_MAX_OPERANDS]; /* [noperands] of outputs, else NULL */
    tw_array *shown[TW_MAX_OPERANDS]; /* [noperands] the run's result if a store delivers it, else NULL */
};

tw_status tw__check_begin(struct tw__check *check, const tw_kernel *kernel, const tw_grid *grid,
                          tw_array *const *arrays, tw_error *error);

/* Computes again and compares, but for tiles that the run has left out; fills what the totals say of it. TW_ERROR_CHECK
 * if there is a difference. */
tw_status tw__check_end(struct tw__check *check, const tw_run_options *options, const struct tw__where *where,
                        tw_report_totals *totals, tw_error *error);

void tw__check_fini(struct tw__check *check); /* zeroed memory is allowed */

#endif
