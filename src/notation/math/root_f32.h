/* root_f32.h - cbrt and hypot of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_ROOT_F32_H
#define TW_NOTATION_MATH_ROOT_F32_H

#include "notation/math/bits.h"

TW_MATH float tw_cbrt_f32(float x)
{
    /* |x| = 2^(3 q + k) m with m in 1 .. 2, t = 2^k m in 1 .. 8. */
    const double size = tw__abs_f64(x);
    const uint64_t bits = tw__bits_f64(size);
    const double e = tw__of_bits_f64(0x4330000000000000 | bits >> 52) - (0x1p52 + 1023.0);
    const double m = tw__of_bits_f64((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
    const double shifted = (e - 1.0) * 0x1.5555555555555p-2 + TW_SHIFT, q = shifted - TW_SHIFT, k = e - 3.0 * q;
    const double t1 = k > 0.5 ? 2.0 * m : m, t = k > 1.5 ? 4.0 * m : t1;
    const double factor1 = k > 0.5 ? 0x1.965fea53d6e3dp-1 : 1.0, factor = k > 1.5 ? 0x1.428a2f98d728bp-1 : factor1;
    /* r = t^(-1/3) from a polynomial in m, then one step of an iteration of order 3 without a division. */
    const double v = m - 1.5, w = v * v;
    const double r0 = factor * ((0x1.bf46bfe375d58p-1 + w * (0x1.5fcf7986dbff8p-4 + w * 0x1.d46e2d2a40243p-6)) +
                                v * (-0x1.8cebb9dfbb0d0p-3 + w * -0x1.971300fb44a83p-5));
    const double d = 1.0 - t * r0 * r0 * r0;
    const double r = r0 + r0 * d * (0x1.5555555555555p-2 + d * 0x1.c71c71c71c71cp-3);
    const float value = (float)tw__mulsign_f64(t * r * r * tw__power_f64(shifted), x);
    const float finite = size < TW_INF ? value : x;
    return size == 0.0 ? x : finite;
}

TW_MATH float tw_hypot_f32(float x, float y)
{
    /* Squares of float32 and their sums neither over- nor underflow in float64. */
    const double a = x, b = y, value = __builtin_sqrt(a * a + b * b);
    const double number = a != a ? a + a : value; /* of two NaN the first */
    const double first = tw__abs_f64(a) == TW_INF ? TW_INF : number;
    return (float)(tw__abs_f64(b) == TW_INF ? TW_INF : first);
}

#endif
