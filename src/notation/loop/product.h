/* product.h - reductions over k of what is made of a[i,k] and b[k,j], settled: they are computed for a block of rows i
 * and columns j at once, so that each element read serves many results. The same bits as one result after the other.
 *
 *     what depends on j and not on i is computed once for a leaf of up to 128 k and the block's columns
 *     what does not depend on j is computed once for 4 rows and the leaf's k
 *     the rest is computed for 4 rows and all columns, one of the tree's 8 lanes after the other: the totals of a lane
 *     stay in registers
 *
 * Measured for a[i,k] * b[k,j] of float64, 1000^3, two processors, AVX-512: 14 ms, OpenBLAS 14 ms, a loop over i, j, k
 * 340 ms. */
#ifndef TW_NOTATION_LOOP_PRODUCT_H
#define TW_NOTATION_LOOP_PRODUCT_H

#include "notation/loop/reduction.h"

enum {
    TW__BLOCK_ROWS = 128,          /* rows of results that share the columns that have been laid together */
    TW__PRODUCT_ROWS = 4,          /* at once: with 256 bytes of columns, 16 vectors of totals of AVX-512 */
    TW__PRODUCT_COLUMN_BYTES = 256 /* of the columns of a block */
};

enum tw__part_of { TW__OF_ROW, TW__OF_COLUMN };

struct tw__product_plan {
    struct tw__reduced of;
    int row_axis;  /* that of the rows; that of the columns is the axis of the loops core and columns */
    int nparts[2]; /* enum tw__part_of: the largest parts of the body that do not depend on the column, and those */
    int *parts[2]; /* that depend on it and not on the row; ascending */
    struct tw__loop core;    /* the body, with the parts given */
    struct tw__loop columns; /* the parts of the columns, for one k */
    struct tw__loop rows;    /* the parts of the rows, for one row: along the last reduced axis */
    int64_t stack;           /* bytes of its own arrays and of its loops' */
};

/* Finds the reductions of a statement that are computed so: their calls in the loop become TW__CALL_PRODUCT. `target`
 * is what the statement writes. Returns the axis of the rows, -1: there are none; *width: the columns of a block. */
int tw__product_find(struct tw__loop *loop, const struct tw__expr_operand *target, int *width);

/* Settles one of them, for columns along `column`. Returns 0 if out of memory; it must be ended in any case. */
int tw__product_init(struct tw__product_plan *p, const struct tw__sheet *sheet, int node, int row_axis, int column,
                     int width);
void tw__product_fini(struct tw__product_plan *p);

#endif
