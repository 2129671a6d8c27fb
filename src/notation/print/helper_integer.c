/* helper_integer.c - helpers that compute with integers as NumPy does: they wrap, and nothing is undefined. */
#include "notation/print/helper.h"

#define INLINE "TW_INLINE "
#define SLOW "TW_SLOW "

const struct tw__helper tw__helpers_integer[] = {
    {"negative", "iu", "",
     INLINE "@T tw_negative_@S(@T x)\n"
            "{\n"
            "    return (@T)(0 - (@U)x);\n"
            "}\n"},
    {"add", "iu", "",
     INLINE "@T tw_add_@S(@T x, @T y)\n"
            "{\n"
            "    return (@T)((@U)x + (@U)y);\n"
            "}\n"},
    {"subtract", "iu", "",
     INLINE "@T tw_subtract_@S(@T x, @T y)\n"
            "{\n"
            "    return (@T)((@U)x - (@U)y);\n"
            "}\n"},
    {"multiply", "iu", "",
     INLINE "@T tw_multiply_@S(@T x, @T y)\n"
            "{\n"
            "    return (@T)((@U)x * (@U)y);\n"
            "}\n"},
    {"floor_divide", "i", "negative",
     INLINE "@T tw_floor_divide_@S(@T x, @T y)\n"
            "{\n"
            "    if (y == 0) {\n"
            "        return 0;\n"
            "    }\n"
            "    if (y == -1) {\n"
            "        return tw_negative_@S(x);\n"
            "    }\n"
            "    return (@T)(x / y - (x % y != 0 && (x < 0) != (y < 0)));\n"
            "}\n"},
    {"floor_divide", "u", "",
     INLINE "@T tw_floor_divide_@S(@T x, @T y)\n"
            "{\n"
            "    return y == 0 ? 0 : (@T)(x / y);\n"
            "}\n"},
    {"remainder", "i", "",
     INLINE "@T tw_remainder_@S(@T x, @T y)\n"
            "{\n"
            "    if (y == 0 || y == -1) {\n"
            "        return 0;\n"
            "    }\n"
            "    const @T rest = (@T)(x % y);\n"
            "    return rest != 0 && (x < 0) != (y < 0) ? (@T)(rest + y) : rest;\n"
            "}\n"},
    {"remainder", "u", "",
     INLINE "@T tw_remainder_@S(@T x, @T y)\n"
            "{\n"
            "    return y == 0 ? 0 : (@T)(x % y);\n"
            "}\n"},
    {"fmod", "i", "",
     INLINE "@T tw_fmod_@S(@T x, @T y)\n"
            "{\n"
            "    return y == 0 || y == -1 ? 0 : (@T)(x % y);\n"
            "}\n"},
    {"fmod", "u", "",
     INLINE "@T tw_fmod_@S(@T x, @T y)\n"
            "{\n"
            "    return y == 0 ? 0 : (@T)(x % y);\n"
            "}\n"},
    {"power", "i", "",
     SLOW "@T tw_power_@S(const tw_tile *tile, @T x, @T y)\n"
          "{\n"
          "    @U result = 1, base = (@U)x;\n"
          "    if (y < 0) {\n"
          "        tw_tile_fail(tile, 1, \"integers to negative integer powers are not allowed\");\n"
          "        return 0;\n"
          "    }\n"
          "    for (@U n = (@U)y; n > 0; n >>= 1) {\n"
          "        if (n & 1) {\n"
          "            result *= base;\n"
          "        }\n"
          "        base *= base;\n"
          "    }\n"
          "    return (@T)result;\n"
          "}\n"},
    {"power", "u", "",
     SLOW "@T tw_power_@S(const tw_tile *tile, @T x, @T y)\n"
          "{\n"
          "    @U result = 1, base = x;\n"
          "    (void)tile;\n"
          "    for (@U n = y; n > 0; n >>= 1) {\n"
          "        if (n & 1) {\n"
          "            result *= base;\n"
          "        }\n"
          "        base *= base;\n"
          "    }\n"
          "    return (@T)result;\n"
          "}\n"},
    {"square", "iu", "multiply",
     INLINE "@T tw_square_@S(@T x)\n"
            "{\n"
            "    return tw_multiply_@S(x, x);\n"
            "}\n"},
    {"cube", "iu", "multiply",
     INLINE "@T tw_cube_@S(@T x)\n"
            "{\n"
            "    return tw_multiply_@S(tw_multiply_@S(x, x), x);\n"
            "}\n"},
    {"fourth", "iu", "square",
     INLINE "@T tw_fourth_@S(@T x)\n"
            "{\n"
            "    return tw_square_@S(tw_square_@S(x));\n"
            "}\n"},
    {"shift_left", "iu", "",
     INLINE "@T tw_shift_left_@S(@T x, @T y)\n"
            "{\n"
            "    const uint64_t by = (uint64_t)y;\n"
            "    return by < @B ? (@T)((@U)x << (by & (@B - 1))) : 0;\n"
            "}\n"},
    {"shift_right", "i", "",
     INLINE "@T tw_shift_right_@S(@T x, @T y)\n"
            "{\n"
            "    return (@T)(x >> ((uint64_t)y < @B ? y : @B - 1));\n"
            "}\n"},
    {"shift_right", "u", "",
     INLINE "@T tw_shift_right_@S(@T x, @T y)\n"
            "{\n"
            "    return y < @B ? (@T)(x >> (y & (@B - 1))) : 0;\n"
            "}\n"},
    {"minimum", "biu", "",
     INLINE "@T tw_minimum_@S(@T x, @T y)\n"
            "{\n"
            "    return x < y ? x : y;\n"
            "}\n"},
    {"maximum", "biu", "",
     INLINE "@T tw_maximum_@S(@T x, @T y)\n"
            "{\n"
            "    return x > y ? x : y;\n"
            "}\n"},
    {"absolute", "i", "",
     INLINE "@T tw_absolute_@S(@T x)\n"
            "{\n"
            "    return x < 0 ? (@T)(0 - (@U)x) : x;\n"
            "}\n"},
    {"absolute", "u", "",
     INLINE "@T tw_absolute_@S(@T x)\n"
            "{\n"
            "    return x;\n"
            "}\n"},
    {"sign", "i", "",
     INLINE "@T tw_sign_@S(@T x)\n"
            "{\n"
            "    return (@T)((x > 0) - (x < 0));\n"
            "}\n"},
    {"sign", "u", "",
     INLINE "@T tw_sign_@S(@T x)\n"
            "{\n"
            "    return x > 0;\n"
            "}\n"},

    /* ---- int64 and uint64 by value ---- */

    {"equal_mixed", "-", "",
     INLINE "int tw_equal_mixed(int64_t x, uint64_t y)\n"
            "{\n"
            "    return (x >= 0) & ((uint64_t)x == y);\n"
            "}\n"},
    {"less_mixed", "-", "",
     INLINE "int tw_less_mixed(int64_t x, uint64_t y)\n"
            "{\n"
            "    return (x < 0) | ((uint64_t)x < y);\n"
            "}\n"},
    {"less_equal_mixed", "-", "",
     INLINE "int tw_less_equal_mixed(int64_t x, uint64_t y)\n"
            "{\n"
            "    return (x < 0) | ((uint64_t)x <= y);\n"
            "}\n"},
    {NULL, NULL, NULL, NULL},
};
