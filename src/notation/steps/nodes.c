/* nodes.c - how the places of a reduction are cut: into nodes of its tree. */
#include "notation/steps/nodes.h"

#include <stdlib.h>

#include "base/error.h"
#include "grid/fold.h"

/* Puts the nodes of a subtree, down to `depth` below it. Fills nothing if there are no edges yet: counts. */
static void put_depth(struct tw__nodes *nodes, int64_t start, int64_t stop, int depth)
{
    const int64_t left = depth > 0 ? tw__fold_left(stop - start) : 0;
    if (left > 0) {
        put_depth(nodes, start, start + left, depth - 1);
        put_depth(nodes, start + left, stop, depth - 1);
        return;
    }
    if (nodes->edges != NULL) {
        nodes->edges[nodes->count] = start;
        nodes->edges[nodes->count + 1] = stop;
    }
    nodes->count++;
}

/* The merges of a subtree whose first node is *next. */
static void put_merges(struct tw__nodes *nodes, int64_t start, int64_t stop, int64_t *next)
{
    if (nodes->edges[*next] == start && nodes->edges[*next + 1] == stop) {
        ++*next;
        return;
    }
    const int64_t left = tw__fold_left(stop - start);
    put_merges(nodes, start, start + left, next);
    put_merges(nodes, start + left, stop, next);
    nodes->merges[*next - 1]++;
}

/* Room for `most` nodes. */
static tw_status make_room(struct tw__nodes *nodes, int64_t most, tw_error *error)
{
    nodes->edges = calloc((size_t)most + 1, sizeof *nodes->edges);
    nodes->merges = calloc((size_t)most + 1, 1);
    if (nodes->edges == NULL || nodes->merges == NULL) {
        tw__nodes_fini(nodes);
        return tw__fail_memory(error, (size_t)most * (sizeof *nodes->edges + 1), "the parts of a reduction");
    }
    return TW_OK;
}

tw_status tw__nodes_of_depth(struct tw__nodes *nodes, int64_t length, int depth, tw_error *error)
{
    int64_t next = 0;
    *nodes = (struct tw__nodes){0};
    put_depth(nodes, 0, length, depth);
    const tw_status status = make_room(nodes, nodes->count, error);
    if (status == TW_OK) {
        nodes->count = 0;
        put_depth(nodes, 0, length, depth);
        put_merges(nodes, 0, length, &next);
    }
    return status;
}

/* Puts the nodes between cuts that have moved, one pair of cuts after the other. Without edges, counts. */
static void put_cuts(struct tw__nodes *nodes, int64_t length, const struct tw__grid_axis *cuts, int64_t stride)
{
    struct tw__fold_node found[TW__FOLD_NODES];
    const int64_t step = cuts->count / TW__NODES_MOST + 1;
    int64_t from = 0, at = 0;
    for (int64_t k = step - 1; at < length; k += step) {
        const int64_t cut = k + 1 < cuts->count ? tw__axis_stop(cuts, k) * stride : length, tile = cut - at;
        const int64_t to = cut < length ? tw__fold_edge(length, cut, tile / 4) : length;
        at = cut;
        const int count = tw__fold_nodes(found, length, from, to);
        for (int n = 0; n < count; n++, nodes->count++) {
            if (nodes->edges != NULL) {
                nodes->edges[nodes->count] = found[n].start;
                nodes->edges[nodes->count + 1] = found[n].stop;
            }
        }
        from = to > from ? to : from;
    }
}

tw_status tw__nodes_of_cuts(struct tw__nodes *nodes, int64_t length, const struct tw__grid_axis *cuts, int64_t stride,
                            tw_error *error)
{
    int64_t next = 0;
    *nodes = (struct tw__nodes){0};
    put_cuts(nodes, length, cuts, stride);
    const tw_status status = make_room(nodes, nodes->count, error);
    if (status == TW_OK) {
        nodes->count = 0;
        put_cuts(nodes, length, cuts, stride);
        put_merges(nodes, 0, length, &next);
    }
    return status;
}

void tw__nodes_fini(struct tw__nodes *nodes)
{
    free(nodes->edges);
    free(nodes->merges);
    *nodes = (struct tw__nodes){0};
}

int tw__nodes_depth(int64_t length, int64_t parts)
{
    int depth = 0;
    for (int64_t count = 1, longest = length; count < parts && tw__fold_left(longest) > 0; count *= 2, depth++) {
        longest -= tw__fold_left(longest); /* the right child is the longer one */
    }
    return depth;
}
