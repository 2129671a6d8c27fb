/* log_f64.h - log, log2, log10 and log1p of float64.
 *
 * x = 2^e m with m in sqrt(1/2) .. sqrt(2), f = m - 1 (exact), s = f / (2 + f): log(m) = 2 atanh(s)
 * = f - (h - s (h + R)) with h = f^2 / 2 and R = s^2 P(s^2); the form is FDLIBM's, which loses least, P is from
 * tools/generate/minimax.py. */
#ifndef TW_NOTATION_MATH_LOG_F64_H
#define TW_NOTATION_MATH_LOG_F64_H

#include "notation/math/bits.h"

/* m - 1, and *e. x is positive, finite, normal. */
TW_MATH double tw__log_split_f64(double x, double *e)
{
    const uint64_t root = 0x3fe6a09e00000000; /* about sqrt(1/2) */
    const uint64_t bits = tw__bits_f64(x) + (0x3ff0000000000000 - root);
    *e = tw__of_bits_f64(0x4330000000000000 | bits >> 52) - (0x1p52 + 1023.0);
    return tw__of_bits_f64((bits & 0x000fffffffffffff) + root) - 1.0;
}

/* The same, where x may be subnormal. */
TW_MATH double tw__log_parts_f64(double x, double *e)
{
    const double f = tw__log_split_f64(x < 0x1p-1022 ? x * 0x1p54 : x, e);
    *e -= x < 0x1p-1022 ? 54.0 : 0.0;
    return f;
}

/* R. */
TW_MATH double tw__log_tail_f64(double s)
{
    const double z = s * s, w = z * z;
    const double odd =
        0x1.5555555555592p-1 + w * (0x1.24924941dd2d0p-2 + w * (0x1.74663c1dc37d7p-3 + w * 0x1.2f02ec8c68f22p-3));
    const double even = 0x1.999999997ff4ep-2 + w * (0x1.c71c52181f8fcp-3 + w * 0x1.39a1fdaff92fap-3);
    return z * odd + w * even;
}

/* The logarithm of what is no positive finite number, else `result`. */
TW_MATH double tw__log_special_f64(double x, double result)
{
    const double finite = x < TW_INF ? result : x; /* +infinity and NaN stay */
    const double negative = x < 0.0 ? TW_NAN : finite;
    return x == 0.0 ? -TW_INF : negative;
}

TW_MATH double tw_log_f64(double x)
{
    double e;
    const double f = tw__log_parts_f64(x, &e), s = f / (2.0 + f), h = 0.5 * f * f;
    const double tail = s * (h + tw__log_tail_f64(s)) + e * 0x1.cf79abc9e3b3ap-40;
    return tw__log_special_f64(x, e * 0x1.62e42fefa0000p-1 - ((h - tail) - f));
}

/* log(m) = the result + *low, where the result has 21 bits. */
TW_MATH double tw__log_pair_f64(double f, double *low)
{
    const double s = f / (2.0 + f), h = 0.5 * f * f;
    const double high = tw__of_bits_f64(tw__bits_f64(f - h) & 0xffffffff00000000);
    *low = ((f - high) - h) + s * (h + tw__log_tail_f64(s));
    return high;
}

TW_MATH double tw_log2_f64(double x)
{
    double e, low, low_sum;
    const double high = tw__log_pair_f64(tw__log_parts_f64(x, &e), &low);
    const double sum = tw__quick_sum_f64(e, high * 0x1.71547p0, &low_sum);
    const double rest = (low + high) * 0x1.94ae0bf85ddf4p-22 + low * 0x1.71547p0;
    return tw__log_special_f64(x, sum + (low_sum + rest));
}

TW_MATH double tw_log10_f64(double x)
{
    double e, low, low_sum;
    const double high = tw__log_pair_f64(tw__log_parts_f64(x, &e), &low);
    const double sum = tw__quick_sum_f64(e * 0x1.34413509f7000p-2, high * 0x1.bcb7bp-2, &low_sum);
    const double rest = e * 0x1.3fde623e2566bp-43 + ((low + high) * 0x1.526e50e32a6abp-26 + low * 0x1.bcb7bp-2);
    return tw__log_special_f64(x, sum + (low_sum + rest));
}

/* log(1 + x + x_low) + extra ln 2, for 1 + x >= 2^-1000. 1 + x is taken exactly: f below is its own upper part, f_low
 * what is left. */
TW_MATH double tw__log1p_f64(double x, double x_low, double extra)
{
    double c, e, f_low;
    const double u = tw__sum_f64(1.0, x, &c), m = tw__log_split_f64(u, &e);
    /* 2^-e; past 2^100 c is nothing beside u. */
    const double power = e > 100.0 ? 0.0 : tw__power_f64(TW_SHIFT - e);
    const double f = tw__sum_f64(m, (c + x_low) * power, &f_low), s = f / (2.0 + f), h = 0.5 * f * f;
    e += extra;
    const double tail = s * (h + tw__log_tail_f64(s)) + (e * 0x1.cf79abc9e3b3ap-40 + f_low);
    return e * 0x1.62e42fefa0000p-1 - ((h - tail) - f);
}

TW_MATH double tw_log1p_f64(double x)
{
    const double result = tw__log_special_f64(1.0 + x, tw__log1p_f64(x, 0.0, 0.0));
    return tw__abs_f64(x) < 0x1p-54 ? x : result;
}

#endif
