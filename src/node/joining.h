/* joining.h - what is known of a job on nodes while its outputs are opened: between joining.c, which finds or makes the
 * run folder, and identity.c, which says what the job is. */
#ifndef TW_NODE_JOINING_H
#define TW_NODE_JOINING_H

#include "node/member.h"
#include "record/outputs.h"

/* What is known when the outputs are opened. */
struct tw__joining {
    struct tw__member *member;
    tw_outputs *outputs;
    tw_array *const *arrays;
    const tw_output *files;
    const tw_outputs_options *options;
    tw_array *shadows[TW_MAX_OPERANDS]; /* of outputs: dtype and shape, without elements */
};

/* The shape of operand k by the grid's lengths; its dimensions are the result. */
int tw__joining_shape(const tw_grid *grid, int k, int64_t *shape);

/* Refuses options that exclude each other, and jobs that nodes cannot do. Errors: TW_ERROR_ARGUMENT. */
tw_status tw__joining_check(const tw_outputs_options *options, const tw_grid *grid, tw_error *error);

/* Refuses outputs on several file systems, and an output that is an input. Errors: TW_ERROR_ARGUMENT, TW_ERROR_FILE. */
tw_status tw__joining_check_files(const struct tw__joining *joining, tw_error *error);

/* Fills in the shadows, which the caller destroys, also after a failure. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY. */
tw_status tw__joining_shadow(struct tw__joining *joining, tw_error *error);

/* Throws away what is there of the job, or of another one; not what a process of the same launch has begun. Errors:
 * TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__joining_restart(const struct tw__joining *joining, tw_error *error);

/* Fills in the member's fingerprint and mark. Errors: those of tw__fingerprint. */
tw_status tw__joining_identify(const struct tw__joining *joining, tw_error *error);

#endif
