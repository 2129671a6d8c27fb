/* typed.h - a typed program, and where its parts come from: what is known of a statement list once its dtypes are
 * settled. */
#ifndef TW_NOTATION_TYPE_TYPED_H
#define TW_NOTATION_TYPE_TYPED_H

#include "notation/type/tree.h"

enum tw__slot_test { TW__SLOT_VALUE, TW__SLOT_BELOW, TW__SLOT_ABOVE, TW__SLOT_OUTSIDE };

/* A scalar of the context: a Python number that is computed before each run. */
struct tw__slot {
    int source; /* node of the syntax; -1: the sum of an index's hosts, or the constant of an edge */
    int index;  /* of the syntax, if source is -1; -1: it is the constant of an edge */
    int axis;   /* of the syntax, that the edge is of; else 0 */
    tw_kind dtype;
    enum tw__saturate saturate;
    enum tw__slot_test test; /* not VALUE: a bool, whether the number lies outside of `range` */
    tw_kind range;
};

/* A program, and where its parts come from. */
struct tw__typed {
    struct tw__program program;
    struct tw__slot *slots; /* [program.nscalars] */
    int *node_of;           /* [nodes of the syntax]: node of the program that has its value; -1: none of its own */
    int room, index_room, slot_room;
};

#endif
