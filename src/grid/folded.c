/* folded.c - the steps of a kernel whose outputs are reductions, by arithmetic.
 *
 *     a[i,j] -> s[j], i cut into 40, folded by a sum
 *     stage 0  a[i,j] -> part p of s[j]   the user's kernel over the whole grid; p is the tile's place along i
 *     stage 1  40 parts of s[j] -> s[j]   the folds, over the output's own axes
 *
 * The parts are in the order of the grid: so many cuts, so many partials, and the same bits on any pool. */
#include "grid/folded.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "grid/cells.h"
#include "grid/signature.h"
#include "grid/stages.h"

/* A tile of folds reads about this many bytes of partials, and there are at most so many. */
#define FOLD_BYTES (INT64_C(256) << 10)
#define MOST_FOLD_TILES 256

static int has_axis(const tw_operand *operand, int axis)
{
    for (int d = 0; d < operand->ndim; d++) {
        if (operand->axes[d] == axis) {
            return 1;
        }
    }
    return 0;
}

int tw__reduction_output_without(const tw_signature *signature, const tw_grid_options *options, int axis)
{
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        if (operand->role != TW_IN && !has_axis(operand, axis) && !tw__is_reduced(options, k)) {
            return k;
        }
    }
    return -1;
}

static int lacks_axis(const tw_signature *signature, const tw_operand *operand)
{
    for (int a = 0; a < signature->naxes; a++) {
        if (!has_axis(operand, a)) {
            return 1;
        }
    }
    return 0;
}

static tw_status check_fold(const tw_signature *signature, const tw_grid_options *options, int k, tw_error *error)
{
    const tw_operand *operand = &signature->operands[k];
    if ((unsigned)options->folds[k] > TW_FOLD_KERNEL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s has no fold of number %d", operand->name, (int)options->folds[k]);
    }
    if (operand->role == TW_IN) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s is an input; outputs alone can be reductions", operand->name);
    }
    if (operand->role == TW_INOUT) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "%s is read and written, and such an operand cannot be a reduction: its first value would "
                        "count once for each tile; name the output otherwise",
                        operand->name);
    }
    if (!lacks_axis(signature, operand)) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "%s has all axes, so there is nothing to reduce: a reduction lacks the axes that are folded",
                        operand->name);
    }
    if (options->folds[k] == TW_FOLD_KERNEL && (options->fold_kernels == NULL || options->fold_kernels[k] == NULL)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s should be folded by a kernel, but none is given", operand->name);
    }
    return TW_OK;
}

tw_status tw__reduction_check(const tw_signature *signature, const tw_grid_options *options, tw_error *error)
{
    for (int k = 0; k < signature->noperands; k++) {
        const tw_status status = tw__is_reduced(options, k) ? check_fold(signature, options, k, error) : TW_OK;
        if (status != TW_OK) {
            return status;
        }
    }
    return TW_OK;
}

/* How many partials an output has: the tiles along the axes that it lacks. Without any tile all outputs are empty, and
 * have none. */
static int64_t count_parts(const tw_grid *grid, const tw_operand *operand)
{
    int64_t parts = 1;
    for (int a = 0; a < grid->naxes && grid->count > 0; a++) {
        parts *= has_axis(operand, a) ? 1 : grid->axes[a].count; /* fits: the grid's count does */
    }
    return parts;
}

/* ---- the step of the user's kernel ---- */

static tw_status add_kernel(struct tw__stages *stages, const tw_grid *job, tw_error *error)
{
    const tw_signature *signature = job->signature;
    struct tw__stage *stage = tw__stages_add(stages, TW__STAGE_KERNEL);
    int temporary = 0;
    for (int a = 0; a < job->naxes; a++) {
        stage->axis[a] = a;
    }
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        stage->operand[k] = k;
        if (stages->folds[k] == TW_FOLD_NONE || count_parts(job, operand) == 1) {
            continue;
        }
        stage->operand[k] = TW__TEMPORARY + temporary;
        for (int a = 0; a < job->naxes; a++) {
            stage->parts[k] |= has_axis(operand, a) ? 0 : UINT64_C(1) << a;
        }
        struct tw__temporary *partials = &stages->temporary[temporary++];
        memcpy(partials->name, operand->name, sizeof partials->name);
        partials->like = k;
        partials->ndim = operand->ndim + 1;
        partials->shape[0] = count_parts(job, operand);
        for (int d = 0; d < operand->ndim; d++) {
            partials->shape[d + 1] = job->axes[operand->axes[d]].length;
        }
    }
    const tw_status status = tw__cells_create(&stage->grid, signature, job->axes, error);
    if (status == TW_OK) {
        memcpy(stage->grid->edges, job->edges, sizeof job->edges);
    }
    return status;
}

/* ---- the steps of the folds ---- */

/* The bytes of all partials, or as many as fit. */
static int64_t bytes_of(const struct tw__temporary *partials, const tw_grid_options *options, int k)
{
    int64_t bytes, factors[TW_MAX_DIMS + 1];
    memcpy(factors, partials->shape, (size_t)partials->ndim * sizeof factors[0]);
    factors[partials->ndim] = options->itemsizes != NULL && options->itemsizes[k] > 0 ? options->itemsizes[k] : 8;
    return tw__product(factors, partials->ndim + 1, &bytes) ? bytes : INT64_MAX;
}

/* Divides axes of a step of folds, whole ones so far, into about `tiles` tiles. */
static void cut_axes(struct tw__grid_axis *axes, int naxes, const int64_t *units, int64_t tiles)
{
    for (int a = 0; a < naxes && tiles > 1; a++) {
        int64_t tile = axes[a].length / tiles + (axes[a].length % tiles != 0);
        tile = tile > 0 ? (tile + units[a] - 1) / units[a] * units[a] : 0;
        if (tile > 0 && tile < axes[a].length) {
            axes[a].tile = tile;
            axes[a].count = axes[a].length / tile + (axes[a].length % tile != 0);
            tiles = (tiles + axes[a].count - 1) / axes[a].count;
        }
    }
}

