/* signature.h - which axes each operand has, read from "y[i], x[j] -> r[i,j]". */
#ifndef TW_GRID_SIGNATURE_H
#define TW_GRID_SIGNATURE_H

#include <tilework/tilework.h>

#include "grid/grid.h"

#define TW__MAX_NAME TW_NAME_SIZE
#define TW__MAX_SIGNATURE_TEXT 4096 /* characters of a signature */

/* Holds no pointers: a copy of its bytes is a copy of the signature. */
struct tw_signature {
    int naxes;
    int noperands;
    char axes[TW__MAX_AXES][TW__MAX_NAME];
    tw_operand operands[TW_MAX_OPERANDS];
};

tw_status tw__signature_copy(tw_signature **copy, const tw_signature *signature, tw_error *error);

/* The first output that does not have the axis, -1: every output has it, so that it may be cut. */
int tw__signature_output_without(const tw_signature *signature, int axis);

#endif
