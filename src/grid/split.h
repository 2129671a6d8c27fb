/* split.h - how one axis is divided, as a tw_split says. */
#ifndef TW_GRID_SPLIT_H
#define TW_GRID_SPLIT_H

#include <tilework/tilework.h>

#include "grid/grid.h"

/* Fills all of *axis but its length, which is set. `split` NULL: the axis stays whole. axis->cuts is the caller's
 * array. An axis of length 0 has 0 tiles. Errors: TW_ERROR_ARGUMENT, naming the axis. */
tw_status tw__split_axis(struct tw__grid_axis *axis, const char *name, const tw_split *split, tw_error *error);

/* Where the axis is first cut at a position that is no multiple of `unit`; 0: nowhere. */
int64_t tw__axis_misfit(const struct tw__grid_axis *axis, int64_t unit);

#endif
