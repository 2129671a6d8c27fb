/* extent.c - the lengths of a statement's axes, found from the shapes of its operands. Looks at shapes alone. */
#include "notation/type/extent.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "notation/type/resolve.h"

enum { UNKNOWN = -1 };

/* Lengths, and the operand that gave an axis its length ("u"; NULL: the caller). */
struct binding {
    struct tw__extent *extent;
    const char *giver[TW__EXPR_AXES];
    int ones[TW__EXPR_AXES]; /* an input has length 1 there, which fits any */
    int is_given[TW__EXPR_AXES];
};

/* ---- what is given ---- */

static tw_status take_given(struct binding *binding)
{
    struct tw__extent *extent = binding->extent;
    const struct tw__syntax *syntax = extent->syntax;
    for (size_t k = 0; k < extent->ngiven; k++) {
        const tw_axis_length *given = &extent->given[k];
        const char *axis = given->axis != NULL ? given->axis : "", *names[TW__EXPR_AXES];
        int found = -1;
        for (int a = 0; a < syntax->naxes; a++) {
            names[a] = syntax->axes[a].name;
            found = strcmp(names[a], axis) == 0 ? a : found;
        }
        if (found < 0) {
            char known[512];
            struct tw__text text;
            tw__text_init(&text, known, sizeof known);
            tw__add_nearest(&text, axis, names, (size_t)syntax->naxes, 16);
            return tw__fail(extent->error, TW_ERROR_ARGUMENT,
                            "a length is given for '%s', which is no axis of the statement; it has %s", axis,
                            syntax->naxes > 0 ? known : "none");
        }
        if (given->length < 0) {
            return tw__fail(extent->error, TW_ERROR_ARGUMENT,
                            "axis %s: the length given is %" PRId64 ", which is negative", given->axis, given->length);
        }
        if (extent->lengths[found] != UNKNOWN) {
            return tw__fail(extent->error, TW_ERROR_ARGUMENT, "axis %s: a length is given twice", given->axis);
        }
        extent->lengths[found] = given->length;
        binding->is_given[found] = 1;
    }
    return TW_OK;
}

static tw_status check_shape(const struct tw__extent *extent, int k)
{
    const struct tw__syntax_operand *operand = &extent->syntax->operands[k];
    const tw_view *view = extent->views[k];
    if (view->ndim != operand->ndim) {
        return tw__complain(extent->error, &extent->syntax->source, operand->at,
                            "%s has %d dimension%s, but %d ind%s here", operand->name, view->ndim,
                            view->ndim == 1 ? "" : "s", operand->ndim, operand->ndim == 1 ? "ex" : "ices");
    }
    for (int d = 0; d < view->ndim; d++) {
        if (view->shape[d] < 0) {
            return tw__fail(extent->error, TW_ERROR_ARGUMENT, "%s has the negative length %" PRId64, operand->name,
                            view->shape[d]);
        }
    }
    return TW_OK;
}

/* ---- dimensions that are cut ---- */

static tw_status disagree(const struct binding *binding, int axis, const char *name, int64_t length, int is_output)
{
    const struct tw__extent *extent = binding->extent;
    const char *axis_name = extent->syntax->axes[axis].name;
    const char *hint = length == 1 && is_output ? "; an output is never broadcast"
                       : extent->syntax->axes[axis].edge != TW_EDGE_ERROR
                           ? "; if the axis is given its length, inputs of other lengths are read with its edge"
                           : "";
    if (binding->giver[axis] == NULL) {
        return tw__fail(extent->error, TW_ERROR_ARGUMENT,
                        "axis %s: the length given is %" PRId64 " but %s has length %" PRId64 "%s", axis_name,
                        extent->lengths[axis], name, length,
                        is_output ? hint : " (with an edge for the axis, it is read with the edge)");
    }
    return tw__fail(extent->error, TW_ERROR_ARGUMENT, "axis %s: %s has length %" PRId64 " but %s has %" PRId64 "%s",
                    axis_name, binding->giver[axis], extent->lengths[axis], name, length, hint);
}

static void give(struct binding *binding, int axis, const char *name, int64_t length)
{
    binding->extent->lengths[axis] = length;
    binding->giver[axis] = name;
}

static tw_status take_cut(struct binding *binding, int k)
{
    struct tw__extent *extent = binding->extent;
    const struct tw__syntax_operand *operand = &extent->syntax->operands[k];
    const tw_view *view = extent->views[k];
    for (int d = 0; view != NULL && d < view->ndim; d++) {
        const int axis = operand->axis[d];
        const int64_t length = view->shape[d];
        if (axis < 0) {
            continue;
        }
        if (length == 1 && operand->role == TW_IN) {
            binding->ones[axis] = 1;
        } else if (extent->lengths[axis] == UNKNOWN) {
            give(binding, axis, operand->name, length);
        } else if (extent->lengths[axis] != length) {
            return disagree(binding, axis, operand->name, length, operand->role != TW_IN);
        }
    }
    return TW_OK;
}

