/* prelude.c - which vector math function does an operation on a dtype. */
#include "notation/print/prelude.h"

#include <stdio.h>
#include <string.h>

/* The text of a function is called after its family and the dtype: exp_f64. */
static const struct {
    enum tw__operation operation;
    const char *function;
    const char *family;
    int narguments;
    int has_fast;
} table[] = {
    {TW__OP_POWER, "pow", "pow", 2, 0},
    {TW__OP_MINIMUM, "minimum", "exact", 2, 0},
    {TW__OP_MAXIMUM, "maximum", "exact", 2, 0},
    {TW__OP_FMIN, "fmin", "exact", 2, 0},
    {TW__OP_FMAX, "fmax", "exact", 2, 0},
    {TW__OP_COPYSIGN, "copysign", "exact", 2, 0},
    {TW__OP_NEXTAFTER, "nextafter", "exact", 2, 0},
    {TW__OP_ABSOLUTE, "absolute", "exact", 1, 0},
    {TW__OP_SIGN, "sign", "exact", 1, 0},
    {TW__OP_FLOOR, "floor", "exact", 1, 0},
    {TW__OP_CEIL, "ceil", "exact", 1, 0},
    {TW__OP_RINT, "rint", "exact", 1, 0},
    {TW__OP_TRUNC, "trunc", "exact", 1, 0},
    {TW__OP_SQRT, "sqrt", "exact", 1, 0},
    {TW__OP_CBRT, "cbrt", "root", 1, 0},
    {TW__OP_EXP, "exp", "exp", 1, 0},
    {TW__OP_EXP2, "exp2", "exp", 1, 0},
    {TW__OP_EXPM1, "expm1", "exp", 1, 0},
    {TW__OP_LOG, "log", "log", 1, 0},
    {TW__OP_LOG2, "log2", "log", 1, 0},
    {TW__OP_LOG10, "log10", "log", 1, 0},
    {TW__OP_LOG1P, "log1p", "log", 1, 0},
    {TW__OP_SIN, "sin", "trig", 1, 1},
    {TW__OP_COS, "cos", "trig", 1, 1},
    {TW__OP_TAN, "tan", "trig", 1, 1},
    {TW__OP_ASIN, "asin", "asin", 1, 0},
    {TW__OP_ACOS, "acos", "asin", 1, 0},
    {TW__OP_ATAN, "atan", "atan", 1, 0},
    {TW__OP_SINH, "sinh", "hyperbolic", 1, 0},
    {TW__OP_COSH, "cosh", "hyperbolic", 1, 0},
    {TW__OP_TANH, "tanh", "hyperbolic", 1, 0},
    {TW__OP_ASINH, "asinh", "area", 1, 0},
    {TW__OP_ACOSH, "acosh", "area", 1, 0},
    {TW__OP_ATANH, "atanh", "area", 1, 0},
    {TW__OP_ATAN2, "atan2", "atan", 2, 0},
    {TW__OP_HYPOT, "hypot", "root", 2, 0},
    {TW__OP_ERF, "erf", "erf", 1, 0},
    {TW__OP_GAMMA, "gamma", "gamma", 1, 0},
};

static uint64_t needs_of(const char *text)
{
    for (int k = 0; k < tw__prelude_ntexts; k++) {
        if (strcmp(tw__prelude_texts[k].name, text) == 0) {
            return tw__prelude_texts[k].needs;
        }
    }
    return 0;
}

int tw__prelude_find(enum tw__operation operation, tw_kind dtype, struct tw__prelude_function *function)
{
    if (dtype != TW_FLOAT32 && dtype != TW_FLOAT64) {
        return 0;
    }
    const char *suffix = dtype == TW_FLOAT32 ? "f32" : "f64";
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        if (table[k].operation == operation) {
            char text[32];
            snprintf(text, sizeof text, "%s_%s", table[k].family, suffix);
            snprintf(function->name, sizeof function->name, "tw_%s_%s", table[k].function, suffix);
            function->fast[0] = '\0';
            if (table[k].has_fast) {
                snprintf(function->fast, sizeof function->fast, "tw_%s_%s_fast", table[k].function, suffix);
            }
            function->narguments = table[k].narguments;
            function->needs = needs_of(text);
            return 1;
        }
    }
    return 0;
}
