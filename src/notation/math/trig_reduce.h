/* trig_reduce.h - the distance of a large float64 from the nearest multiple of pi / 2 (Payne and Hanek 1983).
 *
 * x = m 2^e with a whole m of 53 bits. Of the bits of 2 / pi those that give a multiple of 4 when multiplied by x are
 * left out; of the others 192 are enough: 2 whole bits, and more than 2 * 61 + 53 behind the point (no float64 is
 * nearer than about 2^-61 to a multiple of pi / 2, relative to it). */
#ifndef TW_NOTATION_MATH_TRIG_REDUCE_H
#define TW_NOTATION_MATH_TRIG_REDUCE_H

#include "notation/math/bits.h"

/* x = quarter pi/2 + the result + *low; *quarter is 0 .. 3. For a finite |x| >= 2. */
TW_MATH_SLOW double tw__trig_reduce(double x, double *low, int *quarter)
{
    /* 64 zeros first, as the windows of smaller x begin before the point. */
    static const uint64_t two_over_pi[20] = {
        0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
        0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
        0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
        0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab};
    const uint64_t bits = tw__bits_f64(x), m = (bits & 0x000fffffffffffff) | 0x0010000000000000;
    /* |x| = m 2^e. Bit b behind the point of 2 / pi has weight 2^-b, in m's product 2^(e - b): it is a multiple of 4
     * for b <= e - 2. The window begins with bit e - 1, counted from 1; 64 more for the zeros. */
    const int e = (int)(bits >> 52 & 0x7ff) - 1075, begin = e - 2 + 64, word = begin / 64, shift = begin % 64;
    uint64_t window[3];
    for (int k = 0; k < 3; k++) {
        const uint64_t next = word + k + 1 < 20 ? two_over_pi[word + k + 1] : 0;
        window[k] = shift == 0 ? two_over_pi[word + k] : two_over_pi[word + k] << shift | next >> (64 - shift);
    }
    /* The lowest 192 bits of m * window. The window's first bit stands for 2, so their upper 2 are whole quarters. */
    const unsigned __int128 p2 = (unsigned __int128)m * window[2],
                            p1 = (unsigned __int128)m * window[1] + (uint64_t)(p2 >> 64);
    uint64_t top = m * window[0] + (uint64_t)(p1 >> 64), next = (uint64_t)p1;
    int q = (int)(top >> 62);
    /* The fraction, 62 + 64 bits, as a signed number about 0. */
    top <<= 2;
    top |= next >> 62;
    next = next << 2 | (uint64_t)p2 >> 62;
    const int negative = (int)(top >> 63);
    if (negative) { /* nearer to the next quarter */
        q++;
        next = ~next;
        top = ~top;
    }
    const unsigned __int128 fraction = (unsigned __int128)top << 64 | next;
    /* In two doubles: the upper 53 bits that count, and the following ones. */
    int zeros = top != 0 ? __builtin_clzll(top) : next != 0 ? 64 + __builtin_clzll(next) : 127;
    const unsigned __int128 normal = fraction << zeros;
    const double scale = tw__of_bits_f64((uint64_t)(1023 - 64 - zeros) << 52);
    const double high = (double)(uint64_t)(normal >> 75) * 2048.0 * scale;
    const double rest = (double)(uint64_t)((uint64_t)(normal >> 22) & 0x001fffffffffffff) * scale * 0x1p-42;
    /* times pi / 2 */
    double product_low;
    const double product = tw__product_f64(high, 0x1.921fb54442d18p0, &product_low);
    product_low += high * 0x1.1a62633145c07p-54 + rest * 0x1.921fb54442d18p0;
    double r_low;
    const double r = tw__quick_sum_f64(product, product_low, &r_low);
    const int flip = negative != (int)(bits >> 63);
    *low = flip ? -r_low : r_low;
    *quarter = (bits >> 63 ? -q : q) & 3;
    return flip ? -r : r;
}

#endif
