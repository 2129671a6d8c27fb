/* text.h - strict reading and locale-free writing of text. */
#ifndef TW_BASE_TEXT_H
#define TW_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

/* Reads a decimal number of digits alone from the front of text[0..length): no sign, no blanks. Returns how many
 * characters were read, 0 if there is no digit or the value does not fit int64. */
size_t tw__parse_digits(const char *text, size_t length, int64_t *value);

/* A decimal number at the front of text[0..length) as Python writes it, without a sign: digits, which may have single
 * underscores between them, with or without a point and an exponent. Rounded to the nearest double, whatever the locale
 * (above all doubles: infinity). Returns how many characters were read, 0 if it is no number. */
size_t tw__parse_real(const char *text, size_t length, double *value);

/* A C identifier at the front of text[0..length): its length, else 0. ASCII letters alone, whatever the locale. */
size_t tw__parse_identifier(const char *text, size_t length);

int tw__is_digit(char c);
int tw__is_blank(char c); /* space, tab, newline, carriage return */

/* A text that grows in a fixed buffer: always terminated; `length` keeps counting past the end, as snprintf does. */
struct tw__text {
    char *data;
    size_t size;
    size_t length;
};

void tw__text_init(struct tw__text *text, char *data, size_t size);
__attribute__((format(printf, 2, 3))) void tw__text_add(struct tw__text *text, const char *format, ...);

/* The unit, "ns" to "s", in which so many seconds read well, and *number of them in it. */
const char *tw__unit_of_seconds(double seconds, double *number);

/* Adds seconds as people read them: "0 s", "85.0 ns", "12.3 ms", "740 ms", "3.0 s", "2 min 5 s", "3 h 5 min". Every
 * time that a user sees is written by it; the locale has no say. */
void tw__text_add_duration(struct tw__text *text, double seconds);

/* Adds "2 threads", "1 worker process", "one worker". */
void tw__text_add_pool(struct tw__text *text, tw_pool_kind pool, int workers);

/* Adds a user's text between single quotes, fit for a one-line message: the part around quoted[at] where it is long,
 * and \xNN for every byte that is not printable ASCII. */
void tw__text_add_quoted(struct tw__text *text, const char *quoted, size_t length, size_t at);

/* The fewest decimal digits d1 d2 d3 ... that read back as the same value, d1.d2d3... * 10^exponent, and of those the
 * nearest. `value` is finite and above zero; `same` says whether two doubles are one value of the type printed. Knows
 * no locale. Returns how many digits, the last of them not 0. */
#define TW__MAX_DIGITS 17
int tw__shortest_digits(char digits[TW__MAX_DIGITS], int *exponent, double value, int (*same)(double, double));

#endif
