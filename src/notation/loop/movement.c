/* movement.c - how a READ moves through memory while an index goes along one axis. */
#include "notation/loop/movement.h"

#include "grid/edge.h"

int tw__read_ndim(const struct tw__program *program, int node)
{
    return program->operands[program->nodes[node].u.read.operand].ndim;
}

const struct tw__index *tw__read_index(const struct tw__program *program, int node, int dimension)
{
    return &program->indices[program->nodes[node].u.read.indices + dimension];
}

int64_t tw__index_factor(const struct tw__index *index, int axis)
{
    int64_t factor = 0;
    for (int t = 0; t < index->nterms; t++) {
        factor += index->term[t].axis == axis ? index->term[t].factor : 0;
    }
    return factor;
}

int tw__index_uses(const struct tw__index *index, int axis)
{
    for (int t = 0; t < index->nterms; t++) {
        if (index->term[t].axis == axis) {
            return 1;
        }
    }
    return 0;
}

/* The last dimension that moves and has an edge, -1: none; *count: how many dimensions move at all. */
static int moving_edge(const struct tw__program *program, int node, int axis, int *count)
{
    int edge = -1;
    *count = 0;
    for (int d = 0; d < tw__read_ndim(program, node); d++) {
        const struct tw__index *index = tw__read_index(program, node, d);
        if (tw__index_factor(index, axis) != 0) {
            ++*count;
            edge = index->edge != TW_EDGE_ERROR ? d : edge;
        }
    }
    return edge;
}

/* Whether a dimension other than `but` has another number outside than it: then each element must be looked at. */
static int has_other_number(const struct tw__program *program, int node, int but)
{
    const struct tw__index *own = tw__read_index(program, node, but);
    for (int d = 0; !tw__edge_has_place(own->edge) && d < tw__read_ndim(program, node); d++) {
        const struct tw__index *index = tw__read_index(program, node, d);
        if (index->edge != TW_EDGE_ERROR && !tw__edge_has_place(index->edge) &&
            (index->edge != own->edge || index->outside != own->outside)) {
            return 1;
        }
    }
    return 0;
}

enum tw__movement tw__read_movement(const struct tw__program *program, int node, int axis)
{
    int count;
    const int edge = moving_edge(program, node, axis, &count);
    if (edge >= 0 && has_other_number(program, node, edge)) {
        return TW__MOVE_ANY;
    }
    return edge < 0 ? TW__MOVE_LINEAR : count == 1 ? TW__MOVE_EDGE : TW__MOVE_ANY;
}

int tw__read_edge(const struct tw__program *program, int node, int axis)
{
    int count;
    return moving_edge(program, node, axis, &count);
}

int tw__read_has_limits(const struct tw__program *program, int node, int axis)
{
    int count;
    const int edge = moving_edge(program, node, axis, &count);
    return edge >= 0 && count == 1 && tw__index_factor(tw__read_index(program, node, edge), axis) == 1;
}

int tw__read_near(const struct tw__program *program, int node, int axis)
{
    int moving = -1;
    for (int d = 0; d < tw__read_ndim(program, node); d++) {
        const int64_t factor = tw__index_factor(tw__read_index(program, node, d), axis);
        if (factor != 0) {
            if (moving >= 0 || factor != 1) {
                return -1;
            }
            moving = d;
        }
    }
    return moving;
}

/* Whether a READ of the body changes while it reduces, too: one that does not is read once, whatever the strips. */
static int is_reduced(const struct tw__node *node, const struct tw__node *read)
{
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        if (read->axes >> node->u.reduce.axis[k] & 1) {
            return 1;
        }
    }
    return 0;
}

int tw__body_reads_along(const struct tw__program *program, int number, int axis)
{
    const struct tw__node *node = &program->nodes[number];
    const int last = node->u.reduce.axis[node->u.reduce.naxes - 1];
    int point = 0, row = 0, once = 0;
    for (int n = 0; n < number && axis >= 0; n++) {
        const struct tw__node *read = &program->nodes[n];
        if (read->kind != TW__NODE_READ || read->scope != number || (read->axes >> axis & 1) == 0) {
            continue;
        }
        const struct tw__index *index = tw__read_index(program, n, tw__read_ndim(program, n) - 1);
        if (is_reduced(node, read)) {
            row += tw__index_uses(index, axis);
            point += tw__index_uses(index, last);
        } else {
            once += tw__index_uses(index, axis);
        }
    }
    return row + point > 0 ? row > 0 && row >= point : once > 0;
}
