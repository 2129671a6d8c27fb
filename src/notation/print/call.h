/* call.h - calls of the functions that compute reductions. Knows nothing about these functions but their names and
 * parameters. */
#ifndef TW_NOTATION_PRINT_CALL_H
#define TW_NOTATION_PRINT_CALL_H

#include "notation/loop/loop.h"
#include "notation/print/emitter.h"

/* What all functions of a reduction take first: the tile, and the indices outside of the reduction. `type` stands
 * before each name: "int64_t " for parameters, "" for arguments. */
void tw__emit_outside(struct tw__emitter *e, int node, const char *type);

/* The value of a REDUCE for the indices x0, x1 ..., as an expression. */
void tw__emit_call(struct tw__emitter *e, int node);

/* Fills the array <name><node> for x<axis of the loop> and the m - 1 indices after it. */
void tw__emit_call_strip(struct tw__emitter *e, const struct tw__loop *loop, const struct tw__call *call,
                         const char *name);

#endif
