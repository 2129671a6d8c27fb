/* argument.h - the values that an operation is applied to: what they are called in messages, and the dtype that they
 * have in common. */
#ifndef TW_NOTATION_TYPE_ARGUMENT_H
#define TW_NOTATION_TYPE_ARGUMENT_H

#include "notation/type/typer.h"

/* The result of an operation: a node of a dtype. */
void tw__argument_set(struct tw__argument *result, tw_kind dtype, int node);

/* The dtype that a value counts as beside the others: a Python number takes after the arrays. */
tw_kind tw__argument_effective(const struct tw__argument *type, int has_array, tw_kind arrays);

/* The common dtype of n values. *arrays: that of the arrays among them, if there are any. */
tw_kind tw__argument_common(const struct tw__argument *types, int n, int *has_array, tw_kind *arrays);

/* Fails with "'&' of float64 and int8: WHAT". */
tw_status tw__argument_refuse(struct tw__typer *typer, const struct tw__syntax_node *node,
                              const struct tw__argument *types, const char *what);

#endif
