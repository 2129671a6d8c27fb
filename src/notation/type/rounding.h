/* rounding.h - round(x, decimals) as operations: what NumPy's round multiplies, rounds and divides. */
#ifndef TW_NOTATION_TYPE_ROUNDING_H
#define TW_NOTATION_TYPE_ROUNDING_H

#include "notation/type/typer.h"

tw_status tw__type_round(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result);

#endif
