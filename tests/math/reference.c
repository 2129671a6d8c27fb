/* reference.c - how far results are from the true value, in units in the last place (ULP): the true one comes from
 * libquadmath for float64, from the C library's float64 for float32. */
#define gamma logarithm_of_gamma /* the name that <math.h> gave away long ago */
#include <math.h>
#undef gamma
#include <quadmath.h>
#include <stdint.h>

static int clamp_exponent(int e, int least, int most)
{
    return e < least ? least : e > most ? most : e;
}

/* |got - exact| in units of the exact value's last place. Where got is infinite the largest finite value counts in its
 * place, as the exact value has no other neighbour; NaN and infinity must agree otherwise. */
static double ulps_f64(double got, __float128 exact)
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
        if (isinf(nearest) && isinfq(exact)) {
            return INFINITY;
        }
    }
    if (got == 0.0 && signbit(nearest) != signbit(got)) {
        return INFINITY;
    }
    frexpq(exact, &e);
    const __float128 unit = scalbnq(1, clamp_exponent(e, -1021, 1024) - 53);
    const __float128 value = isinf(got) ? copysignq(scalbnq(1, 1024), (__float128)got) : (__float128)got;
    return (double)(fabsq(value - exact) / unit);
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

static __float128 gammaq(__float128 x)
{
    return tgammaq(x);
}

static double gamma(double x)
{
    return tgamma(x);
}

#define PLAIN(name) MEASURE(name, double, f64, name##q(x)) MEASURE(name, float, f32, name((double)x))
#define FAST(name) PLAIN(name)
#define PAIR(name) MEASURE(name, double, f64, name##q(x, y)) MEASURE(name, float, f32, name((double)x, (double)y))

#define EXACT(name)
#define EXACT_PAIR(name)

#include "functions.h"
