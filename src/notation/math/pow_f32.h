/* pow_f32.h - x**y of float32: 2^(y log2 x) in float64, special values in float32. */
#ifndef TW_NOTATION_MATH_POW_F32_H
#define TW_NOTATION_MATH_POW_F32_H

#include "notation/math/bits.h"
#include "notation/math/exp_f32.h"
#include "notation/math/log_f32.h"

/* 1 where x, not negative, has no fraction, else 0; of 2^23 and more none has. */
TW_MATH float tw__whole_f32(float x)
{
    const float small = (x + 0x1p23f) - 0x1p23f == x ? 1.0f : 0.0f;
    return x >= 0x1p23f ? 1.0f : small;
}

TW_MATH float tw_pow_f32(float x, float y)
{
    const float size = __builtin_fabsf(x), size_y = __builtin_fabsf(y), infinity = __builtin_inff();
    /* Past 2^40 only the sign of y counts; so infinity times log2(1) is 0. */
    const double product = tw__within_f32(y, -0x1p40, 0x1p40) * tw__log2_f32(size);
    const float value = (float)tw__exp2_f32(tw__within_f32(product, -400.0, 400.0));
    /* The sign of an odd power, and NaN for the others that are not whole, of what is below zero. */
    const float whole = tw__whole_f32(size_y), half_whole = tw__whole_f32(0.5f * size_y);
    const float sign = whole > half_whole ? __builtin_copysignf(1.0f, x) : 1.0f;
    const float root = whole == 0.0f ? __builtin_nanf("") : sign, factor = x < 0.0f ? root : sign;
    /* Powers of 0 and of infinity are 0 or infinity, with that sign, by the signs of log|x| and y; x^0 and 1^y are 1
     * also for NaN. (-1)^(+-infinity) is 1, which the logarithm 0 gives. */
    const float rising = y > 0.0f ? infinity : 0.0f, falling = y > 0.0f ? 0.0f : infinity;
    const float large = size == infinity ? sign * rising : value * factor;
    const float end = size == 0.0f ? sign * falling : large;
    const float number = x != x ? x : end;
    const float both = y != y ? y : number;
    const float one = x == 1.0f ? 1.0f : both;
    return y == 0.0f ? 1.0f : one;
}

#endif
