/* reduction.h - what is to be known of one reduction before its functions are printed. Prints no functions. */
#ifndef TW_KERNEL_EXPR_REDUCTION_H
#define TW_KERNEL_EXPR_REDUCTION_H

#include "notation/print/emitter.h"

struct tw__reduction_plan {
    int node;
    int row; /* shape: the values for a strip of the axis that the caller's strip runs along */
    enum tw__reduction code;
    tw_kind type;        /* of the elements that are brought together */
    int is_place;        /* argmin, argmax */
    int is_tree;         /* sum, prod, min, max */
    const char *combine; /* helper that brings two elements together, or says which comes first */
    int ngiven;
    int *given; /* nodes of the body that do not change while it reduces, and are more than a constant or an index */
};

/* Finds all that; *r is to be ended in any case. `row` is the caller's choice. */
void tw__reduction_init(struct tw__reduction_plan *r, struct tw__emitter *e, int node, int row);
void tw__reduction_fini(struct tw__reduction_plan *r);

/* Bit a: the reduction's value may change along axis a. */
uint64_t tw__reduction_outside(const struct tw__emitter *e, int node);

/* Whether one of the given nodes is a value for each element of the strip. */
int tw__reduction_cells(const struct tw__emitter *e, const struct tw__reduction_plan *r);

/* The value that changes no other: -0.0 for sums of floats, as 0.0 + -0.0 is 0.0. */
void tw__emit_identity(struct tw__emitter *e, const struct tw__reduction_plan *r);

/* Declares half: how many of a node's `count` elements its left child has, as tw__fold_left says. */
void tw__reduction_half(struct tw__emitter *e);

/* Declares n<axis>, the lengths of the reduced axes. */
void tw__reduction_lengths(struct tw__emitter *e, const struct tw__reduction_plan *r);

/* Declares x<axis> of the reduced axes, at element `first` in their C order. */
void tw__reduction_position(struct tw__emitter *e, const struct tw__reduction_plan *r);

/* Moves them on, by `step` along the last one. */
void tw__reduction_advance(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *step);

/* "n1 * n2": how many elements there are. */
void tw__reduction_count(struct tw__emitter *e, const struct tw__reduction_plan *r);

#endif
