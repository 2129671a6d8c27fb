/* grid.h - all tiles of a job, by arithmetic. Integers alone: knows neither arrays nor memory. */
#ifndef TW_GRID_GRID_H
#define TW_GRID_GRID_H

#include <tilework/tilework.h>

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

struct tw_grid {
    tw_signature *signature; /* a copy of the caller's */
    int naxes;
    uint64_t count; /* fits int64 */
    struct tw__grid_axis axes[TW__MAX_AXES];
    int64_t *cuts; /* owned: all axes' cuts; NULL: none */
    size_t ncuts;
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

/* Which tile along each axis is `tile`: coordinate[naxes]. */
void tw__grid_coordinates(const tw_grid *grid, uint64_t tile, int64_t *coordinate);

/* The part of operand k in a tile, along its own dimensions: start[ndim], shape[ndim]. */
void tw__grid_part(const tw_grid *grid, uint64_t tile, int k, int64_t *start, int64_t *shape);

/* A flat copy of a grid, its signature included, in memory of the caller's: tw__grid_image_size bytes, aligned as
 * malloc does. All reading functions take it, also in another process that has the memory at the same address. It ends
 * with the memory: never pass it to tw_grid_destroy. */
size_t tw__grid_image_size(const tw_grid *grid);
tw_grid *tw__grid_image(const tw_grid *grid, void *memory);

#endif
