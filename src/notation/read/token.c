/* token.c - the words of a statement list: names, Python's numbers, operators. Knows no grammar. */
#include "notation/read/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/read/hint.h"

static char peek(const struct tw__lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->source.length ? lexer->source.text[lexer->at + ahead] : '\0';
}

static int digit_value(char c)
{
    return tw__is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Digits of a base from `from` on, single underscores between them: one past the last. */
static size_t skip_digits(const struct tw__lexer *lexer, size_t from, int base)
{
    const char *text = lexer->source.text;
    size_t k = from;
    while (k < lexer->source.length) {
        const size_t digit = text[k] == '_' && k > from ? k + 1 : k;
        if (digit >= lexer->source.length || digit_value(text[digit]) >= base) {
            break;
        }
        k = digit + 1;
    }
    return k;
}

static tw_status read_whole(struct tw__lexer *lexer, size_t from, size_t to, int base, struct tw__scalar *value)
{
    tw__magnitude result = 0;
    for (size_t k = from; k < to; k++) {
        const char c = lexer->source.text[k];
        if (c != '_' && (__builtin_mul_overflow(result, (tw__magnitude)base, &result) ||
                         __builtin_add_overflow(result, (tw__magnitude)digit_value(c), &result))) {
            return tw__complain(lexer->error, &lexer->source, lexer->at,
                                "a whole number of more than 128 bits (a decimal point makes it a float)");
        }
    }
    *value = tw__scalar_whole(0, result);
    return TW_OK;
}

static tw_status read_number(struct tw__lexer *lexer, struct tw__token *token)
{
    const char marker = (char)(peek(lexer, 1) | 0x20);
    const int base = peek(lexer, 0) != '0' ? 10 : marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 10;
    size_t end;
    tw_status status = TW_OK;
    token->kind = TW__TOKEN_NUMBER;
    if (base != 10) {
        /* Python lets an underscore stand behind the marker. */
        const size_t from = lexer->at + 2 + (peek(lexer, 2) == '_');
        end = skip_digits(lexer, from, base);
        if (end == from) {
            return tw__complain(lexer->error, &lexer->source, end < lexer->source.length ? end : lexer->at,
                                "expected digits of base %d after 0%c", base, marker);
        }
        status = read_whole(lexer, from, end, base, &token->value);
    } else {
        const char *text = lexer->source.text;
        const size_t length = lexer->source.length, whole = skip_digits(lexer, lexer->at, 10);
        int real = 0;
        end = whole;
        if (end < length && text[end] == '.') {
            real = 1;
            end = skip_digits(lexer, end + 1, 10);
        }
        if (end < length && (text[end] | 0x20) == 'e') {
            const size_t sign = end + 1 < length && (text[end + 1] == '+' || text[end + 1] == '-');
            const size_t exponent = skip_digits(lexer, end + 1 + sign, 10);
            if (exponent == end + 1 + sign) {
                return tw__complain(lexer->error, &lexer->source, end, "expected the digits of an exponent after '%c'",
                                    text[end]);
            }
            real = 1;
            end = exponent;
        }
        const int imaginary = end < length && (text[end] | 0x20) == 'j';
        double value = 0;
        if (real || imaginary) {
            tw__parse_real(lexer->source.text + lexer->at, end - lexer->at, &value);
        }
        if (imaginary) {
            token->value = tw__scalar_complex(0, value);
            end++;
        } else if (real) {
            token->value = tw__scalar_real(value);
        } else {
            size_t first = lexer->at;
            while (first < end && (text[first] == '0' || text[first] == '_')) {
                first++;
            }
            if (first > lexer->at && first < end) {
                return tw__complain(lexer->error, &lexer->source, lexer->at,
                                    "a whole number does not begin with 0 (octal is 0o17)");
            }
            status = read_whole(lexer, lexer->at, end, 10, &token->value);
        }
    }
    if (status == TW_OK && end < lexer->source.length &&
        (tw__is_digit(lexer->source.text[end]) || lexer->source.text[end] == '_' ||
         tw__parse_identifier(lexer->source.text + end, 1) > 0)) {
        return tw__complain(lexer->error, &lexer->source, end,
                            "expected an operator after the number (a product is 2 * x)");
    }
    token->length = end - lexer->at;
    lexer->at = end;
    return status;
}

/* Longest first. */
static const char signs[][4] = {"**=", "//=", "<<=", ">>=", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=",
                                "-=",  "*=",  "/=",  "%=",  "&=", "|=", "^=", "+",  "-",  "*",  "/",  "%",  "<",
                                ">",   "&",   "|",   "^",   "~",  "(",  ")",  "[",  "]",  ",",  ":",  ";",  "="};

/* x.sum(), np.sin: what stands around the point. */
static tw_status refuse_attribute(struct tw__lexer *lexer)
{
    const char *text = lexer->source.text;
    const size_t at = lexer->at;
    const size_t length = tw__parse_identifier(text + at + 1, lexer->source.length - at - 1);
    size_t base = at;
    while (base > 0 && tw__parse_identifier(text + base - 1, at - base + 1) > 0) {
        base--;
    }
    return tw__complain(lexer->error, &lexer->source, at, "there are no attributes: write %s",
                        tw__hint_attribute(text + base, at - base, text + at + 1, length));
}

/* Signs of other languages, and what is none of ours at all. */
static tw_status refuse_sign(struct tw__lexer *lexer, const char *text, size_t left)
{
    char shown[16];
    size_t characters;
    struct tw__text sign;
    const char *instead = tw__hint_sign(text, left, &characters);
    if (instead != NULL) {
        const int has_shape = (unsigned char)*text < 0x80 || memcmp(text, "\xc2\xa0", 2) != 0;
        return tw__complain(lexer->error, &lexer->source, lexer->at, "there is no %s%.*s%s: write %s",
                            has_shape ? "'" : "other blank than ASCII's", has_shape ? (int)characters : 0, text,
                            has_shape ? "'" : "", instead);
    }
    switch (*text) {
    case '#':
        return tw__complain(lexer->error, &lexer->source, lexer->at, "a statement has no comments");
    case '.':
        return refuse_attribute(lexer);
    case '"':
    case '\'':
        return tw__complain(lexer->error, &lexer->source, lexer->at, "there are no texts in quotes");
    default:
        break;
    }
    tw__text_init(&sign, shown, sizeof shown);
    const size_t bytes = tw__add_character(&sign, &lexer->source, lexer->at);
    if (bytes > 1) {
        return tw__complain(lexer->error, &lexer->source, lexer->at,
                            "'%s' is none of ASCII's letters, digits and signs, of which a statement is made", shown);
    }
    if (bytes == 1 && (unsigned char)*text >= 0x20 && *text != 0x7f) {
        return tw__complain(lexer->error, &lexer->source, lexer->at, "'%s' means nothing", shown);
    }
    return tw__complain(lexer->error, &lexer->source, lexer->at, "the byte \\x%02x means nothing",
                        (unsigned char)*text);
}

/* A sign of other languages that begins with one of ours: "&&", "=>". */
static int is_foreign(const char *text, size_t left)
{
    size_t characters;
    return tw__hint_sign(text, left, &characters) != NULL && characters > 1;
}

static tw_status read_sign(struct tw__lexer *lexer, struct tw__token *token)
{
    const size_t left = lexer->source.length - lexer->at;
    const char *text = lexer->source.text + lexer->at;
    token->kind = TW__TOKEN_SIGN;
    if (is_foreign(text, left)) {
        return refuse_sign(lexer, text, left);
    }
    for (size_t k = 0; k < sizeof signs / sizeof signs[0]; k++) {
        const size_t n = strlen(signs[k]);
        if (n <= left && memcmp(text, signs[k], n) == 0) {
            memcpy(token->sign, signs[k], sizeof token->sign);
            token->length = n;
            lexer->at += n;
            lexer->brackets += *text == '(' || *text == '[';
            lexer->brackets -= lexer->brackets > 0 && (*text == ')' || *text == ']');
            return TW_OK;
        }
    }
    return refuse_sign(lexer, text, left);
}

tw_status tw__next_token(struct tw__lexer *lexer, struct tw__token *token)
{
    while (tw__is_blank(peek(lexer, 0)) && (lexer->brackets > 0 || peek(lexer, 0) != '\n')) {
        lexer->at++;
    }
    memset(token, 0, sizeof *token);
    token->at = lexer->at;
    if (lexer->at == lexer->source.length) {
        return TW_OK;
    }
    if (peek(lexer, 0) == '\n') {
        token->kind = TW__TOKEN_SIGN;
        token->sign[0] = ';';
        token->length = 1;
        lexer->at++;
        return TW_OK;
    }
    if (tw__is_digit(peek(lexer, 0)) || (peek(lexer, 0) == '.' && tw__is_digit(peek(lexer, 1)))) {
        return read_number(lexer, token);
    }
    const size_t n = tw__parse_identifier(lexer->source.text + lexer->at, lexer->source.length - lexer->at);
    if (n > 0) {
        token->kind = TW__TOKEN_NAME;
        token->length = n;
        lexer->at += n;
        return TW_OK;
    }
    return read_sign(lexer, token);
}
