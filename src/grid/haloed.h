/* haloed.h - how the axes of a kernel with halos are divided. */
#ifndef TW_GRID_HALOED_H
#define TW_GRID_HALOED_H

#include "grid/cutting.h"

/* After a division that knows of no halos: cuts these axes otherwise if tiles would read too much around them. whole:
 * before anything was cut. Returns the axes without a halo that are then still to be divided. */
uint64_t tw__haloed_divide(struct tw__division *division, const struct tw__division *whole, uint64_t axes);

#endif
