/* npy.c - the header of a .npy file, read from bytes and written to bytes. Pure: opens no file.
 *
 * Layout (NumPy Enhancement Proposal 1): "\x93NUMPY", major and minor version, length of the text (2 bytes
 * little-endian in version 1.0, 4 in 2.0 and 3.0), the text, the data. The text is a Python dict, ISO 8859-1 in
 * versions 1.0 and 2.0, UTF-8 in 3.0, padded with spaces and ended by a newline so that the data begin at a multiple of
 * 64 (older: 16). */
#include "store/npy/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/descr.h"
#include "array/dtype.h"
#include "array/shape.h"
#include "base/error.h"
#include "base/text.h"

#define MAX_TEXT_SHORT 65535    /* version 1.0: all that two bytes can say */
#define MAX_TEXT_LONG (1 << 20) /* later versions: larger than any header of real data, small enough to read */
#define MAX_TEXT_NUMPY 10000    /* longer ones np.load reads only if it is asked to */

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

static size_t prefix_length(const unsigned char *bytes)
{
    return bytes[6] == 1 ? 10 : 12;
}

/* What a file is that does not begin as it should: the more common mistakes have a sentence of their own. */
static tw_status fail_magic(const unsigned char *bytes, size_t count, const char *name, tw_error *error)
{
    if (count >= TW__NPY_MAGIC && bytes[0] == 0 && bytes[1] == 0) { /* an unfinished output's tag */
        return tw__fail(error, TW_ERROR_FORMAT, "%s: is not a whole .npy file: the run that wrote it never finished",
                        name);
    }
    if (count >= 4 && memcmp(bytes, "PK\3\4", 4) == 0) {
        return tw__fail(error, TW_ERROR_FORMAT, "%s: is a .npz or zip archive; unzip it and use the .npy files in it",
                        name);
    }
    if (count >= 2 && bytes[0] == 0x80 && bytes[1] <= 5) {
        return tw__fail(error, TW_ERROR_FORMAT,
                        "%s: is a pickle, not a .npy file; a pickle runs code when it is loaded and is therefore never "
                        "read",
                        name);
    }
    return tw__fail(error, TW_ERROR_FORMAT, "%s: is not a .npy file, which begins with the bytes 93 'NUMPY'", name);
}

tw_status tw__npy_length(int64_t *header_length, const unsigned char *bytes, size_t count, int64_t file_size,
                         const char *name, tw_error *error)
{
    const size_t common = count < sizeof magic ? count : sizeof magic;
    if (count == 0) {
        return tw__fail(error, TW_ERROR_FORMAT, "%s: is empty, not a .npy file", name);
    }
    if (memcmp(bytes, magic, common) != 0) {
        return fail_magic(bytes, count, name, error);
    }
    if (count < TW__NPY_MAGIC || count < prefix_length(bytes)) {
        return tw__fail(error, TW_ERROR_FORMAT, "%s: ends after %zu bytes, inside the header of a .npy file", name,
                        count);
    }
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0) {
        return tw__fail(error, TW_ERROR_FORMAT, "%s: has .npy version %d.%d; versions 1.0, 2.0 and 3.0 can be read",
                        name, bytes[6], bytes[7]);
    }
    int64_t text = bytes[8] | bytes[9] << 8;
    if (bytes[6] > 1) {
        text |= (int64_t)bytes[10] << 16 | (int64_t)bytes[11] << 24;
    }
    if (text > MAX_TEXT_LONG) {
        return tw__fail(error, TW_ERROR_FORMAT,
                        "%s: says that its header has %" PRId64 " bytes; more than %d are not read", name, text,
                        MAX_TEXT_LONG);
    }
    const int64_t length = (int64_t)prefix_length(bytes) + text;
    if (length > file_size) {
        return tw__fail(error, TW_ERROR_FORMAT,
                        "%s: the header promises to be %" PRId64 " bytes long, the file has %" PRId64, name, length,
                        file_size);
    }
    *header_length = length;
    return TW_OK;
}

struct dict {
    struct tw__descr descr;
    int fortran;
    int ndim;
    int64_t shape[TW_MAX_DIMS];
};

