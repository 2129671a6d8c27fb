/* loops.c - each vector math function over arrays, as a generated kernel calls it: the fast version strip by strip, and
 * a strip again with the full one where an argument is not for the fast one. measure.py compiles it several ways and
 * compares, and includes all texts of src/notation/math before it; with -DC_LIBRARY the loops call the C library's
 * functions, to compare the speed; with -DONLY_f32 or -DONLY_f64 it has those alone. */
#include <stdint.h>

#define STRIP 512

#ifdef ONLY_f32
#define LOOP_f64(name, type, suffix, body)
#else
#define LOOP_f64(name, type, suffix, body) LOOP(name, type, suffix, body)
#endif
#ifdef ONLY_f64
#define LOOP_f32(name, type, suffix, body)
#else
#define LOOP_f32(name, type, suffix, body) LOOP(name, type, suffix, body)
#endif

/* One argument or two: all loops have the same parameters. */
#define LOOP(name, type, suffix, body)                                                                                 \
    void loop_##name##_##suffix(type *restrict out, const type *restrict x, const type *restrict y, int64_t n);        \
    void loop_##name##_##suffix(type *restrict out, const type *restrict x, const type *restrict y, int64_t n)         \
    {                                                                                                                  \
        (void)y;                                                                                                       \
        body                                                                                                           \
    }

#define EACH(value)                                                                                                    \
    for (int64_t k = 0; k < n; k++) {                                                                                  \
        out[k] = value;                                                                                                \
    }

#define STRIPS(name, suffix, flag)                                                                                     \
    for (int64_t begin = 0; begin < n; begin += STRIP) {                                                               \
        const int64_t end = begin + STRIP < n ? begin + STRIP : n;                                                     \
        flag outside = 0;                                                                                              \
        for (int64_t k = begin; k < end; k++) {                                                                        \
            out[k] = tw_##name##_##suffix##_fast(x[k], &outside);                                                      \
        }                                                                                                              \
        for (int64_t k = begin; outside && k < end; k++) {                                                             \
            out[k] = tw_##name##_##suffix(x[k]);                                                                       \
        }                                                                                                              \
    }

#ifdef C_LIBRARY
#define PLAIN(name)                                                                                                    \
    LOOP_f64(name, double, f64, EACH(__builtin_##name(x[k])))                                                          \
        LOOP_f32(name, float, f32, EACH(__builtin_##name##f(x[k])))
#define FAST(name) PLAIN(name)
#define PAIR(name)                                                                                                     \
    LOOP_f64(name, double, f64, EACH(__builtin_##name(x[k], y[k])))                                                    \
        LOOP_f32(name, float, f32, EACH(__builtin_##name##f(x[k], y[k])))
#define __builtin_gamma __builtin_tgamma
#define __builtin_gammaf __builtin_tgammaf
#define EXACT(name)
#define EXACT_PAIR(name)
#else
#define PLAIN(name)                                                                                                    \
    LOOP_f64(name, double, f64, EACH(tw_##name##_f64(x[k]))) LOOP_f32(name, float, f32, EACH(tw_##name##_f32(x[k])))
#define FAST(name)                                                                                                     \
    LOOP_f64(name, double, f64, STRIPS(name, f64, int64_t)) LOOP_f32(name, float, f32, STRIPS(name, f32, int32_t))
#define PAIR(name)                                                                                                     \
    LOOP_f64(name, double, f64, EACH(tw_##name##_f64(x[k], y[k])))                                                     \
        LOOP_f32(name, float, f32, EACH(tw_##name##_f32(x[k], y[k])))
#define EXACT(name) PLAIN(name)
#define EXACT_PAIR(name) PAIR(name)
#endif

#include "functions.h"
