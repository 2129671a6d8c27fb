/* text.c - strict reading and locale-free writing of text. */
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tw__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int tw__is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

size_t tw__parse_digits(const char *text, size_t length, int64_t *value)
{
    int64_t result = 0;
    size_t n = 0;
    while (n < length && tw__is_digit(text[n])) {
        if (__builtin_mul_overflow(result, 10, &result) || __builtin_add_overflow(result, text[n] - '0', &result)) {
            return 0;
        }
        n++;
    }
    if (n > 0) {
        *value = result;
    }
    return n;
}

/* How many characters are digits with single underscores between them. */
static size_t span_digits(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && (tw__is_digit(text[n]) || (text[n] == '_' && n > 0 && text[n - 1] != '_' && n + 1 < length &&
                                                    tw__is_digit(text[n + 1])))) {
        n++;
    }
    return n;
}

/* What decides about a double: of a number between two doubles, 767 digits at most, and whether others follow. */
enum { REAL_DIGITS = 800 };

struct real {
    char digits[REAL_DIGITS + 32]; /* without a point */
    size_t count;
    int64_t exponent; /* of ten, behind the last of them */
};

static void add_digits(struct real *real, const char *text, size_t length, int is_fraction)
{
    for (size_t k = 0; k < length; k++) {
        if (text[k] == '_') {
            continue;
        }
        if (real->count < REAL_DIGITS) {
            real->count += real->count > 0 || text[k] != '0';
            real->digits[real->count > 0 ? real->count - 1 : 0] = text[k];
            real->exponent -= is_fraction;
        } else {
            real->digits[REAL_DIGITS - 1] = text[k] != '0' ? '1' : real->digits[REAL_DIGITS - 1];
            real->exponent += !is_fraction;
        }
    }
}

/* The characters of an exponent, "e-9"; 0: none stands here. */
static size_t read_exponent(const char *text, size_t length, int64_t *exponent)
{
    const size_t sign = length > 1 && (text[1] == '-' || text[1] == '+');
    const size_t digits = length > 0 && (text[0] | 0x20) == 'e' ? span_digits(text + 1 + sign, length - 1 - sign) : 0;
    int64_t value = 0;
    for (size_t k = 0; k < digits; k++) {
        const char c = text[1 + sign + k];
        value = c != '_' && value < 1000000000 ? value * 10 + (c - '0') : value;
    }
    *exponent = digits > 0 && text[1] == '-' ? -value : value;
    return digits > 0 ? 1 + sign + digits : 0;
}

size_t tw__parse_real(const char *text, size_t length, double *value)
{
    struct real real = {.digits = "0"};
    size_t at = span_digits(text, length), behind = 0;
    int64_t exponent = 0;
    add_digits(&real, text, at, 0);
    if (at < length && text[at] == '.') {
        behind = span_digits(text + at + 1, length - at - 1);
        add_digits(&real, text + at + 1, behind, 1);
    }
    if (at + behind == 0) {
        return 0;
    }
    at += at < length && text[at] == '.' ? 1 + behind : 0;
    at += read_exponent(text + at, length - at, &exponent);
    exponent += real.exponent;
    exponent = exponent > 1000000 ? 1000000 : exponent < -1000000 ? -1000000 : exponent;
    const size_t count = real.count > 0 ? real.count : 1;
    snprintf(real.digits + count, sizeof real.digits - count, "e%ld", (long)exponent);
    *value = strtod(real.digits, NULL);
    return at;
}

size_t tw__parse_identifier(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && (is_letter(text[n]) || (n > 0 && tw__is_digit(text[n])))) {
        n++;
    }
    return n;
}

const char *tw__unit_of_seconds(double seconds, double *number)
{
    static const struct {
        double limit, scale;
        const char *unit;
    } units[] = {{1e-6, 1e9, "ns"}, {1e-3, 1e6, "us"}, {1, 1e3, "ms"}, {1e300, 1, "s"}};
    int k = 0;
    while (seconds >= units[k].limit && k < 3) {
        k++;
    }
    *number = seconds * units[k].scale;
    return units[k].unit;
}

void tw__text_init(struct tw__text *text, char *data, size_t size)
{
    text->data = data;
    text->size = size;
    text->length = 0;
    if (size > 0) {
        data[0] = '\0';
    }
}

void tw__text_add(struct tw__text *text, const char *format, ...)
{
    const size_t used = text->length < text->size ? text->length : text->size;
    va_list arguments;
    va_start(arguments, format);
    const int added = vsnprintf(text->size > used ? text->data + used : NULL, text->size - used, format, arguments);
    va_end(arguments);
    if (added > 0) {
        text->length += (size_t)added;
    }
}

