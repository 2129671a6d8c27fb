/* grid.c - all tiles of a job: how axes are divided, and which stage a tile belongs to. */
#include "grid/grid.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "grid/automatic.h"
#include "grid/cells.h"
#include "grid/folded.h"
#include "grid/halo.h"
#include "grid/signature.h"
#include "grid/split.h"
#include "grid/stages.h"

/* split[naxes]: each axis's split, NULL: none. */
static tw_status assign_splits(const tw_signature *signature, const tw_grid_options *options,
                               const tw_split *split[TW__MAX_AXES], tw_error *error)
{
    if (options->splits == NULL && options->nsplits > 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%zu axes should be split, but no splits are given",
                        options->nsplits);
    }
    for (size_t s = 0; s < options->nsplits; s++) {
        const char *name = options->splits[s].axis;
        if (name == NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "split number %zu names no axis", s);
        }
        const int a = tw_signature_find_axis(signature, name);
        if (a < 0) {
            return tw__fail_axis(signature, name, error);
        }
        if (split[a] != NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s is split twice: give one of tile, parts, cuts", name);
        }
        split[a] = &options->splits[s];
    }
    return TW_OK;
}

/* The rule that makes a grid right: every element of every output belongs to exactly one tile. */
static tw_status check_covers(const tw_signature *signature, const tw_grid_options *options, int a,
                              struct tw__grid_axis *axis, tw_error *error)
{
    const int without = tw__reduction_output_without(signature, options, a);
    if (axis->count > 1 && without >= 0) {
        const char *name = signature->operands[without].name;
        if (signature->operands[without].role == TW_INOUT) {
            return tw__fail(
                error, TW_ERROR_ARGUMENT,
                "axis %s is cut, but the output %s does not have it, and it is read and written, so it cannot "
                "be a reduction: leave the axis whole, or give the reduction an output of its own",
                signature->axes[a], name);
        }
        return tw__fail(
            error, TW_ERROR_ARGUMENT,
            "axis %s is cut, but the output %s does not have it: an axis that is cut must be in every output; if %s is "
            "a reduction of what the tiles compute, say which: --reduce %s=sum, reduce={\"%s\": \"sum\"} in Python, "
            "tw_grid_options.folds in C",
            signature->axes[a], name, name, name, name);
    }
    if (axis->count == 0 && tw__signature_output_without(signature, a) >= 0) {
        axis->count = 1; /* a sum over nothing is still to be written */
    }
    return TW_OK;
}

static tw_status divide(struct tw__grid_axis *axes, const tw_signature *signature, const int64_t *lengths,
                        const tw_grid_options *options, tw_error *error)
{
    const tw_split *split[TW__MAX_AXES] = {NULL};
    tw_split automatic[TW__MAX_AXES] = {{0}};
    for (int a = 0; a < signature->naxes; a++) {
        axes[a].length = lengths[a];
        if (lengths[a] < 0) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has length %" PRId64 ", which is negative",
                            signature->axes[a], lengths[a]);
        }
    }
    tw_status status = tw__reduction_check(signature, options, error);
    if (status == TW_OK) {
        status = assign_splits(signature, options, split, error);
    }
    if (status == TW_OK && options->nsplits == 0) {
        status = tw__automatic_splits(signature, lengths, options, automatic, error);
        for (int a = 0; status == TW_OK && a < signature->naxes; a++) {
            split[a] = &automatic[a];
        }
    }
    for (int a = 0; status == TW_OK && a < signature->naxes; a++) {
        status = tw__split_axis(&axes[a], signature->axes[a], split[a], error);
        if (status == TW_OK) {
            status = check_covers(signature, options, a, &axes[a], error);
        }
    }
    return status;
}

tw_status tw_grid_create(tw_grid **grid, const tw_signature *signature, const int64_t *lengths,
                         const tw_grid_options *options, tw_error *error)
{
    const tw_grid_options defaults = {0};
    struct tw__grid_axis axes[TW__MAX_AXES] = {{0}};
    tw_grid *made = NULL;
    options = options != NULL ? options : &defaults;
    tw_status status = divide(axes, signature, lengths, options, error);
    if (status == TW_OK) {
        status = tw__cells_create(&made, signature, axes, error);
    }
    if (status == TW_OK) {
        status = tw__halo_edges(made->edges, signature, lengths, options, made->count > 0, error);
    }
    if (status == TW_OK) {
        status = tw__reduction_stages(made, options, error);
    }
    if (status != TW_OK) {
        tw_grid_destroy(made);
        return status;
    }
    if (options->nsplits == 0 && made->count == 1 && made->stages == NULL) {
        tw__why_whole(made->why, signature, lengths, options);
    }
    *grid = made;
    return TW_OK;
}

const char *tw_grid_why(const tw_grid *grid)
{
    return grid->why[0] != '\0' ? grid->why : NULL;
}

void tw_grid_destroy(tw_grid *grid)
{
    if (grid != NULL) {
        tw__stages_destroy(grid->stages);
        tw__cells_destroy(grid);
    }
}

/* An image's stages lie behind it, where anything may begin. */
static size_t stages_place(const tw_grid *grid)
{
    return (tw__cells_image_size(grid) + 63) & ~(size_t)63;
}

