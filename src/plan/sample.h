/* sample.h - times of some tiles of a job, from worker processes that nothing of the caller's can be harmed by. */
#ifndef TW_PLAN_SAMPLE_H
#define TW_PLAN_SAMPLE_H

#include <tilework/tilework.h>

/* The job, and how much may be spent. */
struct tw__trial {
    const tw_kernel *kernel;
    const tw_grid *grid;
    tw_array *const *operands; /* outputs: may be NULL */
    const tw_dtype *dtypes;    /* [noperands] */
    int workers;
    double seconds;
    int looks_for_set_up; /* time a larger tile too */
    size_t scratch_size;
    tw_fork_hooks hooks;
};

struct tw__sample {
    size_t count;
    uint64_t *tiles; /* ascending */
    double *seconds;
    double together, set_up;
    double opening_one, opening_all;
    int at_least;
    char note[TW_PLAN_TEXT];
};

/* Times tiles. What goes wrong with the kernel, or with making workers, is a note, and the sample is empty. Call
 * tw__sample_fini in any case. Errors: TW_ERROR_ARGUMENT (operands that do not fit), TW_ERROR_MEMORY. */
tw_status tw__sample_take(struct tw__sample *sample, const struct tw__trial *trial, tw_error *error);
void tw__sample_fini(struct tw__sample *sample);

/* A grid in which each tile is as long as `times` of these along *axis, the first axis with that many tiles. NULL:
 * there is none, or no memory for it. */
tw_grid *tw__coarser_grid(const tw_grid *grid, int times, int *axis);

#endif
