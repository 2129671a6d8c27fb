/* pow_f64.h - x**y of float64: 2^(y log2 x), the logarithm in two doubles to about 2^-67, everything without a branch.
 *
 * x = 2^e m, f = m - 1, s = f / (2 + f); log(m) = 2/3 s (3 + z + z^2 P(z)), z = s^2. As in FDLIBM, numbers that are
 * multiplied are cut to 26 bits first, so that products are exact, and what was cut is carried along. Special values
 * are C's (and NumPy's): chosen at the end. P is from tools/generate/minimax.py. */
#ifndef TW_NOTATION_MATH_POW_F64_H
#define TW_NOTATION_MATH_POW_F64_H

#include "notation/math/bits.h"
#include "notation/math/exp_f64.h"
#include "notation/math/log_f64.h"

/* p + *low = 3 / 2 log(1 + f), to about 2^-67 of it; p has 26 bits. */
TW_MATH double tw__log_core_f64(double f, double *low)
{
    const double d = 2.0 + f, d_high = tw__upper_f64(d), d_low = f - (d_high - 2.0), inverse = 1.0 / d;
    const double s = f * inverse, s_high = tw__upper_f64(s);
    const double s_low = ((f - s_high * d_high) - s_high * d_low) * inverse;
    const double z = s * s, w = z * z;
    const double even =
        0x1.3333333333330p-1 + w * (0x1.5555555413feep-2 + w * (0x1.d89d10e8bf44ap-3 + w * 0x1.669cecdaabbd6p-3));
    const double odd =
        0x1.b6db6db6dc91ep-2 + w * (0x1.1745d22ba7fd6p-2 + w * (0x1.99b18a15b2049p-3 + w * 0x1.709d50e0effe7p-3));
    /* 3 + z + r in two parts, z being that of s_high, which is exact. */
    const double z_high = s_high * s_high, r = w * (even + z * odd) + s_low * (s_high + s);
    const double t = tw__upper_f64(3.0 + z_high + r), t_low = r - ((t - 3.0) - z_high);
    const double main = s_high * t, rest = s_low * t + t_low * s, p = tw__upper_f64(main + rest);
    *low = rest - (p - main);
    return p;
}

/* log2(x) = the result + *low for a positive finite x; the result has 26 bits. */
TW_MATH double tw__log2_exact_f64(double x, double *low)
{
    double e, p_low;
    const double f = tw__log_parts_f64(x, &e), p = tw__log_core_f64(f, &p_low);
    const double main = p * 0x1.ec709d8p-1, rest = p * 0x1.0e80ff5d27f05p-27 + p_low * 0x1.ec709dc3a03fdp-1;
    const double sum = tw__upper_f64((main + rest) + e);
    *low = rest - ((sum - e) - main);
    return sum;
}

/* 2^(x + low), where x has 52 bits at most and low is small beside it. */
TW_MATH double tw__exp2_exact_f64(double x, double low)
{
    /* What is past these limits is 0 or infinity: low must not count then. */
    const double above = x < -1100.0 ? -1100.0 : x, y = above > 1030.0 ? 1030.0 : above, y_low = x == y ? low : 0.0;
    const double shifted = (y + y_low) + TW_SHIFT, part = y - (shifted - TW_SHIFT);
    /* r ln 2 in two parts */
    const double r = part + y_low, r_high = tw__upper_f64(r), r_low = y_low - (r_high - part);
    const double main = r_high * 0x1.62e42f8p-1, rest = r_low * 0x1.62e42fefa39efp-1 + r_high * 0x1.be8e7bcd5e4f2p-27;
    const double t = main + rest, t_low = rest - (t - main);
    return tw__scale_f64(1.0 + (t + (t * t * tw__exp_tail_f64(t) + t_low)), shifted);
}

/* Whether x, not negative, has no fraction; of 2^52 and more none has. */
TW_MATH int64_t tw__is_whole_f64(double x)
{
    return (x >= 0x1p52) | ((x + 0x1p52) - 0x1p52 == x);
}

TW_MATH double tw_pow_f64(double x, double y)
{
    const double size = tw__abs_f64(x), size_y = tw__abs_f64(y);
    double log_low;
    /* Past 2^65 only the sign of y counts, as |log2 x| > 2^-54. */
    const double bound = tw__copysign_f64(0x1p65, y), within = size_y > 0x1p65 ? bound : y;
    const double logarithm = tw__log2_exact_f64(size, &log_low);
    const double y_high = tw__upper_f64(within), y_low = within - y_high;
    const double value = tw__exp2_exact_f64(y_high * logarithm, y_low * logarithm + within * log_low);
    /* The sign of an odd power, and NaN for the others that are not whole, of what is below zero. */
    const double whole = tw__is_whole_f64(size_y) ? 1.0 : 0.0, half_whole = tw__is_whole_f64(0.5 * size_y) ? 1.0 : 0.0;
    const double sign = whole > half_whole ? tw__copysign_f64(1.0, x) : 1.0;
    const double root = whole == 0.0 ? TW_NAN : sign, factor = x < 0.0 ? root : sign;
    /* Powers of 0 and of infinity are 0 or infinity, with that sign, by the signs of log|x| and y; x^0 and 1^y are 1
     * also for NaN. (-1)^(+-infinity) is 1, which the logarithm 0 gives. */
    const double rising = y > 0.0 ? TW_INF : 0.0, falling = y > 0.0 ? 0.0 : TW_INF;
    const double end = sign * (size == 0.0 ? falling : rising);
    const double number = x != x ? x : y != y ? y : end;
    const double special = x == 1.0 ? 1.0 : y == 0.0 ? 1.0 : number;
    double usual = size > 0.0 ? 1.0 : 0.0;
    usual = size < TW_INF ? usual : 0.0;
    usual = x == 1.0 ? 0.0 : usual;
    usual = y == 0.0 ? 0.0 : usual;
    usual = y == y ? usual : 0.0;
    return usual != 0.0 ? value * factor : special;
}

#endif
