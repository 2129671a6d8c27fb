/* helper_reduce.c - helpers that bring many values together in one order, which depends on their number alone: NumPy's
 * pairwise one. Eight lanes, one after the other by the element's place, then the lanes in pairs, then the rest. */
#include <assert.h>

#include "grid/fold.h"
#include "notation/print/helper.h"

static_assert(TW__FOLD_LANES == 8, "the texts below have 8 lanes");

/* How a run of minima or maxima ends: of zeros with both signs, the last one counts. */
#define LAST_ZERO                                                                                                      \
    "    for (q = count - 1; total == 0; q--) {\n"                                                                     \
    "        if (value[q] == 0) {\n"                                                                                   \
    "            return value[q];\n"                                                                                   \
    "        }\n"                                                                                                      \
    "    }\n"                                                                                                          \
    "    return total;\n"                                                                                              \
    "}\n"

#define INLINE "TW_INLINE "
#define SLOW "TW_SLOW "

/* Up to 128 values side by side. `none`: what no values give. */
#define TREE(operation, needs)                                                                                         \
    {                                                                                                                  \
        "tree_" operation, "c", needs,                                                                                 \
            SLOW "@T tw_tree_" operation "_@S(const @T *value, int64_t count, @T none)\n"                              \
                 "{\n"                                                                                                 \
                 "    @T lane[8], total = none;\n"                                                                     \
                 "    int64_t q = 0;\n"                                                                                \
                 "    if (count >= 8) {\n"                                                                             \
                 "        for (int k = 0; k < 8; k++) {\n"                                                             \
                 "            lane[k] = value[k];\n"                                                                   \
                 "        }\n"                                                                                         \
                 "        for (q = 8; q + 8 <= count; q += 8) {\n"                                                     \
                 "            for (int k = 0; k < 8; k++) {\n"                                                         \
                 "                lane[k] = tw_" operation "_@S(lane[k], value[q + k]);\n"                             \
                 "            }\n"                                                                                     \
                 "        }\n"                                                                                         \
                 "        total = tw_" operation "_@S(tw_" operation "_@S(tw_" operation "_@S(lane[0], lane[1]),\n"    \
                 "            tw_" operation "_@S(lane[2], lane[3])), tw_" operation "_@S(\n"                          \
                 "            tw_" operation "_@S(lane[4], lane[5]), tw_" operation "_@S(lane[6], lane[7])));\n"       \
                 "    }\n"                                                                                             \
                 "    for (; q < count; q++) {\n"                                                                      \
                 "        total = tw_" operation "_@S(total, value[q]);\n"                                             \
                 "    }\n"                                                                                             \
                 "    return total;\n"                                                                                 \
                 "}\n"                                                                                                 \
    }

/* The same for `width` totals at once, in steps: into[q] takes value[q]; the lanes, `width` apart, become totals. */
#define ROW(operation, needs)                                                                                          \
    {                                                                                                                  \
        "row_" operation, "biufc", needs,                                                                              \
            INLINE "void tw_row_" operation "_@S(@T *restrict into, const @T *restrict value, int64_t count)\n"        \
                   "{\n"                                                                                               \
                   "    for (int64_t q = 0; q < count; q++) {\n"                                                       \
                   "        into[q] = tw_" operation "_@S(into[q], value[q]);\n"                                       \
                   "    }\n"                                                                                           \
                   "}\n"                                                                                               \
    }
#define LANES(operation, needs)                                                                                        \
    {                                                                                                                  \
        "lanes_" operation, "biufc", needs,                                                                            \
            SLOW "void tw_lanes_" operation "_@S(@T *restrict total, const @T *restrict lane, int64_t width,\n"        \
                 "    int64_t count)\n"                                                                                \
                 "{\n"                                                                                                 \
                 "    for (int64_t q = 0; q < count; q++) {\n"                                                         \
                 "        const @T *l = lane + q;\n"                                                                   \
                 "        const @T a = tw_" operation "_@S(l[0], l[width]), b = tw_" operation                         \
                 "_@S(l[2 * width], l[3 * width]);\n"                                                                  \
                 "        const @T c = tw_" operation "_@S(l[4 * width], l[5 * width]), d = tw_" operation             \
                 "_@S(l[6 * width], l[7 * width]);\n"                                                                  \
                 "        total[q] = tw_" operation "_@S(tw_" operation "_@S(a, b), tw_" operation "_@S(c, d));\n"     \
                 "    }\n"                                                                                             \
                 "}\n"                                                                                                 \
    }

