/* edge.h - what is read past the ends of an array along an axis. Integers and names alone: neither dtypes nor memory.
 */
#ifndef TW_GRID_EDGE_H
#define TW_GRID_EDGE_H

#include <stdint.h>

#include <tilework/tilework.h>

#include "base/text.h"

/* The place that is read for an index outside of [0, length); -1: none, a number stands for it (zero, constant; with
 * any edge where there are no elements). `edge` is not TW_EDGE_ERROR. */
int64_t tw__edge_outside(tw_edge edge, int64_t index, int64_t length);

/* The place that is read for an index: itself inside, else by the edge. Right for indices any number of lengths
 * outside.
 *
 *     length 4     index  -6 -5 -4 -3 -2 -1 | 0 1 2 3 | 4 5 6 7 8 9
 *     clamp                0  0  0  0  0  0 | 0 1 2 3 | 3 3 3 3 3 3
 *     wrap                 2  3  0  1  2  3 | 0 1 2 3 | 0 1 2 3 0 1
 *     reflect              2  3  3  2  1  0 | 0 1 2 3 | 3 2 1 0 0 1
 *     mirror               0  1  2  3  2  1 | 0 1 2 3 | 2 1 0 1 2 3
 *     zero, constant      -1 -1 -1 -1 -1 -1 | 0 1 2 3 | -1 -1 -1 -1 -1 -1 */
static inline int64_t tw__edge_place(tw_edge edge, int64_t index, int64_t length)
{
    return index >= 0 && index < length ? index : tw__edge_outside(edge, index, length);
}

/* Whether the edge reads an element of the array for every index, if there is one. */
static inline int tw__edge_has_place(tw_edge edge)
{
    return edge != TW_EDGE_ERROR && edge != TW_EDGE_ZERO && edge != TW_EDGE_CONSTANT;
}

/* Whether two entries read the same past the ends: the numbers bit by bit. */
int tw__edge_same(const tw_axis_edge *x, const tw_axis_edge *y);

/* Whether it is one that there is. */
int tw__edge_is_known(tw_edge edge);

/* All names, as a sentence lists them: "error, clamp, ... or constant=x". */
extern const char *const tw__edge_choices;

/* Adds the edge as tw_edge_parse reads it: "clamp", "constant=-1.5". */
void tw__edge_add(struct tw__text *text, const tw_axis_edge *edge);

#endif
