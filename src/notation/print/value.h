/* value.h - the C expression of a node, from the names and expressions of its children. Which nodes have names is in
 * the plan of the loop. */
#ifndef TW_NOTATION_PRINT_VALUE_H
#define TW_NOTATION_PRINT_VALUE_H

#include "notation/loop/loop.h"
#include "notation/print/emitter.h"

/* Where a value stands. */
struct tw__scope {
    const struct tw__loop *loop; /* how its nodes are found */
    int fast;                    /* operations that have a version for most arguments use it: see prelude.h */
};

/* Prints the node's value as its form in the loop says. */
void tw__emit_value(struct tw__emitter *e, const struct tw__scope *in, int node);

/* Prints it in a form (enum tw__form) of the caller's choice: for the line that declares its variable. */
void tw__emit_as(struct tw__emitter *e, const struct tw__scope *in, int node, int form);

/* Prints the node's value as an item of the target. Which of two NaNs an operation gives, and with which sign, depends
 * on the order in which the compiler takes them, which may differ between a loop's vectors and its rest: all NaNs that
 * are computed are stored as the same one, so that no grid can tell. */
void tw__emit_result(struct tw__emitter *e, const struct tw__scope *in, int node);

/* Prints the expression that the node is, whatever its form, from its children as their forms say. Not for READ and
 * REDUCE, which are no expressions. */
void tw__emit_expression(struct tw__emitter *e, const struct tw__scope *in, int node);

#endif
