/* atan_f32.h - atan and atan2 of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_ATAN_F32_H
#define TW_NOTATION_MATH_ATAN_F32_H

#include "notation/math/bits.h"

/* atan(y / x) for y, x >= 0, not both 0, not both infinite. */
TW_MATH double tw__atan_ratio_f32(double y, double x)
{
    const int64_t middle = y >= 0.41421356237309503 * x, large = y >= 2.414213562373095 * x;
    const double top_middle = middle ? y - x : y, bottom_middle = middle ? x + y : x;
    const double base_middle = middle ? 0x1.921fb54442d18p-1 : 0.0;
    const double t = (large ? -x : top_middle) / (large ? y : bottom_middle), z = t * t, w = z * z;
    const double tail = (-0x1.555554c5f1407p-2 + w * (-0x1.247ed8972d3b5p-3 + w * -0x1.5b2f180883f16p-4)) +
                        z * (0x1.999918920a9d1p-3 + w * (0x1.c463cf1a55ecap-4 + w * 0x1.849d78a5d3683p-5));
    return (large ? 0x1.921fb54442d18p0 : base_middle) + (t + t * z * tail);
}

TW_MATH float tw_atan_f32(float x)
{
    return (float)tw__mulsign_f64(tw__atan_ratio_f32(tw__abs_f64(x), 1.0), x);
}

TW_MATH float tw_atan2_f32(float y, float x)
{
    double b = tw__abs_f64(y), a = tw__abs_f64(x);
    /* Where both are 0 or infinite, or one is infinite, others that have the same angle. */
    const double b_finite = a == TW_INF ? 0.0 : b, a_finite = b == TW_INF ? 0.0 : a, larger = a > b ? a : b;
    const double a_some = larger == 0.0 ? 1.0 : a_finite;
    a = a == TW_INF ? 1.0 : a_some;
    b = b == TW_INF ? 1.0 : b_finite;
    const double angle = tw__atan_ratio_f32(b, a);
    const double side = tw__copysign_f64(1.0, x);
    const double value = side < 0.0 ? 0x1.921fb54442d18p1 - angle : angle;
    const double number = x != x ? (double)x + (double)x : tw__mulsign_f64(value, y);
    return (float)(y != y ? (double)y + (double)y : number);
}

#endif
