/* number.h - a Python number as a value of a dtype, as bytes and as text. Knows no arithmetic. */
#ifndef TW_NOTATION_VALUE_NUMBER_H
#define TW_NOTATION_VALUE_NUMBER_H

#include <stdint.h>

#include <tilework/tilework.h>

#include "notation/value/scalar.h"

/* A value of a dtype. */
union tw__value {
    int64_t integer; /* bool (0, 1), signed integers; unsigned ones: the same bits */
    struct {
        double real,
            imag; /* float16, float32, float64, complex: exactly a value of the dtype; may be infinite, NaN, -0 */
    } number;
};

/* The nearest dtype to a scalar that is beside no array: bool, int64 (uint64 if it must be), float64, complex128. */
tw_kind tw__scalar_kind(const struct tw__scalar *value);

/* Which out-of-range whole numbers become the nearest one in range. */
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
