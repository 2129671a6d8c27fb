/* affine.c - reads an index: constant + sum of factor * axis. Knows how expressions are made, not how they are read. */
#include <string.h>

#include "base/checked.h"
#include "notation/read/parser.h"

static tw_status too_large(struct tw__parser *parser, size_t at)
{
    return tw__complain(parser->error, &parser->syntax->source, at, "an index of more than 64 bits");
}

/* Adds factor * which to a list of terms. */
static tw_status add_term(struct tw__parser *parser, struct tw__syntax_index *index, int is_host, int which,
                          int64_t factor, size_t at)
{
    int *count = is_host ? &index->nhosts : &index->nterms;
    for (int k = 0; !is_host && k < *count; k++) {
        if (index->term[k].which == which) { /* 2*i - i; one of factor 0 goes away at the end */
            return tw__add(index->term[k].factor, factor, &index->term[k].factor) ? TW_OK : too_large(parser, at);
        }
    }
    if (*count == TW__SYNTAX_TERMS) {
        return tw__complain(parser->error, &parser->syntax->source, at, "an index with more than %d %s",
                            TW__SYNTAX_TERMS, is_host ? "lengths and parameters" : "axes");
    }
    if (is_host) {
        index->host[*count].which = which;
        index->host[*count].factor = factor;
    } else {
        index->term[*count].which = which;
        index->term[*count].factor = factor;
    }
    ++*count;
    return TW_OK;
}

static tw_status add_weak(struct tw__parser *parser, struct tw__syntax_index *index, int number, int64_t factor)
{
    const struct tw__syntax_node *node = &parser->syntax->nodes[number];
    int64_t value;
    if (node->class > TW__CLASS_WHOLE) {
        return tw__complain(parser->error, &parser->syntax->source, node->at,
                            "an index is a whole number, this is a %s",
                            node->class == TW__CLASS_REAL ? "float" : "complex number");
    }
    if (!node->is_literal) {
        return add_term(parser, index, 1, number, factor, node->at);
    }
    if (!tw__scalar_to_int64(&node->number, &value) || !tw__mul(value, factor, &value) ||
        !tw__add(index->constant, value, &index->constant)) {
        return too_large(parser, node->at);
    }
    return TW_OK;
}

static tw_status add_part(struct tw__parser *parser, struct tw__syntax_index *index, int number, int64_t factor)
{
    const struct tw__syntax_node *node = &parser->syntax->nodes[number];
    const struct tw__syntax_node *nodes = parser->syntax->nodes;
    if (node->is_weak || node->kind == TW__SYNTAX_PARAMETER) {
        return add_weak(parser, index, number, factor);
    }
    if (node->kind == TW__SYNTAX_INDEX) {
        return add_term(parser, index, 0, node->which, factor, node->at);
    }
    int64_t negative;
    if (!tw__mul(factor, -1, &negative)) {
        return too_large(parser, node->at);
    }
    const int is_operation = node->kind == TW__SYNTAX_OPERATION;
    if (is_operation && node->which == TW__OP_NEGATIVE) {
        return add_part(parser, index, node->child[0], negative);
    }
    if (is_operation && (node->which == TW__OP_ADD || node->which == TW__OP_SUBTRACT)) {
        const tw_status status = add_part(parser, index, node->child[0], factor);
        return status == TW_OK ? add_part(parser, index, node->child[1], node->which == TW__OP_ADD ? factor : negative)
                               : status;
    }
    if (is_operation && node->which == TW__OP_MULTIPLY) {
        for (int k = 0; k < 2; k++) {
            const struct tw__syntax_node *number_node = &nodes[node->child[k]];
            int64_t value;
            if (number_node->is_literal && tw__scalar_to_int64(&number_node->number, &value)) {
                return tw__mul(factor, value, &value) ? add_part(parser, index, node->child[1 - k], value)
                                                      : too_large(parser, node->at);
            }
        }
    }
    if (node->kind == TW__SYNTAX_READ) {
        return tw__complain(parser->error, &parser->syntax->source, node->at,
                            "an index cannot come from an array: where it leads to must be known before the run");
    }
    const char *edge = is_operation && node->which == TW__OP_REMAINDER ? "wrap, which begins again at the other end"
                       : node->kind == TW__SYNTAX_CLIP ||
                               (is_operation && (node->which == TW__OP_MINIMUM || node->which == TW__OP_MAXIMUM ||
                                                 node->which == TW__OP_SELECT))
                           ? "clamp, which takes the nearest element"
                           : NULL;
    return tw__complain(parser->error, &parser->syntax->source, node->at,
                        "an index is made of axes, whole numbers, whole parameters and len(), by +, - and * with a "
                        "number, as in u[2*i - 1]%s%s",
                        edge != NULL ? "; what lies outside is said by the edge of the axis: " : "",
                        edge != NULL ? edge : "");
}

tw_status tw__parse_index(struct tw__parser *parser, struct tw__syntax_index *index)
{
    int node;
    memset(index, 0, sizeof *index);
    index->at = parser->token.at;
    static const char ranges[] =
        "there are no ranges: an index names an axis, as in u[i,j] or u[i+1], and how long the axis "
        "is follows from the arrays or is given (--length i=9, in Python lengths={\"i\": 9})";
    if (tw__parser_sees(parser, ":")) {
        return tw__complain(parser->error, &parser->syntax->source, index->at, "%s", ranges);
    }
    tw_status status = tw__parse_expression(parser, &node);
    if (status == TW_OK && tw__parser_sees(parser, ":")) {
        return tw__complain(parser->error, &parser->syntax->source, index->at, "%s", ranges);
    }
    if (status == TW_OK) {
        status = add_part(parser, index, node, 1);
    }
    int kept = 0;
    for (int k = 0; status == TW_OK && k < index->nterms; k++) {
        if (index->term[k].factor != 0) {
            index->term[kept++] = index->term[k];
        }
    }
    index->nterms = kept;
    return status;
}
