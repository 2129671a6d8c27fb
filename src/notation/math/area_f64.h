/* area_f64.h - asinh, acosh and atanh of float64, from log(1 + y) with a y of two parts. */
#ifndef TW_NOTATION_MATH_AREA_F64_H
#define TW_NOTATION_MATH_AREA_F64_H

#include "notation/math/log_f64.h"

/* The result where 2^28 < |x| is log(2 |x|): the logarithm of 1 + (|x| - 1), and one more ln 2. */
TW_MATH double tw_asinh_f64(double x)
{
    /* log(1 + y) with y = |x| + x^2 / (1 + sqrt(1 + x^2)) */
    double low;
    const double size = tw__abs_f64(x), square = size * size;
    const double y = tw__quick_sum_f64(size, square / (1.0 + __builtin_sqrt(1.0 + square)), &low);
    const double large = size > 0x1p28 ? 1.0 : 0.0;
    const double value = tw__log1p_f64(large != 0.0 ? size : y, large != 0.0 ? -1.0 : low, large);
    const double finite = size < TW_INF ? value : size;
    return size < 0x1p-28 ? x : tw__mulsign_f64(finite, x);
}

TW_MATH double tw_acosh_f64(double x)
{
    /* log(1 + y) with y = t + sqrt(t (2 + t)), t = x - 1, the root with its error. */
    double low, two_low, product_low, square_low;
    const double t = x - 1.0, two = tw__sum_f64(2.0, t, &two_low), product = tw__product_f64(t, two, &product_low);
    const double root = __builtin_sqrt(product), square = tw__product_f64(root, root, &square_low);
    const double rest = ((product - square) - square_low) + (product_low + t * two_low);
    const double root_low = rest / (root + root), y = tw__quick_sum_f64(root, t, &low);
    const double large = x > 0x1p28 ? 1.0 : 0.0;
    const double value = tw__log1p_f64(large != 0.0 ? x : y, large != 0.0 ? -1.0 : low + root_low, large);
    const double finite = x < TW_INF ? value : x;
    const double inside = x < 1.0 ? TW_NAN : finite;
    return x == 1.0 ? 0.0 : inside;
}

TW_MATH double tw_atanh_f64(double x)
{
    /* log(1 + y) / 2 with y = 2 |x| / (1 - |x|), the quotient with its error. */
    double d_low, product_low;
    const double size = tw__abs_f64(x), d = tw__quick_sum_f64(1.0, -size, &d_low);
    const double y = 2.0 * size / d, product = tw__product_f64(y, d, &product_low);
    const double low = (((2.0 * size - product) - product_low) - y * d_low) / d;
    const double value = 0.5 * tw__log1p_f64(y, low, 0.0);
    const double edge = size == 1.0 ? TW_INF : TW_NAN;
    const double inside = size < 1.0 ? value : edge;
    return size < 0x1p-28 ? x : tw__mulsign_f64(inside, x);
}

#endif
