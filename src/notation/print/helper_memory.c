/* helper_memory.c - helpers that bring items from memory and back: strips of a row, whatever their strides and however
 * far they reach outside. */
#include "notation/print/helper.h"

#define INLINE "TW_INLINE "
#define SLOW "TW_SLOW "
#define ALL "biuhfc"

/* A strip of a row past whose ends the edge's rule finds places. No rule brings two neighbours further apart, but for
 * wrap, which jumps by a length: the ends are as far apart as they were if the places go up as the indices do. Such a
 * strip is read where it is, inside and far outside. */
#define STRIP_OF(rule)                                                                                                 \
    {                                                                                                                  \
        "strip_" rule, ALL, "strip " rule "/",                                                                         \
            SLOW "const @M *tw_strip_" rule "_@S(@M *room, const char *row, int64_t stride, int64_t length,\n"         \
                 "    int64_t first, int64_t factor, int64_t count)\n"                                                 \
                 "{\n"                                                                                                 \
                 "    const int64_t last = first + factor * (count - 1);\n"                                            \
                 "    const int64_t from = tw_" rule "(first, length), to = tw_" rule "(last, length);\n"              \
                 "    if (to - from == last - first) {\n"                                                              \
                 "        return tw_strip_@S(room, row + from * stride, factor * stride, count);\n"                    \
                 "    }\n"                                                                                             \
                 "    for (int64_t q = 0; q < count; q++) {\n"                                                         \
                 "        room[q] = tw_item_@S(row + tw_" rule "(first + q * factor, length) * stride);\n"             \
                 "    }\n"                                                                                             \
                 "    return room;\n"                                                                                  \
                 "}\n"                                                                                                 \
    }

