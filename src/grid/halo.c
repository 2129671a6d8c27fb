/* halo.c - how far around its tile a kernel sees each input, and what it reads outside of the array. */
#include "grid/halo.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "grid/edge.h"

void tw__halo_reach(const tw_signature *signature, int operand, struct tw__reach *reach)
{
    const int ndim = signature->operands[operand].ndim;
    for (int d = 0; d < ndim; d++) {
        reach->low[d] = reach->high[d] = 0;
    }
    for (int h = 0; h < signature->nhalos; h++) {
        const struct tw__halo *halo = &signature->halos[h];
        if (halo->operand == operand) {
            reach->low[halo->dimension] = halo->low;
            reach->high[halo->dimension] = halo->high;
        }
    }
}

static int axis_of(const tw_signature *signature, const struct tw__halo *halo)
{
    return signature->operands[halo->operand].axes[halo->dimension];
}

int64_t tw__halo_width(const tw_signature *signature, int axis)
{
    int64_t width = 0;
    for (int h = 0; h < signature->nhalos; h++) {
        const struct tw__halo *halo = &signature->halos[h];
        const int64_t own = (int64_t)halo->high - halo->low;
        width = axis_of(signature, halo) == axis && own > width ? own : width;
    }
    return width;
}

/* ---- texts ---- */

void tw__halo_edge_text(struct tw__text *text, const struct tw__grid_edge *edge)
{
    const tw_axis_edge same = {.edge = edge->edge, .constant = edge->constant, .imag = edge->imag};
    tw__edge_add(text, &same);
}

/* ---- edges ---- */

/* "no axis k in the signature, which has i, j" */
static tw_status check_edge(const tw_signature *signature, const tw_grid_options *options, size_t e, tw_error *error)
{
    const tw_axis_edge *edge = &options->edges[e];
    if (!tw__edge_is_known(edge->edge)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "edge number %zu is %d, which is not an edge", e, (int)edge->edge);
    }
    if (edge->axis != NULL && tw_signature_find_axis(signature, edge->axis) < 0) {
        return tw__fail_axis(signature, edge->axis, error);
    }
    for (size_t before = 0; before < e; before++) {
        const char *axis = options->edges[before].axis;
        if (axis == NULL && edge->axis == NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "two edges are given for all axes");
        }
        if (axis != NULL && edge->axis != NULL && strcmp(axis, edge->axis) == 0) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has two edges: give one", axis);
        }
    }
    return TW_OK;
}

static tw_status check_edges(const tw_signature *signature, const tw_grid_options *options, tw_error *error)
{
    if (options->edges == NULL && options->nedges > 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%zu axes should have an edge, but no edges are given",
                        options->nedges);
    }
    if (options->nedges > 0 && signature->nhalos == 0 && !signature->has_ranges) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "edges say what a kernel reads past the ends of an input, and no input of the signature has a "
                        "halo: write one as u[i-1..i+1]");
    }
    tw_status status = TW_OK;
    for (size_t e = 0; status == TW_OK && e < options->nedges; e++) {
        status = check_edge(signature, options, e, error);
    }
    return status;
}

static struct tw__grid_edge edge_of(const tw_grid_options *options, const char *axis)
{
    const tw_axis_edge *found = NULL;
    for (size_t e = 0; e < options->nedges; e++) {
        const tw_axis_edge *edge = &options->edges[e];
        if (edge->axis != NULL ? strcmp(edge->axis, axis) == 0 : found == NULL) {
            found = edge;
        }
    }
    if (found == NULL) {
        return (struct tw__grid_edge){0};
    }
    return (struct tw__grid_edge){.edge = found->edge, .constant = found->constant, .imag = found->imag};
}

/* A halo that reads what there is not. */
static tw_status refuse(const tw_signature *signature, const struct tw__halo *halo, int64_t length, tw_edge edge,
                        tw_error *error)
{
    const char *axis = signature->axes[axis_of(signature, halo)];
    char operand[256];
    struct tw__text text;
    tw__text_init(&text, operand, sizeof operand);
    tw__text_add(&text, "%s[", signature->operands[halo->operand].name);
    for (int d = 0; d < signature->operands[halo->operand].ndim; d++) {
        tw__text_add(&text, "%s", d > 0 ? "," : "");
        tw__signature_add_index(&text, signature, halo->operand, d);
    }
    tw__text_add(&text, "]");
    if (edge != TW_EDGE_ERROR) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "axis %s has length 0, so the halo of %s finds no element there; the edges zero and constant=x "
                        "read none",
                        axis, operand);
    }
    return tw__fail(error, TW_ERROR_ARGUMENT,
                    "%s is read outside of itself: along axis %s, of length %" PRId64 ", from index %" PRId64
                    " to %" PRId64 "; say what is read there: --edge %s=reflect, edges={\"%s\": \"reflect\"} in "
                    "Python, tw_grid_options.edges in C (or %s)",
                    operand, axis, length, (int64_t)halo->low, length - 1 + halo->high, axis, axis,
                    "clamp, wrap, zero, mirror, constant=x");
}

tw_status tw__halo_edges(struct tw__grid_edge *edges, const tw_signature *signature, const int64_t *lengths,
                         const tw_grid_options *options, int tiles, tw_error *error)
{
    const tw_status status = check_edges(signature, options, error);
    if (status != TW_OK) {
        return status;
    }
    for (int h = 0; h < signature->nhalos; h++) {
        const struct tw__halo *halo = &signature->halos[h];
        const int axis = axis_of(signature, halo);
        edges[axis] = edge_of(options, signature->axes[axis]);
        const tw_edge edge = edges[axis].edge;
        if (tiles && (edge == TW_EDGE_ERROR || (lengths[axis] == 0 && tw__edge_has_place(edge)))) {
            return refuse(signature, halo, lengths[axis], edge, error);
        }
    }
    return TW_OK;
}

size_t tw__halo_options(tw_axis_edge *edges, const tw_grid *grid)
{
    size_t count = 0;
    for (int a = 0; a < grid->naxes; a++) {
        const struct tw__grid_edge *edge = &grid->edges[a];
        if (tw__halo_width(grid->signature, a) > 0 || edge->edge != TW_EDGE_ERROR) {
            edges[count++] = (tw_axis_edge){
                .axis = grid->signature->axes[a], .edge = edge->edge, .constant = edge->constant, .imag = edge->imag};
        }
    }
    return count;
}
