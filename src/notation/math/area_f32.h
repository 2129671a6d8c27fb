/* area_f32.h - asinh, acosh and atanh of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_AREA_F32_H
#define TW_NOTATION_MATH_AREA_F32_H

#include "notation/math/log_f32.h"

TW_MATH float tw_asinh_f32(float x)
{
    const double size = tw__abs_f64(x), square = size * size;
    const double value = tw__log1p_f32(size + square / (1.0 + __builtin_sqrt(1.0 + square)));
    return (float)tw__mulsign_f64(size < TW_INF ? value : size + size, x);
}

TW_MATH float tw_acosh_f32(float x)
{
    const double t = (double)x - 1.0, value = tw__log1p_f32(t + __builtin_sqrt(t * (2.0 + t)));
    const double finite = t < TW_INF ? value : t;
    return (float)(t < 0.0 ? TW_NAN : finite);
}

TW_MATH float tw_atanh_f32(float x)
{
    const double size = tw__abs_f64(x), value = 0.5 * tw__log1p_f32(2.0 * size / (1.0 - size));
    const double edge = size == 1.0 ? TW_INF : TW_NAN;
    return (float)tw__mulsign_f64(size < 1.0 ? value : edge, x);
}

#endif
