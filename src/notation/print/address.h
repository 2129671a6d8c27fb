/* address.h - where the elements of a READ lie: indices, edges, strides, as C text. Strips run along the axis `along`.
 * Knows no loops. */
#ifndef TW_NOTATION_PRINT_ADDRESS_H
#define TW_NOTATION_PRINT_ADDRESS_H

#include "notation/print/emitter.h"

/* "tw_item_f64(...)" of a READ for the indices x0, x1 ..., whatever the edges. */
void tw__emit_item(struct tw__emitter *e, int node);

/* Declares p<node>, the READ's items for x<along> and the m - 1 indices after it; room<node> is there for them.
 * `copied`: always into the room. */
void tw__emit_items(struct tw__emitter *e, int node, int along, int copied);

/* "STRIDE(0, 1)", "0": the bytes from one element of a READ to the next along an axis, if it moves by that everywhere.
 */
void tw__emit_step(struct tw__emitter *e, int node, int along);

/* For indices x<along> from low to high - 1 a READ with edges along the strip stays inside: prints statements that make
 * the int64 variables low and high fit. Nothing if the READ has no limits: see loop/movement.h. */
void tw__emit_limits(struct tw__emitter *e, int node, int along);

/* An operand's element at its own axes x0, x1 ...: its address, and the bytes to the next along the strip. */
void tw__emit_place(struct tw__emitter *e, int operand);
void tw__emit_place_step(struct tw__emitter *e, int operand, int along);

/* How long an axis is. */
void tw__emit_length(struct tw__emitter *e, int axis);

/* "STRIDE(0, 1) == 8", for strips that lie side by side, if there is one such dimension: 1. */
int tw__emit_near(struct tw__emitter *e, int node, int along, const char *before);

#endif
