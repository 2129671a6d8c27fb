/* function.c - the names that a statement may call. Knows names, not what dtypes they take. */
#include "notation/read/function.h"

#include <string.h>

#include "notation/read/syntax.h"

#define PREFIX ""
#define INFIX(level) ""
#define COMPARES ""
#define AS(arguments) arguments
#define ONE "(x)"
#define TWO "(a, b)"

/* The name that is listed first is the one that messages use; NumPy's other names for the same stand at the end. The
 * operators among the operations have no name that could be called. */
static const struct tw__function functions[] = {
#define ROW(code, spelled, n, written, ...) {spelled, TW__FUNCTION_OPERATION, TW__OP_##code, n, spelled written},
    TW__OPERATION_TABLE(ROW)
#undef ROW
        {"round", TW__FUNCTION_ROUND, 0, 1, "round(x) or round(x, 2)"},
    {"clip", TW__FUNCTION_CLIP, 0, 3, "clip(x, low, high)"},
#define ROW(code, spelled, recipe, reduce, traits, usage)                                                              \
    {spelled, TW__FUNCTION_REDUCTION, TW__REDUCER_##code, 1, spelled "(k: x[k]" usage},
    TW__REDUCER_TABLE(ROW)
#undef ROW
        {"len", TW__FUNCTION_LENGTH, 0, 1, "len(i)"},
    {"bool", TW__FUNCTION_CAST, TW_BOOL, 1, "bool(x)"},
    {"int8", TW__FUNCTION_CAST, TW_INT8, 1, "int8(x)"},
    {"int16", TW__FUNCTION_CAST, TW_INT16, 1, "int16(x)"},
    {"int32", TW__FUNCTION_CAST, TW_INT32, 1, "int32(x)"},
    {"int64", TW__FUNCTION_CAST, TW_INT64, 1, "int64(x)"},
    {"uint8", TW__FUNCTION_CAST, TW_UINT8, 1, "uint8(x)"},
    {"uint16", TW__FUNCTION_CAST, TW_UINT16, 1, "uint16(x)"},
    {"uint32", TW__FUNCTION_CAST, TW_UINT32, 1, "uint32(x)"},
    {"uint64", TW__FUNCTION_CAST, TW_UINT64, 1, "uint64(x)"},
    {"float16", TW__FUNCTION_CAST, TW_FLOAT16, 1, "float16(x)"},
    {"float32", TW__FUNCTION_CAST, TW_FLOAT32, 1, "float32(x)"},
    {"float64", TW__FUNCTION_CAST, TW_FLOAT64, 1, "float64(x)"},
    {"complex64", TW__FUNCTION_CAST, TW_COMPLEX64, 1, "complex64(x)"},
    {"complex128", TW__FUNCTION_CAST, TW_COMPLEX128, 1, "complex128(x)"},
#define ALIAS(name, code, n, arguments) {name, TW__FUNCTION_OPERATION, TW__OP_##code, n, name arguments},
    TW__ALIAS_TABLE(ALIAS)
#undef ALIAS
};

#define FUNCTIONS (sizeof functions / sizeof functions[0])

static int is_operator(const struct tw__function *function)
{
    return function->kind == TW__FUNCTION_OPERATION &&
           tw__operation_row((enum tw__operation)function->which)->written != TW__WRITTEN_CALLED;
}

const struct tw__function *tw__find_function(const char *name, size_t length)
{
    for (size_t k = 0; k < FUNCTIONS; k++) {
        if (!is_operator(&functions[k]) && strlen(functions[k].name) == length &&
            memcmp(functions[k].name, name, length) == 0) {
            return &functions[k];
        }
    }
    return NULL;
}

size_t tw__function_names(const char **names, size_t most)
{
    size_t count = 0;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        if (!is_operator(&functions[k])) {
            if (count < most) {
                names[count] = functions[k].name;
            }
            count++;
        }
    }
    return count;
}
