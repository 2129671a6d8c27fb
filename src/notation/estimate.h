/* estimate.h - how long statements take on one core, about: counted on the typed tree, by the costs in the table of
 * operations. The same on all machines, so it may decide how a job is divided. Prints nothing. */
#ifndef TW_NOTATION_ESTIMATE_H
#define TW_NOTATION_ESTIMATE_H

#include "notation/type/tree.h"

/* Estimated nanoseconds to compute the value of node `value` everywhere, with all that it needs, but for nodes that
 * done[] marks; marks what it counts. A value that does not change along an axis is counted once, not once for each
 * index. lengths: of the program's axes. `target`: the operand that is written; -1: none. done: [nnodes]. */
double tw__estimate(const struct tw__program *program, int value, int target, const int64_t *lengths,
                    unsigned char *done);

#endif
