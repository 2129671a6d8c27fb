/* random.h - uniform(seed) and normal(seed): to which element of which output the number belongs. */
#ifndef TW_NOTATION_TYPE_RANDOM_H
#define TW_NOTATION_TYPE_RANDOM_H

#include "notation/type/typer.h"

/* The number's node: UNIFORM or NORMAL of (element int64, seed uint64, place uint64), a float64. The element is the
 * flat index over the axes of the statement's output, and the reduced axes around this place as further dimensions.
 * Errors: a seed that is no whole number or parameter. */
tw_status tw__type_random(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result);

#endif
