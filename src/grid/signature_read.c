/* signature_read.c - reads "y[i], x[j] -> r[i,j]". What a signature answers once it is read: signature.c.
 *
 *     signature = operands "->" operands | operands | "[" axis {"," axis} "]"
 *     operands  = [operand {"," operand}]
 *     operand   = name "[" [index {"," index}] "]" [":" dtype]
 *     index     = axis [offset] [".." axis [offset]]
 *     offset    = ("+" | "-") digits
 *
 * Blanks may stand between any two of these tokens; a dtype is one token. */
#include "grid/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

struct reader {
    const char *text;
    size_t length;
    size_t at;     /* the next character */
    size_t behind; /* one past the last token */
    int outputs;   /* the arrow has been read */
    int read;      /* operands on this side of it */
    tw_signature *signature;
    tw_error *error;
};

/* "signature: WHAT at column N: 'TEXT'" */
__attribute__((format(printf, 3, 4))) static tw_status refuse(const struct reader *reader, size_t at,
                                                              const char *format, ...)
{
    char what[384], quoted[768];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    struct tw__text text;
    tw__text_init(&text, quoted, sizeof quoted);
    tw__text_add_quoted(&text, reader->text, reader->length, at);
    const int column = (int)at + 1;
    return tw__fail_syntax(reader->error, column, "signature: %s at column %d: %s", what, column, quoted);
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->length && tw__is_blank(reader->text[reader->at])) {
        reader->at++;
    }
}

/* Where a token is missing, it is missed right behind the last one ("y[i x[j]"); where another character stands in its
 * place, that is what is wrong ("y[i)"). */
static tw_status expected(struct reader *reader, const char *token)
{
    skip_blanks(reader);
    const size_t left = reader->length - reader->at;
    const int missing = left == 0 || tw__parse_identifier(reader->text + reader->at, left) > 0;
    return refuse(reader, missing ? reader->behind : reader->at, "expected %s", token);
}

static int accept(struct reader *reader, const char *token)
{
    skip_blanks(reader);
    const size_t n = strlen(token);
    if (reader->length - reader->at < n || memcmp(reader->text + reader->at, token, n) != 0) {
        return 0;
    }
    reader->at += n;
    reader->behind = reader->at;
    return 1;
}

static tw_status take(struct reader *reader, size_t n, char name[TW__MAX_NAME])
{
    if (n >= TW__MAX_NAME) {
        return refuse(reader, reader->at, "a name longer than %d characters", TW__MAX_NAME - 1);
    }
    memcpy(name, reader->text + reader->at, n);
    name[n] = '\0';
    reader->at += n;
    reader->behind = reader->at;
    return TW_OK;
}

static tw_status read_name(struct reader *reader, const char *what, char name[TW__MAX_NAME])
{
    skip_blanks(reader);
    const size_t n = tw__parse_identifier(reader->text + reader->at, reader->length - reader->at);
    if (n == 0) {
        return refuse(reader, reader->at, "expected %s", what);
    }
    return take(reader, n, name);
}

/* "+ 2", "-1", or nothing. */
static tw_status read_offset(struct reader *reader, int32_t *offset)
{
    int64_t value;
    skip_blanks(reader);
    const size_t left = reader->length - reader->at;
    const char sign = left > 0 ? reader->text[reader->at] : '\0';
    *offset = 0;
    if ((sign != '+' && sign != '-') || (left > 1 && sign == '-' && reader->text[reader->at + 1] == '>')) {
        return TW_OK;
    }
    accept(reader, sign == '+' ? "+" : "-");
    skip_blanks(reader);
    const char *digits = reader->text + reader->at;
    size_t n = tw__parse_digits(digits, reader->length - reader->at, &value);
    if (n == 0 && reader->at < reader->length && tw__is_digit(digits[0])) {
        value = INT64_MAX;
    } else if (n == 0) {
        return expected(reader, sign == '+' ? "a number after '+'" : "a number after '-'");
    }
    if (value > INT32_MAX) {
        return refuse(reader, reader->at, "an offset past %d", INT32_MAX);
    }
    reader->at += n;
    reader->behind = reader->at;
    *offset = sign == '+' ? (int32_t)value : -(int32_t)value;
    return TW_OK;
}

