/* order.c - an odometer over the tiles of a grid: the part that divides. */
#include "grid/order.h"

#include "grid/cells.h"

void tw__order_seek(struct tw__order *order, const tw_grid *grid, uint64_t tile)
{
    order->grid = grid;
    order->tile = tile;
    tw__cells_coordinates(grid, tile, order->coordinate);
    for (int a = 0; a < grid->naxes; a++) {
        order->start[a] = tw__axis_start(&grid->axes[a], order->coordinate[a]);
        order->stop[a] = tw__axis_stop(&grid->axes[a], order->coordinate[a]);
    }
}
