/* ufunc.c - the dtypes of operations, as NumPy's ufuncs have them. Knows neither operands nor statements.
 *
 * The rules are those of NumPy 2's loops: tests/command/test_notation_types.py compares every operation with NumPy for
 * every pair of dtypes and for Python numbers. */
#include "notation/type/ufunc.h"

#include "notation/type/argument.h"
#include "notation/type/comparison.h"
#include "notation/type/random.h"
#include "notation/value/kind.h"
#include "notation/value/promote.h"

/* Converts the arguments to `kind` and adds the operation, whose result is of `dtype`. */
static tw_status finish(struct tw__typer *typer, const struct tw__syntax_node *node, const struct tw__argument *types,
                        enum tw__operation code, tw_kind kind, tw_kind dtype, struct tw__argument *result)
{
    int children[3];
    tw_status status = TW_OK;
    for (int k = 0; k < node->nchildren && status == TW_OK; k++) {
        status = tw__typer_convert(typer, &types[k], kind, TW__SATURATE_NO, &children[k]);
    }
    int number = -1;
    if (status == TW_OK) {
        status = tw__typer_operate(typer, code, dtype, children, node->nchildren, node->at, &number);
    }
    if (status == TW_OK) {
        tw__argument_set(result, dtype, number);
    }
    return status;
}

static tw_status type_bool_arithmetic(struct tw__typer *typer, const struct tw__syntax_node *node,
                                      const struct tw__argument *types, struct tw__argument *result)
{
    switch (node->which) {
    case TW__OP_ADD:
        return finish(typer, node, types, TW__OP_BIT_OR, TW_BOOL, TW_BOOL, result);
    case TW__OP_MULTIPLY:
        return finish(typer, node, types, TW__OP_BIT_AND, TW_BOOL, TW_BOOL, result);
    case TW__OP_NEGATIVE:
        return tw__argument_refuse(typer, node, types, "NumPy has no such operation; write not, or ~");
    default:
        return tw__argument_refuse(typer, node, types,
                                   "NumPy has no such operation; write ^ for what differs, or x & ~y");
    }
}

static tw_status type_select(struct tw__typer *typer, const struct tw__syntax_node *node,
                             const struct tw__argument *types, struct tw__argument *result)
{
    int has_array, children[3];
    tw_kind arrays;
    const tw_kind kind = tw__argument_common(types + 1, 2, &has_array, &arrays);
    tw_status status = tw__typer_convert(typer, &types[0], TW_BOOL, TW__SATURATE_NO, &children[0]);
    for (int k = 1; k < 3 && status == TW_OK; k++) {
        status = tw__typer_convert(typer, &types[k], kind, TW__SATURATE_NO, &children[k]);
    }
    int number = -1;
    if (status == TW_OK) {
        status = tw__typer_operate(typer, TW__OP_SELECT, kind, children, 3, node->at, &number);
    }
    tw__argument_set(result, kind, number);
    return status;
}

/* x ** -1 of whole numbers. */
static int has_negative_exponent(const struct tw__typer *typer, const struct tw__argument *exponent)
{
    const struct tw__syntax_node *source = &typer->syntax->nodes[exponent->syntax];
    return exponent->is_weak && source->is_literal && source->number.negative;
}

static tw_status type_power(struct tw__typer *typer, const struct tw__syntax_node *node,
                            const struct tw__argument *types, tw_kind kind, struct tw__argument *result)
{
    kind = kind == TW_BOOL ? TW_INT8 : kind;
    if (tw__kind_is_integer(kind) && has_negative_exponent(typer, &types[1])) {
        return tw__argument_refuse(
            typer, node, types,
            "whole numbers to a negative power are no whole numbers; write the exponent as a float");
    }
    return finish(typer, node, types, TW__OP_POWER, kind, kind, result);
}

/* sqrt, atan2, ...: each argument says which float it needs. */
static tw_status type_float(struct tw__typer *typer, const struct tw__syntax_node *node,
                            const struct tw__argument *types, struct tw__argument *result)
{
    int has_array;
    tw_kind arrays, kind = TW_FLOAT16;
    tw__argument_common(types, node->nchildren, &has_array, &arrays);
    for (int k = 0; k < node->nchildren; k++) {
        kind = tw__promote(kind, tw__promote_float(tw__argument_effective(&types[k], has_array, arrays)));
    }
    if (tw__kind_is_complex(kind) && tw__operation_row((enum tw__operation)node->which)->rule == TW__RULE_FLOAT) {
        return tw__argument_refuse(typer, node, types, "there is no such function of complex numbers");
    }
    return finish(typer, node, types, (enum tw__operation)node->which, kind, kind, result);
}