/* The end of "i-1..i+1": the same axis, and an offset that is not less. at: where the index begins. */
static tw_status read_range(struct reader *reader, const char *name, size_t at, struct tw__halo *halo)
{
    char end[TW__MAX_NAME];
    tw_status status = read_name(reader, "the axis's name again, as in i-1..i+1,", end);
    if (status != TW_OK) {
        return status;
    }
    if (strcmp(end, name) != 0) {
        return refuse(reader, reader->at - strlen(end), "a halo of axis %s that ends with axis %s", name, end);
    }
    status = read_offset(reader, &halo->high);
    if (status == TW_OK && halo->low > halo->high) {
        return refuse(reader, at, "a halo of axis %s that ends before it begins", name);
    }
    return status;
}

/* What follows the name of an axis: how far the kernel sees along it. at: where the name begins. */
static tw_status read_halo(struct reader *reader, const tw_operand *operand, const char *name, size_t at)
{
    tw_signature *signature = reader->signature;
    struct tw__halo halo = {.operand = (uint8_t)signature->noperands, .dimension = (uint8_t)operand->ndim};
    tw_status status = read_offset(reader, &halo.low);
    halo.high = halo.low;
    if (status == TW_OK && accept(reader, "..")) {
        signature->has_ranges = 1;
        status = read_range(reader, name, at, &halo);
    }
    if (status != TW_OK) {
        return status;
    }
    skip_blanks(reader);
    if (reader->at < reader->length && reader->text[reader->at] == ':') {
        return refuse(reader, reader->at, "':' in an index, and a halo is written %s-1..%s+1, both ends included,",
                      name, name);
    }
    if (halo.low == 0 && halo.high == 0) {
        return TW_OK;
    }
    if (reader->outputs) {
        return refuse(reader, at, "a halo on the output %s, of which a tile writes its own part alone,", operand->name);
    }
    if (signature->nhalos == TW__MAX_HALOS) {
        return refuse(reader, at, "more than %d dimensions with a halo", TW__MAX_HALOS);
    }
    signature->halos[signature->nhalos++] = halo;
    return TW_OK;
}

static tw_status read_axis(struct reader *reader, tw_operand *operand)
{
    tw_signature *signature = reader->signature;
    char name[TW__MAX_NAME];
    const tw_status status = read_name(reader, operand->ndim == 0 ? "an axis's name or ']'" : "an axis's name", name);
    if (status != TW_OK) {
        return status;
    }
    const size_t at = reader->at - strlen(name);
    int axis = tw_signature_find_axis(signature, name);
    for (int d = 0; d < operand->ndim; d++) {
        if (operand->axes[d] == axis) {
            return refuse(reader, at, "axis %s stands twice in %s", name, operand->name);
        }
    }
    if (operand->ndim == TW_MAX_DIMS) {
        return refuse(reader, at, "%s has more than %d axes", operand->name, TW_MAX_DIMS);
    }
    if (axis < 0) {
        if (signature->naxes == TW__MAX_AXES) {
            return refuse(reader, at, "more than %d axes", TW__MAX_AXES);
        }
        axis = signature->naxes++;
        memcpy(signature->axes[axis], name, strlen(name) + 1);
    }
    const int before = signature->nhalos;
    const tw_status read = read_halo(reader, operand, name, at);
    operand->has_halo |= signature->nhalos > before;
    operand->axes[operand->ndim++] = (uint8_t)axis;
    return read;
}

static size_t parse_alphanumeric(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && (tw__parse_identifier(text + n, 1) > 0 || tw__is_digit(text[n]))) {
        n++;
    }
    return n;
}

