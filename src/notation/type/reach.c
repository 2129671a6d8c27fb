/* reach.c - which elements of its operand a read reaches: the reads of a statement beside the shapes, and the least and
 * the largest value of an index. */
#include "notation/type/reach.h"

#include "base/checked.h"
#include "notation/type/resolve.h"

int tw__walk_next(const struct tw__extent *extent, struct tw__walk *walk)
{
    const struct tw__syntax *syntax = extent->syntax;
    for (; walk->node < syntax->nnodes; walk->node++, walk->dimension = 0) {
        walk->read = &syntax->nodes[walk->node];
        if (walk->read->kind != TW__SYNTAX_READ || extent->views[walk->read->which] == NULL) {
            continue;
        }
        walk->operand = &syntax->operands[walk->read->which];
        while (walk->dimension < walk->operand->ndim) {
            const int d = walk->dimension++;
            walk->index = &syntax->indices[walk->read->indices + d];
            /* All of an operand that is written too may be read by a reduction: see inner.h. */
            if (walk->operand->axis[d] < 0 || !tw__index_is_axis(walk->index, walk->operand->axis[d])) {
                walk->length = extent->views[walk->read->which]->shape[d];
                return 1;
            }
        }
    }
    return 0;
}

int tw__index_uses_length(const struct tw__syntax *syntax, const struct tw__syntax_index *index)
{
    for (int k = 0; k < index->nhosts; k++) {
        if (syntax->nodes[index->host[k].which].uses_length) {
            return 1;
        }
    }
    return 0;
}

/* The value that an index adds to its axes' part: constant and hosts. */
static tw_status fixed_part(const struct tw__extent *extent, const struct tw__syntax_index *index, int64_t *fixed)
{
    *fixed = index->constant;
    for (int k = 0; k < index->nhosts; k++) {
        struct tw__scalar value;
        int64_t number;
        const size_t at = extent->syntax->nodes[index->host[k].which].at;
        const tw_status status =
            tw__syntax_evaluate(extent->syntax, index->host[k].which, extent->known, &value, extent->error);
        if (status != TW_OK) {
            return status;
        }
        if (!tw__scalar_to_int64(&value, &number) || !tw__mul(number, index->host[k].factor, &number) ||
            !tw__add(*fixed, number, fixed)) {
            return tw__complain(extent->error, &extent->syntax->source, at, "an index of more than 64 bits");
        }
    }
    return TW_OK;
}

tw_status tw__index_range(const struct tw__extent *extent, const struct tw__syntax_index *index, int but,
                          int64_t *least, int64_t *largest)
{
    const tw_status status = fixed_part(extent, index, least);
    if (status != TW_OK) {
        return status;
    }
    *largest = *least;
    for (int k = 0; k < index->nterms; k++) {
        int64_t reach;
        if (index->term[k].which == but) {
            continue;
        }
        int64_t *end = index->term[k].factor > 0 ? largest : least;
        if (!tw__mul(index->term[k].factor, extent->lengths[index->term[k].which] - 1, &reach) ||
            !tw__add(*end, reach, end)) {
            return tw__complain(extent->error, &extent->syntax->source, index->at, "an index of more than 64 bits");
        }
    }
    return TW_OK;
}

int tw__axis_is_alone(const struct tw__extent *extent, int operand, int dimension, int axis)
{
    const struct tw__syntax *syntax = extent->syntax;
    for (int n = 0; n < syntax->nnodes; n++) {
        const struct tw__syntax_node *node = &syntax->nodes[n];
        if (node->kind != TW__SYNTAX_READ || node->which != operand) {
            continue;
        }
        const struct tw__syntax_index *index = &syntax->indices[node->indices + dimension];
        for (int k = 0; k < index->nterms; k++) {
            if (index->term[k].which == axis && !tw__index_is_axis(index, axis)) {
                return 0;
            }
        }
    }
    return 1;
}

int tw__repeats_one(const struct tw__extent *extent, int operand, int dimension, const struct tw__syntax_index *index)
{
    const tw_view *view = extent->views[operand];
    if (index->nterms != 1 || !tw__index_is_axis(index, index->term[0].which) || view == NULL ||
        view->shape[dimension] != 1) {
        return 0;
    }
    return tw__index_edge(extent->syntax, index) == TW_EDGE_ERROR ||
           tw__axis_is_alone(extent, operand, dimension, index->term[0].which);
}

int tw__index_axis(const struct tw__syntax_index *index)
{
    return index->nterms == 1 && tw__index_is_axis(index, index->term[0].which) ? index->term[0].which : -1;
}