/* A tree of floats, whose 8 lanes are one vector. */
#define FLOAT_TREE(operation, sign)                                                                                    \
    {                                                                                                                  \
        "tree_" operation, "f", "lanes " operation,                                                                    \
            SLOW "@T tw_tree_" operation "_@S(const @T *value, int64_t count, @T none)\n"                              \
                 "{\n"                                                                                                 \
                 "    @T total = none;\n"                                                                              \
                 "    int64_t q = 0;\n"                                                                                \
                 "    if (count >= 8) {\n"                                                                             \
                 "        tw_lanes_@S lane = *(const tw_lanes_@S *)(const void *)value;\n"                             \
                 "        for (q = 8; q + 8 <= count; q += 8) {\n"                                                     \
                 "            lane = lane " sign " *(const tw_lanes_@S *)(const void *)(value + q);\n"                 \
                 "        }\n"                                                                                         \
                 "        total = ((lane[0] " sign " lane[1]) " sign " (lane[2] " sign " lane[3])) " sign "\n"         \
                 "            ((lane[4] " sign " lane[5]) " sign " (lane[6] " sign " lane[7]));\n"                     \
                 "    }\n"                                                                                             \
                 "    for (; q < count; q++) {\n"                                                                      \
                 "        total = total " sign " value[q];\n"                                                          \
                 "    }\n"                                                                                             \
                 "    return total;\n"                                                                                 \
                 "}\n"                                                                                                 \
    }

/* One value of one or more that lie side by side, of integers: in any order. */
#define RUN(name, kinds, needs, type, start, step)                                                                     \
    {                                                                                                                  \
        "run_" name, kinds, needs,                                                                                     \
            SLOW type " tw_run_" name "_@S(const @T *value, int64_t count)\n"                                          \
                      "{\n"                                                                                            \
                      "    " type " total = " start ";\n"                                                              \
                      "    for (int64_t q = 0; q < count; q++) {\n"                                                    \
                      "        " step ";\n"                                                                            \
                      "    }\n"                                                                                        \
                      "    return total;\n"                                                                            \
                      "}\n"                                                                                            \
    }

/* The same of floats: NaN if one is NaN; of equal ones, 0.0 and -0.0, the last. 32 at a time, as the compiler makes no
 * vectors of a minimum in one variable, which depends on the order. */
#define EXTREME(operation, sign)                                                                                       \
    {                                                                                                                  \
        "run_" operation, "f", operation,                                                                              \
            SLOW "@T tw_run_" operation "_@S(const @T *value, int64_t count)\n"                                        \
                 "{\n"                                                                                                 \
                 "    @T lane[32] __attribute__((aligned(64))), total = value[count - 1];\n"                           \
                 "    @U nan[32] __attribute__((aligned(64))), any = 0;\n"                                             \
                 "    int64_t q = 0;\n"                                                                                \
                 "    if (count >= 64) {\n"                                                                            \
                 "        for (int k = 0; k < 32; k++) {\n"                                                            \
                 "            lane[k] = value[k];\n"                                                                   \
                 "            nan[k] = value[k] != value[k];\n"                                                        \
                 "        }\n"                                                                                         \
                 "        for (q = 32; q + 32 <= count; q += 32) {\n"                                                  \
                 "            for (int k = 0; k < 32; k++) {\n"                                                        \
                 "                lane[k] = lane[k] " sign " value[q + k] ? lane[k] : value[q + k];\n"                 \
                 "                nan[k] |= value[q + k] != value[q + k];\n"                                           \
                 "            }\n"                                                                                     \
                 "        }\n"                                                                                         \
                 "        for (int k = 0; k < 32; k++) {\n"                                                            \
                 "            any |= nan[k];\n"                                                                        \
                 "        }\n"                                                                                         \
                 "        if (any) {\n"                                                                                \
                 "            return (@T)__builtin_nan(\"\");\n"                                                       \
                 "        }\n"                                                                                         \
                 "        for (int half = 16; half > 0; half /= 2) {\n"                                                \
                 "            for (int k = 0; k < half; k++) {\n"                                                      \
                 "                lane[k] = lane[k] " sign " lane[k + half] ? lane[k] : lane[k + half];\n"             \
                 "            }\n"                                                                                     \
                 "        }\n"                                                                                         \
                 "        total = lane[0];\n"                                                                          \
                 "    }\n"                                                                                             \
                 "    for (; q < count; q++) {\n"                                                                      \
                 "        total = tw_" operation "_@S(total, value[q]);\n"                                             \
                 "    }\n" LAST_ZERO                                                                                   \
    }