/* "float32", "<f8", "S5", "M8[ns]": what it means is found where arrays are known. */
static tw_status read_dtype(struct reader *reader, tw_operand *operand)
{
    skip_blanks(reader);
    const char *text = reader->text + reader->at;
    const size_t left = reader->length - reader->at;
    const size_t order = left > 0 && strchr("<>|=", text[0]) != NULL;
    size_t n = parse_alphanumeric(text + order, left - order);
    if (n == 0) {
        return refuse(reader, reader->at, "expected a dtype such as float32");
    }
    n += order;
    if (n < left && text[n] == '[') {
        const size_t unit = parse_alphanumeric(text + n + 1, left - n - 1);
        const size_t close = n + 1 + unit;
        if (unit == 0 || close == left || text[close] != ']') {
            return refuse(reader, reader->at + close, "expected %s",
                          unit == 0 ? "a unit such as ns" : "']' after the dtype's unit");
        }
        n = close + 1;
    }
    return take(reader, n, operand->dtype);
}

/* Takes the input `k` out of the list: it comes back among the outputs. */
static void remove_operand(tw_signature *signature, int k)
{
    signature->noperands--;
    for (int h = 0; h < signature->nhalos; h++) { /* it has none of its own */
        signature->halos[h].operand = (uint8_t)(signature->halos[h].operand - (signature->halos[h].operand > k));
    }
    memmove(&signature->operands[k], &signature->operands[k + 1],
            (size_t)(signature->noperands - k) * sizeof signature->operands[0]);
}

static tw_status add_operand(struct reader *reader, tw_operand *operand, size_t at)
{
    tw_signature *signature = reader->signature;
    const int k = tw_signature_find_operand(signature, operand->name);
    if (k >= 0) {
        const tw_operand *earlier = &signature->operands[k];
        if (!reader->outputs || earlier->role != TW_IN) {
            return refuse(reader, at, "%s stands twice among the %s", operand->name,
                          reader->outputs ? "outputs" : "inputs");
        }
        if (earlier->ndim != operand->ndim || memcmp(earlier->axes, operand->axes, (size_t)operand->ndim) != 0) {
            return refuse(reader, at, "%s, which is read and written, has other axes than among the inputs",
                          operand->name);
        }
        if (earlier->has_halo) {
            return refuse(reader, at,
                          "%s, which is read with a halo, is written too, and a tile would read what others have "
                          "written (give the result an operand of its own)",
                          operand->name);
        }
        operand->role = TW_INOUT;
        operand->given = earlier->given;
        remove_operand(signature, k);
    }
    *(reader->outputs ? &operand->written : &operand->given) = reader->read++;
    if (signature->noperands == TW_MAX_OPERANDS) {
        return refuse(reader, at, "more than %d operands", TW_MAX_OPERANDS);
    }
    signature->operands[signature->noperands++] = *operand;
    return TW_OK;
}

static tw_status read_operand(struct reader *reader, const char *what)
{
    tw_operand operand = {.role = reader->outputs ? TW_OUT : TW_IN, .given = -1, .written = -1};
    tw_status status = read_name(reader, what, operand.name);
    if (status != TW_OK) {
        return status;
    }
    const size_t at = reader->at - strlen(operand.name);
    if (!accept(reader, "[")) {
        return expected(reader, "'['");
    }
    if (!accept(reader, "]")) {
        do {
            status = read_axis(reader, &operand);
            if (status != TW_OK) {
                return status;
            }
        } while (accept(reader, ","));
        if (!accept(reader, "]")) {
            return expected(reader, "']' or ','");
        }
    }
    status = add_operand(reader, &operand, at);
    if (status == TW_OK && accept(reader, ":")) {
        tw_operand *added = &reader->signature->operands[reader->signature->noperands - 1];
        if (added->role != TW_OUT) {
            return refuse(reader, reader->at - 1, "%s, which is %s, brings its own dtype, but one is given",
                          added->name, added->role == TW_IN ? "an input" : "read and written");
        }
        status = read_dtype(reader, added);
    }
    return status;
}

