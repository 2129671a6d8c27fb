/* function.c - the names that a statement may call. Knows names, not what dtypes they take. */
#include "notation/read/function.h"

#include <string.h>

#include "notation/read/syntax.h"

#define ONE(name, code)                                                                                                \
    {                                                                                                                  \
        name, TW__FUNCTION_OPERATION, code, 1, name "(x)"                                                              \
    }
#define TWO(name, code)                                                                                                \
    {                                                                                                                  \
        name, TW__FUNCTION_OPERATION, code, 2, name "(a, b)"                                                           \
    }
#define REDUCTION(name, code)                                                                                          \
    {                                                                                                                  \
        name, TW__FUNCTION_REDUCTION, code, 1, name "(k: x[k])"                                                        \
    }
#define CAST(name, kind)                                                                                               \
    {                                                                                                                  \
        name, TW__FUNCTION_CAST, kind, 1, name "(x)"                                                                   \
    }

/* The name that is listed first is the one that messages use; the others are NumPy's for the same. */
static const struct tw__function functions[] = {
    ONE("abs", TW__OP_ABSOLUTE),
    ONE("sign", TW__OP_SIGN),
    ONE("sqrt", TW__OP_SQRT),
    ONE("cbrt", TW__OP_CBRT),
    ONE("exp", TW__OP_EXP),
    ONE("exp2", TW__OP_EXP2),
    ONE("expm1", TW__OP_EXPM1),
    {"log", TW__FUNCTION_OPERATION, TW__OP_LOG, 1, "log(x) (to the base b: log(x) / log(b))"},
    ONE("log2", TW__OP_LOG2),
    ONE("log10", TW__OP_LOG10),
    ONE("log1p", TW__OP_LOG1P),
    ONE("sin", TW__OP_SIN),
    ONE("cos", TW__OP_COS),
    ONE("tan", TW__OP_TAN),
    ONE("asin", TW__OP_ASIN),
    ONE("acos", TW__OP_ACOS),
    ONE("atan", TW__OP_ATAN),
    {"atan2", TW__FUNCTION_OPERATION, TW__OP_ATAN2, 2, "atan2(y, x)"},
    ONE("sinh", TW__OP_SINH),
    ONE("cosh", TW__OP_COSH),
    ONE("tanh", TW__OP_TANH),
    ONE("asinh", TW__OP_ASINH),
    ONE("acosh", TW__OP_ACOSH),
    ONE("atanh", TW__OP_ATANH),
    TWO("hypot", TW__OP_HYPOT),
    ONE("floor", TW__OP_FLOOR),
    ONE("ceil", TW__OP_CEIL),
    ONE("rint", TW__OP_RINT),
    ONE("trunc", TW__OP_TRUNC),
    TWO("minimum", TW__OP_MINIMUM),
    TWO("maximum", TW__OP_MAXIMUM),
    TWO("fmin", TW__OP_FMIN),
    TWO("fmax", TW__OP_FMAX),
    TWO("fmod", TW__OP_FMOD),
    TWO("copysign", TW__OP_COPYSIGN),
    TWO("nextafter", TW__OP_NEXTAFTER),
    {"round", TW__FUNCTION_ROUND, 0, 1, "round(x) or round(x, 2)"},
    {"clip", TW__FUNCTION_CLIP, 0, 3, "clip(x, low, high)"},
    {"where", TW__FUNCTION_OPERATION, TW__OP_SELECT, 3, "where(condition, x, y)"},
    ONE("isnan", TW__OP_ISNAN),
    ONE("isinf", TW__OP_ISINF),
    ONE("isfinite", TW__OP_ISFINITE),
    ONE("real", TW__OP_REAL),
    ONE("imag", TW__OP_IMAG),
    ONE("conj", TW__OP_CONJ),
    ONE("arg", TW__OP_ARG),
    ONE("erf", TW__OP_ERF),
    ONE("gamma", TW__OP_GAMMA),
    REDUCTION("sum", TW__REDUCE_SUM),
    REDUCTION("prod", TW__REDUCE_PROD),
    {"min", TW__FUNCTION_REDUCTION, TW__REDUCE_MIN, 1, "min(k: x[k]) (of two values: minimum(a, b))"},
    {"max", TW__FUNCTION_REDUCTION, TW__REDUCE_MAX, 1, "max(k: x[k]) (of two values: maximum(a, b))"},
    REDUCTION("mean", TW__SYNTAX_MEAN),
    REDUCTION("any", TW__REDUCE_ANY),
    REDUCTION("all", TW__REDUCE_ALL),
    REDUCTION("argmin", TW__REDUCE_ARGMIN),
    REDUCTION("argmax", TW__REDUCE_ARGMAX),
    {"len", TW__FUNCTION_LENGTH, 0, 1, "len(i)"},
    CAST("bool", TW_BOOL),
    CAST("int8", TW_INT8),
    CAST("int16", TW_INT16),
    CAST("int32", TW_INT32),
    CAST("int64", TW_INT64),
    CAST("uint8", TW_UINT8),
    CAST("uint16", TW_UINT16),
    CAST("uint32", TW_UINT32),
    CAST("uint64", TW_UINT64),
    CAST("float16", TW_FLOAT16),
    CAST("float32", TW_FLOAT32),
    CAST("float64", TW_FLOAT64),
    CAST("complex64", TW_COMPLEX64),
    CAST("complex128", TW_COMPLEX128),
    ONE("absolute", TW__OP_ABSOLUTE),
    ONE("arcsin", TW__OP_ASIN),
    ONE("arccos", TW__OP_ACOS),
    ONE("arctan", TW__OP_ATAN),
    {"arctan2", TW__FUNCTION_OPERATION, TW__OP_ATAN2, 2, "arctan2(y, x)"},
    ONE("arcsinh", TW__OP_ASINH),
    ONE("arccosh", TW__OP_ACOSH),
    ONE("arctanh", TW__OP_ATANH),
    ONE("conjugate", TW__OP_CONJ),
    ONE("angle", TW__OP_ARG),
};

