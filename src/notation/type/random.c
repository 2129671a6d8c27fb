/* random.c - uniform(seed) and normal(seed) as nodes: seed, place and element, of which include/tilework/random.h makes
 * the number. */
#include "notation/type/random.h"

#include "notation/value/kind.h"

static tw_status operate(struct tw__typer *typer, enum tw__operation code, int a, int b, size_t at, int *number)
{
    const int children[2] = {a, b};
    return tw__typer_operate(typer, code, TW_INT64, children, 2, at, number);
}

/* ((i * len(j) + j) * len(k) + k) ... */
static tw_status add_element(struct tw__typer *typer, size_t at, int *element)
{
    struct tw__node zero = {.kind = TW__NODE_CONSTANT, .dtype = TW_INT64};
    tw_status status = typer->naround == 0 ? tw__typer_add(typer, &zero, at, element) : TW_OK;
    for (int k = 0; k < typer->naround && status == TW_OK; k++) {
        const int axis = typer->around[k];
        struct tw__node index = {
            .kind = TW__NODE_INDEX, .dtype = TW_INT64, .u.axis = axis, .axes = UINT64_C(1) << axis};
        /* the context begins with the lengths */
        struct tw__node length = {.kind = TW__NODE_SCALAR, .dtype = TW_INT64, .u.offset = axis * (int)sizeof(int64_t)};
        int i, n;
        status = tw__typer_add(typer, &index, at, k == 0 ? element : &i);
        if (k == 0 || status != TW_OK) {
            continue;
        }
        typer->typed->program.needs_context = 1;
        status = tw__typer_add(typer, &length, at, &n);
        if (status == TW_OK) {
            status = operate(typer, TW__OP_MULTIPLY, *element, n, at, element);
        }
        if (status == TW_OK) {
            status = operate(typer, TW__OP_ADD, *element, i, at, element);
        }
    }
    return status;
}

/* A Python number, or a parameter that has a dtype: known before the run. */
static tw_status add_seed(struct tw__typer *typer, const struct tw__syntax_node *node, int *seed)
{
    struct tw__argument type;
    tw_status status = typer->type(typer, node->child[0], &type);
    if (status != TW_OK) {
        return status;
    }
    const struct tw__syntax_node *given = &typer->syntax->nodes[node->child[0]];
    const int is_known = type.is_weak || given->kind == TW__SYNTAX_PARAMETER;
    const int is_whole = type.is_weak ? type.class == TW__CLASS_WHOLE : tw__kind_is_integer(type.dtype);
    if (!is_known || !is_whole) {
        return tw__complain(
            typer->error, &typer->syntax->source, given->at,
            "the seed of %s(seed) is a whole number or a parameter that is one: the number depends on the "
            "element already",
            tw__operation_name((enum tw__operation)node->which));
    }
    return tw__typer_convert(typer, &type, TW_UINT64, TW__SATURATE_NO, seed);
}

tw_status tw__type_random(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result)
{
    struct tw__node place = {.kind = TW__NODE_CONSTANT, .dtype = TW_UINT64};
    int children[3], number = -1;
    place.u.constant.integer = typer->order[typer->target];
    for (int k = 0; k < typer->syntax->noperands; k++) {
        place.u.constant.integer -= typer->syntax->operands[k].role == TW_IN;
    }
    tw_status status = add_seed(typer, node, &children[1]);
    if (status == TW_OK) {
        status = add_element(typer, node->at, &children[0]);
    }
    if (status == TW_OK) {
        status = tw__typer_add(typer, &place, node->at, &children[2]);
    }
    if (status == TW_OK) {
        status = tw__typer_operate(typer, (enum tw__operation)node->which, TW_FLOAT64, children, 3, node->at, &number);
    }
    result->is_weak = 0;
    result->dtype = TW_FLOAT64;
    result->node = number;
    return status;
}
