/* typing.h - from syntax and the operands' dtypes to the typed tree. */
#ifndef TW_NOTATION_TYPE_TYPING_H
#define TW_NOTATION_TYPE_TYPING_H

#include "notation/read/syntax.h"
#include "notation/type/typed.h"

/* Types a statement list. Call tw__typed_fini in any case.
 *
 * dtypes[noperands of the syntax]: of inputs and inout operands; of an output the one that is wanted, or TW_OPAQUE: the
 * one that follows from its expression. Bit k of `said`: the dtype of operand k was given in words, so digits of the
 * result may be lost; any other operand takes results of its kind alone.
 *
 * tiles[naxes]: number of each axis in the signature, -1: it is not in it. order[noperands]: number of each operand in
 * the signature. Errors: TW_ERROR_SYNTAX, TW_ERROR_MEMORY. */
tw_status tw__type(struct tw__typed *typed, const struct tw__syntax *syntax, const tw_kind *dtypes, uint64_t said,
                   const int *tiles, const int *order, tw_error *error);
void tw__typed_fini(struct tw__typed *typed);

#endif
