/* division.h - how each step of a statement list is divided: as the user says, at the nodes of a reduction's tree, or
 * by the work. Integers alone. */
#ifndef TW_NOTATION_STEPS_DIVISION_H
#define TW_NOTATION_STEPS_DIVISION_H

#include <tilework/tilework.h>

#include "grid/grid.h"
#include "notation/steps/nodes.h"
#include "notation/steps/selection.h"

/* What is asked for. */
struct tw__division {
    const struct tw__survey *survey;
    const tw_signature *signature; /* of the list */
    const int64_t *lengths;        /* of the signature's axes */
    int is_given;                  /* the user says how axes are divided; axes that are not named stay whole */
    struct tw__grid_axis axes[TW__EXPR_AXES]; /* if so: of the program */
    uint64_t cut;                             /* bit a: axis a of the program is cut by the user */
    const tw_grid_options *options;           /* item sizes, units and the bytes of a tile */
};

/* The axes of a step's grid, and where dimension 0 of partials comes from. */
struct tw__divided {
    struct tw__grid_axis axes[TW__MAX_AXES];
    tw_split splits[TW__MAX_AXES];
    struct tw__nodes nodes; /* PART: of the places; one node: they are not cut */
};

/* Divides statements first .. end - 1: `work` nanoseconds, of which step->cut may be cut. Errors: as
 * tw_grid_create. */
tw_status tw__divide_list(struct tw__divided *divided, const struct tw__division *division,
                          const struct tw__planned *step, double work, tw_error *error);

/* Divides the places of the step's reductions and the axes outside of them. */
tw_status tw__divide_part(struct tw__divided *divided, const struct tw__division *division,
                          const struct tw__planned *step, tw_error *error);

/* Divides the axes outside of them, where `parts` partials of each become one. */
void tw__divide_merge(struct tw__divided *divided, const struct tw__division *division, const struct tw__planned *step,
                      int64_t parts);

/* The number of an axis of the program in the grid of a step. */
int tw__division_axis(const struct tw__division *division, int axis);

void tw__divided_fini(struct tw__divided *divided);

#endif
