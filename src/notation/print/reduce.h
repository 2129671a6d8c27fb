/* reduce.h - reductions: functions of their own in the generated C, and the calls of them. */
#ifndef TW_KERNEL_EXPR_REDUCE_H
#define TW_KERNEL_EXPR_REDUCE_H

#include "notation/print/emitter.h"

/* The value of a REDUCE for the indices x0, x1 ..., as an expression; its function is printed where it is not yet. */
void tw__reduce_call(struct tw__emitter *e, int node);

/* Fills the array <name><node> for x<strip> and the m - 1 indices after it. */
void tw__reduce_strip(struct tw__emitter *e, int node, const char *name);

#endif
