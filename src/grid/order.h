/* order.h - an odometer over the tiles of a grid: from one tile to the next without a division. One for each worker,
 * in its own memory. */
#ifndef TW_GRID_ORDER_H
#define TW_GRID_ORDER_H

#include <tilework/tilework.h>

#include "grid/grid.h"

struct tw__order {
    const tw_grid *grid;
    uint64_t tile; /* where it stands */
    int64_t coordinate[TW__MAX_AXES];
    int64_t start[TW__MAX_AXES];
    int64_t stop[TW__MAX_AXES];
};

/* Sets the odometer to any tile of the grid, by division. */
void tw__order_seek(struct tw__order *order, const tw_grid *grid, uint64_t tile);

/* Steps to tile + 1; the last tile has none. Returns the lowest axis that changed: those before it did not. */
static inline int tw__order_next(struct tw__order *order)
{
    const tw_grid *grid = order->grid;
    int a = grid->naxes - 1;
    for (; a > 0 && order->coordinate[a] + 1 == grid->axes[a].count; a--) {
        order->coordinate[a] = 0;
        order->start[a] = 0;
        order->stop[a] = tw__axis_stop(&grid->axes[a], 0);
    }
    order->coordinate[a]++;
    order->start[a] = order->stop[a];
    order->stop[a] = tw__axis_stop(&grid->axes[a], order->coordinate[a]);
    order->tile++;
    return a;
}

/* Goes to any tile, by a step where it is the next one. Returns the lowest axis that may have changed; naxes: none. */
static inline int tw__order_move(struct tw__order *order, uint64_t tile)
{
    if (tile == order->tile + 1) {
        return tw__order_next(order);
    }
    if (tile == order->tile) {
        return order->grid->naxes;
    }
    tw__order_seek(order, order->grid, tile);
    return 0;
}

#endif
