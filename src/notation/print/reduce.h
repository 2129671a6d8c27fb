/* reduce.h - the functions that compute a reduction, one value or the values of a row. */
#ifndef TW_NOTATION_PRINT_REDUCE_H
#define TW_NOTATION_PRINT_REDUCE_H

#include "notation/loop/reduction.h"
#include "notation/print/emitter.h"

/* Prints the functions, the one that print/call.h calls last. */
void tw__emit_reduction(struct tw__emitter *e, const struct tw__reduction_plan *r);

#endif
