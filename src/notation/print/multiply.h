/* multiply.h - the functions of a reduction that is computed for blocks of rows and columns, and what a statement's
 * loops do with them. */
#ifndef TW_NOTATION_PRINT_MULTIPLY_H
#define TW_NOTATION_PRINT_MULTIPLY_H

#include "notation/loop/product.h"
#include "notation/loop/variant.h"
#include "notation/print/emitter.h"

/* Prints the functions, the one that tw__product_calls calls last. */
void tw__emit_product(struct tw__emitter *e, const struct tw__product_plan *plan);

/* For the products of a statement's loops: declares block<node> for each; calls their functions for rows
 * x<row axis> .. + rows - 1 and columns x<strip> .. + m - 1; declares w<node>, the row that the strip of the loop uses.
 */
void tw__product_rooms(struct tw__emitter *e, const struct tw__variant *v);
void tw__product_calls(struct tw__emitter *e, const struct tw__variant *v);
void tw__product_rows(struct tw__emitter *e, const struct tw__variant *v);

#endif
