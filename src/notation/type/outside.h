/* outside.h - the number that a read gets outside of an array, as the constant of an axis's edge says it. */
#ifndef TW_NOTATION_TYPE_OUTSIDE_H
#define TW_NOTATION_TYPE_OUTSIDE_H

#include "notation/read/syntax.h"
#include "notation/value/number.h"

/* The constant as a value of a dtype; 0: the dtype does not hold it. A float is rounded, but not to infinity. */
int tw__outside_value(union tw__value *value, tw_kind dtype, const struct tw__syntax_axis *axis);

/* The refusal: TW_ERROR_ARGUMENT, naming axis, operand and dtype. */
tw_status tw__outside_refuse(const char *operand, tw_kind dtype, const struct tw__syntax_axis *axis, tw_error *error);

#endif
