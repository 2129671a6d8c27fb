/* resolve.c - which operand is cut along which axis, and the signature that follows. Knows no dtypes and no lengths. */
#include "notation/type/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid/edge.h"

int tw__index_is_axis(const struct tw__syntax_index *index, int axis)
{
    return index->nterms == 1 && index->nhosts == 0 && index->constant == 0 && index->term[0].factor == 1 &&
           index->term[0].which == axis;
}

tw_edge tw__index_edge(const struct tw__syntax *syntax, const struct tw__syntax_index *index)
{
    tw_edge edge = TW_EDGE_ERROR;
    for (int k = 0; k < index->nterms; k++) {
        const tw_edge own = syntax->axes[index->term[k].which].edge;
        edge = own != TW_EDGE_ERROR ? own : edge;
    }
    return edge;
}

static int same_edge(const struct tw__syntax_axis *x, const struct tw__syntax_axis *y)
{
    const tw_axis_edge a = {.edge = x->edge, .constant = x->constant, .imag = x->imag};
    const tw_axis_edge b = {.edge = y->edge, .constant = y->constant, .imag = y->imag};
    return tw__edge_same(&a, &b);
}

int tw__index_edge_axis(const struct tw__syntax *syntax, const struct tw__syntax_index *index)
{
    for (int k = 0; k < index->nterms; k++) {
        const struct tw__syntax_axis *own = &syntax->axes[index->term[k].which];
        for (int a = 0; own->edge != TW_EDGE_ERROR; a++) {
            if (same_edge(&syntax->axes[a], own)) {
                return a;
            }
        }
    }
    return -1;
}

/* A dimension is cut along the axis that is its index in all reads; an axis cuts one dimension of an operand. */
static void cut_inputs(struct tw__syntax *syntax)
{
    enum { UNSEEN = -2, WHOLE = -1 };
    for (int k = 0; k < syntax->noperands; k++) {
        for (int d = 0; syntax->operands[k].role == TW_IN && d < syntax->operands[k].ndim; d++) {
            syntax->operands[k].axis[d] = UNSEEN;
        }
    }
    for (int n = 0; n < syntax->nnodes; n++) {
        const struct tw__syntax_node *node = &syntax->nodes[n];
        if (node->kind != TW__SYNTAX_READ || syntax->operands[node->which].role != TW_IN) {
            continue;
        }
        struct tw__syntax_operand *operand = &syntax->operands[node->which];
        for (int d = 0; d < operand->ndim; d++) {
            const struct tw__syntax_index *index = &syntax->indices[node->indices + d];
            const int alone = index->nterms == 1 && tw__index_is_axis(index, index->term[0].which);
            const struct tw__syntax_axis *own = alone ? &syntax->axes[index->term[0].which] : NULL;
            const int may_reach_outside = own != NULL && own->has_length && own->edge != TW_EDGE_ERROR;
            const int axis = own != NULL && !may_reach_outside ? index->term[0].which : WHOLE;
            operand->axis[d] = operand->axis[d] == UNSEEN || operand->axis[d] == axis ? axis : WHOLE;
        }
    }
    for (int k = 0; k < syntax->noperands; k++) {
        struct tw__syntax_operand *operand = &syntax->operands[k];
        for (int d = 1; operand->role == TW_IN && d < operand->ndim; d++) {
            for (int before = 0; before < d; before++) {
                operand->axis[d] = operand->axis[d] == operand->axis[before] ? WHOLE : operand->axis[d];
            }
        }
    }
}

static void set_edge(struct tw__syntax_axis *axis, const tw_axis_edge *edge)
{
    axis->edge = edge->edge;
    axis->constant = edge->constant;
    axis->imag = edge->imag;
}

/* The edge of the axes that have no entry of their own: that of the entry without an axis. */
static void set_common_edge(struct tw__syntax *syntax, const tw_axis_edge *edges, size_t nedges)
{
    for (size_t k = 0; k < nedges; k++) {
        for (int a = 0; edges[k].axis == NULL && a < syntax->naxes; a++) {
            set_edge(&syntax->axes[a], &edges[k]);
        }
    }
}

