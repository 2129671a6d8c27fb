/* gamma_f32.h - the gamma function of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_GAMMA_F32_H
#define TW_NOTATION_MATH_GAMMA_F32_H

#include "notation/math/exp_f32.h"
#include "notation/math/log_f32.h"
#include "notation/math/trig_f32.h"

TW_MATH float tw_gamma_f32(float x)
{
    const double size = tw__abs_f64(x), a = size > 60.0 ? 60.0 : size;
    /* Up by steps of 1 to u >= 8: p = a (a + 1) ... (u - 1). */
    double p = 1.0, u = a;
    for (int k = 0; k < 8; k++) {
        p *= u < 8.0 ? u : 1.0;
        u += u < 8.0 ? 1.0 : 0.0;
    }
    const double inverse = 1.0 / u, z = inverse * inverse;
    const double tail = inverse * (0x1.5555554505abbp-4 + z * (-0x1.6c12a6b59c3dep-9 + z * 0x1.97ceb67279fa4p-11));
    const double e = tw__exp_f32((u - 0.5) * tw__log_f32(u) - u + (0x1.d67f1c864beb5p-1 + tail));
    /* sin(pi a) */
    const double h = size - 2.0 * ((0.5 * size + 0x1p52) - 0x1p52), shifted = 2.0 * h + TW_SHIFT;
    const double sine =
        tw__trig_wave_f32((h - 0.5 * (shifted - TW_SHIFT)) * 0x1.921fb54442d18p1, tw__bits_f64(shifted));
    const double top = x < 0.0f ? p * -0x1.921fb54442d18p1 : e, bottom = x < 0.0f ? a * sine * e : p;
    double value = top / bottom;
    /* Small ones; those below zero that are whole, -infinity too: none has a value. */
    const double whole = (size + 0x1p52) - 0x1p52 == size ? TW_NAN : value, below = size < 0x1p52 ? whole : TW_NAN;
    value = x < 0.0f ? below : value;
    value = size < 0x1p-60 ? 1.0 / (double)x : value;
    return x < __builtin_inff() ? (float)value : x;
}

#endif
