/* dtype.c - kinds of item: names, sizes, type strings. Knows neither the values of items nor how records are described.
 */
#include "array/dtype.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_DESCR(code) "<" code
#else
#define NATIVE_DESCR(code) ">" code
#endif

struct kind {
    const char *name;
    const char *descr;
    int32_t itemsize;
    int32_t alignment;
};

/* In the order of tw_kind. */
static const struct kind kinds[] = {
    {"opaque", "|V0", 0, 1},
    {"bool", "|b1", 1, 1},
    {"int8", "|i1", 1, 1},
    {"int16", NATIVE_DESCR("i2"), 2, 2},
    {"int32", NATIVE_DESCR("i4"), 4, 4},
    {"int64", NATIVE_DESCR("i8"), 8, 8},
    {"uint8", "|u1", 1, 1},
    {"uint16", NATIVE_DESCR("u2"), 2, 2},
    {"uint32", NATIVE_DESCR("u4"), 4, 4},
    {"uint64", NATIVE_DESCR("u8"), 8, 8},
    {"float16", NATIVE_DESCR("f2"), 2, 2},
    {"float32", NATIVE_DESCR("f4"), 4, 4},
    {"float64", NATIVE_DESCR("f8"), 8, 8},
    {"complex64", NATIVE_DESCR("c8"), 8, 4},
    {"complex128", NATIVE_DESCR("c16"), 16, 8},
};

#define KINDS ((int)(sizeof kinds / sizeof kinds[0]))

tw_dtype tw_dtype_of(tw_kind kind)
{
    const int k = (int)kind > 0 && (int)kind < KINDS ? (int)kind : 0;
    const tw_dtype dtype = {
        .kind = (tw_kind)k, .alignment = kinds[k].alignment, .itemsize = kinds[k].itemsize, .descr = kinds[k].descr};
    return dtype;
}

const char *tw_dtype_name(const tw_dtype *dtype)
{
    if (dtype->kind != TW_OPAQUE && (int)dtype->kind > 0 && (int)dtype->kind < KINDS) {
        return kinds[dtype->kind].name;
    }
    return dtype->descr != NULL ? dtype->descr : kinds[0].descr;
}

int tw__number_width(tw_kind kind)
{
    const int complex_kind = kind == TW_COMPLEX64 || kind == TW_COMPLEX128;
    return (int)tw_dtype_of(kind).itemsize / (complex_kind ? 2 : 1);
}

int tw__dtype_same(const tw_dtype *a, const tw_dtype *b)
{
    if (a->kind != b->kind || a->itemsize != b->itemsize) {
        return 0;
    }
    return a->kind != TW_OPAQUE || strcmp(tw_dtype_name(a), tw_dtype_name(b)) == 0;
}

/* "[ns]", "[25s]": a unit of time, with how many of it make one step. */
static int is_time_unit(const char *text, size_t length)
{
    static const char *const units[] = {"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"};
    if (length < 3 || text[0] != '[' || text[length - 1] != ']') {
        return 0;
    }
    int64_t steps = 1;
    const size_t digits = tw__parse_digits(text + 1, length - 2, &steps);
    const char *unit = text + 1 + digits;
    const size_t unit_length = length - 2 - digits;
    if (steps < 1 || steps > INT32_MAX) {
        return 0;
    }
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
        if (strlen(units[k]) == unit_length && memcmp(units[k], unit, unit_length) == 0) {
            return 1;
        }
    }
    return 0;
}

static tw_kind find_kind(char letter, int64_t size)
{
    for (int k = 1; k < KINDS; k++) {
        if (kinds[k].descr[1] == letter && kinds[k].itemsize == size) {
            return (tw_kind)k;
        }
    }
    return TW_OPAQUE;
}

/* Numbers that NumPy knows and we only move: long doubles of all machines. */
static int is_long_double(char letter, int64_t size)
{
    return (letter == 'f' && (size == 10 || size == 12 || size == 16)) ||
           (letter == 'c' && (size == 20 || size == 24 || size == 32));
}