/* The axes of an output's folds: those of the output, after the axis of the parts. The job's cuts are as good as any
 * unless they make tiny tiles, or few large ones. */
static void divide_folds(struct tw__grid_axis *axes, const tw_grid *job, const tw_operand *operand, int64_t bytes,
                         const tw_grid_options *options)
{
    int64_t cells = 1, wanted = bytes / FOLD_BYTES, units[TW_MAX_DIMS];
    wanted = wanted < 1 ? 1 : wanted > MOST_FOLD_TILES ? MOST_FOLD_TILES : wanted;
    for (int d = 0; d < operand->ndim; d++) {
        cells *= job->axes[operand->axes[d]].count;
    }
    const int fits = cells >= wanted / 2 && cells <= 2 * wanted;
    for (int d = 0; d < operand->ndim; d++) {
        const struct tw__grid_axis *of_job = &job->axes[operand->axes[d]];
        axes[d] = *of_job;
        units[d] = options->units != NULL ? options->units[operand->axes[d]] : 1;
        if (!fits && of_job->count > 0) {
            axes[d] = (struct tw__grid_axis){.length = of_job->length, .tile = of_job->length, .count = 1};
        }
    }
    if (!fits) {
        cut_axes(axes, operand->ndim, units, wanted);
    }
}

/* The operands of a step of folds: the partials, with an axis more, and the output. */
static tw_status make_signature(tw_signature **signature, const tw_grid *job, const tw_operand *operand,
                                struct tw__stage *stage, tw_error *error)
{
    tw_signature *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a signature");
    }
    made->naxes = operand->ndim + 1;
    made->noperands = 2;
    made->operands[0] = (tw_operand){.role = TW_IN, .ndim = operand->ndim + 1, .given = 0, .written = -1};
    memcpy(made->operands[0].name, operand->name, sizeof operand->name);
    made->operands[1] = *operand;
    made->operands[1].written = 0;
    strcpy(made->axes[0], "part");
    for (int d = 0; d < operand->ndim; d++) {
        memcpy(made->axes[d + 1], job->signature->axes[operand->axes[d]], sizeof made->axes[0]);
        made->operands[0].axes[d + 1] = made->operands[1].axes[d] = (uint8_t)(d + 1);
        stage->axis[d + 1] = operand->axes[d];
    }
    *signature = made;
    return TW_OK;
}

static tw_status add_folds(struct tw__stages *stages, const tw_grid *job, const tw_grid_options *options, int k,
                           int temporary, tw_error *error)
{
    const tw_operand *operand = &job->signature->operands[k];
    const struct tw__temporary *partials = &stages->temporary[temporary];
    struct tw__grid_axis axes[TW_MAX_DIMS + 1];
    tw_signature *signature = NULL;
    struct tw__stage *stage = tw__stages_add(stages, TW__STAGE_FOLD);
    tw_status status = make_signature(&signature, job, operand, stage, error);
    if (status != TW_OK) {
        return status;
    }
    divide_folds(axes + 1, job, operand, bytes_of(partials, options, k), options);
    axes[0] = (struct tw__grid_axis){.length = partials->shape[0], .tile = partials->shape[0], .count = 1};
    stage->operand[0] = TW__TEMPORARY + temporary;
    stage->operand[1] = k;
    stage->fold = k;
    status = tw__cells_create(&stage->grid, signature, axes, error);
    tw_signature_destroy(signature);
    return status;
}

static tw_status add_stages(struct tw__stages *stages, const tw_grid *job, const tw_grid_options *options,
                            tw_error *error)
{
    const tw_signature *signature = job->signature;
    for (int k = 0; k < signature->noperands; k++) {
        stages->folds[k] = tw__is_reduced(options, k) ? options->folds[k] : TW_FOLD_NONE;
        stages->fold_kernel[k] = stages->folds[k] == TW_FOLD_KERNEL ? options->fold_kernels[k] : NULL;
    }
    tw_status status = add_kernel(stages, job, error);
    for (int k = 0; status == TW_OK && k < signature->noperands; k++) {
        if (stages->stage[0].parts[k] != 0) {
            status = add_folds(stages, job, options, k, stages->stage[0].operand[k] - TW__TEMPORARY, error);
        }
    }
    return status;
}

tw_status tw__reduction_stages(tw_grid *grid, const tw_grid_options *options, tw_error *error)
{
    struct tw__stages *stages;
    int reduced = 0, temporaries = 0;
    for (int k = 0; k < grid->signature->noperands; k++) {
        const tw_operand *operand = &grid->signature->operands[k];
        const int cut = tw__is_reduced(options, k) && count_parts(grid, operand) > 1;
        if (cut && operand->ndim == TW_MAX_DIMS) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "%s has %d dimensions, the most there are; partials of it would have one more",
                            operand->name, operand->ndim);
        }
        reduced += tw__is_reduced(options, k);
        temporaries += cut;
    }
    if (reduced == 0) {
        return TW_OK;
    }
    tw_status status = tw__stages_create(&stages, 1 + temporaries, temporaries, error);
    if (status != TW_OK) {
        return status;
    }
    status = add_stages(stages, grid, options, error);
    if (status == TW_OK) {
        status = tw__grid_set_stages(grid, stages, error);
    }
    if (status != TW_OK) {
        tw__stages_destroy(stages);
    }
    return status;
}