void tw__text_add_quoted(struct tw__text *text, const char *quoted, size_t length, size_t at)
{
    enum { BEFORE = 60, AFTER = 60 };
    const size_t start = at > BEFORE ? at - BEFORE : 0;
    const size_t stop = start < length && length - start > BEFORE + AFTER ? start + BEFORE + AFTER : length;
    tw__text_add(text, "'%s", start > 0 ? "..." : "");
    for (size_t k = start; k < stop; k++) {
        const unsigned char c = (unsigned char)quoted[k];
        tw__text_add(text, c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
    }
    tw__text_add(text, "%s'", stop < length ? "..." : "");
}

/* From two minutes on. */
static void add_long_duration(struct tw__text *text, double seconds)
{
    const int64_t whole = seconds < 1e15 ? (int64_t)(seconds + 0.5) : (int64_t)1e15;
    const int in_hours = whole >= 7200;
    const int64_t small = in_hours ? (whole + 30) / 60 : whole;
    tw__text_add(text, "%" PRId64 " %s", small / 60, in_hours ? "h" : "min");
    if (small % 60 != 0) {
        tw__text_add(text, " %" PRId64 " %s", small % 60, in_hours ? "min" : "s");
    }
}

void tw__text_add_duration(struct tw__text *text, double seconds)
{
    if (seconds == 0) {
        tw__text_add(text, "0 s");
        return;
    }
    if (!(seconds < 119.5)) {
        add_long_duration(text, seconds);
        return;
    }
    double number;
    const char *unit = tw__unit_of_seconds(seconds, &number);
    if (number >= 999.5) { /* it would read 1000 */
        unit = tw__unit_of_seconds(seconds * 1.001, &number);
    }
    const long long tenths = (long long)(number * 10 + 0.5);
    if (tenths < 1000) {
        tw__text_add(text, "%lld.%lld %s", tenths / 10, tenths % 10, unit);
    } else {
        tw__text_add(text, "%lld %s", (tenths + 5) / 10, unit);
    }
}

void tw__text_add_pool(struct tw__text *text, tw_pool_kind pool, int workers)
{
    if (pool == TW_SERIAL) {
        tw__text_add(text, "one worker");
    } else {
        tw__text_add(text, "%d %s%s", workers, pool == TW_THREADS ? "thread" : "worker process",
                     workers == 1 ? "" : (pool == TW_THREADS ? "s" : "es"));
    }
}

/* printf and strtod follow the locale's decimal separator: what printf puts between the digits is skipped, and strtod
 * is given whole numbers ("123e-4"), so that no thread's locale must be changed. */
static int print_digits(char *digits, int *exponent, double value, int count)
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    int n = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (tw__is_digit(*at)) {
            digits[n++] = *at;
        }
    }
    int64_t power = 0;
    tw__parse_digits(at + 2, strlen(at + 2), &power);
    *exponent = (int)(at[1] == '-' ? -power : power);
    return n;
}

static double read_digits(const char *digits, int count, int exponent)
{
    char text[64];
    snprintf(text, sizeof text, "%.*se%d", count, digits, exponent - (count - 1));
    return strtod(text, NULL);
}

/* Adds one to the last digit. */
static void add_one(char *digits, int count, int *exponent)
{
    int k = count - 1;
    while (k >= 0 && digits[k] == '9') {
        digits[k--] = '0';
    }
    if (k >= 0) {
        digits[k]++;
    } else {
        digits[0] = '1';
        (*exponent)++;
    }
}

int tw__shortest_digits(char digits[TW__MAX_DIGITS], int *exponent, double value, int (*same)(double, double))
{
    int count = 0;
    for (int precision = 1; precision <= TW__MAX_DIGITS; precision++) {
        count = print_digits(digits, exponent, value, precision);
        if (same(read_digits(digits, count, *exponent), value)) {
            break;
        }
        /* The values next to a power of two are twice as far above it as below: the digits above may read back as it
         * where the nearer ones below do not. */
        char above[TW__MAX_DIGITS];
        int above_exponent = *exponent;
        memcpy(above, digits, (size_t)count);
        add_one(above, count, &above_exponent);
        if (same(read_digits(above, count, above_exponent), value)) {
            memcpy(digits, above, (size_t)count);
            *exponent = above_exponent;
            break;
        }
    }
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    return count;
}
