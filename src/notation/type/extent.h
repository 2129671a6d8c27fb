/* extent.h - the lengths of a statement's axes, found from the shapes of its operands. */
#ifndef TW_NOTATION_TYPE_EXTENT_H
#define TW_NOTATION_TYPE_EXTENT_H

#include "notation/type/reach.h"

/* Finds lengths[naxes]. Errors: TW_ERROR_ARGUMENT, TW_ERROR_SYNTAX (with the place). */
tw_status tw__find_lengths(struct tw__extent *extent);

#endif