/* The argument is the result. */
static tw_status keep(struct tw__typer *typer, const struct tw__argument *type, tw_kind kind,
                      struct tw__argument *result)
{
    int number = -1;
    const tw_status status = tw__typer_convert(typer, type, kind, TW__SATURATE_NO, &number);
    tw__argument_set(result, kind, number);
    return status;
}

static tw_status make_constant(struct tw__typer *typer, const struct tw__syntax_node *node, tw_kind kind,
                               int64_t integer, struct tw__argument *result)
{
    struct tw__node constant = {.kind = TW__NODE_CONSTANT, .dtype = kind};
    if (!tw__kind_is_inexact(kind)) {
        constant.u.constant.integer = integer;
    } else {
        constant.u.constant.number.real = (double)integer;
    }
    int number = -1;
    const tw_status status = tw__typer_add(typer, &constant, node->at, &number);
    tw__argument_set(result, kind, number);
    return status;
}

/* arg(x) of a real x is atan2(0, x); of bool NumPy makes float64. */
static tw_status type_real_angle(struct tw__typer *typer, const struct tw__syntax_node *node,
                                 const struct tw__argument *type, struct tw__argument *result)
{
    const tw_kind kind = type->dtype == TW_BOOL ? TW_FLOAT64 : tw__promote_float(type->dtype);
    int children[2], number = -1;
    struct tw__argument zero;
    tw_status status = make_constant(typer, node, kind, 0, &zero);
    children[0] = zero.node;
    if (status == TW_OK) {
        status = tw__typer_convert(typer, type, kind, TW__SATURATE_NO, &children[1]);
    }
    if (status == TW_OK) {
        status = tw__typer_operate(typer, TW__OP_ATAN2, kind, children, 2, node->at, &number);
    }
    tw__argument_set(result, kind, number);
    return status;
}

static tw_status type_part(struct tw__typer *typer, const struct tw__syntax_node *node, const struct tw__argument *type,
                           struct tw__argument *result)
{
    const tw_kind kind = type->dtype;
    if (tw__kind_is_complex(kind)) {
        return finish(typer, node, type, (enum tw__operation)node->which, kind,
                      node->which == TW__OP_CONJ ? kind : tw__kind_part(kind), result);
    }
    switch (node->which) {
    case TW__OP_ARG:
        return type_real_angle(typer, node, type, result);
    case TW__OP_IMAG:
        return make_constant(typer, node, kind, 0, result);
    default: /* NumPy's conjugate of bool is an int8 */
        return keep(typer, type, node->which == TW__OP_CONJ && kind == TW_BOOL ? TW_INT8 : kind, result);
    }
}

static tw_status type_unary(struct tw__typer *typer, const struct tw__syntax_node *node, enum tw__rule rule,
                            const struct tw__argument *type, struct tw__argument *result)
{
    const enum tw__operation code = (enum tw__operation)node->which;
    const tw_kind kind = type->dtype;
    switch (rule) {
    case TW__RULE_ROUND:
        return tw__kind_is_complex(kind)
                   ? tw__argument_refuse(typer, node, type, "there is no such function of complex numbers")
               : !tw__kind_is_inexact(kind) ? keep(typer, type, kind, result)
                                            : finish(typer, node, type, code, kind, kind, result);
    case TW__RULE_TEST:
        return !tw__kind_is_inexact(kind) ? make_constant(typer, node, TW_BOOL, code == TW__OP_ISFINITE, result)
                                          : finish(typer, node, type, code, kind, TW_BOOL, result);
    case TW__RULE_ABSOLUTE:
        return kind == TW_BOOL || tw__kind_is_unsigned(kind)
                   ? keep(typer, type, kind, result)
                   : finish(typer, node, type, code, kind, tw__kind_part(kind), result);
    case TW__RULE_SIGN:
        return kind == TW_BOOL ? tw__argument_refuse(typer, node, type, "NumPy has no such function of bools")
                               : finish(typer, node, type, code, kind, kind, result);
    default:
        return type_part(typer, node, type, result);
    }
}

