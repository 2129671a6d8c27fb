/* cells.h - the cells of one grid without stages, by arithmetic: from a number to a box and back, and flat copies. */
#ifndef TW_GRID_CELLS_H
#define TW_GRID_CELLS_H

#include <tilework/tilework.h>

#include "grid/grid.h"

/* A grid over these axes[signature->naxes], whose lists of cuts are copied, and the signature too. Which axes may be
 * cut is the caller's business. Errors: TW_ERROR_ARGUMENT (too many tiles), TW_ERROR_MEMORY. */
tw_status tw__cells_create(tw_grid **grid, const tw_signature *signature, const struct tw__grid_axis *axes,
                           tw_error *error);
void tw__cells_destroy(tw_grid *grid);

/* Which tile along each axis is `tile`: coordinate[naxes]. */
void tw__cells_coordinates(const tw_grid *grid, uint64_t tile, int64_t *coordinate);

/* start[naxes] and stop[naxes] of a tile. */
void tw__cells_box(const tw_grid *grid, uint64_t tile, int64_t *start, int64_t *stop);

/* The tile along an axis that has `index`. */
int64_t tw__cells_axis_owner(const struct tw__grid_axis *axis, int64_t index);

/* The tile that contains the element with these indices[naxes]. */
uint64_t tw__cells_owner(const tw_grid *grid, const int64_t *indices);

/* See tw__grid_image. */
size_t tw__cells_image_size(const tw_grid *grid);
tw_grid *tw__cells_image(const tw_grid *grid, void *memory);

/* The length of an axis's longest tile. */
int64_t tw__axis_longest(const struct tw__grid_axis *axis);

#endif
