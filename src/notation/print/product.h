/* product.h - sums (products, minima, maxima) over k of what is made of a[i,k] and b[k,j]: computed for a block of rows
 * i and columns j at once, so that each element read serves many results. The same bits as one result after the other.
 */
#ifndef TW_KERNEL_EXPR_BLOCK_H
#define TW_KERNEL_EXPR_BLOCK_H

#include "notation/print/strip.h"

enum { TW__BLOCK_ROWS = 128 }; /* rows of results that share the columns that have been laid together */

/* Finds the reductions of a statement's value that are to be computed so (e->blocked is set), for e->strip the columns'
 * axis; gives the rows' axis, -1 where there are none. *width: the columns of a block. The strip is planned already. */
int tw__product_find(struct tw__emitter *e, const struct tw__strip *strip, int *width);

/* Declares block<node> for each of them; calls their functions for rows x<row axis> .. + rows - 1 and columns
 * x<strip> .. + m - 1; the row that the strip of the loop has: w<node>. */
void tw__product_rooms(struct tw__emitter *e, int width);
void tw__product_calls(struct tw__emitter *e, int row_axis, int width);
void tw__product_row(struct tw__emitter *e, int node, int row_axis, int width);

#endif
