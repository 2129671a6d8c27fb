/* signature.h - which axes each operand has, read from "y[i], x[j] -> r[i,j]". */
#ifndef TW_GRID_SIGNATURE_H
#define TW_GRID_SIGNATURE_H

#include <tilework/tilework.h>

#include "base/text.h"
#include "grid/grid.h"

#define TW__MAX_NAME TW_NAME_SIZE
#define TW__MAX_SIGNATURE_TEXT 4096 /* characters of a signature */

#define TW__MAX_HALOS 64 /* dimensions that are read with a halo */

/* One dimension that a kernel sees from its tile's start + low to its stop + high; not both are 0. */
struct tw__halo {
    uint8_t operand, dimension;
    int32_t low, high;
};

/* Holds no pointers: a copy of its bytes is a copy of the signature. */
struct tw_signature {
    int naxes;
    int noperands;
    int nhalos;
    int has_ranges; /* a dimension is written as a range, be it i..i, which is no halo */
    char axes[TW__MAX_AXES][TW__MAX_NAME];
    struct tw__halo halos[TW__MAX_HALOS];
    tw_operand operands[TW_MAX_OPERANDS];
};

/* "no axis k in the signature, which has i, j" */
tw_status tw__fail_axis(const tw_signature *signature, const char *name, tw_error *error);

/* Adds "i", "i+1" or "i-1..i+1", as dimension d of an operand is written. */
void tw__signature_add_index(struct tw__text *text, const tw_signature *signature, int operand, int d);

/* The first operand that is written; -1: there is none, and a kernel runs for its effects. */
int tw__signature_first_output(const tw_signature *signature);

tw_status tw__signature_copy(tw_signature **copy, const tw_signature *signature, tw_error *error);

/* The first output that does not have the axis, -1: every output has it, so that it may be cut. */
int tw__signature_output_without(const tw_signature *signature, int axis);

#endif
