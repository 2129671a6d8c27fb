/* statement.h - the loops of one statement over the tile. */
#ifndef TW_KERNEL_EXPR_STATEMENT_H
#define TW_KERNEL_EXPR_STATEMENT_H

#include "notation/print/emitter.h"

/* Prints `static void statement<number>(const tw_tile *tile)`. */
void tw__emit_statement(struct tw__emitter *e, int number);

#endif
