/* atan_f64.h - atan and atan2 of float64.
 *
 * One division: the angle is that of one of five numbers c (FDLIBM's), and that of what is left. The polynomial is from
 * tools/generate/minimax.py. */
#ifndef TW_NOTATION_MATH_ATAN_F64_H
#define TW_NOTATION_MATH_ATAN_F64_H

#include "notation/math/bits.h"

/* atan(y / x) for y, x >= 0, not both 0, not both infinite, within 2^-900 .. 2^1000 the larger one. */
TW_MATH double tw__atan_ratio_f64(double y, double x)
{
    /* c, which is 0, 1/2, 1, 3/2 or infinite: y / x = tan(atan(c) + atan(t)), t = (y - c x) / (x + c y). */
    double top = y, bottom = x, base = 0.0, base_low = 0.0;
    const int64_t above0 = y >= 0.4375 * x, above1 = y >= 0.6875 * x, above2 = y >= 1.1875 * x,
                  above3 = y >= 2.4375 * x;
    const double half_x = 0.5 * x, half_y = 0.5 * y;
    top = above0 ? y - half_x : top;
    bottom = above0 ? x + half_y : bottom;
    base = above0 ? 0x1.dac670561bb4fp-2 : base;
    base_low = above0 ? 0x1.a2b7f222f65e2p-56 : base_low;
    top = above1 ? y - x : top;
    bottom = above1 ? x + y : bottom;
    base = above1 ? 0x1.921fb54442d18p-1 : base;
    base_low = above1 ? 0x1.1a62633145c07p-55 : base_low;
    top = above2 ? (y - x) - half_x : top;
    bottom = above2 ? x + (y + half_y) : bottom;
    base = above2 ? 0x1.f730bd281f69bp-1 : base;
    base_low = above2 ? 0x1.007887af0cbbdp-56 : base_low;
    top = above3 ? -x : top;
    bottom = above3 ? y : bottom;
    base = above3 ? 0x1.921fb54442d18p0 : base;
    base_low = above3 ? 0x1.1a62633145c07p-54 : base_low;
    const double t = top / bottom, z = t * t, w = z * z;
    const double tail =
        (-0x1.555555555550bp-2 +
         w * (-0x1.2492491ff28d1p-3 +
              w * (-0x1.745cdb9ac464dp-4 +
                   w * (-0x1.10d5f9d49b132p-4 + w * (-0x1.979eaf08e3612p-5 + w * -0x1.0a75950e85068p-6))))) +
        z * (0x1.999999998e7d2p-3 +
             w * (0x1.c71c6fdac9f8cp-4 +
                  w * (0x1.3b0f1fac5f0d1p-4 + w * (0x1.dddd409121f65p-5 + w * 0x1.2b134308a9bb5p-5))));
    return base + (t + (t * z * tail + base_low));
}

TW_MATH double tw_atan_f64(double x)
{
    return tw__mulsign_f64(tw__atan_ratio_f64(tw__abs_f64(x), 1.0), x);
}

TW_MATH double tw_atan2_f64(double y, double x)
{
    double b = tw__abs_f64(y), a = tw__abs_f64(x);
    /* Where both are 0 or infinite, or one is infinite, others that have the same angle. */
    const double b_finite = a == TW_INF ? 0.0 : b, a_finite = b == TW_INF ? 0.0 : a, larger = a > b ? a : b;
    const double a_some = larger == 0.0 ? 1.0 : a_finite;
    a = a == TW_INF ? 1.0 : a_some;
    b = b == TW_INF ? 1.0 : b_finite;
    /* The sums must not become infinite, and quotients of subnormal sums would be rounded twice. */
    const double down = larger > 0x1p1000 ? 0x1p-100 : 1.0, scale = larger < 0x1p-900 ? 0x1p100 : down;
    const double angle = tw__atan_ratio_f64(b * scale, a * scale);
    const double side = tw__copysign_f64(1.0, x);
    const double value = side < 0.0 ? 0x1.921fb54442d18p1 - (angle - 0x1.1a62633145c07p-53) : angle;
    const double number = x != x ? x : tw__mulsign_f64(value, y);
    return y != y ? y : number;
}

#endif
