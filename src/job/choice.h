/* choice.h - memory for outputs whose dtype their kernel chooses, made while the job runs: one array for each dtype
 * that a kernel asks for, or of a reduction that is cut one array of partials. Knows what a step is; nothing of the
 * kernels' values. */
#ifndef TW_JOB_CHOICE_H
#define TW_JOB_CHOICE_H

#include "array/array.h"
#include "grid/grid.h"
#include "grid/stages.h"
#include "heap/memory.h"
#include "job/access/access.h"
#include "job/touch.h"
#include "pool/pool.h"

/* Arrays of one job, all outputs together: their numbers, from 1 on, fit a byte. */
#define TW__MOST_CHOICES 120
#define TW__CHOICE_TEXT 8192 /* bytes of a descr */

struct tw__step;
struct tw__choices;

/* What a worker needs for tw_tile_choose: tile->chooser. */
struct tw__chooser {
    const struct tw__step *step;
    struct tw__region *heap; /* this worker's */
    int64_t *populated;
};

/* What the workers of a job share, in `memory`, which is the pool's. *shared is NULL if no output's dtype is chosen,
 * or nobody takes the arrays. `made` is the caller's and is filled while the job runs. */
tw_status tw__choices_create(struct tw__choices **shared, tw_choices **made, const tw_pool *pool,
                             struct tw__memory *memory, const tw_grid *grid, const struct tw__access *accesses,
                             const tw_dtype *expected, tw_error *error);

/* Before a step of folds begins: if the kernel has chosen the dtype of this output, the array that it is folded into is
 * made, and the step's operands are the partials and that array. words: of the tiles before; those that are not done
 * have no say. Errors: TW_ERROR_ARGUMENT (tiles chose several dtypes, or one that has no such fold), TW_ERROR_MEMORY.
 */
tw_status tw__choices_fold(struct tw__choices *shared, const struct tw__stages *stages, int stage,
                           struct tw__step *step, const _Atomic uint32_t *words, tw_error *error);

/* After the job: which tile lies in which array, without partials. Then `made` knows nothing of the pool any more. */
void tw__choices_collect(const struct tw__choices *shared, tw_choices *made);

/* The same for one tile that is done, while the job runs: the numbers are then those of now. */
void tw__choices_collect_tile(const struct tw__choices *shared, tw_choices *made, uint64_t tile);

/* The supervisor, each time that it wakes: makes the arrays that worker processes ask for. */
void tw__choices_serve(struct tw__choices *shared);

/* tw_tile.choose of every step. */
int tw__tile_choose(const tw_tile *tile, int operand, const tw_dtype *dtype, tw_view *view);

#endif