/* ---- dimensions that are whole ---- */

/* An axis that is an index with factor 1, or -1 behind a length (u[len(i) - 1 - i]), has the dimension's length.
 * `only_plain`: those that are the axis alone, which say more. Two that differ are ambiguous. */
static tw_status take_whole(struct binding *binding, int only_plain)
{
    struct tw__extent *extent = binding->extent;
    const char *giver[TW__EXPR_AXES] = {NULL};
    int64_t length[TW__EXPR_AXES];
    struct tw__walk walk = {0};
    while (tw__walk_next(extent, &walk)) {
        const struct tw__syntax_index *index = walk.index;
        if (index->nterms != 1 || extent->lengths[index->term[0].which] != UNKNOWN) {
            continue;
        }
        const int axis = index->term[0].which;
        const int is_plain = tw__index_is_axis(index, axis);
        if (is_plain && walk.length == 1) { /* fits any axis */
            binding->ones[axis] = 1;
            continue;
        }
        const int fits =
            index->term[0].factor == 1 || (index->term[0].factor == -1 && tw__index_uses_length(extent->syntax, index));
        if (only_plain ? !is_plain : !fits) {
            continue;
        }
        if (giver[axis] == NULL) {
            giver[axis] = walk.operand->name;
            length[axis] = walk.length;
        } else if (length[axis] != walk.length) {
            return tw__complain(extent->error, &extent->syntax->source, index->at,
                                "the length of axis %s is ambiguous (%s has length %" PRId64 ", %s has %" PRId64
                                "); give axis %s its length",
                                extent->syntax->axes[axis].name, giver[axis], length[axis], walk.operand->name,
                                walk.length, extent->syntax->axes[axis].name);
        }
    }
    for (int a = 0; a < extent->syntax->naxes; a++) {
        if (giver[a] != NULL) {
            give(binding, a, giver[a], length[a]);
        }
    }
    return TW_OK;
}

/* The one axis of an index whose length is not known; -1: none, or several, or one that is empty. */
static int open_axis(const struct tw__extent *extent, const struct tw__syntax_index *index, int64_t *factor)
{
    int axis = -1;
    for (int k = 0; k < index->nterms; k++) {
        const int64_t length = extent->lengths[index->term[k].which];
        if (length == 0 || (length == UNKNOWN && axis >= 0)) {
            return -1;
        }
        if (length == UNKNOWN) {
            axis = index->term[k].which;
            *factor = index->term[k].factor;
        }
    }
    return axis;
}

/* The largest lengths that stay inside, of axes that nothing else has given one: i in u[2*i + 1], u[i + k]. One round;
 * *found: there may be more in the next. */
static tw_status take_largest(struct binding *binding, int *found)
{
    struct tw__extent *extent = binding->extent;
    int64_t most[TW__EXPR_AXES];
    const char *giver[TW__EXPR_AXES] = {NULL};
    struct tw__walk walk = {0};
    *found = 0;
    while (tw__walk_next(extent, &walk)) {
        int64_t factor = 0, least, largest, length;
        const int axis = open_axis(extent, walk.index, &factor);
        const int is_one = walk.length == 1 && axis >= 0 && tw__index_is_axis(walk.index, axis);
        if (axis < 0 || is_one || tw__index_uses_length(extent->syntax, walk.index)) {
            continue;
        }
        const tw_status status = tw__index_range(extent, walk.index, axis, &least, &largest);
        if (status != TW_OK) {
            return status;
        }
        /* With an edge every length would do: as many as the dimension has, or as steps fit it. Without one:
         * 0 <= least and largest + factor * (length - 1) < the dimension's length, or the other way round. */
        const uint64_t step = factor < 0 ? 0 - (uint64_t)factor : (uint64_t)factor;
        if (tw__index_edge(extent->syntax, walk.index) != TW_EDGE_ERROR) {
            length = walk.length == 0 ? 0 : (int64_t)(((uint64_t)walk.length - 1) / step + 1);
        } else if (factor > 0) {
            const int64_t room = largest < walk.length ? walk.length - 1 - (largest > 0 ? largest : 0) : -1;
            length = room < 0 ? 0 : room / factor + 1;
        } else {
            length = least < 0 ? 0 : factor == INT64_MIN ? 1 : least / -factor + 1;
        }
        if (giver[axis] == NULL || length < most[axis]) {
            giver[axis] = walk.operand->name;
            most[axis] = length;
        }
    }
    for (int a = 0; a < extent->syntax->naxes; a++) {
        if (giver[a] != NULL) {
            give(binding, a, giver[a], most[a]);
            *found = 1;
        }
    }
    return TW_OK;
}

