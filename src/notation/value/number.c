/* number.c - a Python number as a value of a dtype, as bytes and as text. Knows no arithmetic. */
#include "notation/value/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "notation/value/kind.h"

tw_kind tw__scalar_kind(const struct tw__scalar *value)
{
    int64_t fits;
    switch (value->class) {
    case TW__CLASS_BOOL:
        return TW_BOOL;
    case TW__CLASS_WHOLE:
        return tw__scalar_to_int64(value, &fits) || value->negative || value->magnitude > UINT64_MAX ? TW_INT64
                                                                                                     : TW_UINT64;
    case TW__CLASS_REAL:
        return TW_FLOAT64;
    default:
        return TW_COMPLEX128;
    }
}

/* ---- values of a dtype ---- */

/* To a multiple of the float16's last place, ties to even. */
static double round_half(double value)
{
    int exponent;
    if (!isfinite(value) || value == 0) {
        return value;
    }
    frexp(value, &exponent);
    const int last = (exponent - 1 > -14 ? exponent - 1 : -14) - 10;
    const double rounded = ldexp(rint(ldexp(value, -last)), last);
    return fabs(rounded) >= 65536 ? copysign(INFINITY, value) : rounded;
}

static double round_to(tw_kind dtype, double value)
{
    return dtype == TW_FLOAT16                            ? round_half(value)
           : dtype == TW_FLOAT32 || dtype == TW_COMPLEX64 ? (double)(float)value
                                                          : value;
}

static int convert_whole(union tw__value *value, tw_kind dtype, const struct tw__scalar *scalar,
                         enum tw__saturate saturate)
{
    const int is_unsigned = tw__kind_is_unsigned(dtype), bits = tw__kind_bits(dtype);
    const uint64_t most = UINT64_MAX >> (64 - bits + !is_unsigned); /* magnitude of the largest */
    const uint64_t least = is_unsigned ? 0 : most + 1;              /* of the smallest */
    uint64_t magnitude = (uint64_t)scalar->magnitude;
    if (scalar->magnitude > (scalar->negative ? least : most)) {
        if (saturate != TW__SATURATE_BOTH && saturate != (scalar->negative ? TW__SATURATE_LOW : TW__SATURATE_HIGH)) {
            return 0;
        }
        magnitude = scalar->negative ? least : most;
    }
    value->integer = (int64_t)(scalar->negative ? 0 - magnitude : magnitude);
    return 1;
}

int tw__scalar_convert(union tw__value *value, tw_kind dtype, const struct tw__scalar *scalar,
                       enum tw__saturate saturate)
{
    memset(value, 0, sizeof *value);
    if (tw__kind_is_inexact(dtype)) {
        value->number.real = round_to(dtype, tw__scalar_as_real(scalar));
        value->number.imag = round_to(dtype, scalar->imag);
        return 1;
    }
    if (dtype == TW_BOOL) {
        value->integer = tw__scalar_is_true(scalar);
        return 1;
    }
    return convert_whole(value, dtype, scalar, saturate);
}

static uint16_t half_bits(double value)
{
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    const double size = fabs(value);
    int exponent;
    if (isnan(value)) {
        return 0x7e00;
    }
    if (isinf(value)) {
        return sign | 0x7c00;
    }
    if (size < ldexp(1, -14)) { /* subnormal: multiples of 2^-24 */
        return (uint16_t)(sign | (uint16_t)ldexp(size, 24));
    }
    const double mantissa = frexp(size, &exponent); /* 0.5 .. 1 */
    const int fraction = (int)ldexp(mantissa, 11) - 1024;
    return (uint16_t)(sign | ((exponent + 14) << 10) | fraction);
}

int tw__value_bytes(unsigned char bytes[16], tw_kind dtype, const union tw__value *value)
{
    const int itemsize = (int)tw_dtype_of(dtype).itemsize;
    const double number[2] = {value->number.real, value->number.imag};
    const float single[2] = {(float)number[0], (float)number[1]};
    const uint64_t integer = (uint64_t)value->integer;
    const uint32_t word = (uint32_t)integer;
    const uint16_t pair = dtype == TW_FLOAT16 ? half_bits(number[0]) : (uint16_t)integer;
    const uint8_t byte = (uint8_t)integer;
    const void *from = dtype == TW_FLOAT64 || dtype == TW_COMPLEX128  ? (const void *)number
                       : dtype == TW_FLOAT32 || dtype == TW_COMPLEX64 ? (const void *)single
                       : itemsize == 1                                ? (const void *)&byte
                       : itemsize == 2                                ? (const void *)&pair
                       : itemsize == 4                                ? (const void *)&word
                                                                      : (const void *)&integer;
    memcpy(bytes, from, (size_t)itemsize);
    return itemsize;
}

/* ---- text ---- */

static int same_double(double a, double b)
{
    return a == b;
}

/* As Python's repr: digits that read back as the same value, a point if it is a float. */
static void add_real(struct tw__text *text, double value, int is_part)
{
    char digits[TW__MAX_DIGITS];
    int exponent;
    if (isnan(value) || isinf(value)) {
        tw__text_add(text, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    tw__text_add(text, "%s", signbit(value) ? "-" : "");
    if (value == 0) {
        tw__text_add(text, "%s", is_part ? "0" : "0.0");
        return;
    }
    const int count = tw__shortest_digits(digits, &exponent, fabs(value), same_double);
    if (exponent < -4 || exponent >= 16) {
        tw__text_add(text, "%c%s%.*s", digits[0], count > 1 ? "." : "", count - 1, digits + 1);
        tw__text_add(text, "e%c%02d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
        return;
    }
    if (exponent < 0) {
        tw__text_add(text, "0.%.*s%.*s", -exponent - 1, "000", count, digits);
        return;
    }
    for (int k = 0; k < count || k <= exponent; k++) {
        tw__text_add(text, "%s%c", k == exponent + 1 ? "." : "", k < count ? digits[k] : '0');
    }
    if (count <= exponent + 1 && !is_part) {
        tw__text_add(text, ".0");
    }
}

static void add_whole(struct tw__text *text, tw__magnitude magnitude)
{
    char digits[48];
    size_t first = sizeof digits - 1;
    digits[first] = '\0';
    do {
        digits[--first] = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    } while (magnitude > 0);
    tw__text_add(text, "%s", digits + first);
}

void tw__scalar_text(char out[TW__SCALAR_TEXT], const struct tw__scalar *scalar)
{
    struct tw__text text;
    tw__text_init(&text, out, TW__SCALAR_TEXT);
    switch (scalar->class) {
    case TW__CLASS_BOOL:
        tw__text_add(&text, "%s", scalar->magnitude ? "True" : "False");
        return;
    case TW__CLASS_WHOLE:
        tw__text_add(&text, "%s", scalar->negative ? "-" : "");
        add_whole(&text, scalar->magnitude);
        return;
    case TW__CLASS_REAL:
        add_real(&text, scalar->real, 0);
        return;
    default:
        if (scalar->real != 0) {
            tw__text_add(&text, "(");
            add_real(&text, scalar->real, 1);
            tw__text_add(&text, "%s", signbit(scalar->imag) || isnan(scalar->imag) ? "" : "+");
        }
        add_real(&text, scalar->imag, 1);
        tw__text_add(&text, "j%s", scalar->real != 0 ? ")" : "");
    }
}
