/* halo.h - how far around its tile a kernel sees each input, and what it reads outside of the array. Integers and edges
 * alone: knows no memory. */
#ifndef TW_GRID_HALO_H
#define TW_GRID_HALO_H

#include <tilework/tilework.h>

#include "base/text.h"
#include "grid/grid.h"
#include "grid/signature.h"

/* What dimension d of an operand has of a tile is [start + low[d], stop + high[d]); 0 and 0 without a halo. */
struct tw__reach {
    int64_t low[TW_MAX_DIMS], high[TW_MAX_DIMS]; /* [ndim] */
};

void tw__halo_reach(const tw_signature *signature, int operand, struct tw__reach *reach);

/* Adds "reflect" or "constant=1.5". */
void tw__halo_edge_text(struct tw__text *text, const struct tw__grid_edge *edge);

/* The widest halo along an axis, high - low; 0: no operand has one. */
int64_t tw__halo_width(const tw_signature *signature, int axis);

/* Checks the edges of a grid's options against its signature and lengths, and fills edges[naxes]. Refuses a halo that
 * reaches past the ends of an axis with the edge `error`, and one that finds nothing to read. tiles: there are some.
 * Errors: TW_ERROR_ARGUMENT. */
tw_status tw__halo_edges(struct tw__grid_edge *edges, const tw_signature *signature, const int64_t *lengths,
                         const tw_grid_options *options, int tiles, tw_error *error);

/* The edges of a grid as options take them: edges[naxes]; returns how many. */
size_t tw__halo_options(tw_axis_edge *edges, const tw_grid *grid);

#endif
