/* joining.h - how a process comes to a job on nodes: joining.c finds or makes the run folder, identity.c says what the
 * job is, restart.c throws away what is there. What they know of it while its outputs are opened. */
#ifndef TW_NODE_JOINING_H
#define TW_NODE_JOINING_H

#include "node/member.h"
#include "record/outputs.h"

/* Opens or makes the run folder, or finds that the job is finished. outputs: their names are known, and arrays[] what
 * tw_outputs_open was given. Fills in the arrays of the outputs. Errors: those of tw_outputs_open. */
tw_status tw__member_open(struct tw__member **member, tw_outputs *outputs, tw_array *const *arrays,
                          const tw_output *files, const tw_outputs_options *options, tw_error *error);

/* What is known when the outputs are opened. */
struct tw__joining {
    struct tw__member *member;
    tw_outputs *outputs;
    tw_array *const *arrays;
    const tw_output *files;
    const tw_outputs_options *options;
    tw_array *shadows[TW_MAX_OPERANDS]; /* of outputs: dtype and shape, without elements */
};

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
