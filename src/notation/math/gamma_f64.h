/* gamma_f64.h - the gamma function of float64: Stirling's series for u >= 8, from tools/generate/minimax.py; smaller
 * arguments go up by steps of 1, those below zero are reflected, gamma(a) gamma(-a) = -pi / (a sin(pi a)). In numbers
 * of two parts, as the logarithm of the result is up to 709. */
#ifndef TW_NOTATION_MATH_GAMMA_F64_H
#define TW_NOTATION_MATH_GAMMA_F64_H

#include "notation/math/bits.h"
#include "notation/math/pow_f64.h"
#include "notation/math/trig_f64.h"

/* (x + x_low) (y + y_low) = the result + *low. */
TW_MATH double tw__times_f64(double x, double x_low, double y, double y_low, double *low)
{
    double product_low;
    const double product = tw__product_f64(x, y, &product_low);
    return tw__quick_sum_f64(product, product_low + (x * y_low + x_low * y), low);
}

/* sin(pi x) = the result + *low, for 0 <= x < 2^52. */
TW_MATH double tw__sin_pi_f64(double x, double *low)
{
    const double h = x - 2.0 * ((0.5 * x + 0x1p52) - 0x1p52); /* -1 .. 1 */
    const double shifted = 2.0 * h + TW_SHIFT, q = h - 0.5 * (shifted - TW_SHIFT);
    double r_low, high_low;
    const double r = tw__times_f64(q, 0.0, 0x1.921fb54442d18p1, 0x1.1a62633145c07p-53, &r_low);
    const uint64_t k = tw__bits_f64(shifted);
    const double high = tw__trig_pair_f64(r, r_low, k, &high_low);
    const double sign = k & 2 ? -1.0 : 1.0;
    *low = sign * high_low;
    return sign * high;
}

/* log(x) = the result + *low for a positive finite x. */
TW_MATH double tw__log_exact_f64(double x, double *low)
{
    double e, p_low, sum_low;
    const double f = tw__log_parts_f64(x, &e), p = tw__log_core_f64(f, &p_low);
    const double sum = tw__quick_sum_f64(e * 0x1.62e42fefa0000p-1, p * 0x1.555555p-1, &sum_low);
    *low = sum_low + (p * 0x1.5555555555555p-27 + (p_low * 0x1.5555555555555p-1 + e * 0x1.cf79abc9e3b3ap-40));
    return sum;
}

TW_MATH double tw_gamma_f64(double x)
{
    const double size = tw__abs_f64(x), a = size > 200.0 ? 200.0 : size;
    /* Up by steps of 1 to u >= 8: p = a (a + 1) ... (u - 1). All numbers have two parts. */
    double p = 1.0, p_low = 0.0, u = a, u_low = 0.0;
    for (int k = 0; k < 8; k++) {
        const double more = u < 8.0 ? 1.0 : 0.0, factor = u < 8.0 ? u : 1.0, factor_low = u < 8.0 ? u_low : 0.0;
        double sum_low;
        p = tw__times_f64(p, p_low, factor, factor_low, &p_low);
        u = tw__sum_f64(u, more, &sum_low);
        u_low += sum_low;
    }
    /* log(gamma(u)) = (u - 1/2) log(u) - u + log(2 pi) / 2 + S(1 / u^2) / u */
    double log_low, half_low, main_low, first_low, last_low;
    const double logarithm = tw__log_exact_f64(u, &log_low), inverse = 1.0 / u, z = inverse * inverse, w = z * z;
    const double tail =
        inverse * ((0x1.5555555555545p-4 + w * (0x1.a019fa3475c0cp-11 + w * 0x1.b68cc43490feep-11)) +
                   z * (-0x1.6c16c16b2d26bp-9 + w * (-0x1.380d07138a798p-11 + w * -0x1.ac3ea55b843dep-10)));
    const double half = tw__sum_f64(u, -0.5, &half_low);
    const double main = tw__times_f64(half, half_low + u_low, logarithm, log_low + u_low * inverse, &main_low);
    const double first = tw__quick_sum_f64(main, -u, &first_low);
    const double constant = 0x1.d67f1c864beb5p-1 + tail;
    const double constant_low = ((0x1.d67f1c864beb5p-1 - constant) + tail) - 0x1.65b5a1b7ff5dfp-55;
    const double last = tw__quick_sum_f64(first, constant, &last_low);
    const double rest = last_low + (first_low + (main_low - u_low + constant_low));
    /* gamma(u) = 2^k (e + e_low) */
    double tail_low, e_low;
    const double shifted = last * 0x1.71547652b82fep0 + TW_SHIFT, k = shifted - TW_SHIFT;
    const double high = last - k * 0x1.62e42fefa0000p-1, part = k * 0x1.cf79abc9e3b3ap-40, r = high - part;
    const double r_low = ((high - r) - part) + rest;
    const double growth = tw__quick_sum_f64(r, r * r * tw__exp_tail_f64(r), &tail_low);
    const double e = tw__quick_sum_f64(1.0, growth, &e_low);
    e_low += tail_low + (r_low + r_low * growth);
    /* gamma(a) = 2^k e / p; gamma(-a) = -pi / (a sin(pi a) gamma(a)) = -2^-k pi p / (a sin(pi a) e) */
    double sine_low, angle_low, bottom_low, top_low;
    const double sine = tw__sin_pi_f64(size < 0x1p52 ? size : 0.5, &sine_low);
    const double angle = tw__times_f64(sine, sine_low, a, 0.0, &angle_low);
    const double bottom_below = tw__times_f64(angle, angle_low, e, e_low, &bottom_low);
    const double top_below = tw__times_f64(p, p_low, -0x1.921fb54442d18p1, -0x1.1a62633145c07p-53, &top_low);
    const double top = x < 0.0 ? top_below : e, bottom = x < 0.0 ? bottom_below : p;
    top_low = x < 0.0 ? top_low : e_low;
    bottom_low = x < 0.0 ? bottom_low : p_low;
    double product_low;
    const double quotient = top / bottom, product = tw__product_f64(quotient, bottom, &product_low);
    const double missing = ((top - product) - product_low) + (top_low - quotient * bottom_low);
    double value = tw__scale_f64(quotient + missing / bottom, x < 0.0 ? TW_SHIFT - k : shifted);
    /* Small ones; those below zero that are whole, -infinity too: none has a value. */
    const double whole = (size + 0x1p52) - 0x1p52 == size ? TW_NAN : value, below = size < 0x1p52 ? whole : TW_NAN;
    value = x < 0.0 ? below : value;
    value = size < 0x1p-60 ? 1.0 / x : value;
    return x < TW_INF ? value : x;
}

#endif
