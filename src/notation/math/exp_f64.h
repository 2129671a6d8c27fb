/* exp_f64.h - exp, exp2 and expm1 of float64.
 *
 * x = k ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts of which the first has 37 bits, so that k times it is exact;
 * then exp(r) - 1 = r + r^2 P(r), P from tools/generate/minimax.py. 2^k is applied in two factors, so that results that
 * are subnormal are rounded once and those too large become infinite by themselves. */
#ifndef TW_NOTATION_MATH_EXP_F64_H
#define TW_NOTATION_MATH_EXP_F64_H

#include "notation/math/bits.h"

/* (exp(r) - 1 - r) / r^2, to 2^-60 of exp(r) - 1. */
TW_MATH double tw__exp_tail_f64(double r)
{
    const double z = r * r, w = z * z;
    const double even =
        (0x1p-1 + z * 0x1.5555555555559p-5) + w * ((0x1.6c16c16c163b5p-10 + z * 0x1.a01a019b51732p-16) +
                                                   w * (0x1.27e50d1b773b1p-22 + z * 0x1.1f030752846b2p-29));
    const double odd = (0x1.5555555555559p-3 + z * 0x1.111111110f722p-7) +
                       w * ((0x1.a01a01af6396dp-13 + z * 0x1.71ddfa382d5afp-19) + w * 0x1.af5ab35beb2afp-26);
    return even + r * odd;
}

/* y * 2^k for a k in -1075 .. 1024, from k + TW_SHIFT. */
TW_MATH double tw__scale_f64(double y, double shifted)
{
    const double k = shifted - TW_SHIFT, half = k * 0.5 + TW_SHIFT, rest = (k - (half - TW_SHIFT)) + TW_SHIFT;
    return y * tw__power_f64(half) * tw__power_f64(rest);
}

TW_MATH double tw_exp_f64(double x)
{
    const double low = x < -746.0 ? -746.0 : x, y = low > 710.0 ? 710.0 : low;
    const double shifted = y * 0x1.71547652b82fep0 + TW_SHIFT, k = shifted - TW_SHIFT;
    const double r = (y - k * 0x1.62e42fefa0000p-1) - k * 0x1.cf79abc9e3b3ap-40;
    return tw__scale_f64(1.0 + (r + r * r * tw__exp_tail_f64(r)), shifted);
}

TW_MATH double tw_exp2_f64(double x)
{
    const double low = x < -1076.0 ? -1076.0 : x, y = low > 1024.0 ? 1024.0 : low;
    const double shifted = y + TW_SHIFT;
    /* r ln 2 in two parts: t has its upper bits. */
    const double r = y - (shifted - TW_SHIFT), t = r * 0x1.62e42fefa39efp-1;
    const double rh = tw__upper_f64(r), rl = r - rh;
    const double low_t = ((rh * 0x1.62e42f8000000p-1 - t) + rl * 0x1.62e42f8000000p-1) + r * 0x1.be8e7bcd5e4f2p-27;
    return tw__scale_f64(1.0 + (t + (t * t * tw__exp_tail_f64(t) + low_t)), shifted);
}

/* (exp(x) - 1) / 4 = the result + *low, to about 2^-57, for -700 < x < 711; infinite where it is too large. */
TW_MATH double tw__expm1_quarter_f64(double x, double *low)
{
    const double shifted = x * 0x1.71547652b82fep0 + TW_SHIFT, k = shifted - TW_SHIFT;
    const double high = x - k * 0x1.62e42fefa0000p-1, tail = k * 0x1.cf79abc9e3b3ap-40, r = high - tail;
    double p_low, sum_low, base_low;
    const double p = tw__quick_sum_f64(r, r * r * tw__exp_tail_f64(r), &p_low);
    p_low += (high - r) - tail;
    const double power = tw__power_f64(shifted - 2.0);
    const double base = tw__sum_f64(power, -0.25, &base_low);
    const double sum = tw__quick_sum_f64(base, power * p, &sum_low);
    *low = (sum_low + power * p_low) + base_low;
    return sum;
}

TW_MATH double tw_expm1_f64(double x)
{
    double low;
    const double above = x < -50.0 ? -50.0 : x, y = above > 710.5 ? 710.5 : above;
    const double high = tw__expm1_quarter_f64(y, &low), result = 4.0 * (high + low);
    return tw__abs_f64(x) < 0x1p-54 ? x : result;
}

#endif
