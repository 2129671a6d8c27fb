/* item.c - the value of one item: as a double, and as the text that NumPy prints. Knows neither shapes nor files. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "array/dtype.h"
#include "base/text.h"

/* binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. Worked table:
 *   0x0001  2^-24, the smallest     0x0400  2^-14, the smallest normal     0x3c00  1
 *   0x03ff  1023 * 2^-24            0x7bff  65504, the largest             0x7c00  inf */
double tw__half_to_double(uint16_t half)
{
    const int exponent = (half >> 10) & 0x1f;
    const int fraction = half & 0x3ff;
    double value;
    if (exponent == 0x1f) {
        value = fraction != 0 ? NAN : INFINITY;
    } else if (exponent == 0) {
        value = ldexp(fraction, -24);
    } else {
        value = ldexp(fraction + 1024, exponent - 25);
    }
    return half & 0x8000 ? -value : value;
}

uint16_t tw__half_from_double(double value)
{
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value)) {
        return sign | 0x7e00;
    }
    const double size = fabs(value);
    if (size >= 65520) { /* half way from the largest value to the next power of two */
        return sign | 0x7c00;
    }
    int exponent;
    frexp(size, &exponent); /* size = f * 2^exponent, f in [0.5, 1) */
    if (size == 0 || exponent < -13) {
        exponent = -13;
    }
    /* The fraction in units of the last place: exact, but for what rounding it to a whole number takes away. A fraction
     * that rounds up to 2048 carries into the exponent by itself. */
    const double units = nearbyint(ldexp(size, 11 - exponent));
    const unsigned bits = (unsigned)units + (unsigned)(exponent + 13) * 1024;
    return (uint16_t)(sign | bits);
}

/* The value of an item of any kind that computes. */
struct value {
    enum { SIGNED, UNSIGNED, REAL, COMPLEX, TRUTH, NONE } form;
    int64_t integer;
    uint64_t natural;
    double real, imaginary;
};

static struct value whole(int64_t integer)
{
    return (struct value){.form = SIGNED, .integer = integer};
}

static struct value natural(uint64_t number)
{
    return (struct value){.form = UNSIGNED, .natural = number};
}

static struct value number(double real)
{
    return (struct value){.form = REAL, .real = real};
}

static struct value read_item(const tw_dtype *dtype, const void *item)
{
    union {
        uint8_t truth;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        float f32[2];
        double f64[2];
    } bits;
    memcpy(&bits, item, (size_t)tw_dtype_of(dtype->kind).itemsize); /* an item need not be aligned */
    switch (dtype->kind) {
    case TW_BOOL:
        return (struct value){.form = TRUTH, .natural = bits.truth != 0};
    case TW_INT8:
        return whole(bits.i8);
    case TW_INT16:
        return whole(bits.i16);
    case TW_INT32:
        return whole(bits.i32);
    case TW_INT64:
        return whole(bits.i64);
    case TW_UINT8:
        return natural(bits.u8);
    case TW_UINT16:
        return natural(bits.u16);
    case TW_UINT32:
        return natural(bits.u32);
    case TW_UINT64:
        return natural(bits.u64);
    case TW_FLOAT16:
        return number(tw__half_to_double(bits.u16));
    case TW_FLOAT32:
        return number((double)bits.f32[0]);
    case TW_FLOAT64:
        return number(bits.f64[0]);
    case TW_COMPLEX64:
        return (struct value){.form = COMPLEX, .real = (double)bits.f32[0], .imaginary = (double)bits.f32[1]};
    case TW_COMPLEX128:
        return (struct value){.form = COMPLEX, .real = bits.f64[0], .imaginary = bits.f64[1]};
    case TW_OPAQUE:
        break;
    }
    return (struct value){.form = NONE, .real = NAN};
}

double tw_item_to_double(const tw_dtype *dtype, const void *item)
{
    const struct value value = read_item(dtype, item);
    switch (value.form) {
    case SIGNED:
        return (double)value.integer;
    case UNSIGNED:
    case TRUTH:
        return (double)value.natural;
    default:
        return value.real;
    }
}

static int same_half(double a, double b)
{
    return tw__half_from_double(a) == tw__half_from_double(b);
}

static int same_float(double a, double b)
{
    return (float)a == (float)b;
}

static int same_double(double a, double b)
{
    return a == b;
}

static int shortest_digits(double value, int width, char digits[TW__MAX_DIGITS], int *exponent)
{
    return tw__shortest_digits(digits, exponent, value, width == 2 ? same_half : width == 4 ? same_float : same_double);
}

/* As NumPy: with a point from 1e-4 up to below 1e16, else with an exponent of two digits or more. Numbers that stand
 * alone keep a zero after the point ("1.0"), parts of complex ones do not. */
static void add_real(struct tw__text *out, double value, int width, int alone)
{
    if (isnan(value)) {
        tw__text_add(out, "nan");
        return;
    }
    tw__text_add(out, "%s", signbit(value) ? "-" : "");
    if (isinf(value)) {
        tw__text_add(out, "inf");
        return;
    }
    char digits[TW__MAX_DIGITS];
    int exponent = 0;
    const double size = fabs(value);
    const int count = size == 0 ? 0 : shortest_digits(size, width, digits, &exponent);
    const int plain = count == 0 || (size >= 1e-4 && size < 1e16);
    const int last = plain ? exponent : 0; /* the number of the last digit before the point */
    if (last < 0) {
        tw__text_add(out, "0");
    }
    for (int k = 0; k <= last; k++) {
        tw__text_add(out, "%c", k < count ? digits[k] : '0');
    }
    for (int k = last + 1; k < count; k++) {
        tw__text_add(out, "%s%c", k == last + 1 ? "." : "", k >= 0 ? digits[k] : '0');
    }
    if (!plain) {
        tw__text_add(out, "e%c%02d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
    } else if (alone && last + 1 >= count) {
        tw__text_add(out, ".0");
    }
}

/* "(1+2j)"; where the real part is zero, "2j". */
static void add_complex(struct tw__text *out, double real, double imaginary, int width)
{
    const int both = real != 0 || signbit(real);
    if (both) {
        tw__text_add(out, "(");
        add_real(out, real, width, 0);
        tw__text_add(out, "%s", isnan(imaginary) || !signbit(imaginary) ? "+" : "");
    }
    add_real(out, imaginary, width, 0);
    tw__text_add(out, both ? "j)" : "j");
}

static void add_bytes(struct tw__text *out, const unsigned char *bytes, int64_t count)
{
    const int64_t shown = count < 16 ? count : 16;
    for (int64_t k = 0; k < shown; k++) {
        tw__text_add(out, "%02x", bytes[k]);
    }
    tw__text_add(out, "%s", count > shown ? "..." : "");
}

int tw_item_format(char *text, size_t size, const tw_dtype *dtype, const void *item)
{
    struct tw__text out;
    tw__text_init(&out, text, size);
    const int width = tw__number_width(dtype->kind);
    const struct value value = read_item(dtype, item);
    switch (value.form) {
    case SIGNED:
        tw__text_add(&out, "%" PRId64, value.integer);
        break;
    case UNSIGNED:
        tw__text_add(&out, "%" PRIu64, value.natural);
        break;
    case TRUTH:
        tw__text_add(&out, "%s", value.natural ? "True" : "False");
        break;
    case REAL:
        add_real(&out, value.real, width, 1);
        break;
    case COMPLEX:
        add_complex(&out, value.real, value.imaginary, width);
        break;
    case NONE:
        add_bytes(&out, item, dtype->itemsize);
    }
    return (int)out.length;
}
