/* bits.h - the bits of floating-point numbers, and selecting by sign: what the vector math functions are built of.
 *
 * The texts in this folder are printed in front of generated kernels, only those that a statement uses. All of them
 * follow one plan, so that an element has the same bits in a vector body, in its tail and in a scalar loop:
 * operations of IEEE 754 alone (+ - * / sqrt, conversions, comparisons), integer operations on the bits, no fused
 * multiply-add (-ffp-contract=off), no table, no branch, no call. A function whose full version needs a branch has a
 * second one, NAME_fast, that gives the same bits for the arguments it is for and else sets *outside. */
#ifndef TW_NOTATION_MATH_BITS_H
#define TW_NOTATION_MATH_BITS_H

#include <stdint.h>

#if defined(__FAST_MATH__) || __FLT_EVAL_METHOD__ == 2
#error "this needs floating-point operations as IEEE 754 has them: no -ffast-math, and SSE2 where there is x87"
#endif

#define TW_MATH static inline __attribute__((always_inline, unused))
#define TW_MATH_SLOW static __attribute__((noinline, unused)) /* branches: kept out of line */

#define TW_NAN __builtin_nan("")
#define TW_INF __builtin_inf()

TW_MATH uint64_t tw__bits_f64(double x)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

TW_MATH double tw__of_bits_f64(uint64_t bits)
{
    double x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

TW_MATH double tw__abs_f64(double x)
{
    return tw__of_bits_f64(tw__bits_f64(x) & 0x7fffffffffffffff);
}

TW_MATH double tw__copysign_f64(double x, double sign)
{
    return tw__of_bits_f64((tw__bits_f64(x) & 0x7fffffffffffffff) | (tw__bits_f64(sign) & 0x8000000000000000));
}

/* x with the sign changed where `sign` is negative. */
TW_MATH double tw__mulsign_f64(double x, double sign)
{
    return tw__of_bits_f64(tw__bits_f64(x) ^ (tw__bits_f64(sign) & 0x8000000000000000));
}

/* The upper 26 bits of x's 53: products of two such numbers are exact. */
TW_MATH double tw__upper_f64(double x)
{
    return tw__of_bits_f64(tw__bits_f64(x) & 0xfffffffff8000000);
}

/* Adding and subtracting this rounds to an integer, and leaves that integer in the low bits of the sum: conversions
 * between double and int64 that every vector unit has. For |x| < 2^51. */
#define TW_SHIFT 0x1.8p52

/* 2^k from k + TW_SHIFT; 0 for k = -1023, infinity for k = 1024; not outside of these. */
TW_MATH double tw__power_f64(double shifted)
{
    return tw__of_bits_f64((tw__bits_f64(shifted) + 1023) << 52);
}

/* x * y = the result + *low, exactly (Dekker 1971) where nothing over- or underflows. */
TW_MATH double tw__product_f64(double x, double y, double *low)
{
    const double xh = tw__upper_f64(x), xl = x - xh, yh = tw__upper_f64(y), yl = y - yh, high = x * y;
    *low = (((xh * yh - high) + xh * yl) + xl * yh) + xl * yl;
    return high;
}

/* x + y = the result + *low, exactly (Knuth). */
TW_MATH double tw__sum_f64(double x, double y, double *low)
{
    const double high = x + y, part = high - x;
    *low = (x - (high - part)) + (y - part);
    return high;
}

/* The same where |x| >= |y| or x is 0. */
TW_MATH double tw__quick_sum_f64(double x, double y, double *low)
{
    const double high = x + y;
    *low = (x - high) + y;
    return high;
}

#endif
