/* exp_f32.h - exp, exp2 and expm1 of float32, computed in float64.
 *
 * All of float32 is done in float64 with polynomials that are short in turn: no tricks for the last bits are needed,
 * the error is little more than that of the one rounding at the end, and results that are subnormal, and arguments that
 * are, need no care. The polynomials are from tools/generate/minimax.py. */
#ifndef TW_NOTATION_MATH_EXP_F32_H
#define TW_NOTATION_MATH_EXP_F32_H

#include "notation/math/bits.h"

/* exp(r) - 1 for |r| <= ln 2 / 2, to 2^-28.9 of it. */
TW_MATH double tw__expm1_tail_f32(double r)
{
    const double z = r * r;
    const double even = 0x1.00000026238ffp-1 + z * (0x1.5554a957bc312p-5 + z * 0x1.6d8237ccefbb6p-10);
    const double odd = 0x1.55554b001da29p-3 + z * (0x1.11169a0791a6fp-7 + z * 0x1.a2f93e3595dd5p-13);
    return r + z * (even + r * odd);
}

/* exp(x) for -700 < x < 700. */
TW_MATH double tw__exp_f32(double x)
{
    const double shifted = x * 0x1.71547652b82fep0 + TW_SHIFT, k = shifted - TW_SHIFT;
    const double r = x - k * 0x1.62e42fefa39efp-1, power = tw__power_f64(shifted);
    return power + power * tw__expm1_tail_f32(r);
}

/* 2^x for -1000 < x < 1000. */
TW_MATH double tw__exp2_f32(double x)
{
    const double shifted = x + TW_SHIFT, r = (x - (shifted - TW_SHIFT)) * 0x1.62e42fefa39efp-1;
    const double power = tw__power_f64(shifted);
    return power + power * tw__expm1_tail_f32(r);
}

/* exp(x) - 1 for -700 < x < 700. */
TW_MATH double tw__expm1_f32(double x)
{
    const double shifted = x * 0x1.71547652b82fep0 + TW_SHIFT, k = shifted - TW_SHIFT;
    const double r = x - k * 0x1.62e42fefa39efp-1, power = tw__power_f64(shifted);
    return (power - 1.0) + power * tw__expm1_tail_f32(r);
}

/* x within low .. high; NaN stays. */
TW_MATH double tw__within_f32(double x, double low, double high)
{
    const double above = x < low ? low : x;
    return above > high ? high : above;
}

TW_MATH float tw_exp_f32(float x)
{
    return (float)tw__exp_f32(tw__within_f32(x, -150.0, 150.0));
}

TW_MATH float tw_exp2_f32(float x)
{
    return (float)tw__exp2_f32(tw__within_f32(x, -200.0, 200.0));
}

TW_MATH float tw_expm1_f32(float x)
{
    const float result = (float)tw__expm1_f32(tw__within_f32(x, -150.0, 150.0));
    return x == 0.0f ? x : result;
}

#endif
