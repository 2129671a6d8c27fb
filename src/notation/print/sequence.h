/* sequence.h - the function that computes a range of any, all, argmin or argmax: one element after the other. */
#ifndef TW_NOTATION_PRINT_SEQUENCE_H
#define TW_NOTATION_PRINT_SEQUENCE_H

#include "notation/loop/reduction.h"
#include "notation/print/emitter.h"

/* Prints reduce<node>_part: see reduce.h, and what is given to it. */
void tw__emit_sequence(struct tw__emitter *e, const struct tw__reduction_plan *r);

#endif
