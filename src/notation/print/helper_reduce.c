/* helper_reduce.c - helpers that bring many values together in one order, which depends on their number alone: NumPy's
 * pairwise one. Eight lanes, one after the other by the element's place, then the lanes in pairs, then the rest. */
#include <assert.h>

#include "grid/fold.h"
#include "notation/print/helper.h"

static_assert(TW__FOLD_LANES == 8, "the texts below have 8 lanes");

#define INLINE "TW_INLINE "
#define SLOW "TW_SLOW "

/* Up to 128 values side by side. `none`: what no values give. */
#define TREE(operation, needs)                                                                                         \
    {                                                                                                                  \
        "tree_" operation, "biufc", needs,                                                                             \
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

const struct tw__helper tw__helpers_reduce[] = {
    TREE("add", "add"),
    TREE("multiply", "multiply"),
    TREE("minimum", "minimum"),
    TREE("maximum", "maximum"),
    TREE("fmin", "fmin"),
    TREE("fmax", "fmax"),
    ROW("add", "add"),
    ROW("multiply", "multiply"),
    ROW("minimum", "minimum"),
    ROW("maximum", "maximum"),
    ROW("fmin", "fmin"),
    ROW("fmax", "fmax"),
    LANES("add", "add"),
    LANES("multiply", "multiply"),
    LANES("minimum", "minimum"),
    LANES("maximum", "maximum"),
    LANES("fmin", "fmin"),
    LANES("fmax", "fmax"),

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