const struct tw__helper tw__helpers_memory[] = {
    {"least", "-", "",
     INLINE "int64_t tw_least(int64_t x, int64_t y)\n"
            "{\n"
            "    return x < y ? x : y;\n"
            "}\n"},
    {"most", "-", "",
     INLINE "int64_t tw_most(int64_t x, int64_t y)\n"
            "{\n"
            "    return x > y ? x : y;\n"
            "}\n"},

    /* ---- indices that may lie outside ---- */

    {"clamp", "-", "",
     INLINE "int64_t tw_clamp(int64_t index, int64_t length)\n"
            "{\n"
            "    return index < 0 ? 0 : index < length ? index : length - 1;\n"
            "}\n"},
    {"wrap", "-", "",
     INLINE "int64_t tw_wrap(int64_t index, int64_t length)\n"
            "{\n"
            "    if (index >= 0 && index < length) {\n"
            "        return index;\n"
            "    }\n"
            "    const int64_t rest = index % length;\n"
            "    return rest < 0 ? rest + length : rest;\n"
            "}\n"},
    {"reflect", "-", "",
     INLINE "int64_t tw_reflect(int64_t index, int64_t length)\n"
            "{\n"
            "    if (index >= 0 && index < length) {\n"
            "        return index;\n"
            "    }\n"
            "    const uint64_t size = (uint64_t)length, period = 2 * size;\n"
            "    uint64_t at = (uint64_t)(index < 0 ? ~index : index);\n"
            "    at = at < period ? at : at % period;\n"
            "    return (int64_t)(at < size ? at : period - 1 - at);\n"
            "}\n"},
    {"mirror", "-", "",
     INLINE "int64_t tw_mirror(int64_t index, int64_t length)\n"
            "{\n"
            "    if (index >= 0 && index < length) {\n"
            "        return index;\n"
            "    }\n"
            "    const uint64_t size = (uint64_t)length, period = size > 1 ? 2 * size - 2 : 1;\n"
            "    uint64_t at = index < 0 ? 0 - (uint64_t)index : (uint64_t)index;\n"
            "    at = at < period ? at : at % period;\n"
            "    return (int64_t)(at < size ? at : period - at);\n"
            "}\n"},
    {"inside", "-", "",
     INLINE "int tw_inside(int64_t index, int64_t length)\n"
            "{\n"
            "    return index >= 0 && index < length;\n"
            "}\n"},

    /* ---- single items ---- */

    {"item", ALL, "",
     INLINE "@M tw_item_@S(const char *from)\n"
            "{\n"
            "    return *(const @M *)(const void *)from;\n"
            "}\n"},

    /* ---- strips: `count` items, `step` bytes apart, where they lie if that is side by side, else in `room` ---- */

    {"gather", ALL, "item",
     SLOW "const @M *tw_gather_@S(@M *room, const char *from, int64_t step, int64_t count)\n"
          "{\n"
          "    for (int64_t q = 0; q < count; q++) {\n"
          "        room[q] = tw_item_@S(from + q * step);\n"
          "    }\n"
          "    return room;\n"
          "}\n"},
    {"strip", ALL, "gather",
     INLINE "const @M *tw_strip_@S(@M *room, const char *from, int64_t step, int64_t count)\n"
            "{\n"
            "    return step == (int64_t)sizeof(@M) ? (const @M *)(const void *)from\n"
            "                                       : tw_gather_@S(room, from, step, count);\n"
            "}\n"},
    STRIP_OF("clamp"),
    STRIP_OF("wrap"),
    STRIP_OF("reflect"),
    STRIP_OF("mirror"),
    {"strip_number", ALL, "strip inside/",
     SLOW "const @M *tw_strip_number_@S(@M *room, const char *row, int64_t stride, int64_t length, int64_t first,\n"
          "    int64_t factor, int64_t count, @M number)\n"
          "{\n"
          "    const int64_t last = first + factor * (count - 1);\n"
          "    if (first >= 0 && first < length && last >= 0 && last < length) {\n"
          "        return tw_strip_@S(room, row + first * stride, factor * stride, count);\n"
          "    }\n"
          "    for (int64_t q = 0; q < count; q++) {\n"
          "        const int64_t index = first + q * factor;\n"
          "        room[q] = number;\n"
          "        if (tw_inside(index, length)) {\n"
          "            room[q] = tw_item_@S(row + index * stride);\n"
          "        }\n"
          "    }\n"
          "    return room;\n"
          "}\n"},
    {"fill", ALL, "",
     SLOW "const @M *tw_fill_@S(@M *room, int64_t count, @M number)\n"
          "{\n"
          "    for (int64_t q = 0; q < count; q++) {\n"
          "        room[q] = number;\n"
          "    }\n"
          "    return room;\n"
          "}\n"},

    /* ---- where results go: where they belong if that is side by side, else into `room` first ---- */

    {"place", ALL, "",
     INLINE "@M *tw_place_@S(@M *room, char *to, int64_t step)\n"
            "{\n"
            "    return step == (int64_t)sizeof(@M) ? (@M *)(void *)to : room;\n"
            "}\n"},
    {"scatter", ALL, "",
     SLOW "void tw_scatter_@S(char *to, int64_t step, const @M *room, int64_t count)\n"
          "{\n"
          "    for (int64_t q = 0; q < count; q++) {\n"
          "        *(@M *)(void *)(to + q * step) = room[q];\n"
          "    }\n"
          "}\n"},

    /* ---- float16: an item is its bits, a value is a float that has been rounded ---- */

    {"value", "h", "",
     INLINE "float tw_value_f16(uint16_t item)\n"
            "{\n"
            "    const uint32_t size = item & 0x7fffu, sign = (uint32_t)(item & 0x8000u) << 16;\n"
            "    const float small = (float)(int32_t)size * 0x1p-24f;\n"
            "    uint32_t bits, low;\n"
            "    __builtin_memcpy(&low, &small, sizeof low);\n"
            "    bits = (size << 13) + (size >= 0x7c00u ? 0x70000000u : 0x38000000u);\n"
            "    bits = (size < 0x400u ? low : bits) | sign;\n"
            "    float value;\n"
            "    __builtin_memcpy(&value, &bits, sizeof value);\n"
            "    return value;\n"
            "}\n"},
    {"store", "h", "",
     INLINE "uint16_t tw_store_f16(float value)\n"
            "{\n"
            "    uint32_t bits;\n"
            "    __builtin_memcpy(&bits, &value, sizeof bits);\n"
            "    const uint32_t size = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;\n"
            "    const float small = size < 0x38800000u ? __builtin_fabsf(value) * 0x1p24f : 0.0f;\n"
            "    const uint32_t large = size >= 0x7f800000u ? (size > 0x7f800000u ? 0x7e00u : 0x7c00u)\n"
            "                                               : (size - 0x38000000u) >> 13;\n"
            "    return (uint16_t)((size < 0x38800000u ? (uint32_t)(int32_t)small : large) | sign);\n"
            "}\n"},
    {"round", "h", "",
     INLINE "float tw_round_f16(float x)\n"
            "{\n"
            "    uint32_t bits, low;\n"
            "    __builtin_memcpy(&bits, &x, sizeof bits);\n"
            "    const uint32_t size = bits & 0x7fffffffu, sign = bits & 0x80000000u;\n"
            "    const float small = (__builtin_fabsf(x) + 0.5f) - 0.5f; /* a multiple of 2^-24 */\n"
            "    __builtin_memcpy(&low, &small, sizeof low);\n"
            "    uint32_t large = (size + 0xfffu + (size >> 13 & 1u)) & 0xffffe000u;\n"
            "    large = large >= 0x47800000u ? 0x7f800000u : large;\n"
            "    large = size > 0x7f800000u ? size : large;\n"
            "    bits = (size < 0x38800000u ? low : large) | sign;\n"
            "    __builtin_memcpy(&x, &bits, sizeof x);\n"
            "    return x;\n"
            "}\n"},
    {"of_f64", "h", "",
     INLINE "float tw_f16_of_f64(double x)\n"
            "{\n"
            "    uint64_t bits, low;\n"
            "    __builtin_memcpy(&bits, &x, sizeof bits);\n"
            "    const uint64_t size = bits & 0x7fffffffffffffffu, sign = bits & 0x8000000000000000u;\n"
            "    const double small = (__builtin_fabs(x) + 0x1p28) - 0x1p28; /* a multiple of 2^-24 */\n"
            "    __builtin_memcpy(&low, &small, sizeof low);\n"
            "    uint64_t large = (size + 0x1ffffffffffu + (size >> 42 & 1u)) & 0xfffffc0000000000u;\n"
            "    large = large >= 0x40f0000000000000u ? 0x7ff0000000000000u : large;\n"
            "    large = size > 0x7ff0000000000000u ? size : large;\n"
            "    bits = (size < 0x3f10000000000000u ? low : large) | sign;\n"
            "    __builtin_memcpy(&x, &bits, sizeof x);\n"
            "    return (float)x;\n"
            "}\n"},
    {NULL, NULL, NULL, NULL},
};
