/* grid.h - all tiles of a job, by arithmetic. Integers alone: knows neither arrays nor memory. */
#ifndef TW_GRID_GRID_H
#define TW_GRID_GRID_H

#include <tilework/tilework.h>

#include "grid/why.h"

#define TW__MAX_AXES 64

/* One axis and how its tile k starts. Two ways: a list of cuts, or arithmetic that serves equal lengths, equal parts
 * and axes that stay whole alike:
 *     length 10           tile  longer  count  starts
 *     tiles of 4          4     0       3      0 4 8
 *     4 parts             2     2       4      0 3 6 8
 *     whole               10    0       1      0            */
struct tw__grid_axis {
    int64_t length;
    int64_t count;       /* tiles along this axis; 0: the axis is empty and so is every output */
    int64_t tile;        /* length of a tile, but for the first `longer` ones and the last */
    int64_t longer;      /* the first `longer` tiles are one longer */
    const int64_t *cuts; /* not NULL: tile k > 0 starts at cuts[k - 1], and tile and longer mean nothing */
};

/* What a halo along one axis reads outside of the array. */
struct tw__grid_edge {
    tw_edge edge;
    double constant, imag;
};

struct tw__stages;

struct tw_grid {
    tw_signature *signature;   /* a copy of the caller's */
    struct tw__stages *stages; /* owned: the steps of the job; NULL: it is one step, over this grid */
    int naxes;
    uint64_t count; /* of tiles, those of all stages; fits int64 */
    struct tw__grid_axis axes[TW__MAX_AXES];
    struct tw__grid_edge edges[TW__MAX_AXES]; /* of axes along which some operand has a halo */
    int64_t *cuts;                            /* owned: all axes' cuts; NULL: none */
    size_t ncuts;
    char why[TW__WHY_TEXT]; /* automatic tiles left it whole, for this reason; "": they did not */
};

static inline int64_t tw__axis_start(const struct tw__grid_axis *axis, int64_t k)
{
    if (axis->cuts != NULL) {
        return k == 0 ? 0 : axis->cuts[k - 1];
    }
    return k * axis->tile + (k < axis->longer ? k : axis->longer);
}

/* One past the last index of tile k. */
static inline int64_t tw__axis_stop(const struct tw__grid_axis *axis, int64_t k)
{
    return k + 1 == axis->count ? axis->length : tw__axis_start(axis, k + 1);
}

/* The shape of operand k of the job; its dimensions are the result. */
int tw__grid_shape(const tw_grid *grid, int k, int64_t *shape);

/* The part of operand k in a tile, along its own dimensions: start[ndim], shape[ndim]. 0: the tile's step does not have
 * this operand, but perhaps a partial of it, and the part is empty; 1: it reads it; 2: it writes it. */
int tw__grid_part(const tw_grid *grid, uint64_t tile, int k, int64_t *start, int64_t *shape);

/* The tile that writes the element of output k with these indices[naxes] last. */
uint64_t tw__grid_writer(const tw_grid *grid, int k, const int64_t *indices);

/* A flat copy of a grid, its signature and its stages (without their contexts) included, in memory of the caller's:
 * tw__grid_image_size bytes, aligned as malloc does. All reading functions take it, also in another process that has
 * the memory at the same address. It ends with the memory: never pass it to tw_grid_destroy. */
size_t tw__grid_image_size(const tw_grid *grid);
tw_grid *tw__grid_image(const tw_grid *grid, void *memory);

#endif