static tw_status read_operands(struct reader *reader, const char *first)
{
    tw_status status = read_operand(reader, first);
    while (status == TW_OK && accept(reader, ",")) {
        status = read_operand(reader, reader->outputs ? "an output after ','" : "an input after ','");
    }
    return status;
}

static int at_end(struct reader *reader)
{
    skip_blanks(reader);
    return reader->at == reader->length;
}

/* "[i,j]": axes that no operand has. They are read as those of an operand that is then forgotten. */
static tw_status read_ranges(struct reader *reader)
{
    tw_operand ranges = {.name = "the ranges"};
    do {
        const tw_status status = read_axis(reader, &ranges);
        if (status != TW_OK) {
            return status;
        }
    } while (accept(reader, ","));
    if (!accept(reader, "]")) {
        return expected(reader, "']' or ','");
    }
    if (reader->signature->nhalos > 0) {
        return refuse(reader, 0, "a halo, which is for operands, on axes without an operand");
    }
    return at_end(reader) ? TW_OK : expected(reader, "the end: axes without an operand stand alone");
}

/* Without outputs a kernel runs for its effects. */
static tw_status read_signature(struct reader *reader)
{
    tw_status status = TW_OK;
    int read = 0;
    if (accept(reader, "[")) {
        return read_ranges(reader);
    }
    if (!accept(reader, "->")) {
        status = read_operands(reader, "an operand such as y[i], or '->'");
        if (status != TW_OK || at_end(reader)) {
            return status;
        }
        if (!accept(reader, "->")) {
            return expected(reader, "',' or '->'");
        }
        read = 1;
    }
    if (read && at_end(reader)) {
        return TW_OK;
    }
    reader->outputs = 1;
    reader->read = 0;
    status = read_operands(reader, "an output such as r[i]");
    if (status == TW_OK && !at_end(reader)) {
        return expected(reader, "',' or the end");
    }
    return status;
}

/* Reading numbers the axes as they appear. Now that the outputs are known, theirs come first. */
static void renumber(tw_signature *to, const tw_signature *from)
{
    int number[TW__MAX_AXES];
    *to = *from;
    to->naxes = 0;
    for (int a = 0; a < from->naxes; a++) {
        number[a] = -1;
    }
    for (int output = 1; output >= 0; output--) {
        for (int k = 0; k < from->noperands; k++) {
            const tw_operand *operand = &from->operands[k];
            for (int d = 0; d < operand->ndim; d++) {
                const int a = operand->axes[d];
                if ((operand->role != TW_IN) == output && number[a] < 0) {
                    number[a] = to->naxes;
                    memcpy(to->axes[to->naxes++], from->axes[a], TW__MAX_NAME);
                }
            }
        }
    }
    if (from->noperands == 0) {
        to->naxes = from->naxes; /* as they are */
    }
    for (int k = 0; k < to->noperands; k++) {
        for (int d = 0; d < to->operands[k].ndim; d++) {
            to->operands[k].axes[d] = (uint8_t)number[to->operands[k].axes[d]];
        }
    }
}

tw_status tw_signature_parse(tw_signature **signature, const char *text, tw_error *error)
{
    if (text == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "signature: no text is given");
    }
    struct reader reader = {.text = text, .length = strnlen(text, TW__MAX_SIGNATURE_TEXT + 1), .error = error};
    if (reader.length > TW__MAX_SIGNATURE_TEXT) {
        return refuse(&reader, TW__MAX_SIGNATURE_TEXT, "more than %d characters", TW__MAX_SIGNATURE_TEXT);
    }
    tw_signature *made = malloc(sizeof *made);
    reader.signature = calloc(1, sizeof *reader.signature);
    tw_status status;
    if (made == NULL || reader.signature == NULL) {
        status = tw__fail_memory(error, 2 * sizeof *made, "a signature");
        goto fail;
    }
    status = read_signature(&reader);
    if (status != TW_OK) {
        goto fail;
    }
    renumber(made, reader.signature);
    free(reader.signature);
    *signature = made;
    return TW_OK;
fail:
    free(reader.signature);
    free(made);
    return status;
}
