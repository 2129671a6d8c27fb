/* typing.h - from syntax and the operands' dtypes to the typed tree. */
#ifndef TW_KERNEL_EXPR_TYPING_H
#define TW_KERNEL_EXPR_TYPING_H

#include "notation/read/syntax.h"
#include "notation/type/typed.h"

/* Types a statement list. dtypes[noperands of the syntax]: of inputs and inout operands; of outputs what is wished,
 * TW_OPAQUE: what follows. tiles[naxes]: number of each axis in the signature, -1: it is not in it.
 * order[noperands]: number of each operand in the signature. said: bit k: somebody has said in words that operand k has
 * this dtype, so that it may lose what the result has; any other takes results of its kind alone. *typed is to be
 * finished in any case. Errors: TW_ERROR_SYNTAX, TW_ERROR_MEMORY. */
tw_status tw__type(struct tw__typed *typed, const struct tw__syntax *syntax, const tw_kind *dtypes, uint64_t said,
                   const int *tiles, const int *order, tw_error *error);
void tw__typed_fini(struct tw__typed *typed);

#endif
