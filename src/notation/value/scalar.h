/* scalar.h - Python's numbers: what literals, parameters and lengths are before they stand beside an array. They have a
 * class but no dtype ("weak"), and arithmetic among them is Python's. Whole numbers have 128 bits and a sign: more than
 * any dtype, so that 2**64 - 1 and x / 10**20 are computed. */
#ifndef TW_NOTATION_VALUE_SCALAR_H
#define TW_NOTATION_VALUE_SCALAR_H

#include <stdint.h>

#include <tilework/tilework.h>

#include "notation/value/operation.h"

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

/* The class of the Python numbers that a dtype holds. */
enum tw__class tw__class_of(tw_kind dtype);

/* BOOL, WHOLE, REAL: as a float. COMPLEX: its real part. */
double tw__scalar_as_real(const struct tw__scalar *value);

int tw__scalar_is_true(const struct tw__scalar *value);

/* As an int64: 0 if it is none (not whole, out of range). */
int tw__scalar_to_int64(const struct tw__scalar *value, int64_t *result);

#endif
