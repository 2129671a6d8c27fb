/* pow_f64.h - x**y of float64: exp(y log x), the logarithm in two doubles to about 2^-68, everything without a branch.
 *
 * x = 2^e m, f = m - 1, s = f / (2 + f) in two doubles; log(m) = 2 s + s z (2/3 + z P(z)), z = s^2. The products that
 * count are Dekker's. Special values are C's (and NumPy's): chosen at the end. P is from tools/minimax.py. */
#ifndef TW_KERNEL_EXPR_MATH_POW_F64_H
#define TW_KERNEL_EXPR_MATH_POW_F64_H

#include "kernel/expr/math/bits.h"
#include "kernel/expr/math/exp_f64.h"
#include "kernel/expr/math/log_f64.h"

/* log(x) = the result + *low for a positive finite x. */
TW_MATH double tw__log_exact_f64(double x, double *low)
{
    double e, d_low, p_low, z_low, t_low, u_low, v_low, sum_low, all_low;
    const double f = tw__log_parts_f64(x, &e);
    const double d = tw__quick_sum_f64(2.0, f, &d_low), inverse = 1.0 / d;
    const double s = f * inverse, product = tw__product_f64(s, d, &p_low);
    const double s_low = (((f - product) - p_low) - s * d_low) * inverse;
    const double z = tw__product_f64(s, s, &z_low);
    z_low += 2.0 * s * s_low;
    const double w = z * z;
    const double odd =
        0x1.2492492492f50p-2 + w * (0x1.745d18293e4bfp-3 + w * (0x1.11206e29e2a6dp-3 + w * 0x1.eac4791d873dap-4));
    const double even =
        0x1.9999999999996p-2 + w * (0x1.c71c71c596bbep-3 + w * (0x1.3b1364d00853dp-3 + w * 0x1.de3d98ffe4da2p-4));
    const double t = tw__quick_sum_f64(0x1.5555555555555p-1, z * (even + z * odd), &t_low);
    const double u = tw__product_f64(z, t, &u_low);
    u_low += z_low * t + z * (t_low + 0x1.5555555555555p-55);
    const double v = tw__product_f64(s, u, &v_low);
    v_low += s_low * u + s * u_low;
    /* e ln 2 + 2 s + v; e ln 2 is larger than 2 s, or 0. */
    const double head = tw__quick_sum_f64(e * 0x1.62e42fefa0000p-1, 2.0 * s, &sum_low);
    const double all = tw__quick_sum_f64(head, v, &all_low);
    return tw__quick_sum_f64(all, all_low + (sum_low + (v_low + (2.0 * s_low + e * 0x1.cf79abc9e3b3ap-40))), low);
}

/* exp(x + low), x in any range. */
TW_MATH double tw__exp_exact_f64(double x, double low)
{
    const double above = x < -746.0 ? -746.0 : x, y = above > 710.0 ? 710.0 : above;
    const double shifted = y * 0x1.71547652b82fep0 + TW_SHIFT, k = shifted - TW_SHIFT;
    const double high = y - k * 0x1.62e42fefa0000p-1, tail = k * 0x1.cf79abc9e3b3ap-40, r = high - tail;
    const double r_low = ((high - r) - tail) + (x == y ? low : 0.0);
    const double tail_r = r * r * tw__exp_tail_f64(r);
    return tw__scale_f64(1.0 + (r + (tail_r + (r_low + (r + tail_r) * r_low))), shifted);
}

/* Whether x, not negative, has no fraction; of 2^52 and more none has. */
TW_MATH int64_t tw__is_whole_f64(double x)
{
    return (x >= 0x1p52) | ((x + 0x1p52) - 0x1p52 == x);
}

TW_MATH double tw_pow_f64(double x, double y)
{
    const double size = tw__abs_f64(x), size_y = tw__abs_f64(y);
    double log_low, product_low;
    /* Past 2^65 only the sign of y counts, as |log x| > 2^-54. */
    const double bound = tw__copysign_f64(0x1p65, y), within = size_y > 0x1p65 ? bound : y;
    const double logarithm = tw__log_exact_f64(size, &log_low);
    const double product = tw__product_f64(logarithm, within, &product_low);
    double value = tw__exp_exact_f64(product, product_low + log_low * within);
    /* Powers of 0 and of infinity: 0 or infinity, by the signs of log|x| and y. */
    const double rising = y > 0.0 ? TW_INF : 0.0, falling = y > 0.0 ? 0.0 : TW_INF;
    value = size == TW_INF ? rising : value;
    value = size == 0.0 ? falling : value;
    /* A negative base: an odd y gives its sign, a y that is not whole none at all (but for 0 and infinity). */
    const double whole = tw__is_whole_f64(size_y) ? 1.0 : 0.0;
    const double odd = (tw__is_whole_f64(size_y) & !tw__is_whole_f64(0.5 * size_y)) ? 1.0 : 0.0;
    const double signed_value = odd != 0.0 ? tw__mulsign_f64(value, x) : value;
    const double root = whole == 0.0 ? TW_NAN : signed_value;
    value = ((x < 0.0) & (size < TW_INF)) ? root : signed_value;
    value = ((x != x) | (y != y)) ? x + y : value;
    value = x == 1.0 ? 1.0 : value;
    /* (-1)^(+-infinity) is 1, which the logarithm 0 gives. */
    return y == 0.0 ? 1.0 : value;
}

#endif
