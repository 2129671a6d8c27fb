/* recipe.h - reductions as trees: sum, mean, var and the like. */
#ifndef TW_NOTATION_TYPE_RECIPE_H
#define TW_NOTATION_TYPE_RECIPE_H

#include "notation/type/typer.h"

/* The value of a REDUCE of the syntax. */
tw_status tw__type_reduction(struct tw__typer *typer, const struct tw__syntax_node *node, int *number);

#endif
