/* reduce.h - the functions that compute a reduction, one value or the values of a row. */
#ifndef TW_NOTATION_PRINT_REDUCE_H
#define TW_NOTATION_PRINT_REDUCE_H

#include "notation/loop/reduction.h"
#include "notation/print/emitter.h"

/* Prints the functions of a reduction. x0, x1 ... are the indices outside of it; T is the type of its elements, R that
 * of its value. Its elements have places: their number in the C order of the reduced axes.
 *
 *     point                                                      row: for x<along> and the m - 1 indices after it
 *     R reduce7(tile, x0, x1)                                    void reduce7_row(tile, x0, x1, m, R *total)
 *     T reduce7_range(tile, x0, x1, first, count)                void reduce7_range(tile, x0, x1, m, first, count,
 *                                                                                   T *total)
 *     of argmin, argmax:
 *     int64_t reduce7_range(tile, x0, x1, first, count, T *best) void reduce7_range(tile, x0, x1, m, first, count,
 *                                                                                   T *best, int64_t *total)
 *
 * The first one is the value that print/call.h calls for. A range is `count` elements from place `first` on: without
 * the 0.0 that a sum begins with; of argmin and argmax a place of the whole reduction, -1 if there are no elements, and
 * the value there. */
void tw__emit_reduction(struct tw__emitter *e, const struct tw__reduction_plan *r);

#endif
