/* hyperbolic_f32.h - sinh, cosh and tanh of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_HYPERBOLIC_F32_H
#define TW_NOTATION_MATH_HYPERBOLIC_F32_H

#include "notation/math/exp_f32.h"

TW_MATH float tw_sinh_f32(float x)
{
    const double e = tw__expm1_f32(tw__within_f32(tw__abs_f64(x), 0.0, 150.0));
    return (float)tw__mulsign_f64(0.5 * (e + e / (e + 1.0)), x);
}

TW_MATH float tw_cosh_f32(float x)
{
    const double e = tw__exp_f32(tw__within_f32(tw__abs_f64(x), 0.0, 150.0));
    return (float)(0.5 * (e + 1.0 / e));
}

TW_MATH float tw_tanh_f32(float x)
{
    const double e = tw__expm1_f32(-2.0 * tw__within_f32(tw__abs_f64(x), 0.0, 20.0));
    return (float)tw__mulsign_f64((0.0 - e) / (e + 2.0), x);
}

#endif