static tw_status set_edges(struct tw__syntax *syntax, const tw_axis_edge *edges, size_t nedges, tw_error *error)
{
    set_common_edge(syntax, edges, nedges);
    for (size_t k = 0; k < nedges; k++) {
        const char *axis = edges[k].axis, *names[TW__EXPR_AXES];
        char known[512];
        int found = -1;
        for (int a = 0; a < syntax->naxes; a++) {
            names[a] = syntax->axes[a].name;
            found = axis != NULL && strcmp(names[a], axis) == 0 ? a : found;
        }
        if (found < 0 && axis != NULL) {
            struct tw__text text;
            tw__text_init(&text, known, sizeof known);
            tw__add_nearest(&text, axis, names, (size_t)syntax->naxes, 16);
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "%s is given for '%s', which is no axis of the statement; it has %s",
                            edges[k].has_length ? "a length" : "an edge", axis, syntax->naxes > 0 ? known : "none");
        }
        if (!tw__edge_is_known(edges[k].edge)) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "the edge %d of %s%s is none: %s", (int)edges[k].edge,
                            axis != NULL ? "axis " : "all axes", axis != NULL ? axis : "", tw__edge_choices);
        }
        if (axis != NULL) {
            set_edge(&syntax->axes[found], &edges[k]);
            syntax->axes[found].has_length = edges[k].has_length;
        }
    }
    for (int n = 0; n < syntax->nindices; n++) {
        const struct tw__syntax_index *index = &syntax->indices[n];
        const int axis = tw__index_edge_axis(syntax, index);
        for (int k = 0; k < index->nterms; k++) {
            const struct tw__syntax_axis *own = &syntax->axes[index->term[k].which];
            if (own->edge != TW_EDGE_ERROR && !same_edge(own, &syntax->axes[axis])) {
                return tw__complain(error, &syntax->source, index->at,
                                    "the axes of this index have different edges; give them the same");
            }
        }
    }
    return TW_OK;
}

/* ---- the signature ---- */

static int is_axis(const struct tw__syntax *syntax, const char *name)
{
    for (int a = 0; a < syntax->naxes; a++) {
        if (strcmp(syntax->axes[a].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The name of a dimension that every tile has whole: u_0. Where an axis or a dimension of an earlier operand has that
 * name, or it would be too long, the operand's number comes into it. */
static void name_whole(const struct tw__syntax *syntax, int operand, int dimension, char name[TW__EXPR_NAME])
{
    const char *base = syntax->operands[operand].name;
    int taken = strlen(base) > TW__EXPR_NAME - 16;
    if (!taken) {
        snprintf(name, TW__EXPR_NAME, "%.*s_%d", TW__EXPR_NAME - 16, base, dimension);
        taken = is_axis(syntax, name);
    }
    for (int tries = 0; taken; tries++) {
        snprintf(name, TW__EXPR_NAME, "whole_%d_%d_%d", operand, dimension, tries);
        taken = is_axis(syntax, name);
    }
}

static void print_operand(const struct tw__syntax *syntax, int k, FILE *text)
{
    const struct tw__syntax_operand *operand = &syntax->operands[k];
    fprintf(text, "%s[", operand->name);
    for (int d = 0; d < operand->ndim; d++) {
        char whole[TW__EXPR_NAME];
        name_whole(syntax, k, d, whole);
        fprintf(text, "%s%s", d > 0 ? "," : "", operand->axis[d] >= 0 ? syntax->axes[operand->axis[d]].name : whole);
    }
    fputc(']', text);
}

static tw_status make_signature(const struct tw__syntax *syntax, tw_signature **signature, tw_error *error)
{
    char *data = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&data, &size);
    if (text == NULL) {
        return tw__fail_memory(error, TW__SYNTAX_TEXT, "a signature");
    }
    const char *separator = "";
    for (int role = TW_IN; role <= TW_INOUT; role++) { /* in the order of a kernel's operands */
        for (int k = 0; k < syntax->noperands; k++) {
            if (syntax->operands[k].role == (tw_role)role && role != TW_OUT) {
                fputs(separator, text);
                print_operand(syntax, k, text);
                separator = ", ";
            }
        }
    }
    fprintf(text, "%s->", separator[0] != '\0' ? " " : "");
    separator = " ";
    for (int s = 0; s < syntax->nstatements; s++) {
        const int k = syntax->statements[s].target;
        int is_first = 1;
        for (int before = 0; before < s; before++) {
            is_first &= syntax->statements[before].target != k;
        }
        if (!is_first) {
            continue;
        }
        fputs(separator, text);
        print_operand(syntax, k, text);
        if (syntax->operands[k].dtype[0] != '\0' && syntax->operands[k].role == TW_OUT) {
            fprintf(text, ":%s", syntax->operands[k].dtype);
        }
        separator = ", ";
    }
    const int written = ferror(text) == 0;
    if (fclose(text) != 0 || !written) {
        free(data);
        return tw__fail_memory(error, size, "a signature");
    }
    tw_error why;
    const tw_status status = tw_signature_parse(signature, data, &why);
    free(data);
    return status == TW_OK ? TW_OK
                           : tw__fail(error, status, "statement: it makes too large a signature: %s", why.message);
}

tw_status tw__resolve(struct tw__syntax *syntax, const tw_axis_edge *edges, size_t nedges, tw_signature **signature,
                      tw_error *error)
{
    const tw_status status = set_edges(syntax, edges, nedges, error);
    if (status == TW_OK) {
        cut_inputs(syntax);
    }
    return status == TW_OK ? make_signature(syntax, signature, error) : status;
}