static tw_status type_common(struct tw__typer *typer, const struct tw__syntax_node *node, enum tw__rule rule,
                             const struct tw__argument *types, struct tw__argument *result)
{
    const enum tw__operation code = (enum tw__operation)node->which;
    int has_array;
    tw_kind arrays;
    tw_kind kind = tw__argument_common(types, node->nchildren, &has_array, &arrays);
    switch (rule) {
    case TW__RULE_ARITHMETIC:
        if (kind == TW_BOOL) {
            return type_bool_arithmetic(typer, node, types, result);
        }
        break;
    case TW__RULE_DIVIDE:
        kind = !tw__kind_is_inexact(kind) ? TW_FLOAT64 : kind;
        break;
    case TW__RULE_FLOOR:
        kind = kind == TW_BOOL ? TW_INT8 : kind;
        if (tw__kind_is_complex(kind)) {
            return tw__argument_refuse(typer, node, types, "complex numbers have no such operation");
        }
        break;
    case TW__RULE_POWER:
        return type_power(typer, node, types, kind, result);
    case TW__RULE_BITS:
    case TW__RULE_SHIFT:
        kind = kind == TW_BOOL && rule == TW__RULE_SHIFT ? TW_INT8 : kind;
        if (tw__kind_is_inexact(kind)) {
            return tw__argument_refuse(typer, node, types,
                                       arrays == TW_FLOAT64 && !tw__kind_is_inexact(types[0].dtype) &&
                                               !tw__kind_is_inexact(types[node->nchildren - 1].dtype)
                                           ? "no integer holds both; cast one of them"
                                       : code == TW__OP_BIT_XOR ? "it is for integers and bools (a power is x ** 2)"
                                       : rule == TW__RULE_BITS  ? "it is for integers and bools"
                                                                : "it is for integers");
        }
        if (code == TW__OP_INVERT && kind == TW_BOOL) {
            return finish(typer, node, types, TW__OP_NOT, TW_BOOL, TW_BOOL, result);
        }
        break;
    default:
        break;
    }
    return finish(typer, node, types, code, kind, kind, result);
}

tw_status tw__type_operation(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result)
{
    struct tw__argument types[3];
    if (node->kind == TW__SYNTAX_OPERATION &&
        tw__operation_row((enum tw__operation)node->which)->rule == TW__RULE_RANDOM) {
        return tw__type_random(typer, node, result);
    }
    for (int k = 0; k < node->nchildren; k++) {
        const tw_status status = typer->type(typer, node->child[k], &types[k]);
        if (status != TW_OK) {
            return status;
        }
    }
    if (node->kind != TW__SYNTAX_OPERATION) { /* and, or */
        return finish(typer, node, types, node->kind == TW__SYNTAX_AND ? TW__OP_BIT_AND : TW__OP_BIT_OR, TW_BOOL,
                      TW_BOOL, result);
    }
    const enum tw__rule rule = tw__operation_row((enum tw__operation)node->which)->rule;
    switch (rule) {
    case TW__RULE_COMPARE:
        return tw__type_comparison(typer, node, types, result);
    case TW__RULE_NOT:
        return finish(typer, node, types, TW__OP_NOT, TW_BOOL, TW_BOOL, result);
    case TW__RULE_SELECT:
        return type_select(typer, node, types, result);
    case TW__RULE_FLOAT:
    case TW__RULE_FLOAT_COMPLEX:
        return type_float(typer, node, types, result);
    case TW__RULE_ROUND:
    case TW__RULE_TEST:
    case TW__RULE_ABSOLUTE:
    case TW__RULE_SIGN:
    case TW__RULE_PART:
        return type_unary(typer, node, rule, &types[0], result);
    default:
        return type_common(typer, node, rule, types, result);
    }
}

/* clip(x, low, high): as NumPy, whole bounds beyond an integer dtype bound nothing. */
tw_status tw__type_clip(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result)
{
    struct tw__argument types[3];
    int has_array, children[3], pair[2], number = -1;
    tw_kind arrays;
    tw_status status = TW_OK;
    for (int k = 0; k < 3 && status == TW_OK; k++) {
        status = typer->type(typer, node->child[k], &types[k]);
    }
    if (status != TW_OK) {
        return status;
    }
    const tw_kind kind = tw__argument_common(types, 3, &has_array, &arrays);
    static const enum tw__saturate saturate[] = {TW__SATURATE_NO, TW__SATURATE_LOW, TW__SATURATE_HIGH};
    for (int k = 0; k < 3 && status == TW_OK; k++) {
        status = tw__typer_convert(typer, &types[k], kind, saturate[k], &children[k]);
    }
    pair[0] = children[0];
    pair[1] = children[1];
    if (status == TW_OK) {
        status = tw__typer_operate(typer, TW__OP_MAXIMUM, kind, pair, 2, node->at, &number);
    }
    pair[0] = number;
    pair[1] = children[2];
    if (status == TW_OK) {
        status = tw__typer_operate(typer, TW__OP_MINIMUM, kind, pair, 2, node->at, &number);
    }
    tw__argument_set(result, kind, number);
    return status;
}
