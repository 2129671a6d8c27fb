/* log_f32.h - log, log2, log10 and log1p of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_LOG_F32_H
#define TW_NOTATION_MATH_LOG_F32_H

#include "notation/math/bits.h"

/* log(m) where x = 2^e m with m in sqrt(1/2) .. sqrt(2), to 2^-37 of it. x is positive and a normal float64. */
TW_MATH double tw__log_parts_f32(double x, double *e)
{
    const uint64_t root = 0x3fe6a09e00000000; /* about sqrt(1/2) */
    const uint64_t bits = tw__bits_f64(x) + (0x3ff0000000000000 - root);
    *e = tw__of_bits_f64(0x4330000000000000 | bits >> 52) - (0x1p52 + 1023.0);
    const double f = tw__of_bits_f64((bits & 0x000fffffffffffff) + root) - 1.0;
    const double s = f / (2.0 + f), z = s * s, w = z * z;
    const double tail =
        z * (0x1.555554fdd9979p-1 + w * 0x1.2438ecb55b457p-2) + w * (0x1.999a7a2bc44fcp-2 + w * 0x1.e2f38faeb655ap-3);
    return 2.0 * s + s * tail;
}

/* log(x), to 2^-37. */
TW_MATH double tw__log_f32(double x)
{
    double e;
    const double log_m = tw__log_parts_f32(x, &e);
    return e * 0x1.62e42fefa39efp-1 + log_m;
}

/* log2(x), to 2^-37. */
TW_MATH double tw__log2_f32(double x)
{
    double e;
    const double log_m = tw__log_parts_f32(x, &e);
    return e + log_m * 0x1.71547652b82fep0;
}

/* The logarithm of what is no positive finite number, else `result`. */
TW_MATH float tw__log_special_f32(double x, double result)
{
    const double finite = x < TW_INF ? result : x + x; /* +infinity and NaN stay */
    const double negative = x < 0.0 ? TW_NAN : finite;
    return (float)(x == 0.0 ? -TW_INF : negative);
}

TW_MATH float tw_log_f32(float x)
{
    return tw__log_special_f32(x, tw__log_f32(x));
}

TW_MATH float tw_log2_f32(float x)
{
    return tw__log_special_f32(x, tw__log2_f32(x));
}

TW_MATH float tw_log10_f32(float x)
{
    double e;
    const double log_m = tw__log_parts_f32(x, &e);
    return tw__log_special_f32(x, e * 0x1.34413509f79ffp-2 + log_m * 0x1.bcb7b1526e50ep-2);
}

/* log(1 + x) for a float64 x >= -1, to 2^-37 or better. */
TW_MATH double tw__log1p_f32(double x)
{
    const double small = x - x * x * (0.5 - x * (0x1.5555555555555p-2 - 0.25 * x));
    const double result = tw__log_f32(1.0 + x);
    return tw__abs_f64(x) < 0x1p-10 ? small : result;
}

TW_MATH float tw_log1p_f32(float x)
{
    const double y = x;
    const float result = tw__log_special_f32(1.0 + y, tw__log1p_f32(y));
    return x == 0.0f ? x : result;
}

#endif
