/* hyperbolic_f64.h - sinh, cosh and tanh of float64, from exp(x) - 1 with what its last addition lost. The polynomial
 * is from tools/generate/minimax.py. */
#ifndef TW_NOTATION_MATH_HYPERBOLIC_F64_H
#define TW_NOTATION_MATH_HYPERBOLIC_F64_H

#include "notation/math/exp_f64.h"

TW_MATH double tw_sinh_f64(double x)
{
    /* E = exp(|x|) - 1 = 4 (q + low): (E + E / (E + 1)) / 2. */
    double low;
    const double size = tw__abs_f64(x), y = size > 710.5 ? 710.5 : size;
    const double q = tw__expm1_quarter_f64(y, &low);
    const double value = 2.0 * q + (q / (2.0 * q + 0.5) + 2.0 * low);
    /* Up to 1, where the two halves would both count: x + x^3 P(x^2). */
    const double z = x * x, w = z * z;
    const double tail =
        (0x1.5555555555556p-3 + w * (0x1.a01a01a03726ap-13 + w * (0x1.ae646ff53062cp-26 + w * 0x1.b5c89f51160bep-41))) +
        z * (0x1.111111111101ep-7 + w * (0x1.71de3a3b06a11p-19 + w * 0x1.6116f48be8343p-33));
    return size < 1.0 ? x + x * z * tail : tw__mulsign_f64(value, x);
}

TW_MATH double tw_cosh_f64(double x)
{
    double low, sum_low;
    const double size = tw__abs_f64(x), y = size > 710.5 ? 710.5 : size;
    const double q = tw__expm1_quarter_f64(y, &low), c = tw__sum_f64(q, 0.25, &sum_low); /* exp(|x|) / 4 */
    return 2.0 * c + (0.125 / c + 2.0 * (sum_low + low));
}

TW_MATH double tw_tanh_f64(double x)
{
    /* E = exp(-2 |x|) - 1 = 4 (q + low): -E / (E + 2), the quotient with its error. */
    double low, bottom_low, product_low;
    const double size = tw__abs_f64(x), y = size > 22.0 ? 22.0 : size;
    const double q = tw__expm1_quarter_f64(-2.0 * y, &low);
    const double top = -2.0 * q, bottom = tw__quick_sum_f64(1.0, 2.0 * q, &bottom_low), inverse = 1.0 / bottom;
    const double first = top * inverse, product = tw__product_f64(first, bottom, &product_low);
    const double rest = ((top - product) - product_low) - (2.0 * low + first * (bottom_low + 2.0 * low));
    const double value = first + rest * inverse;
    return size < 0x1p-28 ? x : tw__mulsign_f64(value, x);
}

#endif
