/* signature.h - which axes each operand has, read from "y[i], x[j] -> r[i,j]". */
#ifndef TW_GRID_SIGNATURE_H
#define TW_GRID_SIGNATURE_H

#include <tilework/tilework.h>

#include "grid/grid.h"

#define TW__MAX_NAME 64             /* longest name of an axis, an operand or a dtype, terminator included */
#define TW__MAX_SIGNATURE_TEXT 4096 /* characters of a signature */

struct tw__operand {
    char name[TW__MAX_NAME];
    char dtype[TW__MAX_NAME]; /* "": none given */
    tw_role role;
    int ndim;
    uint8_t axes[TW_MAX_DIMS]; /* axis number of each dimension */
};

/* Holds no pointers: a copy of its bytes is a copy of the signature. */
struct tw_signature {
    int naxes;
    int noperands;
    char axes[TW__MAX_AXES][TW__MAX_NAME];
    struct tw__operand operands[TW_MAX_OPERANDS];
};

tw_status tw__signature_copy(tw_signature **copy, const tw_signature *signature, tw_error *error);

/* The first output that does not have the axis, -1: every output has it, so that it may be cut. */
int tw__signature_output_without(const tw_signature *signature, int axis);

#endif
