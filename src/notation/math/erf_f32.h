/* erf_f32.h - erf of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_ERF_F32_H
#define TW_NOTATION_MATH_ERF_F32_H

#include "notation/math/exp_f32.h"

TW_MATH float tw_erf_f32(float x)
{
    const double size = tw__abs_f64(x), y = size > 4.0 ? 4.0 : size, z = y * y;
    const double u = z < 1.0 ? z : 1.0, u2 = u * u;
    const double small = (0x1.06eba7f23b494p-3 +
                          u2 * (0x1.ce2cf6fae9740p-4 + u2 * (0x1.54058869c5fd0p-8 + u2 * 0x1.4966a3582b003p-14))) +
                         u * (-0x1.81273de7e7a0dp-2 + u2 * (-0x1.b7f90811c34b7p-6 + u2 * -0x1.a3f5c251dfd46p-11));
    /* 1 - exp(-x^2) G(t), t = (x - 3) / (x + 3). */
    const double t = (y - 3.0) / (y + 3.0), t2 = t * t;
    const double large = (0x1.6e97bc089e08dp-3 + t2 * (0x1.f68b203a0bf0cp-3 + t2 * 0x1.17a3c530a395ep-4)) +
                         t * (-0x1.4e15ce4aef340p-2 + t2 * (-0x1.35d13c0a80e0dp-3 + t2 * -0x1.e958080216c65p-6));
    const double value = 1.0 - tw__exp_f32(-z) * large;
    const double number = y < 1.0 ? x + x * small : tw__mulsign_f64(value, x);
    return (float)(x != x ? x + x : number);
}

#endif
