/* scalar.h - Python's numbers: what literals, parameters and lengths are before they meet an array. They have a class
 * but no dtype ("weak"), and arithmetic among them is Python's. Whole numbers have 128 bits and a sign: more than any
 * dtype, so that 2**64 - 1 and x / 10**20 are computed. */
#ifndef TW_KERNEL_EXPR_SCALAR_H
#define TW_KERNEL_EXPR_SCALAR_H

#include <stdint.h>

#include "notation/type/tree.h"

/* In the order in which Python converts them. */
enum tw__class { TW__CLASS_BOOL, TW__CLASS_WHOLE, TW__CLASS_REAL, TW__CLASS_COMPLEX };

__extension__ typedef unsigned __int128 tw__magnitude;

struct tw__scalar {
    enum tw__class class;
    int negative; /* BOOL, WHOLE: sign and magnitude; no negative zero */
    tw__magnitude magnitude;
    double real, imag; /* REAL, COMPLEX */
};

struct tw__scalar tw__scalar_bool(int value);
struct tw__scalar tw__scalar_whole(int negative, tw__magnitude magnitude);
struct tw__scalar tw__scalar_int64(int64_t value);
struct tw__scalar tw__scalar_real(double value);
struct tw__scalar tw__scalar_complex(double real, double imag);

/* The class of what an operator makes of two classes (of one: both the same); TW__CLASS_COMPLEX + 1: Python refuses
 * them. A whole power is taken to be whole: a negative exponent is refused when its value is known. */
enum tw__class tw__scalar_class(enum tw__operation code, enum tw__class a, enum tw__class b);

/* Computes as Python does; classes that tw__scalar_class accepts. NULL, or why there is no value ("a division by
 * zero").
 */
const char *tw__scalar_apply(struct tw__scalar *result, enum tw__operation code, const struct tw__scalar *a,
                             const struct tw__scalar *b);

int tw__scalar_is_true(const struct tw__scalar *value);

/* As an int64: 0 where it is none (not whole, out of range). */
int tw__scalar_to_int64(const struct tw__scalar *value, int64_t *result);

/* The nearest dtype to a scalar that meets no array: bool, int64 (uint64 where it must be), float64, complex128. */
tw_kind tw__scalar_kind(const struct tw__scalar *value);

/* What an out-of-range whole number becomes. */
enum tw__saturate { TW__SATURATE_NO, TW__SATURATE_LOW, TW__SATURATE_HIGH, TW__SATURATE_BOTH };

/* The value in a dtype, whose class is not below the scalar's. 0: a whole number that the dtype does not have (LOW: one
 * below its range becomes the smallest; HIGH: one above it the largest). */
int tw__scalar_convert(union tw__value *value, tw_kind dtype, const struct tw__scalar *scalar,
                       enum tw__saturate saturate);

/* The bytes of a value: at most 16, the number of them is returned. */
int tw__value_bytes(unsigned char bytes[16], tw_kind dtype, const union tw__value *value);

/* "300", "0.5", "2j": as Python prints it. */
#define TW__SCALAR_TEXT 80
void tw__scalar_text(char text[TW__SCALAR_TEXT], const struct tw__scalar *scalar);

#endif
