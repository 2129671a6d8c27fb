/* trig_f32.h - sin, cos and tan of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_TRIG_F32_H
#define TW_NOTATION_MATH_TRIG_F32_H

#include "notation/math/bits.h"
#include "notation/math/trig_reduce.h"

#define TW_TRIG_LIMIT_F32 0x1p20f

/* x - k pi/2; *shifted is k + TW_SHIFT. The first part of pi/2 has 33 bits: k times it is exact. */
TW_MATH double tw__trig_near_f32(double x, double *shifted)
{
    *shifted = x * 0x1.45f306dc9c883p-1 + TW_SHIFT;
    const double k = *shifted - TW_SHIFT;
    return (x - k * 0x1.921fb544p0) - k * 0x1.0b4611a626331p-34;
}

/* sin(r) where the lowest bit of k is 0, else cos(r); the sign changed where the next bit is 1. */
TW_MATH double tw__trig_wave_f32(double r, uint64_t k)
{
    const double z = r * r;
    const uint64_t cosine = k & 1;
    const double c0 = cosine ? -0.5 : -0x1.5555554c70010p-3;
    const double c1 = cosine ? 0x1.55554ab263ec8p-5 : 0x1.111108690c1ecp-7;
    const double c2 = cosine ? -0x1.6c0c8ab03cfe1p-10 : -0x1.a00f7e147909ep-13;
    const double c3 = cosine ? 0x1.9a020aed7d758p-16 : 0x1.6cd1b089e783dp-19;
    const double factor = cosine ? 1.0 : r;
    const double value = factor + factor * (z * ((c0 + z * c1) + z * z * (c2 + z * c3)));
    return tw__of_bits_f64(tw__bits_f64(value) ^ (k & 2) << 62);
}

TW_MATH double tw__trig_slope_f32(double r, uint64_t k)
{
    const double sine = tw__trig_wave_f32(r, 0), cosine = tw__trig_wave_f32(r, 1);
    return (k & 1 ? -cosine : sine) / (k & 1 ? sine : cosine);
}

TW_MATH float tw_sin_f32_fast(float x, int32_t *outside)
{
    double shifted;
    const double r = tw__trig_near_f32(x, &shifted);
    *outside |= __builtin_fabsf(x) > TW_TRIG_LIMIT_F32;
    return x == 0.0f ? x : (float)tw__trig_wave_f32(r, tw__bits_f64(shifted));
}

TW_MATH float tw_cos_f32_fast(float x, int32_t *outside)
{
    double shifted;
    const double r = tw__trig_near_f32(x, &shifted);
    *outside |= __builtin_fabsf(x) > TW_TRIG_LIMIT_F32;
    return (float)tw__trig_wave_f32(r, tw__bits_f64(shifted) + 1);
}

TW_MATH float tw_tan_f32_fast(float x, int32_t *outside)
{
    double shifted;
    const double r = tw__trig_near_f32(x, &shifted);
    *outside |= __builtin_fabsf(x) > TW_TRIG_LIMIT_F32;
    return x == 0.0f ? x : (float)tw__trig_slope_f32(r, tw__bits_f64(shifted));
}

TW_MATH_SLOW float tw_sin_f32(float x)
{
    int32_t outside = 0;
    const float value = tw_sin_f32_fast(x, &outside);
    int quarter;
    double low;
    if (!outside) {
        return value;
    }
    if (__builtin_fabsf(x) == __builtin_inff()) {
        return __builtin_nanf("");
    }
    const double r = tw__trig_reduce(x, &low, &quarter);
    return (float)tw__trig_wave_f32(r, (uint64_t)quarter);
}

TW_MATH_SLOW float tw_cos_f32(float x)
{
    int32_t outside = 0;
    const float value = tw_cos_f32_fast(x, &outside);
    int quarter;
    double low;
    if (!outside) {
        return value;
    }
    if (__builtin_fabsf(x) == __builtin_inff()) {
        return __builtin_nanf("");
    }
    const double r = tw__trig_reduce(x, &low, &quarter);
    return (float)tw__trig_wave_f32(r, (uint64_t)quarter + 1);
}

TW_MATH_SLOW float tw_tan_f32(float x)
{
    int32_t outside = 0;
    const float value = tw_tan_f32_fast(x, &outside);
    int quarter;
    double low;
    if (!outside) {
        return value;
    }
    if (__builtin_fabsf(x) == __builtin_inff()) {
        return __builtin_nanf("");
    }
    const double r = tw__trig_reduce(x, &low, &quarter);
    return (float)tw__trig_slope_f32(r, (uint64_t)quarter);
}

#endif
