/* helper_real.c - helpers that compute with floating-point numbers as NumPy does, but for the functions of math/. */
#include "notation/print/helper.h"

#define INLINE "TW_INLINE "

const struct tw__helper tw__helpers_real[] = {
    {"settle", "f", "",
     INLINE
     "@T tw_settle_@S(@T x)\n"
     "{\n"
     "    return x == x ? x : (@T)__builtin_nan(\"\"); /* the NaN of two NaNs is either, as the compiler likes */\n"
     "}\n"},
    {"add", "f", "",
     INLINE "@T tw_add_@S(@T x, @T y)\n"
            "{\n"
            "    return x + y;\n"
            "}\n"},
    {"subtract", "f", "",
     INLINE "@T tw_subtract_@S(@T x, @T y)\n"
            "{\n"
            "    return x - y;\n"
            "}\n"},
    {"multiply", "f", "",
     INLINE "@T tw_multiply_@S(@T x, @T y)\n"
            "{\n"
            "    return x * y;\n"
            "}\n"},
    {"isnan", "f", "",
     INLINE "int tw_isnan_@S(@T x)\n"
            "{\n"
            "    return x != x;\n"
            "}\n"},
    {"isinf", "f", "",
     INLINE "int tw_isinf_@S(@T x)\n"
            "{\n"
            "    return __builtin_fabs@F(x) == __builtin_inf@F();\n"
            "}\n"},
    {"isfinite", "f", "",
     INLINE "int tw_isfinite_@S(@T x)\n"
            "{\n"
            "    return __builtin_fabs@F(x) < __builtin_inf@F();\n"
            "}\n"},
    {"remainder", "f", "",
     INLINE "@T tw_remainder_@S(@T x, @T y)\n"
            "{\n"
            "    const @T rest = __builtin_fmod@F(x, y);\n"
            "    if (y == 0) {\n"
            "        return rest;\n"
            "    }\n"
            "    if (rest != 0) {\n"
            "        return (y < 0) != (rest < 0) ? rest + y : rest;\n"
            "    }\n"
            "    return __builtin_copysign@F(0, y);\n"
            "}\n"},
    {"fmod", "f", "",
     INLINE "@T tw_fmod_@S(@T x, @T y)\n"
            "{\n"
            "    return __builtin_fmod@F(x, y);\n"
            "}\n"},
    {"floor_divide", "f", "",
     INLINE "@T tw_floor_divide_@S(@T x, @T y)\n"
            "{\n"
            "    if (y == 0) {\n"
            "        return x / y;\n"
            "    }\n"
            "    const @T rest = __builtin_fmod@F(x, y);\n"
            "    @T quotient = (x - rest) / y;\n"
            "    if (rest != 0 && (y < 0) != (rest < 0)) {\n"
            "        quotient -= 1;\n"
            "    }\n"
            "    if (quotient == 0) {\n"
            "        return __builtin_copysign@F(0, x / y);\n"
            "    }\n"
            "    const @T whole = __builtin_floor@F(quotient);\n"
            "    return quotient - whole > (@T)0.5 ? whole + 1 : whole;\n"
            "}\n"},

    {"nextafter", "h", "value store",
     INLINE "float tw_nextafter_f16(float x, float y)\n"
            "{\n"
            "    const uint16_t bits = tw_store_f16(x), sign = tw_store_f16(y) & 0x8000u;\n"
            "    const int step = (x < y) == (x > 0) ? 1 : -1;\n"
            "    const float next = tw_value_f16((uint16_t)(x == 0 ? sign | 1 : bits + step));\n"
            "    return x != x || y != y ? x + y : x == y ? x : next;\n"
            "}\n"},

    /* ---- powers that are common, as NumPy computes them or as near ---- */

    {"square", "f", "",
     INLINE "@T tw_square_@S(@T x)\n"
            "{\n"
            "    return x * x;\n"
            "}\n"},
    {"cube", "f", "",
     INLINE "@T tw_cube_@S(@T x)\n"
            "{\n"
            "    return x * x * x;\n"
            "}\n"},
    {"fourth", "f", "",
     INLINE "@T tw_fourth_@S(@T x)\n"
            "{\n"
            "    return (x * x) * (x * x);\n"
            "}\n"},
    {"root", "f", "",
     INLINE "@T tw_root_@S(@T x)\n"
            "{\n"
            "    return __builtin_sqrt@F(x);\n"
            "}\n"},
    {"inverse", "f", "",
     INLINE "@T tw_inverse_@S(@T x)\n"
            "{\n"
            "    return 1 / x;\n"
            "}\n"},

    /* ---- float to integer: what x86-64 gives for numbers that do not fit, whose conversion C leaves undefined ---- */

    {"to_i32", "f", "",
     INLINE "int32_t tw_to_i32_@S(@T x)\n"
            "{\n"
            "    const int fits = (x > (@T)-2147483649.0) & (x < (@T)2147483648.0);\n"
            "    return (int32_t)(fits ? x : (@T)-2147483648.0);\n"
            "}\n"},
    {"to_i64", "f", "",
     INLINE "int64_t tw_to_i64_@S(@T x)\n"
            "{\n"
            "    const int fits = (x >= (@T)-0x1p63) & (x < (@T)0x1p63);\n"
            "    return (int64_t)(fits ? x : (@T)-0x1p63);\n"
            "}\n"},
    {"to_i8", "f", "to_i32",
     INLINE "int8_t tw_to_i8_@S(@T x)\n"
            "{\n"
            "    return (int8_t)tw_to_i32_@S(x);\n"
            "}\n"},
    {"to_i16", "f", "to_i32",
     INLINE "int16_t tw_to_i16_@S(@T x)\n"
            "{\n"
            "    return (int16_t)tw_to_i32_@S(x);\n"
            "}\n"},
    {"to_u8", "f", "to_i32",
     INLINE "uint8_t tw_to_u8_@S(@T x)\n"
            "{\n"
            "    return (uint8_t)tw_to_i32_@S(x);\n"
            "}\n"},
    {"to_u16", "f", "to_i32",
     INLINE "uint16_t tw_to_u16_@S(@T x)\n"
            "{\n"
            "    return (uint16_t)tw_to_i32_@S(x);\n"
            "}\n"},
    {"to_u32", "f", "to_i64",
     INLINE "uint32_t tw_to_u32_@S(@T x)\n"
            "{\n"
            "    return (uint32_t)tw_to_i64_@S(x);\n"
            "}\n"},
    {"to_u64", "f", "to_i64",
     INLINE "uint64_t tw_to_u64_@S(@T x)\n"
            "{\n"
            "    return x >= (@T)0x1p63 ? (uint64_t)tw_to_i64_@S(x - (@T)0x1p63) ^ 0x8000000000000000u : "
            "(uint64_t)tw_to_i64_@S(x);\n"
            "}\n"},
    {NULL, NULL, NULL, NULL},
};
