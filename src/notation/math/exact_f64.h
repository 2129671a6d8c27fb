/* exact_f64.h - functions of float64 whose results are exact, or rounded right by the processor: the bits are NumPy's.
 */
#ifndef TW_NOTATION_MATH_EXACT_F64_H
#define TW_NOTATION_MATH_EXACT_F64_H

#include "notation/math/bits.h"

TW_MATH double tw_sqrt_f64(double x)
{
    return __builtin_sqrt(x);
}

TW_MATH double tw_absolute_f64(double x)
{
    return __builtin_fabs(x);
}

TW_MATH double tw_floor_f64(double x)
{
    return __builtin_floor(x);
}

TW_MATH double tw_ceil_f64(double x)
{
    return __builtin_ceil(x);
}

TW_MATH double tw_rint_f64(double x)
{
    return __builtin_rint(x);
}

TW_MATH double tw_trunc_f64(double x)
{
    return __builtin_trunc(x);
}

/* 1, 0 or -1; NaN stays. Either zero gives 0. */
TW_MATH double tw_sign_f64(double x)
{
    const double zero = x == 0 ? 0 : x;
    const double negative = x < 0 ? -1 : zero;
    return x > 0 ? 1 : negative;
}

/* NaN where either is NaN, the first one that is. Of two zeros: the second. */
TW_MATH double tw_minimum_f64(double x, double y)
{
    const double smaller = x < y ? x : y;
    return x != x ? x : smaller;
}

TW_MATH double tw_maximum_f64(double x, double y)
{
    const double larger = x > y ? x : y;
    return x != x ? x : larger;
}

/* NaN gives way to the other. */
TW_MATH double tw_fmin_f64(double x, double y)
{
    const double smaller = x < y ? x : y;
    return y != y ? x : smaller;
}

TW_MATH double tw_fmax_f64(double x, double y)
{
    const double larger = x > y ? x : y;
    return y != y ? x : larger;
}

TW_MATH double tw_copysign_f64(double x, double y)
{
    return __builtin_copysign(x, y);
}

/* The bits of a number other than zero are one more for the next that is further from zero. */
TW_MATH double tw_nextafter_f64(double x, double y)
{
    const uint64_t bits = tw__bits_f64(x), sign = tw__bits_f64(y) & 0x8000000000000000;
    const uint64_t step = (x < y) == (x > 0) ? 1 : (uint64_t)-1;
    const double next = tw__of_bits_f64(x == 0 ? sign | 1 : bits + step);
    const double moved = x == y ? y : next;
    return ((x != x) | (y != y)) ? x + y : moved;
}

#endif
