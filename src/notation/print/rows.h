/* rows.h - the functions that compute a reduction for the columns of a row at once. */
#ifndef TW_NOTATION_PRINT_ROWS_H
#define TW_NOTATION_PRINT_ROWS_H

#include "notation/loop/reduction.h"
#include "notation/print/emitter.h"

/* Prints reduce<node>_part, of the row shape: see reduce.h, and what is given to it; and those that it calls. */
void tw__emit_rows(struct tw__emitter *e, const struct tw__reduction_plan *r);

#endif
