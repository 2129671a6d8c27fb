/* reference.c - how far results are from the true value, in units in the last place (ULP): the true one comes from
 * libquadmath for float64 (where long double has as many bits: from the C library), from the C library's float64 for
 * float32. */
#define gamma logarithm_of_gamma /* the name that <math.h> gave away long ago */
#define gammal logarithm_of_gamma_l
#include <math.h>
#undef gamma
#undef gammal
#include <stdint.h>

#ifdef __x86_64__
#include <quadmath.h>
typedef __float128 wide;
#define WIDE(name) name##q
#else
#include <float.h>
#if LDBL_MANT_DIG < 113
#error "no type here has enough bits to measure float64"
#endif
typedef long double wide;
#define WIDE(name) name##l
#endif

static int clamp_exponent(int e, int least, int most)
{
    return e < least ? least : e > most ? most : e;
}

/* |got - exact| in units of the exact value's last place. Where got is infinite the largest finite value counts in its
 * place, as the exact value has no other neighbour; NaN and infinity must agree otherwise. */
static double ulps_f64(double got, wide exact)
{
    const double nearest = (double)exact;
    int e;
    if (isnan(nearest) || isnan(got)) {
        return isnan(nearest) && isnan(got) ? 0.0 : INFINITY;
    }
    if (isinf(nearest) || isinf(got) || nearest == 0.0) {
        if (nearest == got) {
            return signbit(nearest) == signbit(got) ? 0.0 : INFINITY;
        }
        if (isinf(nearest) && isinf((double)exact) && exact == 2 * exact) {
            return INFINITY;
        }
    }
    if (got == 0.0 && signbit(nearest) != signbit(got)) {
        return INFINITY;
    }
    WIDE(frexp)(exact, &e);
    const wide unit = WIDE(scalbn)(1, clamp_exponent(e, -1021, 1024) - 53);
    const wide value = isinf(got) ? WIDE(copysign)(WIDE(scalbn)(1, 1024), (wide)got) : (wide)got;
    return (double)(WIDE(fabs)(value - exact) / unit);
}

static double ulps_f32(float got, double exact)
{
    const float nearest = (float)exact;
    int e;
    if (isnan(nearest) || isnan(got)) {
        return isnan(nearest) && isnan(got) ? 0.0 : INFINITY;
    }
    if (isinf(nearest) || isinf(got) || nearest == 0.0f) {
        if (nearest == got) {
            return signbit(nearest) == signbit(got) ? 0.0 : INFINITY;
        }
        if (isinf(nearest) && isinf(exact)) {
            return INFINITY;
        }
    }
    if (got == 0.0f && signbit(nearest) != signbit(got)) {
        return INFINITY;
    }
    frexp(exact, &e);
    const double unit = scalbn(1, clamp_exponent(e, -125, 128) - 24);
    const double value = isinf(got) ? copysign(0x1p128, got) : got;
    return fabs(value - exact) / unit;
}

#define MEASURE(name, type, suffix, exact)                                                                             \
    double measure_##name##_##suffix(const type *got, const type *xs, const type *ys, int64_t n, int64_t *where);      \
    double measure_##name##_##suffix(const type *got, const type *xs, const type *ys, int64_t n, int64_t *where)       \
    {                                                                                                                  \
        double worst = -1.0;                                                                                           \
        for (int64_t k = 0; k < n; k++) {                                                                              \
            const type x = xs[k], y = ys[k];                                                                           \
            (void)y;                                                                                                   \
            const double ulps = ulps_##suffix(got[k], exact);                                                          \
            if (ulps > worst) {                                                                                        \
                worst = ulps;                                                                                          \
                *where = k;                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        return worst;                                                                                                  \
    }

static wide WIDE(gamma)(wide x)
{
    return WIDE(tgamma)(x);
}

static double gamma(double x)
{
    return tgamma(x);
}

#define PLAIN(name) MEASURE(name, double, f64, WIDE(name)(x)) MEASURE(name, float, f32, name((double)x))
#define FAST(name) PLAIN(name)
#define PAIR(name) MEASURE(name, double, f64, WIDE(name)(x, y)) MEASURE(name, float, f32, name((double)x, (double)y))

#define EXACT(name)
#define EXACT_PAIR(name)

#include "functions.h"
