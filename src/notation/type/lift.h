/* lift.h - constants of a program that are values and not code, so that another constant is not another compilation. */
#ifndef TW_NOTATION_TYPE_LIFT_H
#define TW_NOTATION_TYPE_LIFT_H

#include "notation/type/tree.h"

/* Marks the constants that can be values. */
void tw__lift_mark(struct tw__program *program);

/* How many constants are lifted. Their values stand in the context behind the scalars, 16 bytes each, in the order of
 * their nodes. */
int tw__lift_count(const struct tw__program *program);

/* Writes the values to their place in the context, behind the scalars. */
void tw__lift_values(const struct tw__program *program, unsigned char *place);

/* The same program with SCALARs in their places: *lifted shares all but its nodes, which the caller
 * frees. */
tw_status tw__lift(struct tw__program *lifted, const struct tw__program *program, tw_error *error);

#endif