size_t tw__grid_image_size(const tw_grid *grid)
{
    return grid->stages != NULL ? stages_place(grid) + tw__stages_image_size(grid->stages) : tw__cells_image_size(grid);
}

tw_grid *tw__grid_image(const tw_grid *grid, void *memory)
{
    tw_grid *image = tw__cells_image(grid, memory);
    if (grid->stages != NULL) {
        image->stages = tw__stages_image(grid->stages, (char *)memory + stages_place(grid));
    }
    return image;
}

uint64_t tw_grid_count(const tw_grid *grid)
{
    return grid->count;
}

int64_t tw_grid_length(const tw_grid *grid, int axis)
{
    return grid->axes[axis].length;
}

int64_t tw_grid_axis_tiles(const tw_grid *grid, int axis)
{
    return grid->axes[axis].count;
}

const tw_signature *tw_grid_signature(const tw_grid *grid)
{
    return grid->signature;
}

void tw_grid_tile(const tw_grid *grid, uint64_t tile, int64_t *start, int64_t *stop)
{
    if (grid->stages == NULL) {
        tw__cells_box(grid, tile, start, stop);
        return;
    }
    const struct tw__stage *stage = tw__stage_of(grid->stages, tile);
    int64_t from[TW__MAX_AXES], to[TW__MAX_AXES];
    tw__cells_box(stage->grid, tile - stage->first, from, to);
    for (int a = 0; a < grid->naxes; a++) {
        start[a] = 0;
        stop[a] = grid->axes[a].length;
    }
    for (int a = 0; a < stage->grid->naxes; a++) {
        if (stage->axis[a] >= 0) {
            start[stage->axis[a]] = from[a];
            stop[stage->axis[a]] = to[a];
        }
    }
}

/* The operand of a tile's step that is the job's operand k itself, -1: it has none. */
static int direct_operand(const struct tw__stage *stage, int k)
{
    for (int n = 0; n < stage->grid->signature->noperands; n++) {
        if (stage->operand[n] == k) {
            return n;
        }
    }
    return -1;
}

int tw__grid_shape(const tw_grid *grid, int k, int64_t *shape)
{
    const tw_operand *operand = &grid->signature->operands[k];
    for (int d = 0; d < operand->ndim; d++) {
        shape[d] = grid->axes[operand->axes[d]].length;
    }
    return operand->ndim;
}

int tw__grid_part(const tw_grid *grid, uint64_t tile, int k, int64_t *start, int64_t *shape)
{
    const tw_grid *cells = grid;
    int64_t from[TW__MAX_AXES], to[TW__MAX_AXES];
    int n = k;
    if (grid->stages != NULL) {
        const struct tw__stage *stage = tw__stage_of(grid->stages, tile);
        cells = stage->grid;
        tile -= stage->first;
        n = direct_operand(stage, k);
        if (n < 0) {
            for (int d = 0; d < grid->signature->operands[k].ndim; d++) {
                start[d] = shape[d] = 0;
            }
            return 0;
        }
    }
    const tw_operand *operand = &cells->signature->operands[n];
    tw__cells_box(cells, tile, from, to);
    for (int d = 0; d < operand->ndim; d++) {
        start[d] = from[operand->axes[d]];
        shape[d] = to[operand->axes[d]] - start[d];
    }
    return operand->role != TW_IN ? 2 : 1;
}

int tw_grid_part(const tw_grid *grid, uint64_t tile, int operand, int64_t *start, int64_t *stop)
{
    int64_t first[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    const int how = tw__grid_part(grid, tile, operand, first, shape);
    if (how == 0) {
        return -1;
    }
    const tw_operand *found = &grid->signature->operands[operand];
    for (int d = 0; d < found->ndim; d++) {
        start[d] = first[d];
        stop[d] = first[d] + shape[d];
    }
    return how == 1 ? TW_IN : found->role == TW_IN ? TW_OUT : (int)found->role;
}

static uint64_t owner_in(const struct tw__stage *stage, const int64_t *indices)
{
    int64_t of_stage[TW__MAX_AXES];
    for (int a = 0; a < stage->grid->naxes; a++) {
        of_stage[a] = stage->axis[a] >= 0 ? indices[stage->axis[a]] : 0;
    }
    return stage->first + tw__cells_owner(stage->grid, of_stage);
}

uint64_t tw_grid_owner(const tw_grid *grid, const int64_t *indices)
{
    return grid->stages == NULL ? tw__cells_owner(grid, indices)
                                : owner_in(&grid->stages->stage[grid->stages->count - 1], indices);
}

uint64_t tw__grid_writer(const tw_grid *grid, int k, const int64_t *indices)
{
    for (int s = grid->stages != NULL ? grid->stages->count - 1 : -1; s >= 0; s--) {
        const struct tw__stage *stage = &grid->stages->stage[s];
        const int n = direct_operand(stage, k);
        if (n >= 0 && stage->grid->signature->operands[n].role != TW_IN) {
            return owner_in(stage, indices);
        }
    }
    return tw_grid_owner(grid, indices);
}
