/* syntax.c - the memory of a statement's syntax, and the values of its Python numbers. Knows no tokens. */
#include "notation/read/syntax.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"

void tw__syntax_fini(struct tw__syntax *syntax)
{
    free((char *)(uintptr_t)syntax->source.text);
    free(syntax->nodes);
    free(syntax->indices);
    memset(syntax, 0, sizeof *syntax);
}

tw_status tw__syntax_add(struct tw__syntax *syntax, const struct tw__syntax_node *node, int *number, tw_error *error)
{
    if (syntax->nnodes == TW__SYNTAX_NODES) {
        return tw__complain(error, &syntax->source, node->at, "more than %d operations and operands", TW__SYNTAX_NODES);
    }
    struct tw__syntax_node *nodes = tw__grow(syntax->nodes, syntax->nnodes, &syntax->room, sizeof *nodes);
    if (nodes == NULL) {
        return tw__fail_memory(error, sizeof *nodes, "a statement");
    }
    syntax->nodes = nodes;
    nodes[syntax->nnodes] = *node;
    *number = syntax->nnodes++;
    return TW_OK;
}

tw_status tw__syntax_add_index(struct tw__syntax *syntax, const struct tw__syntax_index *index, tw_error *error)
{
    struct tw__syntax_index *indices =
        tw__grow(syntax->indices, syntax->nindices, &syntax->index_room, sizeof *indices);
    if (indices == NULL) {
        return tw__fail_memory(error, sizeof *indices, "a statement");
    }
    syntax->indices = indices;
    indices[syntax->nindices++] = *index;
    return TW_OK;
}

static struct tw__scalar parameter_value(const tw_parameter *parameter)
{
    const int64_t high = parameter->high;
    const int is_long = !parameter->is_typed && high != 0 && !(high == -1 && parameter->integer < 0);
    switch (parameter->kind) {
    case TW_BOOL:
        return tw__scalar_bool(parameter->integer != 0);
    case TW_INT8:
    case TW_INT16:
    case TW_INT32:
    case TW_INT64:
        if (is_long) {
            const tw__magnitude bits = (tw__magnitude)(uint64_t)high << 64 | (uint64_t)parameter->integer;
            return tw__scalar_whole(high < 0, high < 0 ? 0 - bits : bits);
        }
        return tw__scalar_int64(parameter->integer);
    case TW_UINT8:
    case TW_UINT16:
    case TW_UINT32:
    case TW_UINT64:
        return tw__scalar_whole(0, (uint64_t)parameter->integer);
    case TW_FLOAT16:
    case TW_FLOAT32:
    case TW_FLOAT64:
        return tw__scalar_real(parameter->real);
    default:
        return tw__scalar_complex(parameter->real, parameter->imag);
    }
}

static tw_status apply(const struct tw__syntax *syntax, const struct tw__syntax_node *node,
                       const struct tw__scalar *values, struct tw__scalar *result, tw_error *error)
{
    if (node->kind == TW__SYNTAX_AND || node->kind == TW__SYNTAX_OR) {
        const int a = tw__scalar_is_true(&values[0]), b = tw__scalar_is_true(&values[1]);
        *result = tw__scalar_bool(node->kind == TW__SYNTAX_AND ? a && b : a || b);
        return TW_OK;
    }
    if (node->which == TW__OP_SELECT) {
        *result = tw__scalar_is_true(&values[0]) ? values[1] : values[2];
        return TW_OK;
    }
    const char *why =
        tw__scalar_apply(result, (enum tw__operation)node->which, &values[0], &values[node->nchildren > 1 ? 1 : 0]);
    if (why != NULL) {
        return tw__complain(error, &syntax->source, node->at, "%s", why);
    }
    if (!node->is_literal && result->class > node->class) {
        return tw__complain(error, &syntax->source, node->at,
                            "a whole number to a negative power, which is no whole number: write the base as a float");
    }
    return TW_OK;
}

tw_status tw__syntax_fold(const struct tw__syntax *syntax, const struct tw__syntax_node *node, struct tw__scalar *value,
                          tw_error *error)
{
    struct tw__scalar values[3];
    for (int k = 0; k < node->nchildren; k++) {
        values[k] = syntax->nodes[node->child[k]].number;
    }
    return apply(syntax, node, values, value, error);
}

tw_status tw__known_init(struct tw__known *known, const struct tw__syntax *syntax, const tw_parameter *parameters,
                         const int64_t *lengths, tw_error *error)
{
    const size_t n = (size_t)syntax->nnodes + 1;
    known->parameters = parameters;
    known->lengths = lengths;
    known->values = malloc(n * sizeof *known->values);
    known->done = calloc(n, 1);
    return known->values != NULL && known->done != NULL
               ? TW_OK
               : tw__fail_memory(error, n * sizeof *known->values, "the numbers of a statement");
}

void tw__known_fini(struct tw__known *known)
{
    free(known->values);
    free(known->done);
}

tw_status tw__syntax_evaluate(const struct tw__syntax *syntax, int number, struct tw__known *known,
                              struct tw__scalar *value, tw_error *error)
{
    const struct tw__syntax_node *node = &syntax->nodes[number];
    struct tw__scalar values[3];
    tw_status status = TW_OK;
    if (node->is_literal) {
        *value = node->number;
        return TW_OK;
    }
    if (known->done[number]) {
        *value = known->values[number];
        return TW_OK;
    }
    if (node->kind == TW__SYNTAX_PARAMETER) {
        *value = parameter_value(&known->parameters[node->which]);
    } else if (node->kind == TW__SYNTAX_LENGTH) {
        *value = tw__scalar_int64(known->lengths[node->which]);
    } else {
        for (int k = 0; k < node->nchildren && status == TW_OK; k++) {
            status = tw__syntax_evaluate(syntax, node->child[k], known, &values[k], error);
        }
        if (status == TW_OK) {
            status = apply(syntax, node, values, value, error);
        }
    }
    if (status == TW_OK) {
        known->values[number] = *value;
        known->done[number] = 1;
    }
    return status;
}
