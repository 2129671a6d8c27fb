/* asin_f64.h - asin and acos of float64: asin(s) = s + s^3 P(s^2) up to 1/2, and from there on by the angle's half,
 * whose sine is s = sqrt((1 - |x|) / 2). P is from tools/generate/minimax.py. */
#ifndef TW_NOTATION_MATH_ASIN_F64_H
#define TW_NOTATION_MATH_ASIN_F64_H

#include "notation/math/bits.h"

/* P(z) z. */
TW_MATH double tw__asin_tail_f64(double z)
{
    const double w = z * z;
    const double tail =
        (0x1.555555555538ep-3 +
         w * (0x1.6db6db424b4bbp-5 +
              w * (0x1.6e89f2ae78d20p-6 +
                   w * (0x1.c6fbcce21f90dp-7 + w * (0x1.ab5a2092488aep-8 + w * -0x1.0a56c910c1ff4p-6))))) +
        z * (0x1.333333336ec46p-4 +
             w * (0x1.f1c72c4900d38p-6 +
                  w * (0x1.1c6bfa33d5a6bp-6 +
                       w * (0x1.8ed03307475fdp-7 + w * (0x1.4046c2a01308bp-6 + w * 0x1.059b72bacda3dp-5)))));
    return z * tail;
}

TW_MATH double tw_asin_f64(double x)
{
    const double size = tw__abs_f64(x), half = 0.5 - 0.5 * size;
    const int64_t large = size >= 0.5;
    const double z = large ? half : size * size, s = large ? __builtin_sqrt(half) : size;
    const double tail = s * tw__asin_tail_f64(z);
    /* pi / 4 twice, so that what is added is small and the last addition rounds alone. */
    const double folded =
        0x1.921fb54442d18p-1 - ((2.0 * tail - 0x1.1a62633145c07p-54) - (0x1.921fb54442d18p-1 - 2.0 * s));
    return tw__mulsign_f64(large ? folded : s + tail, x);
}

TW_MATH double tw_acos_f64(double x)
{
    const double size = tw__abs_f64(x), half = 0.5 - 0.5 * size;
    const int64_t large = size >= 0.5;
    const double z = large ? half : size * size, s = large ? __builtin_sqrt(half) : size;
    const double tail = s * tw__asin_tail_f64(z);
    const double near = 2.0 * (s + tail), far = 0x1.921fb54442d18p1 - (2.0 * s + (2.0 * tail - 0x1.1a62633145c07p-53));
    const double middle = 0x1.921fb54442d18p0 - (x - (0x1.1a62633145c07p-54 - tw__mulsign_f64(tail, x)));
    const double outer = x < 0.0 ? far : near;
    return large ? outer : middle;
}

#endif
