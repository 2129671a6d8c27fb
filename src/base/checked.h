/* checked.h - arithmetic on sizes that come from users. Each returns 1 and stores the result, or 0 if it overflows.
 */
#ifndef TW_BASE_CHECKED_H
#define TW_BASE_CHECKED_H

#include <stdint.h>

static inline int tw__add(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

static inline int tw__mul(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

/* Product of n non-negative factors. A zero factor makes the product zero, whatever the others would overflow to. */
static inline int tw__product(const int64_t *factors, int n, int64_t *result)
{
    int64_t product = 1;
    int fits = 1;
    for (int k = 0; k < n; k++) {
        if (factors[k] == 0) {
            *result = 0;
            return 1;
        }
        fits = fits && tw__mul(product, factors[k], &product);
    }
    if (fits) {
        *result = product;
    }
    return fits;
}

/* Rounds up to a multiple of a power of two. */
static inline int tw__round_up(int64_t size, int64_t power, int64_t *result)
{
    int64_t sum;
    if (!tw__add(size, power - 1, &sum)) {
        return 0;
    }
    *result = sum & ~(power - 1);
    return 1;
}

#endif
