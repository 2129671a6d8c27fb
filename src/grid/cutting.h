/* cutting.h - the axes of a job while one after the other is divided, and how many bytes its tiles have so far. */
#ifndef TW_GRID_CUTTING_H
#define TW_GRID_CUTTING_H

#include <tilework/tilework.h>

#include "grid/grid.h"

/* What is known while axis after axis is divided. */
struct tw__division {
    const tw_signature *signature;
    const tw_grid_options *options;
    const int64_t *lengths;
    tw_split *splits;             /* [naxes] the result */
    int64_t extent[TW__MAX_AXES]; /* length of a tile */
    int64_t tiles;                /* so far; INT64_MAX: that or more */
    uint64_t cut;                 /* bit a: axis a is cut */
    int64_t most;                 /* bytes of a tile */
};

_Static_assert(TW__MAX_AXES <= 64, "a bit for each axis");

/* Bit a: the operand has axis a. */
uint64_t tw__axes_of(const tw_operand *operand);

/* How much longer than its tile the part of operand k is along its dimension d. */
int64_t tw__division_width(const struct tw__division *division, int k, int d);

/* Bytes of one operand in a tile of which axis `axis` (-1: none) has one index. */
int64_t tw__division_operand(const struct tw__division *division, int k, int axis);

/* Bytes that belong to one index of an axis, with tiles as they are so far: of outputs, and of the inputs that have the
 * axis and one of the axes `inputs`. */
int64_t tw__division_one(const struct tw__division *division, int axis, uint64_t inputs);

/* Bytes of a tile as it is so far: of outputs, and of the inputs that have one of the axes `inputs`. */
int64_t tw__division_tile(const struct tw__division *division, uint64_t inputs);

/* How many more parts make `wanted` tiles. */
int64_t tw__missing_parts(const struct tw__division *division, int64_t wanted);

/* Cuts an axis into so many parts, or as nearly so as its units allow. */
void tw__division_cut(struct tw__division *division, int axis, int64_t parts);

/* As if nothing had been cut. */
void tw__division_begin_again(struct tw__division *division, const struct tw__division *whole);

#endif
