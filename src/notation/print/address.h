/* address.h - where the elements of a READ lie: indices, edges, strides, as C text. Knows no loops. */
#ifndef TW_KERNEL_EXPR_ADDRESS_H
#define TW_KERNEL_EXPR_ADDRESS_H

#include "notation/print/emitter.h"

/* How a READ moves along the strip's axis. */
enum tw__movement {
    TW__MOVE_LINEAR, /* by a constant number of bytes an element */
    TW__MOVE_EDGE,   /* the same, but for elements outside: one dimension moves, and has an edge */
    TW__MOVE_ANY     /* each element's place has to be computed */
};
enum tw__movement tw__read_movement(const struct tw__emitter *e, int node);

/* "tw_item_f64(...)" of a READ for the indices x0, x1 ..., whatever the edges. */
void tw__emit_item(struct tw__emitter *e, int node);

/* Declares p<node>, the READ's items for x<strip> and the m - 1 indices after it; room<node> is there for them.
 * `copied`: always into the room. */
void tw__emit_items(struct tw__emitter *e, int node, int copied);

/* For indices x<strip> from low to high - 1 a READ with edges along the strip stays inside: prints statements that make
 * the int64 variables low and high fit. Nothing where the READ has none. */
int tw__has_limits(const struct tw__emitter *e, int node);
void tw__emit_limits(struct tw__emitter *e, int node);

/* An operand's element at its own axes x0, x1 ...: its address, and the bytes to the next along the strip. */
void tw__emit_place(struct tw__emitter *e, int operand);
void tw__emit_place_step(struct tw__emitter *e, int operand);

/* How long an axis is. */
void tw__emit_length(struct tw__emitter *e, int axis);

/* "STRIDE(0, 1) == 8", for strips that lie side by side, where there is one such dimension: 1. */
int tw__emit_near(struct tw__emitter *e, int node, const char *before);

#endif
