/* float_mode.h - how this thread computes with floating-point numbers: rounding, flushing of subnormal numbers, traps.
 * A kernel that changes it must not change the results of the tiles after it. A few nanoseconds to compare. */
#ifndef TW_BASE_FLOAT_MODE_H
#define TW_BASE_FLOAT_MODE_H

#include <stdint.h>

#if defined(__x86_64__)

/* The SSE control bits (the others say what has happened) and the x87 control word, for long double. */
#define TW__SSE_CONTROL 0xffc0u

struct tw__float_mode {
    uint32_t sse;
    uint16_t x87;
};

static inline struct tw__float_mode tw__float_mode_get(void)
{
    struct tw__float_mode mode;
    __asm__ volatile("stmxcsr %0" : "=m"(mode.sse));
    __asm__ volatile("fnstcw %0" : "=m"(mode.x87));
    mode.sse &= TW__SSE_CONTROL;
    return mode;
}

/* Puts the mode back if it is another. */
static inline void tw__float_mode_keep(const struct tw__float_mode *mode)
{
    const struct tw__float_mode now = tw__float_mode_get();
    if (__builtin_expect(now.sse != mode->sse, 0)) {
        __asm__ volatile("ldmxcsr %0" : : "m"(mode->sse));
    }
    if (__builtin_expect(now.x87 != mode->x87, 0)) {
        __asm__ volatile("fldcw %0" : : "m"(mode->x87));
    }
}

#elif defined(__aarch64__)

struct tw__float_mode {
    uint64_t control;
};

static inline struct tw__float_mode tw__float_mode_get(void)
{
    struct tw__float_mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode.control));
    return mode;
}

static inline void tw__float_mode_keep(const struct tw__float_mode *mode)
{
    if (__builtin_expect(tw__float_mode_get().control != mode->control, 0)) {
        __asm__ volatile("msr fpcr, %0" : : "r"(mode->control));
    }
}

#else
#include <fenv.h>

struct tw__float_mode {
    fenv_t environment;
};

static inline struct tw__float_mode tw__float_mode_get(void)
{
    struct tw__float_mode mode;
    fegetenv(&mode.environment);
    return mode;
}

static inline void tw__float_mode_keep(const struct tw__float_mode *mode)
{
    fesetenv(&mode->environment);
}

#endif
#endif
