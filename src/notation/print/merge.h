/* merge.h - functions that bring partials of a reduction together: values of ranges (see reduce.h), in the order of the
 * tree. */
#ifndef TW_NOTATION_PRINT_MERGE_H
#define TW_NOTATION_PRINT_MERGE_H

#include "notation/loop/reduction.h"
#include "notation/print/emitter.h"

/* Prints
 *     void reduce7_merge(T *into, const T *value, int64_t count)      into[q] is that of the elements before value[q]'s
 *     void reduce7_finish(T *total, int64_t count)                    only if tw__reduced_adds_zero(r)
 * of argmin and argmax, with the places of the values, -1: no elements,
 *     void reduce7_merge(T *into, int64_t *into_place, const T *value, const int64_t *place, int64_t count) */
void tw__emit_merge(struct tw__emitter *e, const struct tw__reduced *r);

#endif