static const char *const keys[] = {"descr", "fortran_order", "shape"};
#define KEYS 3

static tw_status read_value(struct tw__literal *literal, int key, struct dict *dict)
{
    switch (key) {
    case 0:
        return tw__descr_read(literal, &dict->descr);
    case 1:
        dict->fortran = tw__literal_word(literal, "True");
        if (!dict->fortran && !tw__literal_word(literal, "False")) {
            return tw__literal_fail(literal, literal->at, "'fortran_order' is True or False");
        }
        return TW_OK;
    default:
        return tw__literal_shape(literal, &dict->ndim, dict->shape);
    }
}

static tw_status read_key(struct tw__literal *literal, int *key)
{
    struct tw__quoted string;
    tw__literal_peek(literal);
    const size_t start = literal->at;
    const tw_status status = tw__literal_string(literal, &string);
    if (status != TW_OK) {
        return status;
    }
    for (int k = 0; k < KEYS; k++) {
        if (strlen(keys[k]) == string.length && memcmp(keys[k], string.text, string.length) == 0) {
            *key = k;
            return TW_OK;
        }
    }
    return tw__literal_fail(literal, start, "'%.*s' is not one of the keys 'descr', 'fortran_order', 'shape'",
                            string.length < 40 ? (int)string.length : 40, string.text);
}

/* "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }" and blanks. */
static tw_status read_dict(struct tw__literal *literal, struct dict *dict)
{
    int seen[KEYS] = {0}, comma = 1;
    tw_status status = tw__literal_expect(literal, '{');
    while (status == TW_OK && !tw__literal_take(literal, '}')) {
        int key = 0;
        if (!comma) {
            return tw__literal_fail(literal, literal->at, "',' or '}' belongs here");
        }
        status = read_key(literal, &key);
        if (status == TW_OK && seen[key]++) {
            return tw__literal_fail(literal, literal->at, "'%s' is there twice", keys[key]);
        }
        if (status == TW_OK) {
            status = tw__literal_expect(literal, ':');
        }
        if (status == TW_OK) {
            status = read_value(literal, key, dict);
        }
        if (status == TW_OK) {
            comma = tw__literal_take(literal, ',');
        }
    }
    for (int k = 0; status == TW_OK && k < KEYS; k++) {
        if (!seen[k]) {
            return tw__literal_fail(literal, literal->at, "the key '%s' is missing", keys[k]);
        }
    }
    if (status == TW_OK && (tw__literal_peek(literal) != '\0' || literal->at != literal->length)) {
        return tw__literal_fail(literal, literal->at, "something stands after the closing '}'");
    }
    return status;
}

/* Copies a description as it is written today: in UTF-8, and without the L that Python 2 put behind a length. Outside
 * of quotes an L stands nowhere else. */
static char *copy_descr(struct tw__quoted text, int latin1)
{
    char *copy = malloc(2 * text.length + 1);
    if (copy == NULL) {
        return NULL;
    }
    size_t n = 0;
    char quote = text.length > 0 && text.text[0] == '[' ? '\0' : '\'';
    for (size_t k = 0; k < text.length; k++) {
        const unsigned char c = (unsigned char)text.text[k];
        if (quote == '\0' && c == 'L') {
            continue;
        }
        if (c == '\\' && k + 1 < text.length) {
            copy[n++] = (char)c;
            copy[n++] = text.text[++k];
            continue;
        }
        if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = (char)c;
        } else if (c == (unsigned char)quote) {
            quote = '\0';
        }
        if (latin1 && c >= 0x80) {
            copy[n++] = (char)(0xc0 | c >> 6);
            copy[n++] = (char)(0x80 | (c & 0x3f));
        } else {
            copy[n++] = (char)c;
        }
    }
    copy[n] = '\0';
    return copy;
}

