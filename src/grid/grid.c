/* grid.c - all tiles of a job, by arithmetic: from a tile's number to its box and back. */
#include "grid/grid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"
#include "grid/automatic.h"
#include "grid/signature.h"
#include "grid/split.h"

static tw_status unknown_axis(const tw_signature *signature, const char *name, tw_error *error)
{
    char known[640];
    struct tw__text text;
    tw__text_init(&text, known, sizeof known);
    tw__text_add(&text, "no axis ");
    tw__text_add_quoted(&text, name, strlen(name), 0);
    tw__text_add(&text, " in the signature, ");
    for (int a = 0; a < signature->naxes; a++) {
        tw__text_add(&text, "%s%s", a == 0 ? "which has " : ", ", signature->axes[a]);
    }
    return tw__fail(error, TW_ERROR_ARGUMENT, "%s%s", known, signature->naxes == 0 ? "which has none" : "");
}

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
            return unknown_axis(signature, name, error);
        }
        if (split[a] != NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s is split twice: give one of tile, parts, cuts", name);
        }
        split[a] = &options->splits[s];
    }
    return TW_OK;
}

/* The rule that makes a grid right: every element of every output belongs to exactly one tile. */
static tw_status check_covers(const tw_signature *signature, int a, struct tw__grid_axis *axis, tw_error *error)
{
    const int without = tw__signature_output_without(signature, a);
    if (without < 0) {
        return TW_OK;
    }
    if (axis->count > 1) {
        return tw__fail(
            error, TW_ERROR_ARGUMENT,
            "axis %s is cut, but the output %s does not have it: an axis that is cut must be in every output",
            signature->axes[a], signature->operands[without].name);
    }
    if (axis->count == 0) {
        axis->count = 1; /* a sum over nothing is still to be written */
    }
    return TW_OK;
}

static tw_status divide(tw_grid *grid, const tw_signature *signature, const int64_t *lengths,
                        const tw_grid_options *options, tw_error *error)
{
    const tw_split *split[TW__MAX_AXES] = {NULL};
    tw_split automatic[TW__MAX_AXES] = {{0}};
    int64_t counts[TW__MAX_AXES], count;
    grid->naxes = signature->naxes;
    for (int a = 0; a < grid->naxes; a++) {
        grid->axes[a].length = lengths[a];
        if (lengths[a] < 0) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has length %" PRId64 ", which is negative",
                            signature->axes[a], lengths[a]);
        }
    }
    tw_status status = assign_splits(signature, options, split, error);
    if (status == TW_OK && options->nsplits == 0) {
        status = tw__automatic_splits(signature, lengths, options, automatic, error);
        for (int a = 0; status == TW_OK && a < grid->naxes; a++) {
            split[a] = &automatic[a];
        }
    }
    for (int a = 0; status == TW_OK && a < grid->naxes; a++) {
        struct tw__grid_axis *axis = &grid->axes[a];
        status = tw__split_axis(axis, signature->axes[a], split[a], error);
        if (status == TW_OK) {
            status = check_covers(signature, a, axis, error);
        }
        counts[a] = axis->count;
        if (axis->cuts != NULL) {
            grid->ncuts += (size_t)(axis->count - 1); /* the arrays lie in memory: their sizes cannot overflow */
        }
    }
    if (status != TW_OK) {
        return status;
    }
    if (!tw__product(counts, grid->naxes, &count)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the grid has more tiles than can be numbered, 2^63 - 1");
    }
    grid->count = (uint64_t)count;
    return TW_OK;
}

/* Moves the cuts of all axes to grid->cuts, which has room for them. */
static void gather_cuts(tw_grid *grid)
{
    int64_t *to = grid->cuts;
    for (int a = 0; a < grid->naxes; a++) {
        struct tw__grid_axis *axis = &grid->axes[a];
        if (axis->cuts != NULL) {
            const size_t n = (size_t)(axis->count - 1);
            memcpy(to, axis->cuts, n * sizeof *to);
            axis->cuts = to;
            to += n;
        }
    }
}

tw_status tw_grid_create(tw_grid **grid, const tw_signature *signature, const int64_t *lengths,
                         const tw_grid_options *options, tw_error *error)
{
    const tw_grid_options defaults = {0};
    tw_grid *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a grid");
    }
    tw_status status = divide(made, signature, lengths, options != NULL ? options : &defaults, error);
    if (status != TW_OK) {
        goto fail;
    }
    status = tw__signature_copy(&made->signature, signature, error);
    if (status != TW_OK) {
        goto fail;
    }
    if (made->ncuts > 0) {
        made->cuts = malloc(made->ncuts * sizeof *made->cuts);
        if (made->cuts == NULL) {
            status = tw__fail_memory(error, made->ncuts * sizeof *made->cuts, "cuts");
            goto fail;
        }
        gather_cuts(made);
    }
    *grid = made;
    return TW_OK;
