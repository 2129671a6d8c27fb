/* prelude.c - which vector math function does an operation on a dtype. */
#include "kernel/expr/prelude.h"

#include <stdio.h>
#include <string.h>

enum { REAL = 1, COMPLEX = 2, FAST = 4 /* the real ones have a fast version */ };

/* The text of a function is called after a family and the dtype: exp_f64. */
static const struct {
    enum tw__operation operation;
    const char *function;
    const char *family; /* of the real functions; all complex ones are in complex_c64 and complex_c128 */
    int narguments;
    int flags;
} table[] = {
    {TW__OP_POWER, "pow", "pow", 2, REAL},         {TW__OP_MINIMUM, "minimum", "exact", 2, REAL},
    {TW__OP_MAXIMUM, "maximum", "exact", 2, REAL}, {TW__OP_FMIN, "fmin", "exact", 2, REAL},
    {TW__OP_FMAX, "fmax", "exact", 2, REAL},       {TW__OP_ABSOLUTE, "absolute", "exact", 1, REAL},
    {TW__OP_SIGN, "sign", "exact", 1, REAL},       {TW__OP_FLOOR, "floor", "exact", 1, REAL},
    {TW__OP_CEIL, "ceil", "exact", 1, REAL},       {TW__OP_RINT, "rint", "exact", 1, REAL},
    {TW__OP_TRUNC, "trunc", "exact", 1, REAL},     {TW__OP_SQRT, "sqrt", "exact", 1, REAL},
    {TW__OP_EXP, "exp", "exp", 1, REAL},           {TW__OP_EXP2, "exp2", "exp", 1, REAL},
    {TW__OP_EXPM1, "expm1", "exp", 1, REAL},       {TW__OP_LOG, "log", "log", 1, REAL},
    {TW__OP_LOG2, "log2", "log", 1, REAL},         {TW__OP_LOG10, "log10", "log", 1, REAL},
    {TW__OP_LOG1P, "log1p", "log", 1, REAL},       {TW__OP_SIN, "sin", "trig", 1, REAL | FAST},
    {TW__OP_COS, "cos", "trig", 1, REAL | FAST},   {TW__OP_TAN, "tan", "trig", 1, REAL | FAST},
};

static const struct {
    tw_kind dtype;
    int kind;
    const char *suffix;
} dtypes[] = {
    {TW_FLOAT32, REAL, "f32"},
    {TW_FLOAT64, REAL, "f64"},
    {TW_COMPLEX64, COMPLEX, "c64"},
    {TW_COMPLEX128, COMPLEX, "c128"},
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
    size_t d = 0, k = 0;
    while (d < sizeof dtypes / sizeof dtypes[0] && dtypes[d].dtype != dtype) {
        d++;
    }
    while (k < sizeof table / sizeof table[0] && table[k].operation != operation) {
        k++;
    }
    if (d == sizeof dtypes / sizeof dtypes[0] || k == sizeof table / sizeof table[0] ||
        (table[k].flags & dtypes[d].kind) == 0) {
        return 0;
    }
    const char *suffix = dtypes[d].suffix;
    char text[32];
    snprintf(text, sizeof text, "%s_%s", dtypes[d].kind == COMPLEX ? "complex" : table[k].family, suffix);
    snprintf(function->name, sizeof function->name, "tw_%s_%s", table[k].function, suffix);
    function->fast[0] = '\0';
    if (dtypes[d].kind == REAL && (table[k].flags & FAST)) {
        snprintf(function->fast, sizeof function->fast, "tw_%s_%s_fast", table[k].function, suffix);
    }
    function->narguments = table[k].narguments;
    function->needs = needs_of(text);
    return 1;
}
