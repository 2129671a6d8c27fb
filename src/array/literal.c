/* literal.c - the few Python literals that a .npy header is made of, read strictly. Knows neither dtypes nor files. */
#include "array/literal.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

tw_status tw__literal_fail(const struct tw__literal *literal, size_t at, const char *format, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    /* What a header says is quoted, and its bytes may be anything: a sentence stays readable on every terminal. */
    for (char *c = message; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            *c = '?';
        }
    }
    return tw__fail(literal->error, literal->status, "%s is wrong at character %zu: %s", literal->what, at + 1,
                    message);
}

char tw__literal_peek(struct tw__literal *literal)
{
    while (literal->at < literal->length && tw__is_blank(literal->text[literal->at])) {
        literal->at++;
    }
    return literal->at < literal->length ? literal->text[literal->at] : '\0';
}

int tw__literal_take(struct tw__literal *literal, char c)
{
    if (tw__literal_peek(literal) != c || literal->at == literal->length) {
        return 0;
    }
    literal->at++;
    return 1;
}

tw_status tw__literal_expect(struct tw__literal *literal, char c)
{
    if (tw__literal_take(literal, c)) {
        return TW_OK;
    }
    if (literal->at == literal->length) {
        return tw__literal_fail(literal, literal->at, "it ends where '%c' belongs", c);
    }
    return tw__literal_fail(literal, literal->at, "'%c' belongs here", c);
}

static int is_hex(char c)
{
    return tw__is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of the escape at the front of text (a backslash and what belongs to it), as Python's repr writes them. 0: none
 * of those. */
static size_t escape_length(const char *text, size_t length)
{
    if (length < 2) {
        return 0;
    }
    size_t digits = 0;
    switch (text[1]) {
    case '\\':
    case '\'':
    case '"':
    case 'n':
    case 'r':
    case 't':
        return 2;
    case 'x':
        digits = 2;
        break;
    case 'u':
        digits = 4;
        break;
    case 'U':
        digits = 8;
        break;
    default:
        return 0;
    }
    if (length < 2 + digits) {
        return 0;
    }
    for (size_t k = 2; k < 2 + digits; k++) {
        if (!is_hex(text[k])) {
            return 0;
        }
    }
    return 2 + digits;
}

/* Length of the UTF-8 character at the front of text, 0 if it is none (RFC 3629: no overlong forms, no surrogates,
 * nothing above U+10FFFF). */
static size_t utf8_length(const char *text, size_t length)
{
    const unsigned char *byte = (const unsigned char *)text;
    const unsigned char first = byte[0];
    const size_t size = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
    if (size > length) {
        return 0;
    }
    for (size_t k = 1; k < size; k++) {
        if ((byte[k] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((first == 0xe0 && byte[1] < 0xa0) || (first == 0xed && byte[1] > 0x9f) || (first == 0xf0 && byte[1] < 0x90) ||
        (first == 0xf4 && byte[1] > 0x8f)) {
        return 0;
    }
    return size;
}

tw_status tw__literal_string(struct tw__literal *literal, struct tw__quoted *string)
{
    const char quote = tw__literal_peek(literal);
    const size_t start = literal->at;
    if (quote != '\'' && quote != '"') {
        return tw__literal_fail(literal, start, "a quoted string belongs here");
    }
    size_t at = start + 1;
    while (at < literal->length && literal->text[at] != quote) {
        const unsigned char c = (unsigned char)literal->text[at];
        if (c < 0x20 || c == 0x7f) {
            return tw__literal_fail(literal, at, "a control character in a string");
        }
        size_t step = literal->latin1 ? 1 : utf8_length(literal->text + at, literal->length - at);
        if (step == 0) {
            return tw__literal_fail(literal, at, "a byte that is not UTF-8");
        }
        if (c == '\\') {
            step = escape_length(literal->text + at, literal->length - at);
            if (step == 0) {
                return tw__literal_fail(literal, at, "a backslash that begins no escape that Python writes");
            }
        }
        at += step;
    }
    if (at == literal->length) {
        return tw__literal_fail(literal, start, "a string without its closing quote");
    }
    string->text = literal->text + start + 1;
    string->length = at - start - 1;
    literal->at = at + 1;
    return TW_OK;
}

int tw__literal_word(struct tw__literal *literal, const char *word)
{
    tw__literal_peek(literal);
    const char *at = literal->text + literal->at;
    const size_t length = tw__parse_identifier(at, literal->length - literal->at);
    if (length != strlen(word) || memcmp(at, word, length) != 0) {
        return 0;
    }
    literal->at += length;
    return 1;
}

static tw_status read_length(struct tw__literal *literal, int64_t *value)
{
    const char first = tw__literal_peek(literal);
    const size_t start = literal->at;
    if (first == '-') {
        return tw__literal_fail(literal, start, "a negative length; lengths are 0 or more");
    }
    if (!tw__is_digit(first)) {
        return tw__literal_fail(literal, start, "a length belongs here, in digits alone");
    }
    const size_t digits = tw__parse_digits(literal->text + start, literal->length - start, value);
    if (digits == 0) {
        return tw__literal_fail(literal, start, "a length above 2^63 - 1");
    }
    if (first == '0' && digits > 1) {
        return tw__literal_fail(literal, start, "a length that begins with 0");
    }
    literal->at += digits;
    /* Python 2 wrote its long integers so, and numpy.load still reads them in the versions of that time. */
    if (literal->latin1 && literal->at < literal->length && literal->text[literal->at] == 'L') {
        literal->at++;
    }
    return TW_OK;
}

tw_status tw__literal_shape(struct tw__literal *literal, int *ndim, int64_t *shape)
{
    tw_status status = tw__literal_expect(literal, '(');
    int count = 0, comma = 1;
    while (status == TW_OK && !tw__literal_take(literal, ')')) {
        if (!comma) {
            return tw__literal_fail(literal, literal->at, "',' or ')' belongs here");
        }
        if (count == TW_MAX_DIMS) {
            return tw__literal_fail(literal, literal->at, "more than %d dimensions", TW_MAX_DIMS);
        }
        status = read_length(literal, &shape[count]);
        if (status == TW_OK) {
            count++;
            comma = tw__literal_take(literal, ',');
        }
    }
    /* "(3)" is a number to Python, "(3,)" a tuple. */
    if (status == TW_OK && count == 1 && !comma) {
        return tw__literal_fail(literal, literal->at, "a shape of one dimension is written '(3,)', with a comma");
    }
    if (status == TW_OK) {
        *ndim = count;
    }
    return status;
}
