/* operation.c - look-ups in the table of operations. */
#include "notation/value/operation.h"

#include <string.h>

#define PREFIX .written = TW__WRITTEN_PREFIX
#define INFIX(n) .written = TW__WRITTEN_INFIX, .level = n
#define COMPARES .written = TW__WRITTEN_COMPARES
#define AS(arguments) .written = TW__WRITTEN_CALLED, .usage = arguments
#define ONE AS("(x)")
#define TWO AS("(a, b)")
#define NONE NULL
#define PLAIN (unsigned)TW__TRAIT_PLAIN
#define ROUNDS (unsigned)TW__TRAIT_ROUNDS
#define LIFTS (unsigned)TW__TRAIT_LIFTS
#define GROWS (unsigned)TW__TRAIT_GROWS
#define SWAPS (unsigned)TW__TRAIT_SWAPS
#define FAST (unsigned)TW__TRAIT_FAST
#define LONG (unsigned)TW__TRAIT_LONG

static const struct tw__operation_row rows[] = {
#define ROW(code, text, n, how, dtypes, c_sign, c_helper, c_family, c_function, real, complex, dear, complex_dear,     \
            all)                                                                                                       \
    [TW__OP_##code] = {.spelled = text,                                                                                \
                       .arity = n,                                                                                     \
                       how,                                                                                            \
                       .rule = TW__RULE_##dtypes,                                                                      \
                       .sign = c_sign,                                                                                 \
                       .helper = c_helper,                                                                             \
                       .family = c_family,                                                                             \
                       .function = c_function,                                                                         \
                       .flops = real,                                                                                  \
                       .complex_flops = complex,                                                                       \
                       .cost = dear,                                                                                   \
                       .complex_cost = complex_dear,                                                                   \
                       .traits = all},
    TW__OPERATION_TABLE(ROW)
#undef ROW
};

const struct tw__operation_row *tw__operation_row(enum tw__operation code)
{
    return &rows[code];
}

const char *tw__operation_name(enum tw__operation code)
{
    return rows[code].spelled;
}

int tw__operation_find(enum tw__written written, int level, const char *text, size_t length)
{
    for (int code = 0; code < TW__OPERATIONS; code++) {
        const struct tw__operation_row *row = &rows[code];
        if (row->written == written && (level < 0 || row->level == level) && strlen(row->spelled) == length &&
            memcmp(row->spelled, text, length) == 0) {
            return code;
        }
    }
    return -1;
}

int tw__operation_is_comparison(enum tw__operation code)
{
    return rows[code].written == TW__WRITTEN_COMPARES;
}
