/* written.h - what a tile writes, also of a job of several steps: boxes of the job's outputs and of the arrays between
 * its steps. Integers alone. */
#ifndef TW_RECORD_WRITTEN_H
#define TW_RECORD_WRITTEN_H

#include "grid/grid.h"
#include "grid/stages.h"

struct tw__box {
    int operand; /* of the job, or TW__TEMPORARY + t */
    int ndim;
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
};

/* Fills in boxes[TW_MAX_OPERANDS], in the order in which the tile's checksum is made of them; returns how many. */
int tw__written(struct tw__box *boxes, const tw_grid *grid, uint64_t tile);

/* The box of one operand of a stage in one of its tiles, counted from the stage's first. */
void tw__stage_box(struct tw__box *box, const struct tw__stage *stage, uint64_t tile, int k);

/* Whether two boxes of one array have an element in common. */
int tw__boxes_meet(const struct tw__box *a, const struct tw__box *b);

#endif
