/* written.c - what a tile writes, also of a job of several steps. Knows neither memory nor journals. */
#include "record/written.h"

#include "grid/cells.h"
#include "grid/signature.h"

void tw__stage_box(struct tw__box *box, const struct tw__stage *stage, uint64_t tile, int k)
{
    const tw_operand *operand = &stage->grid->signature->operands[k];
    int64_t from[TW__MAX_AXES], to[TW__MAX_AXES], coordinate[TW__MAX_AXES];
    int n = 0;
    tw__cells_box(stage->grid, tile, from, to);
    if (stage->parts[k] != 0) { /* its own place among the partials */
        tw__cells_coordinates(stage->grid, tile, coordinate);
        box->start[n] = (int64_t)tw__stage_part(stage, k, coordinate);
        box->shape[n++] = 1;
    }
    for (int d = 0; d < operand->ndim; d++) {
        box->start[n] = from[operand->axes[d]];
        box->shape[n++] = to[operand->axes[d]] - from[operand->axes[d]];
    }
    box->operand = stage->operand[k];
    box->ndim = n;
}

int tw__written(struct tw__box *boxes, const tw_grid *grid, uint64_t tile)
{
    int count = 0;
    if (grid->stages == NULL) {
        for (int k = 0; k < grid->signature->noperands; k++) {
            if (grid->signature->operands[k].role != TW_IN) {
                struct tw__box *box = &boxes[count++];
                tw__grid_part(grid, tile, k, box->start, box->shape);
                box->operand = k;
                box->ndim = grid->signature->operands[k].ndim;
            }
        }
        return count;
    }
    const struct tw__stage *stage = tw__stage_of(grid->stages, tile);
    for (int k = 0; k < stage->grid->signature->noperands; k++) {
        if (stage->grid->signature->operands[k].role != TW_IN) {
            tw__stage_box(&boxes[count++], stage, tile - stage->first, k);
        }
    }
    return count;
}

int tw__boxes_meet(const struct tw__box *a, const struct tw__box *b)
{
    for (int d = 0; d < a->ndim; d++) {
        if (a->start[d] + a->shape[d] <= b->start[d] || b->start[d] + b->shape[d] <= a->start[d]) {
            return 0;
        }
    }
    return 1;
}
