/* trig_f64.h - sin, cos and tan of float64.
 *
 * x = k pi/2 + r, |r| <= pi/4, r in two doubles: pi/2 in three parts, of which the first two have 33 bits, so that up
 * to |x| = 2^20 k times them is exact; larger arguments go to trig_reduce.h. sin(r) and cos(r) are one polynomial in
 * r^2 whose coefficients are chosen by k. Polynomials from tools/generate/minimax.py. */
#ifndef TW_NOTATION_MATH_TRIG_F64_H
#define TW_NOTATION_MATH_TRIG_F64_H

#include "notation/math/bits.h"
#include "notation/math/trig_reduce.h"

#define TW_TRIG_LIMIT 0x1p20

/* r; *shifted is k + TW_SHIFT, so that its lowest bits are those of k. */
TW_MATH double tw__trig_near_f64(double x, double *low, double *shifted)
{
    *shifted = x * 0x1.45f306dc9c883p-1 + TW_SHIFT;
    const double k = *shifted - TW_SHIFT;
    const double a = x - k * 0x1.921fb544p0, b = k * 0x1.0b4611a6p-34; /* both exact */
    double rest;
    const double r = tw__sum_f64(a, -b, &rest);
    return tw__quick_sum_f64(r, rest - k * 0x1.3198a2e037073p-69, low);
}

/* sin(r + low) where the lowest bit of k is 0, else cos(r + low): the result + *rest. */
TW_MATH double tw__trig_pair_f64(double r, double low, uint64_t k, double *rest)
{
    const double z = r * r, h = 0.5 * z;
    const uint64_t cosine = k & 1;
    const double w = z * z;
    const double c0 = cosine ? 0x1.555555555554cp-5 : -0x1.5555555555548p-3;
    const double c1 = cosine ? -0x1.6c16c16c1521dp-10 : 0x1.111111110f730p-7;
    const double c2 = cosine ? 0x1.a01a019cbf0d3p-16 : -0x1.a01a019be921ep-13;
    const double c3 = cosine ? -0x1.27e4f812650f5p-22 : 0x1.71de35552c03ap-19;
    const double c4 = cosine ? 0x1.1ee9f1105dfe7p-29 : -0x1.ae5e4b849adcap-26;
    const double c5 = cosine ? -0x1.8fb109ef1c51dp-37 : 0x1.5d8b55d1aea7fp-33;
    const double tail = (c0 + w * (c2 + w * c4)) + z * (c1 + w * (c3 + w * c5));
    /* r + (r z tail + low (1 - h)), or 1 - h + (z z tail - r low) with what 1 - h lost. */
    const double one = 1.0 - h;
    const double high = cosine ? one : r;
    const double lost = cosine ? (1.0 - one) - h - r * low : low * one;
    return tw__quick_sum_f64(high, (cosine ? w : r * z) * tail + lost, rest);
}

/* The same as one number, with the sign changed where the next bit of k is 1. */
TW_MATH double tw__trig_wave_f64(double r, double low, uint64_t k)
{
    double rest;
    const double value = tw__trig_pair_f64(r, low, k, &rest);
    return tw__of_bits_f64(tw__bits_f64(value) ^ (k & 2) << 62);
}

TW_MATH double tw_sin_f64_fast(double x, int64_t *outside)
{
    double low, shifted;
    const double r = tw__trig_near_f64(x, &low, &shifted);
    const double value = tw__trig_wave_f64(r, low, tw__bits_f64(shifted));
    *outside |= tw__abs_f64(x) > TW_TRIG_LIMIT;
    return tw__abs_f64(x) < 0x1p-27 ? x : value;
}

TW_MATH double tw_cos_f64_fast(double x, int64_t *outside)
{
    double low, shifted;
    const double r = tw__trig_near_f64(x, &low, &shifted);
    *outside |= tw__abs_f64(x) > TW_TRIG_LIMIT;
    return tw__trig_wave_f64(r, low, tw__bits_f64(shifted) + 1);
}

/* tan(r + low), or -1 / tan(r + low) where the lowest bit of k is 1: the quotient of sin and cos, both with what their
 * last addition lost. */
TW_MATH double tw__trig_slope_f64(double r, double low, uint64_t k)
{
    const double z = r * r, w = z * z, h = 0.5 * z;
    const double sin_tail = (-0x1.5555555555548p-3 + w * (-0x1.a01a019be921ep-13 + w * -0x1.ae5e4b849adcap-26)) +
                            z * (0x1.111111110f730p-7 + w * (0x1.71de35552c03ap-19 + w * 0x1.5d8b55d1aea7fp-33));
    const double cos_tail = (0x1.555555555554cp-5 + w * (0x1.a01a019cbf0d3p-16 + w * 0x1.1ee9f1105dfe7p-29)) +
                            z * (-0x1.6c16c16c1521dp-10 + w * (-0x1.27e4f812650f5p-22 + w * -0x1.8fb109ef1c51dp-37));
    double sin_low, cos_low, product_low;
    const double one = 1.0 - h;
    const double sine = tw__quick_sum_f64(r, r * z * sin_tail + low * one, &sin_low);
    const double cosine = tw__quick_sum_f64(one, ((1.0 - one) - h) + (w * cos_tail - r * low), &cos_low);
    const uint64_t odd = k & 1;
    const double top = odd ? -cosine : sine, top_low = odd ? -cos_low : sin_low;
    const double bottom = odd ? sine : cosine, bottom_low = odd ? sin_low : cos_low;
    const double quotient = top / bottom, product = tw__product_f64(quotient, bottom, &product_low);
    const double rest = ((top - product) - product_low) + (top_low - quotient * bottom_low);
    return quotient + rest / bottom;
}

TW_MATH double tw_tan_f64_fast(double x, int64_t *outside)
{
    double low, shifted;
    const double r = tw__trig_near_f64(x, &low, &shifted);
    const double value = tw__trig_slope_f64(r, low, tw__bits_f64(shifted));
    *outside |= tw__abs_f64(x) > TW_TRIG_LIMIT;
    return tw__abs_f64(x) < 0x1p-27 ? x : value;
}

TW_MATH_SLOW double tw_sin_f64(double x)
{
    int64_t outside = 0;
    const double value = tw_sin_f64_fast(x, &outside);
    if (!outside) {
        return value;
    }
    int quarter;
    double low;
    if (tw__abs_f64(x) == TW_INF) {
        return TW_NAN;
    }
    const double r = tw__trig_reduce(x, &low, &quarter);
    return tw__trig_wave_f64(r, low, (uint64_t)quarter);
}

TW_MATH_SLOW double tw_cos_f64(double x)
{
    int64_t outside = 0;
    const double value = tw_cos_f64_fast(x, &outside);
    if (!outside) {
        return value;
    }
    int quarter;
    double low;
    if (tw__abs_f64(x) == TW_INF) {
        return TW_NAN;
    }
    const double r = tw__trig_reduce(x, &low, &quarter);
    return tw__trig_wave_f64(r, low, (uint64_t)quarter + 1);
}

TW_MATH_SLOW double tw_tan_f64(double x)
{
    int64_t outside = 0;
    const double value = tw_tan_f64_fast(x, &outside);
    if (!outside) {
        return value;
    }
    int quarter;
    double low;
    if (tw__abs_f64(x) == TW_INF) {
        return TW_NAN;
    }
    const double r = tw__trig_reduce(x, &low, &quarter);
    return tw__trig_slope_f64(r, low, (uint64_t)quarter);
}

#endif
