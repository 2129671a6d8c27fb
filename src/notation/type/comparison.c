/* comparison.c - the dtypes of comparisons: with numbers that an integer dtype does not have, and of int64 with uint64.
 */
#include "notation/type/comparison.h"

#include "notation/type/argument.h"
#include "notation/value/kind.h"

/* The comparison of the same two values in the other order. */
static int reversed(int code)
{
    return code == TW__OP_LESS            ? TW__OP_GREATER
           : code == TW__OP_LESS_EQUAL    ? TW__OP_GREATER_EQUAL
           : code == TW__OP_GREATER       ? TW__OP_LESS
           : code == TW__OP_GREATER_EQUAL ? TW__OP_LESS_EQUAL
                                          : code;
}

/* A literal that an integer dtype does not have is larger, or smaller, than all that it has, as in NumPy. */
static tw_status compare_beyond(struct tw__typer *typer, const struct tw__syntax_node *node, int number_first,
                                int is_large, struct tw__argument *result)
{
    int code = node->which;
    if (number_first) {
        code = reversed(code);
    }
    const int is_less = code == TW__OP_LESS || code == TW__OP_LESS_EQUAL;
    const int is_greater = code == TW__OP_GREATER || code == TW__OP_GREATER_EQUAL;
    struct tw__node constant = {.kind = TW__NODE_CONSTANT, .dtype = TW_BOOL};
    constant.u.constant.integer = code == TW__OP_NOT_EQUAL || (is_less && is_large) || (is_greater && !is_large);
    int number;
    const tw_status status = tw__typer_add(typer, &constant, node->at, &number);
    tw__argument_set(result, TW_BOOL, number);
    return status;
}

/* Integers with a whole number whose value comes later: with the nearest one that the dtype has, and a bool that says
 * whether it lies outside. x < c is x < nearest, or c is above all; x <= c is x <= nearest, and c is not below all. */
static tw_status compare_unknown(struct tw__typer *typer, const struct tw__syntax_node *node,
                                 const struct tw__argument *types, int number, struct tw__argument *result)
{
    const tw_kind kind = types[1 - number].dtype;
    int code = node->which, children[2], pair[2], found = -1;
    for (int k = 0; k < 2; k++) {
        const tw_status status = tw__typer_convert(typer, &types[k], kind, TW__SATURATE_BOTH, &children[k]);
        if (status != TW_OK) {
            return status;
        }
    }
    tw_status status = tw__typer_operate(typer, (enum tw__operation)code, TW_BOOL, children, 2, node->at, &pair[0]);
    if (number == 0) {
        code = reversed(code);
    }
    const enum tw__slot_test test = code == TW__OP_EQUAL || code == TW__OP_NOT_EQUAL      ? TW__SLOT_OUTSIDE
                                    : code == TW__OP_LESS || code == TW__OP_GREATER_EQUAL ? TW__SLOT_ABOVE
                                                                                          : TW__SLOT_BELOW;
    const int is_or = code == TW__OP_NOT_EQUAL || code == TW__OP_LESS || code == TW__OP_GREATER;
    if (status == TW_OK) {
        status = tw__typer_test(typer, types[number].syntax, test, kind, &pair[1]);
    }
    if (status == TW_OK && !is_or) {
        status = tw__typer_operate(typer, TW__OP_NOT, TW_BOOL, &pair[1], 1, node->at, &pair[1]);
    }
    if (status == TW_OK) {
        status = tw__typer_operate(typer, is_or ? TW__OP_BIT_OR : TW__OP_BIT_AND, TW_BOOL, pair, 2, node->at, &found);
    }
    tw__argument_set(result, TW_BOOL, found);
    return status;
}

tw_status tw__type_comparison(struct tw__typer *typer, const struct tw__syntax_node *node,
                              const struct tw__argument *types, struct tw__argument *result)
{
    int has_array, children[2];
    tw_kind arrays;
    tw_kind kind = tw__argument_common(types, 2, &has_array, &arrays);
    for (int k = 0; k < 2; k++) { /* a whole number beside an integer array */
        const struct tw__argument *number = &types[k], *array = &types[1 - k];
        if (!number->is_weak || number->class != TW__CLASS_WHOLE || array->is_weak ||
            !tw__kind_is_integer(array->dtype)) {
            continue;
        }
        const struct tw__syntax_node *source = &typer->syntax->nodes[number->syntax];
        union tw__value value;
        if (source->is_literal && !tw__scalar_convert(&value, array->dtype, &source->number, TW__SATURATE_NO)) {
            return compare_beyond(typer, node, k == 0, !source->number.negative, result);
        }
        if (!source->is_literal) {
            return compare_unknown(typer, node, types, k, result);
        }
    }
    tw_kind own[2] = {kind, kind};
    const tw_kind a = tw__argument_effective(&types[0], has_array, arrays),
                  b = tw__argument_effective(&types[1], has_array, arrays);
    if ((a == TW_UINT64 && tw__kind_is_signed(b)) || (b == TW_UINT64 && tw__kind_is_signed(a))) {
        own[0] = a == TW_UINT64 ? TW_UINT64 : TW_INT64;
        own[1] = b == TW_UINT64 ? TW_UINT64 : TW_INT64;
    }
    tw_status status = TW_OK;
    for (int k = 0; k < 2 && status == TW_OK; k++) {
        status = tw__typer_convert(typer, &types[k], own[k], TW__SATURATE_NO, &children[k]);
    }
    int number = -1;
    if (status == TW_OK) {
        status = tw__typer_operate(typer, (enum tw__operation)node->which, TW_BOOL, children, 2, node->at, &number);
    }
    tw__argument_set(result, TW_BOOL, number);
    return status;
}
