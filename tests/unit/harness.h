/* harness.h - what the unit tests share: cmocka in the order that it wants, a generator of repeatable numbers, and how
 * many of many cases are tried. */
#ifndef TW_TESTS_HARNESS_H
#define TW_TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Under a sanitizer address space cannot be limited: its own memory is past any limit. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

/* Loops over many cases try one in so many: 1 is all, and tests/parts.py asks for more under valgrind and the
 * sanitizers, where a case takes long. */
static inline int one_in(void)
{
    const char *text = getenv("TILEWORK_TEST_ONE_IN");
    const int number = text != NULL ? atoi(text) : 1;
    return number > 1 ? number : 1;
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 .. n-1 */
static inline int64_t random_below(uint64_t *state, int64_t n)
{
    return (int64_t)(next_random(state) % (uint64_t)n);
}

#endif