/* The same where NaN gives way to what is none, `worst` to all others. */
#define NUMBER(operation, sign, worst)                                                                                 \
    {                                                                                                                  \
        "run_" operation, "f", operation,                                                                              \
            SLOW "@T tw_run_" operation "_@S(const @T *value, int64_t count)\n"                                        \
                 "{\n"                                                                                                 \
                 "    @T lane[32] __attribute__((aligned(64))), total = " worst ";\n"                                  \
                 "    int64_t q = 0;\n"                                                                                \
                 "    for (int k = 0; k < 32; k++) {\n"                                                                \
                 "        lane[k] = total;\n"                                                                          \
                 "    }\n"                                                                                             \
                 "    for (; q + 32 <= count; q += 32) {\n"                                                            \
                 "        for (int k = 0; k < 32; k++) {\n"                                                            \
                 "            lane[k] = value[q + k] " sign " lane[k] ? value[q + k] : lane[k];\n"                     \
                 "        }\n"                                                                                         \
                 "    }\n"                                                                                             \
                 "    for (int half = 16; half > 0; half /= 2) {\n"                                                    \
                 "        for (int k = 0; k < half; k++) {\n"                                                          \
                 "            lane[k] = lane[k] " sign " lane[k + half] ? lane[k] : lane[k + half];\n"                 \
                 "        }\n"                                                                                         \
                 "    }\n"                                                                                             \
                 "    for (total = lane[0]; q < count; q++) {\n"                                                       \
                 "        total = tw_" operation "_@S(total, value[q]);\n"                                             \
                 "    }\n"                                                                                             \
                 "    if (total == " worst ") { /* or all are NaN */\n"                                                \
                 "        total = value[0];\n"                                                                         \
                 "        for (q = 1; q < count; q++) {\n"                                                             \
                 "            total = tw_" operation "_@S(total, value[q]);\n"                                         \
                 "        }\n"                                                                                         \
                 "    }\n" LAST_ZERO                                                                                   \
    }

/* Of complex numbers: one after the other. */
#define COMPLEX_EXTREME(operation)                                                                                     \
    {                                                                                                                  \
        "run_" operation, "c", operation,                                                                              \
            SLOW "@T tw_run_" operation "_@S(const @T *value, int64_t count)\n"                                        \
                 "{\n"                                                                                                 \
                 "    @T total = value[0];\n"                                                                          \
                 "    for (int64_t q = 1; q < count; q++) {\n"                                                         \
                 "        total = tw_" operation "_@S(total, value[q]);\n"                                             \
                 "    }\n"                                                                                             \
                 "    return total;\n"                                                                                 \
                 "}\n"                                                                                                 \
    }

