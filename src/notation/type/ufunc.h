/* ufunc.h - the dtypes of operations, as NumPy's ufuncs have them. */
#ifndef TW_NOTATION_TYPE_UFUNC_H
#define TW_NOTATION_TYPE_UFUNC_H

#include "notation/type/typer.h"

/* An operation or a function of the syntax, by the rule that its row of the table has. */
tw_status tw__type_operation(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result);

/* clip(x, low, high). */
tw_status tw__type_clip(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result);

#endif
