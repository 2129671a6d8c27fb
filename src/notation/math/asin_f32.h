/* asin_f32.h - asin and acos of float32, computed in float64. */
#ifndef TW_NOTATION_MATH_ASIN_F32_H
#define TW_NOTATION_MATH_ASIN_F32_H

#include "notation/math/bits.h"

/* asin(size) for 0 <= size <= 1/2, else asin(sqrt((1 - size) / 2)). */
TW_MATH double tw__asin_part_f32(double size)
{
    const double half = 0.5 - 0.5 * size;
    const int64_t large = size >= 0.5;
    const double z = large ? half : size * size, s = large ? __builtin_sqrt(half) : size, w = z * z;
    const double tail = (0x1.55554c5967e9bp-3 + w * (0x1.6cae4fac8fd27p-5 + w * 0x1.d8d728925caedp-7)) +
                        z * (0x1.33387fc6caf39p-4 + w * (0x1.049629145f7bdp-5 + w * 0x1.337081ae02fa7p-5));
    return s + s * z * tail;
}

TW_MATH float tw_asin_f32(float x)
{
    const double size = tw__abs_f64(x), part = tw__asin_part_f32(size);
    return (float)tw__mulsign_f64(size >= 0.5 ? 0x1.921fb54442d18p0 - 2.0 * part : part, x);
}

TW_MATH float tw_acos_f32(float x)
{
    const double size = tw__abs_f64(x), part = tw__asin_part_f32(size);
    const double outer = x < 0.0f ? 0x1.921fb54442d18p1 - 2.0 * part : 2.0 * part;
    return (float)(size >= 0.5 ? outer : 0x1.921fb54442d18p0 - tw__mulsign_f64(part, x));
}

#endif
