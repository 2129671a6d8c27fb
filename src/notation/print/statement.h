/* statement.h - the loops of one statement over the tile. */
#ifndef TW_NOTATION_PRINT_STATEMENT_H
#define TW_NOTATION_PRINT_STATEMENT_H

#include "notation/loop/plan.h"
#include "notation/print/emitter.h"

/* Prints `static void statement<number + 1>(const tw_tile *tile)`, and what it calls: its variants. */
void tw__emit_statement(struct tw__emitter *e, const struct tw__statement_plan *plan, int number);

#endif
