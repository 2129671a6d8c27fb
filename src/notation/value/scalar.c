/* scalar.c - Python's numbers: what literals, parameters and lengths are before they stand beside an array. Knows no
 * text. */
#include "notation/value/scalar.h"

#include <math.h>

#include "notation/value/kind.h"

static const char too_large[] = "the result has more than 128 bits (write a float: 1e40)";
static const char by_zero[] = "a division by zero";

struct tw__scalar tw__scalar_bool(int value)
{
    return (struct tw__scalar){.class = TW__CLASS_BOOL, .magnitude = value != 0};
}

struct tw__scalar tw__scalar_whole(int negative, tw__magnitude magnitude)
{
    return (struct tw__scalar){.class = TW__CLASS_WHOLE, .negative = negative && magnitude > 0, .magnitude = magnitude};
}

struct tw__scalar tw__scalar_int64(int64_t value)
{
    return tw__scalar_whole(value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

struct tw__scalar tw__scalar_real(double value)
{
    return (struct tw__scalar){.class = TW__CLASS_REAL, .real = value};
}

struct tw__scalar tw__scalar_complex(double real, double imag)
{
    return (struct tw__scalar){.class = TW__CLASS_COMPLEX, .real = real, .imag = imag};
}

/* ---- classes ---- */

static enum tw__class larger(enum tw__class a, enum tw__class b)
{
    return a > b ? a : b;
}

enum tw__class tw__class_of(tw_kind dtype)
{
    return dtype == TW_BOOL             ? TW__CLASS_BOOL
           : tw__kind_is_integer(dtype) ? TW__CLASS_WHOLE
           : tw__kind_is_float(dtype)   ? TW__CLASS_REAL
                                        : TW__CLASS_COMPLEX;
}

enum tw__class tw__scalar_class(enum tw__operation code, enum tw__class a, enum tw__class b)
{
    const enum tw__class both = larger(a, b), none = (enum tw__class)(TW__CLASS_COMPLEX + 1);
    switch (tw__operation_row(code)->rule) {
    case TW__RULE_NOT:
        return TW__CLASS_BOOL;
    case TW__RULE_DIVIDE:
        return larger(both, TW__CLASS_REAL);
    case TW__RULE_FLOOR:
        return both == TW__CLASS_COMPLEX ? none : larger(both, TW__CLASS_WHOLE);
    case TW__RULE_BITS: /* of two bools a bool, but ~True is -2 */
        return both > TW__CLASS_WHOLE ? none : code == TW__OP_INVERT ? TW__CLASS_WHOLE : both;
    case TW__RULE_SHIFT:
        return both > TW__CLASS_WHOLE ? none : TW__CLASS_WHOLE;
    case TW__RULE_COMPARE:
        return both == TW__CLASS_COMPLEX && code != TW__OP_EQUAL && code != TW__OP_NOT_EQUAL ? none : TW__CLASS_BOOL;
    default:
        return larger(both, TW__CLASS_WHOLE);
    }
}

/* ---- whole numbers ---- */

static const char *add(struct tw__scalar *result, const struct tw__scalar *a, int negative, tw__magnitude magnitude)
{
    if (a->negative == negative) {
        tw__magnitude sum;
        if (__builtin_add_overflow(a->magnitude, magnitude, &sum)) {
            return too_large;
        }
        *result = tw__scalar_whole(negative, sum);
    } else if (a->magnitude >= magnitude) {
        *result = tw__scalar_whole(a->negative, a->magnitude - magnitude);
    } else {
        *result = tw__scalar_whole(negative, magnitude - a->magnitude);
    }
    return NULL;
}

static const char *multiply(struct tw__scalar *result, const struct tw__scalar *a, const struct tw__scalar *b)
{
    tw__magnitude product;
    if (__builtin_mul_overflow(a->magnitude, b->magnitude, &product)) {
        return too_large;
    }
    *result = tw__scalar_whole(a->negative != b->negative, product);
    return NULL;
}

/* Rounds down; the remainder has b's sign. */
static const char *divide_whole(struct tw__scalar *result, const struct tw__scalar *a, const struct tw__scalar *b,
                                int remainder)
{
    if (b->magnitude == 0) {
        return by_zero;
    }
    const tw__magnitude quotient = a->magnitude / b->magnitude, rest = a->magnitude % b->magnitude;
    const int below = a->negative != b->negative && rest > 0;
    *result = remainder ? tw__scalar_whole(b->negative, below ? b->magnitude - rest : rest)
                        : tw__scalar_whole(a->negative != b->negative, quotient + (below ? 1u : 0u));
    return NULL;
}

static const char *raise_whole(struct tw__scalar *result, const struct tw__scalar *a, const struct tw__scalar *b)
{
    struct tw__scalar power = tw__scalar_whole(0, 1);
    if (a->magnitude <= 1) {
        *result = tw__scalar_whole(a->negative && b->magnitude % 2 == 1, b->magnitude == 0 ? 1 : a->magnitude);
        return NULL;
    }
    for (tw__magnitude k = 0; k < b->magnitude; k++) { /* at most 128 steps, then it is too large */
        if (multiply(&power, &power, a) != NULL) {
            return too_large;
        }
    }
    *result = power;
    return NULL;
}

static const char *shift(struct tw__scalar *result, const struct tw__scalar *a, const struct tw__scalar *b, int left)
{
    if (b->negative) {
        return "a shift by a negative number";
    }
    const tw__magnitude bits = b->magnitude;
    if (left) {
        if (a->magnitude != 0 && (bits >= 128 || a->magnitude > (tw__magnitude)-1 >> bits)) {
            return too_large;
        }
        *result = tw__scalar_whole(a->negative, a->magnitude == 0 ? 0 : a->magnitude << bits);
        return NULL;
    }
    /* Down, also below zero: -5 >> 1 is -3. */
    const tw__magnitude lost = bits >= 128 ? a->magnitude : a->magnitude & (((tw__magnitude)1 << bits) - 1);
    const tw__magnitude kept = bits >= 128 ? 0 : a->magnitude >> bits;
    *result = tw__scalar_whole(a->negative, kept + (a->negative && lost != 0));
    return NULL;
}

static const char *combine_bits(struct tw__scalar *result, enum tw__operation code, const struct tw__scalar *a,
                                const struct tw__scalar *b)
{
    int64_t x, y;
    tw__magnitude u = a->magnitude, v = b->magnitude;
    const int is_signed = a->negative || b->negative;
    if (is_signed) {
        if (!tw__scalar_to_int64(a, &x) || !tw__scalar_to_int64(b, &y)) {
            return "bits of whole numbers that do not fit 64 bits together";
        }
        u = (uint64_t)x; /* a negative number and 64 bits: two's complement */
        v = (uint64_t)y;
    }
    const tw__magnitude bits = code == TW__OP_BIT_AND ? u & v : code == TW__OP_BIT_OR ? u | v : u ^ v;
    const int is_bool = a->class == TW__CLASS_BOOL && b->class == TW__CLASS_BOOL;
    *result = is_bool     ? tw__scalar_bool(bits != 0)
              : is_signed ? tw__scalar_int64((int64_t)bits)
                          : tw__scalar_whole(0, bits);
    return NULL;
}

/* ---- reals ---- */

/* Whole numbers of up to 64 bits are exact in a long double. */
static long double as_long(const struct tw__scalar *a)
{
    return a->class >= TW__CLASS_REAL ? (long double)a->real
           : a->negative              ? -(long double)a->magnitude
                                      : (long double)a->magnitude;
}

static const char *divide_down(struct tw__scalar *result, double a, double b, int remainder)
{
    if (b == 0) {
        return by_zero;
    }
    double rest = fmod(a, b), quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) {
        rest += b;
        quotient -= 1;
    } else if (rest == 0) {
        rest = copysign(0, b);
    }
    double down = copysign(0, a / b);
    if (quotient != 0) {
        down = floor(quotient);
        down += quotient - down > 0.5;
    }
    *result = tw__scalar_real(remainder ? rest : down);
    return NULL;
}

static const char *raise_real(struct tw__scalar *result, double a, double b)
{
    if (a == 0 && b < 0) {
        return "zero to a negative power";
    }
    if (a < 0 && isfinite(a) && isfinite(b) && floor(b) != b) {
        return "a negative number to a power that is not whole (add 0j to it for a complex result)";
    }
    const double power = pow(a, b);
    if (isinf(power) && isfinite(a) && isfinite(b)) {
        return "a power that is too large for a float";
    }
    *result = tw__scalar_real(power);
    return NULL;
}

static const char *apply_real(struct tw__scalar *result, enum tw__operation code, const struct tw__scalar *a,
                              const struct tw__scalar *b)
{
    const double x = tw__scalar_as_real(a), y = tw__scalar_as_real(b);
    switch (code) {
    case TW__OP_ADD:
        *result = tw__scalar_real(x + y);
        return NULL;
    case TW__OP_SUBTRACT:
        *result = tw__scalar_real(x - y);
        return NULL;
    case TW__OP_MULTIPLY:
        *result = tw__scalar_real(x * y);
        return NULL;
    case TW__OP_DIVIDE:
        if (y == 0) {
            return by_zero;
        }
        /* Two whole numbers are divided as they are, beside a float a whole number becomes one first. */
        *result = tw__scalar_real(
            a->class < TW__CLASS_REAL && b->class < TW__CLASS_REAL ? (double)(as_long(a) / as_long(b)) : x / y);
        return NULL;
    case TW__OP_FLOOR_DIVIDE:
    case TW__OP_REMAINDER:
        return divide_down(result, x, y, code == TW__OP_REMAINDER);
    case TW__OP_POWER:
        return raise_real(result, x, y);
    default:
        return "an operation that numbers do not have";
    }
}

/* ---- complex ---- */

static struct tw__scalar product(double a, double b, double c, double d)
{
    return tw__scalar_complex(a * c - b * d, a * d + b * c);
}

/* Smith's division, by the larger part of the divisor, as Python has it. */
static const char *divide_complex(struct tw__scalar *result, double a, double b, double c, double d)
{
    if (c == 0 && d == 0) {
        return by_zero;
    }
    if (fabs(c) >= fabs(d)) {
        const double ratio = d / c, divisor = c + d * ratio;
        *result = tw__scalar_complex((a + b * ratio) / divisor, (b - a * ratio) / divisor);
    } else {
        const double ratio = c / d, divisor = c * ratio + d;
        *result = tw__scalar_complex((a * ratio + b) / divisor, (b * ratio - a) / divisor);
    }
    return NULL;
}

static const char *raise_complex(struct tw__scalar *result, double a, double b, double c, double d)
{
    if (c == 0 && d == 0) {
        *result = tw__scalar_complex(1, 0);
        return NULL;
    }
    if (a == 0 && b == 0) {
        if (d != 0 || c < 0) {
            return "zero to a negative or complex power";
        }
        *result = tw__scalar_complex(0, 0);
        return NULL;
    }
    if (d == 0 && floor(c) == c && fabs(c) <= 100) {
        struct tw__scalar power = tw__scalar_complex(1, 0);
        for (int k = 0; k < (int)fabs(c); k++) {
            power = product(power.real, power.imag, a, b);
        }
        *result = power;
        return c < 0 ? divide_complex(result, 1, 0, power.real, power.imag) : NULL;
    }
    const double size = hypot(a, b), angle = atan2(b, a);
    const double length = pow(size, c) * exp(-angle * d), turn = angle * c + d * log(size);
    *result = tw__scalar_complex(length * cos(turn), length * sin(turn));
    return NULL;
}

static const char *apply_complex(struct tw__scalar *result, enum tw__operation code, const struct tw__scalar *a,
                                 const struct tw__scalar *b)
{
    const double p = tw__scalar_as_real(a), q = a->imag, r = tw__scalar_as_real(b), s = b->imag;
    switch (code) {
    case TW__OP_ADD:
        *result = tw__scalar_complex(p + r, q + s);
        return NULL;
    case TW__OP_SUBTRACT:
        *result = tw__scalar_complex(p - r, q - s);
        return NULL;
    case TW__OP_MULTIPLY:
        *result = product(p, q, r, s);
        return NULL;
    case TW__OP_DIVIDE:
        return divide_complex(result, p, q, r, s);
    case TW__OP_POWER: {
        const char *why = raise_complex(result, p, q, r, s);
        const int was_finite = isfinite(p) && isfinite(q) && isfinite(r) && isfinite(s);
        return why == NULL && was_finite && !(isfinite(result->real) && isfinite(result->imag))
                   ? "a power that is too large for a complex number"
                   : why;
    }
    default:
        return "an operation that complex numbers do not have";
    }
}

/* ---- all ---- */

/* -1, 0 or 1, as a is less, equal or greater. */
static int compare_whole(const struct tw__scalar *a, const struct tw__scalar *b)
{
    const int larger = a->magnitude > b->magnitude, same = a->magnitude == b->magnitude;
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    return same ? 0 : larger != a->negative ? 1 : -1;
}

static int compare(enum tw__operation code, const struct tw__scalar *a, const struct tw__scalar *b)
{
    const int wholes = a->class < TW__CLASS_REAL && b->class < TW__CLASS_REAL;
    const int order = wholes ? compare_whole(a, b) : 0;
    const long double x = wholes ? order : as_long(a), y = wholes ? 0 : as_long(b);
    const int equal = x == y && a->imag == b->imag;
    switch (code) {
    case TW__OP_EQUAL:
        return equal;
    case TW__OP_NOT_EQUAL:
        return !equal;
    case TW__OP_LESS:
        return x < y;
    case TW__OP_LESS_EQUAL:
        return x <= y;
    case TW__OP_GREATER:
        return x > y;
    default:
        return x >= y;
    }
}

static const char *apply_whole(struct tw__scalar *result, enum tw__operation code, const struct tw__scalar *a,
                               const struct tw__scalar *b)
{
    switch (code) {
    case TW__OP_ADD:
        return add(result, a, b->negative, b->magnitude);
    case TW__OP_SUBTRACT:
        return add(result, a, !b->negative, b->magnitude);
    case TW__OP_MULTIPLY:
        return multiply(result, a, b);
    case TW__OP_FLOOR_DIVIDE:
    case TW__OP_REMAINDER:
        return divide_whole(result, a, b, code == TW__OP_REMAINDER);
    case TW__OP_POWER:
        return b->negative ? raise_real(result, tw__scalar_as_real(a), tw__scalar_as_real(b))
                           : raise_whole(result, a, b);
    case TW__OP_SHIFT_LEFT:
    case TW__OP_SHIFT_RIGHT:
        return shift(result, a, b, code == TW__OP_SHIFT_LEFT);
    default:
        return combine_bits(result, code, a, b);
    }
}

const char *tw__scalar_apply(struct tw__scalar *result, enum tw__operation code, const struct tw__scalar *a,
                             const struct tw__scalar *b)
{
    const enum tw__class both = larger(a->class, b->class);
    const struct tw__scalar minus_one = tw__scalar_whole(1, 1);
    if (code == TW__OP_NOT) {
        *result = tw__scalar_bool(!tw__scalar_is_true(a));
        return NULL;
    }
    if (code == TW__OP_NEGATIVE) {
        *result = both < TW__CLASS_REAL    ? tw__scalar_whole(!a->negative, a->magnitude)
                  : both == TW__CLASS_REAL ? tw__scalar_real(-a->real)
                                           : tw__scalar_complex(-a->real, -a->imag);
        return NULL;
    }
    if (code == TW__OP_INVERT) { /* ~x is -1 - x */
        return add(result, &minus_one, !a->negative, a->magnitude);
    }
    if (tw__operation_is_comparison(code)) {
        *result = tw__scalar_bool(compare(code, a, b));
        return NULL;
    }
    if (both == TW__CLASS_COMPLEX) {
        return apply_complex(result, code, a, b);
    }
    return both == TW__CLASS_REAL || code == TW__OP_DIVIDE ? apply_real(result, code, a, b)
                                                           : apply_whole(result, code, a, b);
}

double tw__scalar_as_real(const struct tw__scalar *value)
{
    return value->class >= TW__CLASS_REAL ? value->real
           : value->negative              ? -(double)value->magnitude
                                          : (double)value->magnitude;
}

int tw__scalar_is_true(const struct tw__scalar *value)
{
    return value->class >= TW__CLASS_REAL ? value->real != 0 || value->imag != 0 : value->magnitude != 0;
}

int tw__scalar_to_int64(const struct tw__scalar *value, int64_t *result)
{
    const uint64_t most = (uint64_t)INT64_MAX + (value->negative != 0);
    const uint64_t low = (uint64_t)value->magnitude;
    if (value->class > TW__CLASS_WHOLE || value->magnitude > most) {
        return 0;
    }
    *result = (int64_t)(value->negative ? 0 - low : low);
    return 1;
}
