/* fold.h - the tree of a reduction: in which order the elements along an axis become one value. Integers alone.
 *
 * The tree depends on the number of elements and on nothing else, so a result has the same bits however the axis is
 * cut, as long as each part consists of whole nodes. It is NumPy's pairwise summation: a node of up to 128 elements is
 * a leaf, every other node has two children, of which the left one has half of the elements, rounded down to a
 * multiple of 8.
 *
 *     length 1000              0..1000
 *                      0..496          496..1000
 *                  0..248  248..496  496..744  744..1000
 *                   ...                        744..872  872..1000     leaves: 0..120, 120..248, ..., 872..1000
 *
 * Positions and lengths are counted in elements. A node is its interval: no two nodes of a tree have the same one. */
#ifndef TW_GRID_FOLD_H
#define TW_GRID_FOLD_H

#include <stdint.h>

enum {
    TW__FOLD_LEAF = 128, /* most elements of a leaf */
    TW__FOLD_LANES = 8,  /* left children are multiples of it; a leaf goes in as many lanes */
    TW__FOLD_NODES = 128 /* more than the maximal nodes of any interval: two a level, 57 levels at most */
};

/* Elements `start` to `stop` - 1. */
struct tw__fold_node {
    int64_t start, stop;
};

/* How many of a node's `count` elements its left child has; 0: the node is a leaf. */
static inline int64_t tw__fold_left(int64_t count)
{
    return count > TW__FOLD_LEAF ? count / 2 - count / 2 % TW__FOLD_LANES : 0;
}

/* The leaf of a tree over `length` elements that has element `at`, 0 <= at < length. */
struct tw__fold_node tw__fold_leaf(int64_t length, int64_t at);

/* The edge to which a cut at `at`, 0 <= at <= length, should move: that of the largest node which has an edge at most
 * `slack` elements away, else the nearest edge of a leaf (of two equally near, the lower one). Slack 0 leaves a cut
 * that is an edge where it is. */
int64_t tw__fold_edge(int64_t length, int64_t at, int64_t slack);

/* The largest nodes that lie inside [start, stop), in ascending order, into nodes[TW__FOLD_NODES]; returns how many.
 * They cover the interval if both ends are edges; elements of a leaf that is cut are in none of them. */
int tw__fold_nodes(struct tw__fold_node *nodes, int64_t length, int64_t start, int64_t stop);

#endif
