/* reduction.h - one reduction, settled: its shape, what is given to the functions that compute it, their loops. */
#ifndef TW_NOTATION_LOOP_REDUCTION_H
#define TW_NOTATION_LOOP_REDUCTION_H

#include "notation/loop/loop.h"

enum {
    TW__REDUCTION_WIDTH = 256, /* columns of a row that are computed at once, at most */
    TW__REDUCTION_RUN = 512    /* elements of a strip of any, all, argmin and argmax */
};

/* What every reduction says of itself. */
struct tw__reduced {
    int node;
    enum tw__reduction code;
    tw_kind type; /* of the elements that become one */
    int is_place; /* argmin, argmax */
    int is_tree;  /* sum, prod, min, max: computed in the order of grid/fold.h. Else one element after the other */
};
struct tw__reduced tw__reduced_of(const struct tw__program *program, int node);

/* Whether the whole is 0.0 + the tree: of sums of floats, so that there is no sum -0.0. */
int tw__reduced_adds_zero(const struct tw__reduced *r);

/* Two shapes that give the same bits. "point" is one value: the strip runs along the last reduced axis. "row" is the
 * values for a strip of the caller's axis, for reductions that read along that one: see movement.h. */
struct tw__reduction_plan {
    struct tw__reduced of;
    int is_row; /* the shape */
    int ngiven; /* nodes of the body that do not change while it reduces, and are more than a constant or an index: */
    int *given; /* computed once by the function that is called, given to the others */
    struct tw__loop head; /* computes them; no roots: there are none */
    struct tw__loop body; /* computes the elements */
    int direct;           /* the elements are items of one array side by side: used where they lie */
};

/* Settles a reduction that is called from strips along `along`, which only the shape "row" needs. Returns 0 if out of
 * memory; the plan must be ended in any case. */
int tw__reduction_init(struct tw__reduction_plan *r, const struct tw__sheet *sheet, int node, int is_row, int along);
void tw__reduction_fini(struct tw__reduction_plan *r);

#endif