tw_status tw__npy_parse(struct tw__npy_header *header, const unsigned char *bytes, int64_t header_length,
                        int64_t file_size, const char *name, tw_error *error)
{
    const size_t prefix = prefix_length(bytes);
    char what[512];
    snprintf(what, sizeof what, "%s: the header", name);
    struct tw__literal literal = {.text = (const char *)bytes + prefix,
                                  .length = (size_t)header_length - prefix,
                                  .latin1 = bytes[6] < 3,
                                  .what = what,
                                  .status = TW_ERROR_FORMAT,
                                  .error = error};
    struct dict dict = {0};
    tw_status status = read_dict(&literal, &dict);
    if (status != TW_OK) {
        return status;
    }
    struct tw__npy_header found = {.dtype = dict.descr.dtype,
                                   .swapped = dict.descr.swapped,
                                   .fortran = dict.fortran,
                                   .ndim = dict.ndim,
                                   .data_offset = header_length};
    memcpy(found.shape, dict.shape, sizeof found.shape);
    status =
        tw__shape_check(found.ndim, found.shape, found.dtype.itemsize, &found.data_bytes, TW_ERROR_FORMAT, what, error);
    if (status != TW_OK) {
        return status;
    }
    if (found.data_bytes > file_size - header_length) {
        return tw__fail(error, TW_ERROR_FORMAT,
                        "%s: the header promises %" PRId64 " bytes of data, the file has %" PRId64, name,
                        found.data_bytes, file_size - header_length);
    }
    if (found.dtype.kind == TW_OPAQUE) {
        found.descr =
            dict.descr.spelled[0] != '\0' ? strdup(dict.descr.spelled) : copy_descr(dict.descr.text, literal.latin1);
        if (found.descr == NULL) {
            return tw__fail_memory(error, 2 * dict.descr.text.length + 1, "the description of an item");
        }
        found.dtype.descr = found.descr;
    }
    *header = found;
    return TW_OK;
}

void tw__npy_fini(struct tw__npy_header *header)
{
    free(header->descr);
    header->descr = NULL;
}

static void write_text(struct tw__text *out, const tw_dtype *dtype, int ndim, const int64_t *shape)
{
    const char *quote = dtype->descr[0] == '[' ? "" : "'";
    tw__text_add(out, "{'descr': %s%s%s, 'fortran_order': False, 'shape': (", quote, dtype->descr, quote);
    for (int d = 0; d < ndim; d++) {
        tw__text_add(out, d == 0 ? "%" PRId64 : ", %" PRId64, shape[d]);
    }
    tw__text_add(out, ndim == 1 ? ",), }" : "), }");
}

static int is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

static size_t round_up(size_t value, size_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

tw_status tw__npy_format(unsigned char **bytes, size_t *length, const tw_dtype *dtype, int ndim, const int64_t *shape,
                         size_t alignment, tw_error *error)
{
    struct tw__text text;
    tw__text_init(&text, NULL, 0);
    write_text(&text, dtype, ndim, shape);
    const size_t body = text.length;
    if (alignment > TW__NPY_ALIGNMENT && round_up(body + 13, alignment) > MAX_TEXT_NUMPY) { /* 13: prefix and newline */
        alignment = TW__NPY_ALIGNMENT;
    }

    unsigned char version = is_ascii(dtype->descr) ? 1 : 3;
    size_t prefix = version == 1 ? 10 : 12;
    size_t whole = round_up(prefix + body + 1, alignment); /* 1: the newline */
    if (version == 1 && whole - prefix > MAX_TEXT_SHORT) {
        version = 2;
        prefix = 12;
        whole = round_up(prefix + body + 1, alignment);
    }
    if (whole - prefix > MAX_TEXT_LONG) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a .npy header of %zu bytes is more than the %d that are read again",
                        whole, MAX_TEXT_LONG);
    }
    unsigned char *out = malloc(whole + 1); /* 1: the terminator that writing text leaves */
    if (out == NULL) {
        return tw__fail_memory(error, whole, "the header of a .npy file");
    }
    memcpy(out, magic, sizeof magic);
    out[6] = version;
    out[7] = 0;
    for (size_t k = 8; k < prefix; k++) {
        out[k] = (unsigned char)((whole - prefix) >> 8 * (k - 8));
    }
    tw__text_init(&text, (char *)out + prefix, whole + 1 - prefix);
    write_text(&text, dtype, ndim, shape);
    memset(out + prefix + body, ' ', whole - prefix - body);
    out[whole - 1] = '\n';
    *bytes = out;
    *length = whole;
    return TW_OK;
}
