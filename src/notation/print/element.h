/* element.h - what the functions of all reductions share: the number of elements, their places, the value of none. */
#ifndef TW_NOTATION_PRINT_ELEMENT_H
#define TW_NOTATION_PRINT_ELEMENT_H

#include "notation/loop/reduction.h"
#include "notation/print/emitter.h"

/* The helper that makes one element of two, or says which comes first; "" for any and all. */
const char *tw__combine_name(const struct tw__reduced *r);

/* The value that changes no other: -0.0 for sums of floats, as 0.0 + -0.0 is 0.0. */
void tw__emit_identity(struct tw__emitter *e, const struct tw__reduced *r);

/* Declares half: how many of a node's `count` elements its left child has, as tw__fold_left says. */
void tw__emit_half(struct tw__emitter *e);

/* Declares n<axis>, the lengths of the reduced axes. */
void tw__emit_lengths(struct tw__emitter *e, const struct tw__reduced *r);

/* Declares x<axis> of the reduced axes, at element `first` in their C order. */
void tw__emit_position(struct tw__emitter *e, const struct tw__reduced *r);

/* Moves them on, by `step` along the last one. */
void tw__emit_advance(struct tw__emitter *e, const struct tw__reduced *r, const char *step);

/* Moves them on, by any number of elements. */
void tw__emit_move(struct tw__emitter *e, const struct tw__reduced *r, const char *step);

/* Declares flat, of plans that have is_flat: whether the elements at x<axis> of the reduced axes, which are whole in
 * the tile, lie as well at 0, 0 ... and, along the last of these, their place. Then this axis is as long as one likes:
 * declares n<axis> so. */
void tw__emit_flat(struct tw__emitter *e, const struct tw__reduction_plan *r);
void tw__emit_flat_lengths(struct tw__emitter *e, const struct tw__reduction_plan *r);

/* "n1 * n2": how many elements there are. */
void tw__emit_count(struct tw__emitter *e, const struct tw__reduced *r);

/* What follows the tile and the indices in a part's parameters (`declare`) or arguments: values that have been
 * computed, a variable each, or one for each element of the strip, from `at` on: "", " + q". */
void tw__emit_given(struct tw__emitter *e, const struct tw__reduction_plan *r, int declare, const char *at);

/* Opens the function reduce<node><name>, which computes `count` elements from place `first` on. `given`: it takes what
 * is given to it, and whether the reduced axes are one, if they may be. Its other parameters are those of
 * print/reduce.h. */
void tw__emit_open_reduction(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *head,
                             const char *name, int given);

#endif
