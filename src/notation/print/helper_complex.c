/* helper_complex.c - helpers that compute with complex numbers as NumPy does. */
#include "notation/print/helper.h"

#define INLINE "TW_INLINE "
#define SLOW "TW_SLOW "
#define APART "TW_APART "

const struct tw__helper tw__helpers_complex[] = {
    {"type", "c", "",
     "typedef struct {\n"
     "    @P re, im;\n"
     "} @T;\n"},
    {"settle", "c", "settle/part",
     INLINE "@T tw_settle_@S(@T x)\n"
            "{\n"
            "    return (@T){tw_settle_@R(x.re), tw_settle_@R(x.im)};\n"
            "}\n"},
    {"to_c64", "c", "",
     INLINE "tw_c64 tw_to_c64_@S(@T x)\n"
            "{\n"
            "    return (tw_c64){(float)x.re, (float)x.im};\n"
            "}\n"},
    {"to_c128", "c", "",
     INLINE "tw_c128 tw_to_c128_@S(@T x)\n"
            "{\n"
            "    return (tw_c128){x.re, x.im};\n"
            "}\n"},
    {"negative", "c", "",
     INLINE "@T tw_negative_@S(@T x)\n"
            "{\n"
            "    return (@T){-x.re, -x.im};\n"
            "}\n"},
    {"conj", "c", "",
     INLINE "@T tw_conj_@S(@T x)\n"
            "{\n"
            "    return (@T){x.re, -x.im};\n"
            "}\n"},
    {"add", "c", "",
     INLINE "@T tw_add_@S(@T x, @T y)\n"
            "{\n"
            "    return (@T){x.re + y.re, x.im + y.im};\n"
            "}\n"},
    {"subtract", "c", "",
     INLINE "@T tw_subtract_@S(@T x, @T y)\n"
            "{\n"
            "    return (@T){x.re - y.re, x.im - y.im};\n"
            "}\n"},
    {"multiply", "c", "",
     INLINE "@T tw_multiply_@S(@T x, @T y)\n"
            "{\n"
            "    /* As NumPy, which fuses here on every processor that can. */\n"
            "    return (@T){__builtin_fma@F(x.re, y.re, -(x.im * y.im)), __builtin_fma@F(x.re, y.im, x.im * y.re)};\n"
            "}\n"},
    {"divide", "c", "",
     APART "@T tw_divide_@S(@T x, @T y)\n"
           "{\n"
           "    /* Smith's method, in NumPy's order. */\n"
           "    const @P re = __builtin_fabs@F(y.re), im = __builtin_fabs@F(y.im);\n"
           "    if (re >= im) {\n"
           "        if (re == 0 && im == 0) {\n"
           "            return (@T){x.re / re, x.im / re};\n"
           "        }\n"
           "        const @P ratio = y.im / y.re, scale = 1 / (y.re + y.im * ratio);\n"
           "        return (@T){(x.re + x.im * ratio) * scale, (x.im - x.re * ratio) * scale};\n"
           "    }\n"
           "    const @P ratio = y.re / y.im, scale = 1 / (y.im + y.re * ratio);\n"
           "    return (@T){(x.re * ratio + x.im) * scale, (x.im * ratio - x.re) * scale};\n"
           "}\n"},
    {"equal", "c", "",
     INLINE "int tw_equal_@S(@T x, @T y)\n"
            "{\n"
            "    return (x.re == y.re) & (x.im == y.im);\n"
            "}\n"},
    {"not_equal", "c", "",
     INLINE "int tw_not_equal_@S(@T x, @T y)\n"
            "{\n"
            "    return (x.re != y.re) | (x.im != y.im);\n"
            "}\n"},
    {"less", "c", "",
     INLINE "int tw_less_@S(@T x, @T y)\n"
            "{\n"
            "    return ((x.re < y.re) & (x.im == x.im) & (y.im == y.im)) | ((x.re == y.re) & (x.im < y.im));\n"
            "}\n"},
    {"less_equal", "c", "",
     INLINE "int tw_less_equal_@S(@T x, @T y)\n"
            "{\n"
            "    return ((x.re < y.re) & (x.im == x.im) & (y.im == y.im)) | ((x.re == y.re) & (x.im <= y.im));\n"
            "}\n"},
    {"isnan", "c", "",
     INLINE "int tw_isnan_@S(@T x)\n"
            "{\n"
            "    return (x.re != x.re) | (x.im != x.im);\n"
            "}\n"},
    {"isinf", "c", "isinf/part",
     INLINE "int tw_isinf_@S(@T x)\n"
            "{\n"
            "    return tw_isinf_@R(x.re) | tw_isinf_@R(x.im);\n"
            "}\n"},
    {"isfinite", "c", "isfinite/part",
     INLINE "int tw_isfinite_@S(@T x)\n"
            "{\n"
            "    return tw_isfinite_@R(x.re) & tw_isfinite_@R(x.im);\n"
            "}\n"},
    {"minimum", "c", "less_equal isnan",
     INLINE "@T tw_minimum_@S(@T x, @T y)\n"
            "{\n"
            "    return tw_isnan_@S(x) | tw_less_equal_@S(x, y) ? x : y;\n"
            "}\n"},
    {"maximum", "c", "less_equal isnan",
     INLINE "@T tw_maximum_@S(@T x, @T y)\n"
            "{\n"
            "    return tw_isnan_@S(x) | tw_less_equal_@S(y, x) ? x : y;\n"
            "}\n"},
    {"fmin", "c", "less_equal isnan",
     INLINE "@T tw_fmin_@S(@T x, @T y)\n"
            "{\n"
            "    return tw_isnan_@S(y) | tw_less_equal_@S(x, y) ? x : y;\n"
            "}\n"},
    {"fmax", "c", "less_equal isnan",
     INLINE "@T tw_fmax_@S(@T x, @T y)\n"
            "{\n"
            "    return tw_isnan_@S(y) | tw_less_equal_@S(y, x) ? x : y;\n"
            "}\n"},
    {"rint", "c", "",
     INLINE "@T tw_rint_@S(@T x)\n"
            "{\n"
            "    return (@T){__builtin_rint@F(x.re), __builtin_rint@F(x.im)};\n"
            "}\n"},
    {"absolute", "c", "",
     INLINE "@P tw_absolute_@S(@T x)\n"
            "{\n"
            "    return __builtin_hypot@F(x.re, x.im);\n"
            "}\n"},
    {"arg", "c", "",
     INLINE "@P tw_arg_@S(@T x)\n"
            "{\n"
            "    return __builtin_atan2@F(x.im, x.re);\n"
            "}\n"},
    {"sign", "c", "absolute",
     SLOW "@T tw_sign_@S(@T x)\n"
          "{\n"
          "    const @P size = tw_absolute_@S(x);\n"
          "    if (size == 0) {\n"
          "        return (@T){0, 0};\n"
          "    }\n"
          "    if (size == __builtin_inf@F()) {\n"
          "        const int re = __builtin_isinf(x.re), im = __builtin_isinf(x.im);\n"
          "        if (re && im) {\n"
          "            return (@T){__builtin_nan@F(\"\"), __builtin_nan@F(\"\")};\n"
          "        }\n"
          "        return (@T){re ? __builtin_copysign@F(1, x.re) : 0, im ? __builtin_copysign@F(1, x.im) : 0};\n"
          "    }\n"
          "    return (@T){x.re / size, x.im / size};\n"
          "}\n"},
    {"square", "c", "multiply",
     INLINE "@T tw_square_@S(@T x)\n"
            "{\n"
            "    return tw_multiply_@S(x, x);\n"
            "}\n"},
    {"is_true", "c", "",
     INLINE "int tw_is_true_@S(@T x)\n"
            "{\n"
            "    return (x.re != 0) | (x.im != 0);\n"
            "}\n"},
    {"to_c", "c", "",
     INLINE "@P _Complex tw_to_c_@S(@T x)\n"
            "{\n"
            "    return __builtin_complex(x.re, x.im);\n"
            "}\n"},

    /* ---- the C library's functions, which NumPy calls too ---- */

    {"of_c", "c", "",
     INLINE "@T tw_of_c_@S(@P _Complex x)\n"
            "{\n"
            "    return (@T){__real__ x, __imag__ x};\n"
            "}\n"},
    {"sqrt", "c", "of_c to_c",
     SLOW "@T tw_sqrt_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_csqrt@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"exp", "c", "of_c to_c",
     SLOW "@T tw_exp_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_cexp@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"log", "c", "of_c to_c",
     SLOW "@T tw_log_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_clog@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"sin", "c", "of_c to_c",
     SLOW "@T tw_sin_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_csin@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"cos", "c", "of_c to_c",
     SLOW "@T tw_cos_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_ccos@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"tan", "c", "of_c to_c",
     SLOW "@T tw_tan_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_ctan@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"asin", "c", "of_c to_c",
     SLOW "@T tw_asin_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_casin@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"acos", "c", "of_c to_c",
     SLOW "@T tw_acos_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_cacos@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"atan", "c", "of_c to_c",
     SLOW "@T tw_atan_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_catan@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"sinh", "c", "of_c to_c",
     SLOW "@T tw_sinh_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_csinh@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"cosh", "c", "of_c to_c",
     SLOW "@T tw_cosh_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_ccosh@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"tanh", "c", "of_c to_c",
     SLOW "@T tw_tanh_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_ctanh@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"asinh", "c", "of_c to_c",
     SLOW "@T tw_asinh_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_casinh@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"acosh", "c", "of_c to_c",
     SLOW "@T tw_acosh_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_cacosh@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"atanh", "c", "of_c to_c",
     SLOW "@T tw_atanh_@S(@T x)\n"
          "{\n"
          "    return tw_of_c_@S(__builtin_catanh@F(tw_to_c_@S(x)));\n"
          "}\n"},
    {"exp2", "c", "exp",
     SLOW "@T tw_exp2_@S(@T x)\n"
          "{\n"
          "    const @P ln2 = (@P)0x1.62e42fefa39efp-1;\n"
          "    return tw_exp_@S((@T){x.re * ln2, x.im * ln2});\n"
          "}\n"},
    {"log2", "c", "log",
     SLOW "@T tw_log2_@S(@T x)\n"
          "{\n"
          "    const @T log = tw_log_@S(x);\n"
          "    return (@T){log.re * (@P)0x1.71547652b82fep0, log.im * (@P)0x1.71547652b82fep0};\n"
          "}\n"},
    {"log10", "c", "log",
     SLOW "@T tw_log10_@S(@T x)\n"
          "{\n"
          "    const @T log = tw_log_@S(x);\n"
          "    return (@T){log.re * (@P)0x1.bcb7b1526e50ep-2, log.im * (@P)0x1.bcb7b1526e50ep-2};\n"
          "}\n"},
    {"log1p", "c", "",
     SLOW "@T tw_log1p_@S(@T x)\n"
          "{\n"
          "    return (@T){__builtin_log@F(__builtin_hypot@F(x.re + 1, x.im)), __builtin_atan2@F(x.im, x.re + 1)};\n"
          "}\n"},
    {"expm1", "c", "",
     SLOW "@T tw_expm1_@S(@T x)\n"
          "{\n"
          "    const @P half = __builtin_sin@F(x.im / 2);\n"
          "    return (@T){__builtin_expm1@F(x.re) * __builtin_cos@F(x.im) - 2 * half * half,\n"
          "                __builtin_exp@F(x.re) * __builtin_sin@F(x.im)};\n"
          "}\n"},
    {"times", "c", "",
     APART "@T tw_times_@S(@T x, @T y)\n"
           "{\n"
           "    return (@T){x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};\n"
           "}\n"},
    {"power", "c", "of_c to_c times divide",
     SLOW "@T tw_power_@S(@T x, @T y)\n"
          "{\n"
          "    if (y.re == 0 && y.im == 0) {\n"
          "        return (@T){1, 0};\n"
          "    }\n"
          "    if (x.re == 0 && x.im == 0) {\n"
          "        const @P zero = y.re > 0 ? 0 : __builtin_nan@F(\"\");\n"
          "        return (@T){zero, zero};\n"
          "    }\n"
          "    if (y.im == 0 && y.re > -100 && y.re < 100 && y.re == (@P)(int)y.re) {\n"
          "        const int exponent = (int)y.re;\n"
          "        @T result = {1, 0}, base = x;\n"
          "        if (exponent >= 1 && exponent <= 3) {\n"
          "            base = tw_times_@S(x, x);\n"
          "            return exponent == 1 ? x : exponent == 2 ? base : tw_times_@S(x, base);\n"
          "        }\n"
          "        for (int n = exponent < 0 ? -exponent : exponent;;) {\n"
          "            if (n & 1) {\n"
          "                result = tw_times_@S(result, base);\n"
          "            }\n"
          "            n >>= 1;\n"
          "            if (n == 0) {\n"
          "                break;\n"
          "            }\n"
          "            base = tw_times_@S(base, base);\n"
          "        }\n"
          "        return exponent < 0 ? tw_divide_@S((@T){1, 0}, result) : result;\n"
          "    }\n"
          "    return tw_of_c_@S(__builtin_cpow@F(tw_to_c_@S(x), tw_to_c_@S(y)));\n"
          "}\n"},
    {NULL, NULL, NULL, NULL},
};
