/* fold.c - the tree of a reduction: its leaves, its edges, the nodes inside an interval. Each is a walk from the root,
 * which has a stack only if both children may count. */
#include "grid/fold.h"

/* Moves a node that is no leaf to the child which has element `at`. */
static void descend(struct tw__fold_node *node, int64_t left, int64_t at)
{
    if (at < node->start + left) {
        node->stop = node->start + left;
    } else {
        node->start += left;
    }
}

struct tw__fold_node tw__fold_leaf(int64_t length, int64_t at)
{
    struct tw__fold_node node = {.start = 0, .stop = length};
    for (int64_t left; (left = tw__fold_left(node.stop - node.start)) > 0;) {
        descend(&node, left, at);
    }
    return node;
}

static int64_t distance(int64_t x, int64_t y)
{
    return x < y ? y - x : x - y;
}

int64_t tw__fold_edge(int64_t length, int64_t at, int64_t slack)
{
    struct tw__fold_node node = {.start = 0, .stop = length};
    while (at - node.start > slack && node.stop - at > slack) {
        const int64_t left = tw__fold_left(node.stop - node.start);
        if (left == 0) {
            break;
        }
        if (distance(node.start + left, at) <= slack) {
            return node.start + left;
        }
        descend(&node, left, at);
    }
    return at - node.start <= node.stop - at ? node.start : node.stop;
}

int tw__fold_nodes(struct tw__fold_node *nodes, int64_t length, int64_t start, int64_t stop)
{
    struct tw__fold_node waiting[TW__FOLD_NODES] = {{.start = 0, .stop = length}}; /* the next one on top */
    int depth = start < stop, count = 0;
    while (depth > 0) {
        const struct tw__fold_node node = waiting[--depth];
        if (node.stop <= start || stop <= node.start) {
            continue;
        }
        if (start <= node.start && node.stop <= stop) {
            nodes[count++] = node;
            continue;
        }
        const int64_t left = tw__fold_left(node.stop - node.start);
        if (left > 0) {
            waiting[depth++] = (struct tw__fold_node){.start = node.start + left, .stop = node.stop};
            waiting[depth++] = (struct tw__fold_node){.start = node.start, .stop = node.start + left};
        }
    }
    return count;
}
