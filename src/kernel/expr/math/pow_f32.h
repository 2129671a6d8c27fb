/* pow_f32.h - x**y of float32, computed in float64: exp2(y log2 x). */
#ifndef TW_KERNEL_EXPR_MATH_POW_F32_H
#define TW_KERNEL_EXPR_MATH_POW_F32_H

#include "kernel/expr/math/bits.h"
#include "kernel/expr/math/exp_f32.h"
#include "kernel/expr/math/log_f32.h"

/* Whether x, not negative, has no fraction; of 2^52 and more none has. */
TW_MATH int64_t tw__is_whole_f32(double x)
{
    return (x >= 0x1p52) | ((x + 0x1p52) - 0x1p52 == x);
}

TW_MATH float tw_pow_f32(float base, float exponent)
{
    const double x = base, y = exponent, size = tw__abs_f64(x), size_y = tw__abs_f64(y);
    /* Past 2^40 only the sign of y counts; so infinity times log2(1) is 0. */
    const double product = tw__within_f32(y, -0x1p40, 0x1p40) * tw__log2_f32(size);
    double value = tw__exp2_f32(tw__within_f32(product, -400.0, 400.0));
    const double rising = y > 0.0 ? TW_INF : 0.0, falling = y > 0.0 ? 0.0 : TW_INF;
    value = size == TW_INF ? rising : value;
    value = size == 0.0 ? falling : value;
    const double whole = tw__is_whole_f32(size_y) ? 1.0 : 0.0;
    const double odd = (tw__is_whole_f32(size_y) & !tw__is_whole_f32(0.5 * size_y)) ? 1.0 : 0.0;
    const double signed_value = odd != 0.0 ? tw__mulsign_f64(value, x) : value;
    const double root = whole == 0.0 ? TW_NAN : signed_value;
    value = ((x < 0.0) & (size < TW_INF)) ? root : signed_value;
    value = ((x != x) | (y != y)) ? x + y : value;
    value = x == 1.0 ? 1.0 : value;
    return (float)(y == 0.0 ? 1.0 : value);
}

#endif
