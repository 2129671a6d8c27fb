/* spelling.c - other spellings of types, as NumPy reads them in .npy headers: letters ('d', '?'), names ('float64',
 * 'int') and '|' where an order belongs. Knows letters alone, no sizes but those of C. */
#include "array/spelling.h"

#include <stdio.h>
#include <string.h>

#include "array/dtype.h"
#include "base/text.h"

#if __SIZEOF_LONG_DOUBLE__ == 16
#define LONG_DOUBLE "f16"
#define LONG_COMPLEX "c32"
#elif __SIZEOF_LONG_DOUBLE__ == 12
#define LONG_DOUBLE "f12"
#define LONG_COMPLEX "c24"
#else
#define LONG_DOUBLE "f8"
#define LONG_COMPLEX "c16"
#endif

struct spelling {
    const char *name, *body;
};

/* Letters may have an order before them, words may not. On Linux with 64-bit words, as NumPy names C's types there. */
static const struct spelling letters[] = {
    {"?", "b1"}, {"b", "i1"}, {"B", "u1"},        {"h", "i2"},         {"H", "u2"}, {"i", "i4"},  {"I", "u4"},
    {"l", "i8"}, {"L", "u8"}, {"q", "i8"},        {"Q", "u8"},         {"p", "i8"}, {"P", "u8"},  {"n", "i8"},
    {"N", "u8"}, {"e", "f2"}, {"f", "f4"},        {"d", "f8"},         {"F", "c8"}, {"D", "c16"}, {"S", "S0"},
    {"U", "U0"}, {"V", "V0"}, {"g", LONG_DOUBLE}, {"G", LONG_COMPLEX}, {"c", "S1"}, {"M", "M8"},  {"m", "m8"},
};

static const struct spelling words[] = {
    {"bool", "b1"},        {"bool_", "b1"},      {"byte", "i1"},
    {"ubyte", "u1"},       {"short", "i2"},      {"ushort", "u2"},
    {"intc", "i4"},        {"uintc", "u4"},      {"int_", "i8"},
    {"int", "i8"},         {"uint", "u8"},       {"long", "i8"},
    {"ulong", "u8"},       {"longlong", "i8"},   {"ulonglong", "u8"},
    {"intp", "i8"},        {"uintp", "u8"},      {"half", "f2"},
    {"single", "f4"},      {"double", "f8"},     {"longdouble", LONG_DOUBLE},
    {"csingle", "c8"},     {"cdouble", "c16"},   {"clongdouble", LONG_COMPLEX},
    {"float", "f8"},       {"float_", "f8"},     {"complex", "c16"},
    {"complex_", "c16"},   {"int8", "i1"},       {"int16", "i2"},
    {"int32", "i4"},       {"int64", "i8"},      {"uint8", "u1"},
    {"uint16", "u2"},      {"uint32", "u4"},     {"uint64", "u8"},
    {"float16", "f2"},     {"float32", "f4"},    {"float64", "f8"},
    {"float128", "f16"},   {"complex64", "c8"},  {"complex128", "c16"},
    {"complex256", "c32"}, {"str", "U0"},        {"str_", "U0"},
    {"unicode", "U0"},     {"bytes", "S0"},      {"bytes_", "S0"},
    {"void", "V0"},        {"datetime64", "M8"}, {"timedelta64", "m8"},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *find(const struct spelling *table, size_t count, const char *text, size_t length)
{
    for (size_t k = 0; k < count; k++) {
        if (strlen(table[k].name) == length && memcmp(table[k].name, text, length) == 0) {
            return table[k].body;
        }
    }
    return NULL;
}

/* Puts order, body and the rest together; 0 if that is too long to be a type. */
static size_t put(char spelled[TW__SPELLING], char order, const char *body, const char *rest, size_t length)
{
    const int written = snprintf(spelled, TW__SPELLING, "%c%s%.*s", order, body, (int)length, rest);
    return written < TW__SPELLING ? (size_t)written : 0;
}

/* "datetime64[ns]": also with an order before it. */
static size_t spell_time(char spelled[TW__SPELLING], char order, const char *text, size_t length)
{
    static const struct spelling kinds[] = {
        {"datetime64[", "M8"}, {"timedelta64[", "m8"}, {"M8[generic]", "M8"}, {"m8[generic]", "m8"}};
    for (size_t k = 0; k < COUNT(kinds); k++) {
        const size_t name = strlen(kinds[k].name);
        if ((k < 2 ? length >= name : length == name) && memcmp(text, kinds[k].name, name) == 0) {
            const char *bracket = k < 2 ? text + name - 1 : text + length;
            return put(spelled, order, kinds[k].body, bracket, (size_t)(text + length - bracket));
        }
    }
    return 0;
}

/* The text ends at `length`: nothing ends it there. */
static int is_digits(const char *text, size_t length)
{
    for (size_t k = 0; k < length; k++) {
        if (!tw__is_digit(text[k])) {
            return 0;
        }
    }
    return length > 0;
}

static int is_one_of(char letter, const char *letters_of)
{
    return letter != '\0' && strchr(letters_of, letter) != NULL;
}

size_t tw__spelling(char spelled[TW__SPELLING], const char *text, size_t length)
{
    if (length == 0 || length >= TW__SPELLING) {
        return 0;
    }
    const int ordered = is_one_of(text[0], "<>=|");
    const char order = !ordered || text[0] == '=' || text[0] == '|' ? TW__NATIVE : text[0];
    const char *body = find(letters, COUNT(letters), text + ordered, length - (size_t)ordered);
    if (body == NULL && !ordered) {
        body = find(words, COUNT(words), text, length);
    }
    if (body != NULL) {
        return put(spelled, body[0] == 'S' || body[0] == 'V' ? '|' : order, body, "", 0);
    }
    if (text[0] == 'a' && is_digits(text + 1, length - 1)) {
        return put(spelled, '|', "S", text + 1, length - 1); /* the letter that texts had at first */
    }
    if (text[0] == '|' && length > 2 && is_one_of(text[1], "iufcmMU")) {
        return put(spelled, TW__NATIVE, "", text + 1, length - 1);
    }
    return spell_time(spelled, order, text + ordered, length - (size_t)ordered);
}
