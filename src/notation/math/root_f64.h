/* root_f64.h - cbrt and hypot of float64. */
#ifndef TW_NOTATION_MATH_ROOT_F64_H
#define TW_NOTATION_MATH_ROOT_F64_H

#include "notation/math/bits.h"

TW_MATH double tw_cbrt_f64(double x)
{
    /* |x| = 2^(3 q + k) m with m in 1 .. 2, t = 2^k m in 1 .. 8. */
    const double size = tw__abs_f64(x);
    const int64_t tiny = size < 0x1p-1022;
    const uint64_t bits = tw__bits_f64(tiny ? size * 0x1p54 : size);
    const double e = tw__of_bits_f64(0x4330000000000000 | bits >> 52) - (0x1p52 + 1023.0);
    const double m = tw__of_bits_f64((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
    const double shifted = (e - 1.0) * 0x1.5555555555555p-2 + TW_SHIFT, q = shifted - TW_SHIFT, k = e - 3.0 * q;
    const double t1 = k > 0.5 ? 2.0 * m : m, t = k > 1.5 ? 4.0 * m : t1;
    const double factor1 = k > 0.5 ? 0x1.965fea53d6e3dp-1 : 1.0, factor = k > 1.5 ? 0x1.428a2f98d728bp-1 : factor1;
    /* r = t^(-1/3) from a polynomial in m, then one step of an iteration of order 4 without a division. */
    const double v = m - 1.5, w = v * v;
    const double r0 = factor * ((0x1.bf46bfe375d58p-1 + w * (0x1.5fcf7986dbff8p-4 + w * 0x1.d46e2d2a40243p-6)) +
                                v * (-0x1.8cebb9dfbb0d0p-3 + w * -0x1.971300fb44a83p-5));
    const double d = 1.0 - t * r0 * r0 * r0;
    const double r = r0 + r0 * d * (0x1.5555555555555p-2 + d * (0x1.c71c71c71c71cp-3 + d * 0x1.61f9add3c0ca4p-3));
    /* y = t r^2, then Newton's step with t - y^3 in two doubles. */
    const double y = t * r * r;
    double square_low, cube_low;
    const double square = tw__product_f64(y, y, &square_low), cube = tw__product_f64(square, y, &cube_low);
    const double rest = ((t - cube) - cube_low) - square_low * y;
    const double root = y + rest * r * r * 0x1.5555555555555p-2;
    const double value = root * tw__power_f64(tiny ? shifted - 18.0 : shifted);
    const double finite = size < TW_INF ? tw__mulsign_f64(value, x) : x;
    return size == 0.0 ? x : finite;
}

TW_MATH double tw_hypot_f64(double x, double y)
{
    const double a = tw__abs_f64(x), b = tw__abs_f64(y), larger = a > b ? a : b, smaller = a > b ? b : a;
    /* Squares neither over- nor underflow: powers of 2, by which numbers are multiplied without rounding. */
    const double down = larger > 0x1p500 ? 0x1p-600 : 1.0, scale = larger < 0x1p-400 ? 0x1p600 : down;
    const double up = larger > 0x1p500 ? 0x1p600 : 1.0, back = larger < 0x1p-400 ? 0x1p-600 : up;
    const double u = larger * scale, v = smaller * scale;
    double u_low, v_low, sum_low, root_low;
    const double uu = tw__product_f64(u, u, &u_low), vv = tw__product_f64(v, v, &v_low);
    const double sum = tw__quick_sum_f64(uu, vv, &sum_low);
    const double root = __builtin_sqrt(sum), square = tw__product_f64(root, root, &root_low);
    const double rest = ((sum - square) - root_low) + (sum_low + (u_low + v_low));
    const double value = (root + rest / (root + root)) * back;
    const double some = larger == 0.0 ? 0.0 : value;
    /* A NaN beside an infinity is no matter. */
    const double number = x != x ? x : y != y ? y : some;
    const double first = a == TW_INF ? a : number;
    return b == TW_INF ? b : first;
}

#endif
