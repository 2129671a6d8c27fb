/* stages.h - a job of several steps, by arithmetic: the grid of each step, and the arrays that one step writes for
 * later ones. Integers alone: knows neither kernels nor memory.
 *
 *     s[j] = sum(i: a[i,j])                                          arrays between the steps
 *     stage 0  a[i,j] -> part[p,j]   one tile a node of the tree     part: the partials
 *     stage 1  part[p,j] -> total[j] the fold                        total
 *     stage 2  total[j] -> s[j]      the statement itself
 *
 * A job without stages is one step, over the grid that has it (tw_grid.stages is NULL), and pays nothing for this.
 * A grid with stages counts the tiles of all of them: numbers run through the stages, in order. */
#ifndef TW_GRID_STAGES_H
#define TW_GRID_STAGES_H

#include <tilework/tilework.h>

#include "grid/grid.h"

enum {
    TW__MOST_STAGES = 64,
    TW__TEMPORARY = TW_MAX_OPERANDS /* tw__stage.operand: TW__TEMPORARY + t is temporary t */
};

/* An array that lives between the steps of a job. */
struct tw__temporary {
    char name[TW_NAME_SIZE]; /* as reports call it */
    int like;                /* the job's operand whose dtype it has; -1: `kind` */
    tw_kind kind;
    int ndim;
    int64_t shape[TW_MAX_DIMS]; /* of partials: dimension 0 is the parts */
};

/* What a step calls for each of its tiles. */
enum tw__stage_call {
    TW__STAGE_KERNEL, /* the job's kernel, with `context` if that is not NULL */
    TW__STAGE_FOLD    /* a fold kernel of two operands (part, into), once for each part, in order: see tw_fold */
};

/* One step. Its grid is one without stages, whose signature lists the step's operands as its kernel gets them, mostly
 * those of the job in the job's order, then all temporaries. An operand that the step does not use is an input without
 * axes there, and `operand` is -1 (its view has no elements). Outputs lie side by side, but need not be the last. */
struct tw__stage {
    enum tw__stage_call call;
    tw_grid *grid;                   /* owned */
    uint64_t first;                  /* number of its first tile in the job */
    int operand[TW_MAX_OPERANDS];    /* of the step -> of the job, TW__TEMPORARY + t, or -1 */
    uint64_t parts[TW_MAX_OPERANDS]; /* 0: an ordinary operand. Else bit a: the tile's coordinates along these axes of
                                      * the step's grid, in C order, are the place in dimension 0 of the temporary; the
                                      * view that the kernel gets lacks that dimension */
    int axis[TW__MAX_AXES];          /* axis of the step's grid -> of the job's signature; -1: of the step alone */
    int fold;                        /* TW__STAGE_FOLD: the job's operand whose tw_fold it is */
    void *context;                   /* owned; NULL: the kernel's own. Laid out by whoever made the stages */
    size_t context_size;
};

struct tw__stages {
    int count;
    struct tw__stage *stage;
    int ntemporaries;
    struct tw__temporary *temporary;
    tw_fold folds[TW_MAX_OPERANDS];                /* of the job's operands */
    const tw_kernel *fold_kernel[TW_MAX_OPERANDS]; /* TW_FOLD_KERNEL: the caller's, which outlives the grid */
};

/* Stages to be filled in: `most` of them, none counted yet, and temporaries, all zero. The grid that gets them
 * (tw__grid_set_stages) numbers their tiles. Errors: TW_ERROR_MEMORY. */
tw_status tw__stages_create(struct tw__stages **stages, int most, int ntemporaries, tw_error *error);
void tw__stages_destroy(struct tw__stages *stages);

/* The next stage, with no operand, axis or context yet: operand and axis are -1 each. */
struct tw__stage *tw__stages_add(struct tw__stages *stages, enum tw__stage_call call);

/* Makes it a grid with stages, which it owns from then on: numbers their tiles. Errors: TW_ERROR_ARGUMENT (too many
 * tiles), and the stages are the caller's still. */
tw_status tw__grid_set_stages(tw_grid *grid, struct tw__stages *stages, tw_error *error);

/* The stage that a tile of the job belongs to. */
const struct tw__stage *tw__stage_of(const struct tw__stages *stages, uint64_t tile);

/* Which part a tile of the stage writes of an operand with parts, and how many there are in all. */
uint64_t tw__stage_part(const struct tw__stage *stage, int operand, const int64_t *coordinate);
uint64_t tw__stage_parts(const struct tw__stage *stage, int operand);

/* A flat copy, without contexts, as tw__grid_image. */
size_t tw__stages_image_size(const struct tw__stages *stages);
struct tw__stages *tw__stages_image(const struct tw__stages *stages, void *memory);

#endif
