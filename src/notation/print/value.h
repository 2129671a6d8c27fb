/* value.h - the C expression of a node, from the names and expressions of its children. */
#ifndef TW_KERNEL_EXPR_VALUE_H
#define TW_KERNEL_EXPR_VALUE_H

#include "notation/print/emitter.h"

/* Prints the node's value as its form says. */
void tw__emit_value(struct tw__emitter *e, int node);

/* Prints the node's value as an item of the target. Which of two NaNs an operation gives, and with which sign, is up to
 * the order in which the compiler has them, and that may be another one in a loop's vectors than in its rest: all NaNs
 * that are computed are stored as the same one, so that no grid can tell. */
void tw__emit_result(struct tw__emitter *e, int node);

/* Prints the expression that the node is, whatever its form, from its children as their forms say. Not for READ and
 * REDUCE, which are no expressions. */
void tw__emit_expression(struct tw__emitter *e, int node);

/* The node is a constant, or something as short. */
int tw__is_trivial(const struct tw__node *node);

/* There is a version for most arguments of this operation, and the full one would keep a loop from vectors. */
int tw__has_fast(const struct tw__node *node);

/* Operations that are written once more for each tree level when they are nested: "(x)" around what is not a name. */
enum { TW__EMIT_HEIGHT = 12 };

#endif
