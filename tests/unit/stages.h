/* stages.h - jobs of several steps for tests, put together by hand: u[i] /= sum(k: u[k]), in three stages.
 *
 *     stage 0  u[i] -> part[p]           one tile a part
 *     stage 1  part[p] -> total[]        one tile
 *     stage 2  total[], u[i] -> u[i]     as many tiles as there are parts */
#ifndef TW_TESTS_STAGES_H
#define TW_TESTS_STAGES_H

#include <stdlib.h>
#include <string.h>

#include "grids.h"

#include "grid/cells.h"
#include "grid/signature.h"
#include "grid/stages.h"

/* Adds a stage over `text`, whose first axis has `tiles` equal tiles; the others are whole. operand[]: as in
 * tw__stage.operand. */
static inline struct tw__stage *add_stage(struct tw__stages *stages, const char *text, const int64_t *lengths,
                                          int64_t tiles, const int *operand)
{
    struct tw__grid_axis axes[8] = {{0}};
    tw_signature *signature = parse(text);
    struct tw__stage *stage = tw__stages_add(stages, TW__STAGE_KERNEL);
    for (int a = 0; a < signature->naxes; a++) {
        const int64_t count = a == 0 ? tiles : 1;
        assert_int_equal(lengths[a] % count, 0);
        axes[a] = (struct tw__grid_axis){.length = lengths[a], .count = count, .tile = lengths[a] / count};
    }
    assert_int_equal(tw__cells_create(&stage->grid, signature, axes, NULL), TW_OK);
    for (int k = 0; k < signature->noperands; k++) {
        stage->operand[k] = operand[k];
    }
    tw_signature_destroy(signature);
    return stage;
}

/* What a kernel of several stages is to do: the context of each. */
static inline void set_entry(struct tw__stage *stage, int entry)
{
    stage->context = malloc(sizeof entry);
    assert_non_null(stage->context);
    memcpy(stage->context, &entry, sizeof entry);
    stage->context_size = sizeof entry;
}

enum { PART = TW__TEMPORARY, TOTAL = TW__TEMPORARY + 1 };

/* The grid of the job above, with `tiles` tiles in stages 0 and 2, and entries 0, 1, 2. */
static inline tw_grid *grid_of_quotients(int64_t length, int64_t tiles)
{
    tw_grid *grid = grid_of("u[i] -> u[i]", &length, &(tw_split){.axis = "i", .parts = tiles}, 1);
    struct tw__stages *stages = NULL;
    assert_int_equal(tw__stages_create(&stages, 3, 2, NULL), TW_OK);
    stages->temporary[0] =
        (struct tw__temporary){.name = "part", .like = -1, .kind = TW_FLOAT64, .ndim = 1, .shape = {tiles}};
    stages->temporary[1] = (struct tw__temporary){.name = "total", .like = 0, .ndim = 0};
    struct tw__stage *part = add_stage(stages, "u[i] -> p[]", &length, tiles, (int[]){0, PART});
    part->parts[1] = 1;
    part->axis[0] = 0;
    set_entry(part, 0);
    set_entry(add_stage(stages, "p[k] -> t[]", &tiles, 1, (int[]){PART, TOTAL}), 1);
    struct tw__stage *last = add_stage(stages, "t[], u[i] -> u[i]", &length, tiles, (int[]){TOTAL, 0});
    last->axis[0] = 0;
    set_entry(last, 2);
    assert_int_equal(tw__grid_set_stages(grid, stages, NULL), TW_OK);
    return grid;
}

#endif
