/* rounding.c - round(x, decimals) as operations: what NumPy's round multiplies, rounds and divides. */
#include "notation/type/rounding.h"

#include "notation/type/argument.h"
#include "notation/value/kind.h"

/* The argument is the result. */
static tw_status keep(struct tw__typer *typer, const struct tw__argument *type, struct tw__argument *result)
{
    int number = -1;
    const tw_status status = tw__typer_convert(typer, type, type->dtype, TW__SATURATE_NO, &number);
    tw__argument_set(result, type->dtype, number);
    return status;
}

/* 10^n as NumPy's round has it. */
static double power_of_ten(int n)
{
    double power = 1;
    for (int k = 0; k < n; k++) {
        power *= 10;
    }
    return power;
}

/* value * or / a float, which takes the value's dtype: a Python number. */
static tw_status scale(struct tw__typer *typer, const struct tw__syntax_node *node, enum tw__operation code,
                       tw_kind kind, double factor, int *value)
{
    struct tw__node constant = {.kind = TW__NODE_CONSTANT, .dtype = kind};
    const struct tw__scalar number = tw__scalar_real(factor);
    int children[2] = {*value, -1};
    (void)tw__scalar_convert(&constant.u.constant, kind, &number, TW__SATURATE_NO);
    const tw_status status = tw__typer_add(typer, &constant, node->at, &children[1]);
    return status == TW_OK ? tw__typer_operate(typer, code, kind, children, 2, node->at, value) : status;
}

/* round(x, decimals): half to even, by way of a power of ten, as NumPy has it; integers are their own result unless
 * their last digits go. */
tw_status tw__type_round(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *result)
{
    struct tw__argument type;
    tw_status status = typer->type(typer, node->child[0], &type);
    const int decimals = node->which, is_integer = status == TW_OK && tw__kind_is_integer(type.dtype);
    if (status != TW_OK || (is_integer && decimals >= 0)) {
        return status == TW_OK ? keep(typer, &type, result) : status;
    }
    if (decimals != 0 && type.dtype == TW_BOOL) {
        return tw__complain(typer->error, &typer->syntax->source, node->at,
                            "'round' of bool to other digits: NumPy has no such function of bools");
    }
    if (decimals != 0 && tw__kind_is_complex(type.dtype)) {
        return tw__complain(typer->error, &typer->syntax->source, node->at,
                            "'round' of %s to other digits: write round(real(z), %d) + 1j * round(imag(z), %d)",
                            tw__kind_name(type.dtype), decimals, decimals);
    }
    const tw_kind kind = is_integer ? TW_FLOAT64 : type.dtype == TW_BOOL ? TW_FLOAT16 : type.dtype;
    const double factor = power_of_ten(decimals < 0 ? -decimals : decimals);
    int value = -1;
    status = tw__typer_convert(typer, &type, kind, TW__SATURATE_NO, &value);
    if (status == TW_OK && decimals != 0) {
        status = scale(typer, node, decimals < 0 ? TW__OP_DIVIDE : TW__OP_MULTIPLY, kind, factor, &value);
    }
    if (status == TW_OK) {
        status = tw__typer_operate(typer, TW__OP_RINT, kind, &value, 1, node->at, &value);
    }
    if (status == TW_OK && decimals != 0) {
        status = scale(typer, node, decimals < 0 ? TW__OP_MULTIPLY : TW__OP_DIVIDE, kind, factor, &value);
    }
    tw__argument_set(result, kind, value);
    if (status == TW_OK && is_integer) {
        struct tw__node cast = {.kind = TW__NODE_CAST, .dtype = type.dtype, .child = {value}, .nchildren = 1};
        status = tw__typer_add(typer, &cast, node->at, &value);
        tw__argument_set(result, type.dtype, value);
    }
    return status;
}
