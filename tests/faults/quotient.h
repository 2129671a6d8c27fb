/* quotient.h - a job of several steps for tests that kill it: r[i,j] /= sum(k,l: r[k,l]), put together by hand, since
 * then its kernel can count and fail.
 *
 *     step 0  r[i,j] -> part[i]          a tile a row
 *     step 1  part[i] -> total[]         the library's own fold, one tile
 *     step 2  total[], r[i,j] -> r[i,j]  a tile a row: it overwrites what step 0 has read */
#ifndef TW_TESTS_QUOTIENT_H
#define TW_TESTS_QUOTIENT_H

#include <stdlib.h>
#include <string.h>

#include <tilework/tilework.h>

#include "grid/cells.h"
#include "grid/stages.h"

#include "step.h"

#define QUOTIENT_SIGNATURE "r[i,j] -> r[i,j]"

enum quotient_entry { QUOTIENT_PART, QUOTIENT_TOTAL, QUOTIENT_DIVIDE };

/* The sum of all of r as it is before the job: whole numbers, so it is exact. */
static inline double quotient_total(int64_t rows, int64_t columns)
{
    double total = 0;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            total += step_r(i, j);
        }
    }
    return total;
}

/* What the kernel does in steps 0 and 2. */
static inline void quotient_compute(const tw_tile *tile)
{
    const int entry = *(const int *)tile->context;
    const tw_view *r_view = &tile->operand[entry == QUOTIENT_PART ? 0 : 1];
    double *total = tile->operand[entry == QUOTIENT_PART ? 1 : 0].data;
    TW_VIEW(double, r, *r_view);
    if (entry == QUOTIENT_PART) {
        *total = 0;
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            if (entry == QUOTIENT_PART) {
                *total += TW_AT(r, i, j);
            } else {
                TW_AT(r, i, j) /= *total;
            }
        }
    }
}

/* A step over these axes, the first of which is cut into single indices if `cut`. */
static inline tw_status quotient_step(struct tw__stages *stages, enum quotient_entry entry, const char *text,
                                      const int64_t *lengths, int cut, const int *operand, tw_error *error)
{
    struct tw__stage *stage = tw__stages_add(stages, entry == QUOTIENT_TOTAL ? TW__STAGE_FOLD : TW__STAGE_KERNEL);
    struct tw__grid_axis axes[2] = {{0}};
    tw_signature *signature = NULL;
    tw_status status = tw_signature_parse(&signature, text, error);
    for (int a = 0; a < 2; a++) {
        const int64_t count = a == 0 && cut ? lengths[a] : 1;
        axes[a] = (struct tw__grid_axis){.length = lengths[a], .count = count, .tile = lengths[a] / count};
    }
    if (status == TW_OK) {
        status = tw__cells_create(&stage->grid, signature, axes, error);
    }
    tw_signature_destroy(signature);
    stage->operand[0] = operand[0];
    stage->operand[1] = operand[1];
    stage->axis[0] = entry == QUOTIENT_TOTAL ? -1 : 0;
    stage->axis[1] = entry == QUOTIENT_TOTAL ? -1 : 1;
    stage->fold = 0;
    stage->context_size = sizeof(int);
    stage->context = malloc(sizeof(int));
    if (stage->context != NULL) {
        memcpy(stage->context, &(int){(int)entry}, sizeof(int));
    }
    return status;
}

/* Makes the job's grid one of these three steps. */
static inline tw_status quotient_stages(tw_grid *grid, int64_t rows, int64_t columns, tw_error *error)
{
    enum { PART = TW__TEMPORARY, TOTAL };
    const int64_t lengths[] = {rows, columns};
    struct tw__stages *stages = NULL;
    tw_status status = tw__stages_create(&stages, 3, 2, error);
    if (status != TW_OK) {
        return status;
    }
    stages->temporary[0] =
        (struct tw__temporary){.name = "part", .like = -1, .kind = TW_FLOAT64, .ndim = 1, .shape = {rows}};
    stages->temporary[1] = (struct tw__temporary){.name = "total", .like = 0, .ndim = 0};
    stages->folds[0] = TW_FOLD_SUM; /* of the total */
    status = quotient_step(stages, QUOTIENT_PART, "r[i,j] -> p[]", lengths, 1, (int[]){0, PART}, error);
    stages->stage[0].parts[1] = 1;
    if (status == TW_OK) {
        status = quotient_step(stages, QUOTIENT_TOTAL, "p[k] -> t[]", lengths, 0, (int[]){PART, TOTAL}, error);
    }
    if (status == TW_OK) {
        status = quotient_step(stages, QUOTIENT_DIVIDE, "t[], r[i,j] -> r[i,j]", lengths, 1, (int[]){TOTAL, 0}, error);
    }
    if (status == TW_OK) {
        status = tw__grid_set_stages(grid, stages, error);
    }
    if (status != TW_OK) {
        tw__stages_destroy(stages);
    }
    return status;
}

#endif