#define FUNCTIONS (sizeof functions / sizeof functions[0])

const struct tw__function *tw__find_function(const char *name, size_t length)
{
    for (size_t k = 0; k < FUNCTIONS; k++) {
        if (strlen(functions[k].name) == length && memcmp(functions[k].name, name, length) == 0) {
            return &functions[k];
        }
    }
    return NULL;
}

size_t tw__function_names(const char **names, size_t most)
{
    for (size_t k = 0; k < FUNCTIONS && k < most; k++) {
        names[k] = functions[k].name;
    }
    return FUNCTIONS;
}

const char *tw__operation_name(int code)
{
    static const char *const signs[] = {
        [TW__OP_NEGATIVE] = "-",    [TW__OP_NOT] = "not",         [TW__OP_INVERT] = "~",
        [TW__OP_ADD] = "+",         [TW__OP_SUBTRACT] = "-",      [TW__OP_MULTIPLY] = "*",
        [TW__OP_DIVIDE] = "/",      [TW__OP_FLOOR_DIVIDE] = "//", [TW__OP_REMAINDER] = "%",
        [TW__OP_POWER] = "**",      [TW__OP_BIT_AND] = "&",       [TW__OP_BIT_OR] = "|",
        [TW__OP_BIT_XOR] = "^",     [TW__OP_SHIFT_LEFT] = "<<",   [TW__OP_SHIFT_RIGHT] = ">>",
        [TW__OP_EQUAL] = "==",      [TW__OP_NOT_EQUAL] = "!=",    [TW__OP_LESS] = "<",
        [TW__OP_LESS_EQUAL] = "<=", [TW__OP_GREATER] = ">",       [TW__OP_GREATER_EQUAL] = ">="};
    if (code < (int)(sizeof signs / sizeof signs[0]) && signs[code] != NULL) {
        return signs[code];
    }
    for (size_t k = 0; k < FUNCTIONS; k++) {
        if (functions[k].kind == TW__FUNCTION_OPERATION && functions[k].which == code) {
            return functions[k].name;
        }
    }
    return "?";
}