const struct tw__helper tw__helpers_reduce[] = {
    {"lanes", "f", "",
     "typedef @T tw_lanes_@S __attribute__((vector_size(8 * sizeof(@T)), aligned(sizeof(@T)), may_alias));\n"},
    TREE("add", "add"),
    TREE("multiply", "multiply"),
    FLOAT_TREE("add", "+"),
    FLOAT_TREE("multiply", "*"),
    RUN("add", "b", "", "uint32_t", "0", "total += value[q]"),
    RUN("add", "iu", "", "@A", "0", "total = (@A)(total + (@A)value[q])"),
    RUN("multiply", "iu", "multiply", "@T", "1", "total = tw_multiply_@S(total, value[q])"),
    RUN("minimum", "biu", "", "@T", "value[0]", "total = value[q] < total ? value[q] : total"),
    RUN("maximum", "biu", "", "@T", "value[0]", "total = value[q] > total ? value[q] : total"),
    RUN("any", "b", "", "uint8_t", "0", "total |= value[q]"),
    RUN("all", "b", "", "uint8_t", "1", "total &= value[q]"),
    EXTREME("minimum", "<"),
    EXTREME("maximum", ">"),
    NUMBER("fmin", "<", "__builtin_inf@F()"),
    NUMBER("fmax", ">", "-__builtin_inf@F()"),
    COMPLEX_EXTREME("minimum"),
    COMPLEX_EXTREME("maximum"),
    COMPLEX_EXTREME("fmin"),
    COMPLEX_EXTREME("fmax"),

    /* the first place of what tw_run_minimum or tw_run_maximum gave */
    {"find", "biu", "",
     SLOW "int64_t tw_find_@S(const @T *value, @T found)\n"
          "{\n"
          "    int64_t q = 0;\n"
          "    while (value[q] != found) {\n"
          "        q++;\n"
          "    }\n"
          "    return q;\n"
          "}\n"},
    {"find", "f", "",
     SLOW "int64_t tw_find_@S(const @T *value, @T found)\n"
          "{\n"
          "    int64_t q = 0;\n"
          "    while (found == found ? value[q] != found : value[q] == value[q]) {\n"
          "        q++;\n"
          "    }\n"
          "    return q;\n"
          "}\n"},
    {"find", "c", "isnan equal",
     SLOW "int64_t tw_find_@S(const @T *value, @T found)\n"
          "{\n"
          "    int64_t q = 0;\n"
          "    while (tw_isnan_@S(found) ? !tw_isnan_@S(value[q]) : !tw_equal_@S(value[q], found)) {\n"
          "        q++;\n"
          "    }\n"
          "    return q;\n"
          "}\n"},

    ROW("add", "add"),
    ROW("multiply", "multiply"),
    ROW("minimum", "minimum"),
    ROW("maximum", "maximum"),
    ROW("fmin", "fmin"),
    ROW("fmax", "fmax"),
    LANES("add", "add"),
    LANES("multiply", "multiply"),

    /* ---- whether x comes before y where the first smallest (largest) is looked for; a NaN comes before all ---- */

    {"lower", "biu", "",
     INLINE "int tw_lower_@S(@T x, @T y)\n"
            "{\n"
            "    return x < y;\n"
            "}\n"},
    {"higher", "biu", "",
     INLINE "int tw_higher_@S(@T x, @T y)\n"
            "{\n"
            "    return x > y;\n"
            "}\n"},
    {"lower", "f", "",
     INLINE "int tw_lower_@S(@T x, @T y)\n"
            "{\n"
            "    return (x < y) | ((x != x) & (y == y));\n"
            "}\n"},
    {"higher", "f", "",
     INLINE "int tw_higher_@S(@T x, @T y)\n"
            "{\n"
            "    return (x > y) | ((x != x) & (y == y));\n"
            "}\n"},
    {"lower", "c", "less isnan",
     INLINE "int tw_lower_@S(@T x, @T y)\n"
            "{\n"
            "    return !tw_isnan_@S(y) & (tw_isnan_@S(x) | tw_less_@S(x, y));\n"
            "}\n"},
    {"higher", "c", "less isnan",
     INLINE "int tw_higher_@S(@T x, @T y)\n"
            "{\n"
            "    return !tw_isnan_@S(y) & (tw_isnan_@S(x) | tw_less_@S(y, x));\n"
            "}\n"},
    {NULL, NULL, NULL, NULL},
};
