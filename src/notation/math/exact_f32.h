/* exact_f32.h - functions of float32 whose results are exact, or rounded right by the processor: the bits are NumPy's.
 */
#ifndef TW_NOTATION_MATH_EXACT_F32_H
#define TW_NOTATION_MATH_EXACT_F32_H

#include "notation/math/bits.h"

TW_MATH float tw_sqrt_f32(float x)
{
    return __builtin_sqrtf(x);
}

TW_MATH float tw_absolute_f32(float x)
{
    return __builtin_fabsf(x);
}

TW_MATH float tw_floor_f32(float x)
{
    return __builtin_floorf(x);
}

TW_MATH float tw_ceil_f32(float x)
{
    return __builtin_ceilf(x);
}

TW_MATH float tw_rint_f32(float x)
{
    return __builtin_rintf(x);
}

TW_MATH float tw_trunc_f32(float x)
{
    return __builtin_truncf(x);
}

/* 1, 0 or -1; NaN stays. Either zero gives 0. */
TW_MATH float tw_sign_f32(float x)
{
    const float zero = x == 0 ? 0 : x;
    const float negative = x < 0 ? -1 : zero;
    return x > 0 ? 1 : negative;
}

/* NaN where either is NaN, the first one that is. Of two zeros: the second. */
TW_MATH float tw_minimum_f32(float x, float y)
{
    const float smaller = x < y ? x : y;
    return x != x ? x : smaller;
}

TW_MATH float tw_maximum_f32(float x, float y)
{
    const float larger = x > y ? x : y;
    return x != x ? x : larger;
}

/* NaN gives way to the other. */
TW_MATH float tw_fmin_f32(float x, float y)
{
    const float smaller = x < y ? x : y;
    return y != y ? x : smaller;
}

TW_MATH float tw_fmax_f32(float x, float y)
{
    const float larger = x > y ? x : y;
    return y != y ? x : larger;
}

TW_MATH float tw_copysign_f32(float x, float y)
{
    return __builtin_copysignf(x, y);
}

TW_MATH uint32_t tw__bits_f32(float x)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

TW_MATH float tw__of_bits_f32(uint32_t bits)
{
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

/* The bits of a number other than zero are one more for the next that is further from zero. */
TW_MATH float tw_nextafter_f32(float x, float y)
{
    const uint32_t bits = tw__bits_f32(x), sign = tw__bits_f32(y) & 0x80000000;
    const uint32_t step = (x < y) == (x > 0) ? 1 : (uint32_t)-1;
    const float next = tw__of_bits_f32(x == 0 ? sign | 1 : bits + step);
    const float moved = x == y ? y : next;
    return ((x != x) | (y != y)) ? x + y : moved;
}

#endif