static const char *parse_string(struct tw__type *type, const char *text, size_t length)
{
    size_t at = 0;
    char order = 0;
    if (at < length && (text[at] == '<' || text[at] == '>' || text[at] == '|' || text[at] == '=')) {
        order = text[at] == '=' ? TW__NATIVE : text[at];
        at++;
    }
    if (at == length) {
        return "is not a type such as '<f8' or '|S5'";
    }
    const char letter = text[at++];
    int64_t size = 0;
    const size_t digits = tw__parse_digits(text + at, length - at, &size);
    at += digits;
    if (letter == 'O') {
        return "means Python objects, which are stored as pickles; a pickle runs code when it is loaded and is "
               "therefore never read";
    }
    if (strchr("biufcSUVmM", letter) == NULL || letter == '\0') {
        return "is not a type that NumPy writes; its letter is one of b i u f c S U V m M";
    }
    if (digits == 0) {
        return "has no size after its letter, or one of more than 63 bits";
    }
    struct tw__type found = {.dtype = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = size}, .order = order};
    switch (letter) {
    case 'S':
    case 'V':
        found.padding = letter == 'V';
        break;
    case 'U':
        if (!tw__mul(size, 4, &found.dtype.itemsize)) {
            return "is larger than 2^31 - 1 bytes, the largest item that NumPy knows";
        }
        break;
    case 'm':
    case 'M':
        if (size != 8) {
            return "has a size that its kind does not have; it is 8 bytes";
        }
        if (at < length && is_time_unit(text + at, length - at)) {
            at = length;
        }
        break;
    default:
        if (find_kind(letter, size) != TW_OPAQUE) {
            found.dtype = tw_dtype_of(find_kind(letter, size));
        } else if (!is_long_double(letter, size)) {
            return "has a size that its kind does not have";
        }
        found.swapped = found.dtype.kind != TW_OPAQUE && size > 1 && order != 0 && order != TW__NATIVE;
    }
    if (order == '|' && letter != 'S' && letter != 'V' && size > 1) {
        return "does not say its byte order, '<' or '>'";
    }
    if (found.dtype.itemsize > TW__MAX_ITEMSIZE) {
        return "is larger than 2^31 - 1 bytes, the largest item that NumPy knows";
    }
    if (at != length) {
        return "has something after the type";
    }
    *type = found;
    return NULL;
}

const char *tw__type_parse(struct tw__type *type, const char *text, size_t length)
{
    char spelled[TW__SPELLING];
    const size_t other = tw__spelling(spelled, text, length);
    const char *why = parse_string(type, other > 0 ? spelled : text, other > 0 ? other : length);
    if (why == NULL && other > 0) {
        memcpy(type->spelled, spelled, other + 1);
    }
    return why;
}

/* "S5" becomes "|S5", "U3" "<U3": the description as NumPy writes it. */
static void write_descr(char storage[TW_DTYPE_TEXT], const struct tw__type *type, const char *text)
{
    const char *body = text + (*text == '<' || *text == '>' || *text == '|' || *text == '=');
    const int orderless = *body == 'S' || *body == 'V';
    const char order = orderless ? '|' : type->order == 0 || type->order == '|' ? TW__NATIVE : type->order;
    storage[0] = order;
    strcpy(storage + 1, body);
}

#define SOME_DTYPES "float64, int32, uint8, bool, complex128, S5, U3, V16, M8[ns]"

/* "O", "|O8", "object": what NumPy calls its arrays of pointers. */
static int means_objects(const char *name)
{
    const char *body = name + (*name == '<' || *name == '>' || *name == '|' || *name == '=');
    return strcmp(name, "object") == 0 || (body[0] == 'O' && strspn(body + 1, "0123456789") == strlen(body + 1));
}

/* Why a name is no dtype. One letter and digits are a type string with a mistake in it, anything else is a word. */
static tw_status fail_dtype(const char *name, const char *quoted, const char *why, tw_error *error)
{
    const char *body = name + (*name == '<' || *name == '>' || *name == '|' || *name == '=');
    if (means_objects(name)) {
        return tw__fail_syntax(error, 1, "dtype %s means Python objects, which cannot be computed with; one is %s",
                               quoted, SOME_DTYPES);
    }
    if (body[0] != '\0' && strchr("biufcSUVmM", body[0]) != NULL && (tw__is_digit(body[1]) || body[1] == '\0')) {
        return tw__fail_syntax(error, 1, "dtype %s %s; one is %s", quoted, why, SOME_DTYPES);
    }
    return tw__fail_syntax(error, 1, "%s is no dtype; one is %s", quoted, SOME_DTYPES);
}

tw_status tw_dtype_parse(tw_dtype *dtype, const char *name, char storage[TW_DTYPE_TEXT], tw_error *error)
{
    for (int k = 1; k < KINDS; k++) {
        if (strcmp(name, kinds[k].name) == 0) {
            *dtype = tw_dtype_of((tw_kind)k);
            return TW_OK;
        }
    }
    struct tw__type type;
    const size_t length = strlen(name);
    const char *why = parse_string(&type, name, length); /* strict: what a user writes is checked letter by letter */
    char quoted[128];
    struct tw__text quote;
    tw__text_init(&quote, quoted, sizeof quoted);
    tw__text_add_quoted(&quote, name, length, 0);
    if (why != NULL) {
        return fail_dtype(name, quoted, why, error);
    }
    if (type.swapped) {
        return tw__fail_syntax(error, 1,
                               "dtype %s is not in this machine's byte order, in which arrays are in memory and "
                               "outputs are written; write '%c%s'",
                               quoted, TW__NATIVE, name + 1);
    }
    if (length + 2 > TW_DTYPE_TEXT) {
        return tw__fail_syntax(error, 1, "dtype %s has more than %d characters", quoted, TW_DTYPE_TEXT - 2);
    }
    *dtype = type.dtype;
    if (type.dtype.kind == TW_OPAQUE) {
        write_descr(storage, &type, name);
        dtype->descr = storage;
    }
    return TW_OK;
}
