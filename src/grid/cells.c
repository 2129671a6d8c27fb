/* cells.c - the cells of one grid, by arithmetic: from a number to a box and back. Knows nothing of stages. */
#include "grid/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "grid/signature.h"

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

tw_status tw__cells_create(tw_grid **grid, const tw_signature *signature, const struct tw__grid_axis *axes,
                           tw_error *error)
{
    int64_t counts[TW__MAX_AXES], count;
    tw_grid *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a grid");
    }
    tw_status status = tw__signature_copy(&made->signature, signature, error);
    if (status != TW_OK) {
        goto fail;
    }
    made->naxes = signature->naxes;
    for (int a = 0; a < made->naxes; a++) {
        made->axes[a] = axes[a];
        counts[a] = axes[a].count;
        made->ncuts += axes[a].cuts != NULL ? (size_t)(axes[a].count - 1) : 0; /* they lie in memory: no overflow */
    }
    if (!tw__product(counts, made->naxes, &count)) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "the grid has more tiles than can be numbered, 2^63 - 1");
        goto fail;
    }
    made->count = (uint64_t)count;
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
    tw__cells_destroy(made);
    return status;
}

void tw__cells_destroy(tw_grid *grid)
{
    if (grid != NULL) {
        tw_signature_destroy(grid->signature);
        free(grid->cuts);
        free(grid);
    }
}

size_t tw__cells_image_size(const tw_grid *grid)
{
    return sizeof *grid + grid->ncuts * sizeof *grid->cuts + sizeof *grid->signature;
}

tw_grid *tw__cells_image(const tw_grid *grid, void *memory)
{
    tw_grid *image = memory;
    *image = *grid;
    image->cuts = (int64_t *)(image + 1);
    image->signature = (tw_signature *)(image->cuts + image->ncuts);
    *image->signature = *grid->signature;
    image->stages = NULL;
    gather_cuts(image);
    return image;
}

void tw__cells_coordinates(const tw_grid *grid, uint64_t tile, int64_t *coordinate)
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

void tw__cells_box(const tw_grid *grid, uint64_t tile, int64_t *start, int64_t *stop)
{
    int64_t coordinate[TW__MAX_AXES];
    tw__cells_coordinates(grid, tile, coordinate);
    for (int a = 0; a < grid->naxes; a++) {
        start[a] = tw__axis_start(&grid->axes[a], coordinate[a]);
        stop[a] = tw__axis_stop(&grid->axes[a], coordinate[a]);
    }
}

int64_t tw__axis_longest(const struct tw__grid_axis *axis)
{
    int64_t longest = axis->tile + (axis->longer > 0);
    for (int64_t k = 0; axis->cuts != NULL && k < axis->count; k++) {
        const int64_t length = tw__axis_stop(axis, k) - tw__axis_start(axis, k);
        longest = k == 0 || length > longest ? length : longest;
    }
    return longest < axis->length ? longest : axis->length;
}

int64_t tw__cells_axis_owner(const struct tw__grid_axis *axis, int64_t index)
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

uint64_t tw__cells_owner(const tw_grid *grid, const int64_t *indices)
{
    uint64_t tile = 0;
    for (int a = 0; a < grid->naxes; a++) {
        tile = tile * (uint64_t)grid->axes[a].count + (uint64_t)tw__cells_axis_owner(&grid->axes[a], indices[a]);
    }
    return tile;
}
