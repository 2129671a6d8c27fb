/* build.h - the steps of a statement list as the stages of a grid: a signature and a grid for each, the arrays between
 * them, and the context that says what a tile of the step does. */
#ifndef TW_NOTATION_STEPS_BUILD_H
#define TW_NOTATION_STEPS_BUILD_H

#include "grid/stages.h"
#include "notation/steps/division.h"
#include "notation/steps/selection.h"

/* What steps are made of. */
struct tw__building {
    const struct tw__division *division;
    const struct tw__choice *choice;
    double work[TW__STEPS_MOST];  /* nanoseconds of the statements of each LIST step */
    const unsigned char *context; /* of the list; tw__settle_offset bytes of it are taken over */
};

/* *stages: owned by the caller. NULL: there is nothing to do in steps, since no reduction is divided, or the arrays
 * between the steps would be more than a kernel can have. *last: how the last list is divided. Errors: as
 * tw_grid_create, TW_ERROR_MEMORY. */
tw_status tw__build_stages(struct tw__stages **stages, struct tw__divided *last, const struct tw__building *recipe,
                           tw_error *error);

#endif
