/* nodes.h - how the places of a reduction are cut: into nodes of its tree, and in which order these become one again.
 * Integers alone. */
#ifndef TW_NOTATION_STEPS_NODES_H
#define TW_NOTATION_STEPS_NODES_H

#include <tilework/tilework.h>

#include "grid/grid.h"

enum { TW__NODES_MOST = 65536 /* tiles of an axis whose cuts move each by itself; of more, several are joined */ };

/* Nodes that cover 0 .. length - 1: node p is edges[p] .. edges[p + 1] - 1. Both arrays are owned.
 *
 *     length 1000, depth 2     edges 0 248 496 744 1000     merges 0 1 0 2
 *
 * A stack brings them together: each node is put on it, then the two on top become one, merges[p] times. */
struct tw__nodes {
    int64_t count;
    int64_t *edges;        /* [count + 1] */
    unsigned char *merges; /* [count] */
};

/* All nodes of one depth, and leaves above it. Errors: TW_ERROR_MEMORY. */
tw_status tw__nodes_of_depth(struct tw__nodes *nodes, int64_t length, int depth, tw_error *error);

/* The nodes that begin or end near the cuts of an axis: each cut moves to an edge near by, as tw__fold_edge says, with
 * a slack of a quarter of the tile; cuts that coincide become one; what lies between two of them may be several nodes.
 * Place k of the axis is place k * stride of the tree. Errors: TW_ERROR_MEMORY. */
tw_status tw__nodes_of_cuts(struct tw__nodes *nodes, int64_t length, const struct tw__grid_axis *cuts, int64_t stride,
                            tw_error *error);

void tw__nodes_fini(struct tw__nodes *nodes);

/* How deep all nodes of a tree must be taken so that there are `parts` of them or more; as deep as it goes. */
int tw__nodes_depth(int64_t length, int64_t parts);

#endif
