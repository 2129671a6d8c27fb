/* promote.h - NumPy 2's rules (NEP 50) for the dtypes of results. Kinds alone: knows neither trees nor values. */
#ifndef TW_NOTATION_VALUE_PROMOTE_H
#define TW_NOTATION_VALUE_PROMOTE_H

#include "notation/value/kind.h"
#include "notation/value/scalar.h"

/* The dtype that holds both (numpy.promote_types). */
tw_kind tw__promote(tw_kind a, tw_kind b);

/* The dtype that a Python number of a class takes beside an array of a dtype; a whole number beside bool is int64. */
tw_kind tw__promote_weak(tw_kind array, enum tw__class class);

/* The floating-point dtype in which NumPy computes functions such as sqrt: bool, int8 and uint8 in float16, 16 bits in
 * float32, longer ones in float64. */
tw_kind tw__promote_float(tw_kind kind);

/* Whether numpy.can_cast(from, to, "same_kind"): what NumPy asks of r += x. */
int tw__is_same_kind(tw_kind from, tw_kind to);

#endif