fail:
    tw_grid_destroy(made);
    return status;
}

void tw_grid_destroy(tw_grid *grid)
{
    if (grid != NULL) {
        tw_signature_destroy(grid->signature);
        free(grid->cuts);
        free(grid);
    }
}

size_t tw__grid_image_size(const tw_grid *grid)
{
    return sizeof *grid + grid->ncuts * sizeof *grid->cuts + sizeof *grid->signature;
}

tw_grid *tw__grid_image(const tw_grid *grid, void *memory)
{
    tw_grid *image = memory;
    *image = *grid;
    image->cuts = (int64_t *)(image + 1);
    image->signature = (tw_signature *)(image->cuts + image->ncuts);
    *image->signature = *grid->signature;
    gather_cuts(image);
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

void tw__grid_coordinates(const tw_grid *grid, uint64_t tile, int64_t *coordinate)
{
    for (int a = grid->naxes - 1; a >= 0; a--) {
        const uint64_t count = (uint64_t)grid->axes[a].count;
        coordinate[a] = 0;
        if (count > 1) {
            coordinate[a] = (int64_t)(tile % count);
            tile /= count;
        }
    }
}

void tw_grid_tile(const tw_grid *grid, uint64_t tile, int64_t *start, int64_t *stop)
{
    int64_t coordinate[TW__MAX_AXES];
    tw__grid_coordinates(grid, tile, coordinate);
    for (int a = 0; a < grid->naxes; a++) {
        start[a] = tw__axis_start(&grid->axes[a], coordinate[a]);
        stop[a] = tw__axis_stop(&grid->axes[a], coordinate[a]);
    }
}

void tw__grid_part(const tw_grid *grid, uint64_t tile, int k, int64_t *start, int64_t *shape)
{
    const tw_operand *operand = &grid->signature->operands[k];
    int64_t from[TW__MAX_AXES], to[TW__MAX_AXES];
    tw_grid_tile(grid, tile, from, to);
    for (int d = 0; d < operand->ndim; d++) {
        start[d] = from[operand->axes[d]];
        shape[d] = to[operand->axes[d]] - start[d];
    }
}

/* The tile along an axis that has `index`. */
static int64_t axis_owner(const struct tw__grid_axis *axis, int64_t index)
{
    if (axis->count <= 1) {
        return 0;
    }
    if (axis->cuts == NULL) {
        const int64_t boundary = axis->longer * (axis->tile + 1); /* the longer ones end here */
        return index < boundary ? index / (axis->tile + 1) : axis->longer + (index - boundary) / axis->tile;
    }
    int64_t low = 0, high = axis->count - 1; /* as many cuts as `low` are <= index; those from `high` on are not */
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (axis->cuts[middle] <= index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint64_t tw_grid_owner(const tw_grid *grid, const int64_t *indices)
{
    uint64_t tile = 0;
    for (int a = 0; a < grid->naxes; a++) {
        tile = tile * (uint64_t)grid->axes[a].count + (uint64_t)axis_owner(&grid->axes[a], indices[a]);
    }
    return tile;
}

static void add_operand(struct tw__text *text, const tw_signature *signature, int k, const int64_t *start,
                        const int64_t *stop)
{
    const tw_operand *operand = &signature->operands[k];
    tw__text_add(text, "%s[", operand->name);
    for (int d = 0; d < operand->ndim; d++) {
        const int a = operand->axes[d];
        tw__text_add(text, "%s%" PRId64 ":%" PRId64, d > 0 ? "," : "", start[a], stop[a]);
    }
    tw__text_add(text, "]");
}

int tw_grid_tile_text(const tw_grid *grid, uint64_t tile, char *text, size_t size)
{
    const tw_signature *signature = grid->signature;
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    struct tw__text made;
    tw__text_init(&made, text, size);
    tw_grid_tile(grid, tile, start, stop);
    const tw_operand *first = NULL; /* the first output */
    for (int outputs = 0; outputs < 2; outputs++) {
        const char *separator = "";
        for (int k = 0; k < signature->noperands; k++) {
            const tw_operand *operand = &signature->operands[k];
            if (operand->role == (outputs ? TW_IN : TW_OUT)) {
                continue;
            }
            tw__text_add(&made, "%s", separator);
            add_operand(&made, signature, k, start, stop);
            separator = ", ";
            if (outputs && first == NULL) {
                first = operand;
            }
        }
        if (!outputs) {
            tw__text_add(&made, "%s-> ", separator[0] != '\0' ? " " : "");
        }
    }
    tw__text_add(&made, " (");
    for (int d = 0; d < first->ndim; d++) {
        const int a = first->axes[d];
        tw__text_add(&made, "%s%" PRId64, d > 0 ? " x " : "", stop[a] - start[a]);
    }
    tw__text_add(&made, first->ndim == 0 ? "1)" : ")");
    return made.length < INT32_MAX ? (int)made.length : INT32_MAX;
}
