/* loops.c - each vector math function over arrays, as a generated kernel calls it: the fast version strip by strip, and
 * a strip again with the full one where an argument is not for the fast one. Compiled several ways and compared. */
#include <stdint.h>

#include "kernel/expr/math/area_f32.h"
#include "kernel/expr/math/area_f64.h"
#include "kernel/expr/math/asin_f32.h"
#include "kernel/expr/math/asin_f64.h"
#include "kernel/expr/math/atan_f32.h"
#include "kernel/expr/math/atan_f64.h"
#include "kernel/expr/math/erf_f32.h"
#include "kernel/expr/math/erf_f64.h"
#include "kernel/expr/math/exp_f32.h"
#include "kernel/expr/math/exp_f64.h"
#include "kernel/expr/math/gamma_f32.h"
#include "kernel/expr/math/gamma_f64.h"
#include "kernel/expr/math/hyperbolic_f32.h"
#include "kernel/expr/math/hyperbolic_f64.h"
#include "kernel/expr/math/log_f32.h"
#include "kernel/expr/math/log_f64.h"
#include "kernel/expr/math/pow_f32.h"
#include "kernel/expr/math/pow_f64.h"
#include "kernel/expr/math/root_f32.h"
#include "kernel/expr/math/root_f64.h"
#include "kernel/expr/math/trig_f32.h"
#include "kernel/expr/math/trig_f64.h"

#define STRIP 512

#define ONE(name, type, suffix)                                                                                        \
    void loop_##name##_##suffix(type *restrict out, const type *restrict x, const type *restrict y, int64_t n);        \
    void loop_##name##_##suffix(type *restrict out, const type *restrict x, const type *restrict y, int64_t n)         \
    {                                                                                                                  \
        (void)y;                                                                                                       \
        for (int64_t k = 0; k < n; k++) {                                                                              \
            out[k] = tw_##name##_##suffix(x[k]);                                                                       \
        }                                                                                                              \
    }

#define TWO(name, type, suffix)                                                                                        \
    void loop_##name##_##suffix(type *restrict out, const type *restrict x, const type *restrict y, int64_t n);        \
    void loop_##name##_##suffix(type *restrict out, const type *restrict x, const type *restrict y, int64_t n)         \
    {                                                                                                                  \
        for (int64_t k = 0; k < n; k++) {                                                                              \
            out[k] = tw_##name##_##suffix(x[k], y[k]);                                                                 \
        }                                                                                                              \
    }

#define STRIPS(name, type, flag, suffix)                                                                               \
    void loop_##name##_##suffix(type *restrict out, const type *restrict x, const type *restrict y, int64_t n);        \
    void loop_##name##_##suffix(type *restrict out, const type *restrict x, const type *restrict y, int64_t n)         \
    {                                                                                                                  \
        (void)y;                                                                                                       \
        for (int64_t begin = 0; begin < n; begin += STRIP) {                                                           \
            const int64_t end = begin + STRIP < n ? begin + STRIP : n;                                                 \
            flag outside = 0;                                                                                          \
            for (int64_t k = begin; k < end; k++) {                                                                    \
                out[k] = tw_##name##_##suffix##_fast(x[k], &outside);                                                  \
            }                                                                                                          \
            for (int64_t k = begin; outside && k < end; k++) {                                                         \
                out[k] = tw_##name##_##suffix(x[k]);                                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }

#define PLAIN(name) ONE(name, double, f64) ONE(name, float, f32)
#define FAST(name) STRIPS(name, double, int64_t, f64) STRIPS(name, float, int32_t, f32)
#define PAIR(name) TWO(name, double, f64) TWO(name, float, f32)

#include "functions.h"
