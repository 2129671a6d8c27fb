/* movement.h - how a READ moves through memory while an index goes along one axis. Prints nothing, knows no
 * loops. */
#ifndef TW_NOTATION_LOOP_MOVEMENT_H
#define TW_NOTATION_LOOP_MOVEMENT_H

#include "notation/type/tree.h"

enum tw__movement {
    TW__MOVE_LINEAR, /* by a constant number of bytes an element */
    TW__MOVE_EDGE,   /* the same, except for elements outside: one dimension moves, and it has an edge */
    TW__MOVE_ANY     /* each element's place must be computed */
};

/* The dimensions of a READ, and the index of one of them. */
int tw__read_ndim(const struct tw__program *program, int node);
const struct tw__index *tw__read_index(const struct tw__program *program, int node, int dimension);

/* How much one step along the axis adds to the index; and whether the index uses the axis at all: factors may cancel.
 */
int64_t tw__index_factor(const struct tw__index *index, int axis);
int tw__index_uses(const struct tw__index *index, int axis);

enum tw__movement tw__read_movement(const struct tw__program *program, int node, int axis);

/* The dimension that moves along the axis and has an edge; -1: none. */
int tw__read_edge(const struct tw__program *program, int node, int axis);

/* Strips are cut where a shifted READ begins and ceases to be inside, so that few elements need its edge's rule: 1 for
 * a READ with one dimension that moves, has an edge, and goes up by 1. */
int tw__read_has_limits(const struct tw__program *program, int node, int axis);

/* The only dimension that moves, if it goes up by 1: elements then lie side by side if that dimension's stride is the
 * size of an item. -1: there is no such dimension. */
int tw__read_near(const struct tw__program *program, int node, int axis);

/* Whether the body of a reduction reads along an axis outside of it rather than along its last reduced one: of what it
 * reads for each element, the last dimension moves along that axis at least as often. */
int tw__body_reads_along(const struct tw__program *program, int reduce, int axis);

#endif