/* Axes along which inputs have length 1, and nothing says more. */
static int take_ones(struct binding *binding)
{
    struct tw__extent *extent = binding->extent;
    int found = 0;
    for (int a = 0; a < extent->syntax->naxes; a++) {
        if (extent->lengths[a] == UNKNOWN && binding->ones[a]) {
            extent->lengths[a] = 1;
            found = 1;
        }
    }
    return found;
}

static tw_status check_all_known(const struct tw__extent *extent)
{
    for (int a = 0; a < extent->syntax->naxes; a++) {
        const struct tw__syntax_axis *axis = &extent->syntax->axes[a];
        if (extent->lengths[a] == UNKNOWN) {
            return tw__complain(extent->error, &extent->syntax->source, axis->at,
                                "axis %s has no length: no input says it; give axis %s its length", axis->name,
                                axis->name);
        }
    }
    return TW_OK;
}

/* ---- axes that stand alone in dimensions that are whole: u[i,i], u[i,j] + u[j,i], u[i] - u[0] ---- */

/* u[i,i]: an axis that one read has twice takes one length from both, as einsum has it: 1 and 4 do not agree. */
static tw_status check_repeated(const struct binding *binding)
{
    const struct tw__extent *extent = binding->extent;
    const struct tw__syntax *syntax = extent->syntax;
    for (int n = 0; n < syntax->nnodes; n++) {
        const struct tw__syntax_node *node = &syntax->nodes[n];
        const int k = node->which;
        for (int d = 1; node->kind == TW__SYNTAX_READ && extent->views[k] != NULL && d < syntax->operands[k].ndim;
             d++) {
            const struct tw__syntax_index *index = &syntax->indices[node->indices + d];
            const int axis = tw__index_axis(index);
            for (int before = 0; axis >= 0 && before < d; before++) {
                const int64_t *shape = extent->views[k]->shape;
                const int reaches = binding->is_given[axis] && syntax->axes[axis].edge != TW_EDGE_ERROR;
                if (reaches || tw__index_axis(index - d + before) != axis || shape[d] == shape[before] ||
                    !tw__axis_is_alone(extent, k, d, axis) || !tw__axis_is_alone(extent, k, before, axis)) {
                    continue;
                }
                return tw__complain(
                    extent->error, &syntax->source, index->at,
                    "axis %s indexes dimensions %d and %d of %s, whose lengths %" PRId64 " and %" PRId64 " differ",
                    syntax->axes[axis].name, before, d, syntax->operands[k].name, shape[before], shape[d]);
            }
        }
    }
    return TW_OK;
}

/* Their lengths agree, as those of dimensions that are cut do. If the caller gives the length, or the axis stands
 * beside something else too (u[i] + u[i+1]), part of a dimension may be meant. */
static tw_status check_alone(const struct binding *binding)
{
    const struct tw__extent *extent = binding->extent;
    struct tw__walk walk = {0};
    while (tw__walk_next(extent, &walk)) {
        const int axis = tw__index_axis(walk.index);
        if (axis < 0 || walk.length == extent->lengths[axis] || walk.length == 1 || binding->is_given[axis] ||
            !tw__axis_is_alone(extent, walk.read->which, walk.dimension - 1, axis)) {
            continue;
        }
        return tw__complain(extent->error, &extent->syntax->source, walk.index->at,
                            "axis %s has length %" PRId64
                            ", but dimension %d of %s, which it indexes too, has %" PRId64,
                            extent->syntax->axes[axis].name, extent->lengths[axis], walk.dimension - 1,
                            walk.operand->name, walk.length);
    }
    return TW_OK;
}

tw_status tw__find_lengths(struct tw__extent *extent)
{
    struct binding binding = {.extent = extent};
    for (int a = 0; a < extent->syntax->naxes; a++) {
        extent->lengths[a] = UNKNOWN;
    }
    tw_status status = take_given(&binding);
    for (int k = 0; k < extent->syntax->noperands && status == TW_OK; k++) {
        status = extent->views[k] != NULL ? check_shape(extent, k) : TW_OK;
    }
    if (status == TW_OK) {
        status = check_repeated(&binding);
    }
    for (int k = 0; k < extent->syntax->noperands && status == TW_OK; k++) {
        status = take_cut(&binding, k);
    }
    /* If an axis is an index alone somewhere, shifted reads elsewhere do not count. */
    if (status == TW_OK) {
        status = take_whole(&binding, 1);
    }
    if (status == TW_OK) {
        status = take_whole(&binding, 0);
    }
    int found = 1;
    while (status == TW_OK && found) {
        status = take_largest(&binding, &found);
        found = found || take_ones(&binding);
    }
    if (status == TW_OK) {
        status = check_all_known(extent);
    }
    return status == TW_OK ? check_alone(&binding) : status;
}
