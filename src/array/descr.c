/* descr.c - descriptions of items as .npy headers write them, records included. Knows no files.
 *
 *   type    = string | '[' field, ... ']'
 *   field   = '(' name ',' type [ ',' shape ] ')'
 *   name    = string | '(' title ',' name ')'            '' is padding and has type '|Vn'
 */
#include "array/descr.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/dtype.h"
#include "base/checked.h"
#include "base/error.h"

#define MAX_DEPTH 32 /* of records in records: bounds the recursion */

/* Names of the fields of all records that are being read, innermost last. */
struct names {
    struct tw__quoted *items;
    size_t count, room;
};

static tw_status push_name(struct tw__literal *literal, struct names *names, struct tw__quoted name)
{
    if (names->count == names->room) {
        const size_t room = names->room == 0 ? 16 : 2 * names->room;
        struct tw__quoted *larger = realloc(names->items, room * sizeof *larger);
        if (larger == NULL) {
            return tw__fail_memory(literal->error, room * sizeof *larger, "the names of a record");
        }
        names->items = larger;
        names->room = room;
    }
    names->items[names->count++] = name;
    return TW_OK;
}

static int compare_names(const void *a, const void *b)
{
    const struct tw__quoted *x = a, *y = b;
    if (x->length != y->length) {
        return x->length < y->length ? -1 : 1;
    }
    return memcmp(x->text, y->text, x->length);
}

/* Looks through the names of the record that ends here, and forgets them. */
static tw_status check_names(struct tw__literal *literal, struct names *names, size_t first, size_t start)
{
    const size_t count = names->count - first;
    names->count = first;
    if (count < 2) {
        return TW_OK;
    }
    struct tw__quoted *own = names->items + first;
    qsort(own, count, sizeof *own, compare_names);
    for (size_t k = 1; k < count; k++) {
        if (compare_names(&own[k - 1], &own[k]) == 0) {
            return tw__literal_fail(literal, start, "two fields of a record are named '%.*s'",
                                    own[k].length < 60 ? (int)own[k].length : 60, own[k].text);
        }
    }
    return TW_OK;
}

static tw_status read_type(struct tw__literal *literal, struct names *names, int depth, struct tw__type *type);

static tw_status read_name(struct tw__literal *literal, struct names *names, int *unnamed)
{
    const int titled = tw__literal_take(literal, '(');
    struct tw__quoted name;
    tw_status status;
    if (titled) {
        status = tw__literal_string(literal, &name);
        if (status == TW_OK) {
            status = push_name(literal, names, name);
        }
        if (status == TW_OK) {
            status = tw__literal_expect(literal, ',');
        }
        if (status != TW_OK) {
            return status;
        }
    }
    status = tw__literal_string(literal, &name);
    if (status == TW_OK && titled) {
        status = tw__literal_expect(literal, ')');
    }
    *unnamed = status == TW_OK && name.length == 0;
    if (status == TW_OK && !*unnamed) {
        status = push_name(literal, names, name);
    }
    return status;
}

/* Reads what stands between the brackets of a field and adds its bytes to *total. */
static tw_status read_field(struct tw__literal *literal, struct names *names, int depth, int64_t *total)
{
    int unnamed = 0;
    struct tw__type type = {0};
    tw_status status = read_name(literal, names, &unnamed);
    if (status == TW_OK) {
        status = tw__literal_expect(literal, ',');
    }
    tw__literal_peek(literal);
    const size_t start = literal->at;
    if (status == TW_OK) {
        status = read_type(literal, names, depth, &type);
    }
    if (status != TW_OK) {
        return status;
    }
    if (unnamed && !type.padding) {
        return tw__literal_fail(literal, start, "a field without a name, which only padding such as '|V4' may be");
    }
    int64_t factors[TW_MAX_DIMS + 1] = {type.dtype.itemsize};
    int ndim = 0;
    if (tw__literal_take(literal, ',') && tw__literal_peek(literal) != ')') {
        status = tw__literal_shape(literal, &ndim, factors + 1);
        tw__literal_take(literal, ',');
    }
    int64_t bytes;
    if (status == TW_OK &&
        (!tw__product(factors, ndim + 1, &bytes) || !tw__add(*total, bytes, total) || *total > TW__MAX_ITEMSIZE)) {
        return tw__literal_fail(literal, start,
                                "a record of more than 2^31 - 1 bytes, the largest item that NumPy knows");
    }
    return status;
}

static tw_status read_record(struct tw__literal *literal, struct names *names, int depth, struct tw__type *type)
{
    const size_t start = literal->at, first = names->count;
    tw_status status = tw__literal_expect(literal, '[');
    if (status == TW_OK && depth > MAX_DEPTH) {
        return tw__literal_fail(literal, start, "records in records, more than %d deep", MAX_DEPTH);
    }
    int64_t total = 0;
    int comma = 1;
    while (status == TW_OK && !tw__literal_take(literal, ']')) {
        if (!comma) {
            return tw__literal_fail(literal, literal->at, "',' or ']' belongs here");
        }
        status = tw__literal_expect(literal, '(');
        if (status == TW_OK) {
            status = read_field(literal, names, depth, &total);
        }
        if (status == TW_OK) {
            status = tw__literal_expect(literal, ')');
        }
        comma = tw__literal_take(literal, ',');
    }
    if (status == TW_OK) {
        status = check_names(literal, names, first, start);
    }
    const struct tw__type record = {.dtype = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = total}};
    *type = record;
    return status;
}

static tw_status read_type(struct tw__literal *literal, struct names *names, int depth, struct tw__type *type)
{
    const char first = tw__literal_peek(literal);
    const size_t start = literal->at;
    if (first == '[') {
        return read_record(literal, names, depth + 1, type);
    }
    if (first != '\'' && first != '"') {
        return tw__literal_fail(literal, start, "a type belongs here: a string such as '<f8' or a list of fields");
    }
    struct tw__quoted string;
    const tw_status status = tw__literal_string(literal, &string);
    if (status != TW_OK) {
        return status;
    }
    const char *why = tw__type_parse(type, string.text, string.length);
    if (why != NULL) {
        return tw__literal_fail(literal, start, "'%.*s' %s", string.length < 40 ? (int)string.length : 40, string.text,
                                why);
    }
    return TW_OK;
}

tw_status tw__descr_read(struct tw__literal *literal, struct tw__descr *descr)
{
    struct names names = {0};
    struct tw__type type = {0};
    const int quoted = tw__literal_peek(literal) != '[';
    const size_t start = literal->at;
    const tw_status status = read_type(literal, &names, 0, &type);
    free(names.items);
    if (status != TW_OK) {
        return status;
    }
    descr->dtype = type.dtype;
    descr->swapped = type.swapped;
    memcpy(descr->spelled, type.spelled, sizeof descr->spelled);
    descr->text.text = literal->text + start + quoted;
    descr->text.length = literal->at - start - (quoted ? 2 : 0);
    return TW_OK;
}

/* The bytes of an item with this description, a type string without quotes or a list of fields. */
static tw_status measure(const char *text, int64_t *itemsize, tw_error *error)
{
    struct tw__literal literal = {.text = text,
                                  .length = strlen(text),
                                  .what = "the dtype's description",
                                  .status = TW_ERROR_ARGUMENT,
                                  .error = error};
    if (*text != '[') {
        struct tw__type type;
        const char *why = tw__type_parse(&type, text, literal.length);
        if (why != NULL) {
            return tw__literal_fail(&literal, 0, "'%.40s' %s", text, why);
        }
        *itemsize = type.dtype.itemsize;
        return TW_OK;
    }
    struct tw__descr descr;
    tw_status status = tw__descr_read(&literal, &descr);
    if (status == TW_OK && literal.at != literal.length) {
        status = tw__literal_fail(&literal, literal.at, "something stands after the description");
    }
    if (status == TW_OK) {
        *itemsize = descr.dtype.itemsize;
    }
    return status;
}

tw_status tw__descr_own(tw_dtype *dtype, char **owned, tw_error *error)
{
    const tw_dtype known = tw_dtype_of(dtype->kind);
    if (dtype->kind != known.kind) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%d is no kind of item", (int)dtype->kind);
    }
    if (dtype->kind != TW_OPAQUE) {
        if (dtype->itemsize != known.itemsize) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "an item of %s has %" PRId64 " bytes, not %" PRId64,
                            tw_dtype_name(&known), known.itemsize, dtype->itemsize);
        }
        *dtype = known;
        *owned = NULL;
        return TW_OK;
    }
    if (dtype->itemsize < 0 || dtype->itemsize > TW__MAX_ITEMSIZE) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "an item has 0 to 2^31 - 1 bytes, not %" PRId64, dtype->itemsize);
    }
    char plain[32];
    snprintf(plain, sizeof plain, "|V%" PRId64, dtype->itemsize);
    const char *text = dtype->descr != NULL ? dtype->descr : plain;
    int64_t itemsize = 0;
    const tw_status status = measure(text, &itemsize, error);
    if (status != TW_OK) {
        return status;
    }
    if (itemsize != dtype->itemsize) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "an item of '%.60s' has %" PRId64 " bytes, not %" PRId64, text,
                        itemsize, dtype->itemsize);
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return tw__fail_memory(error, strlen(text) + 1, "the description of an item");
    }
    dtype->alignment = 1;
    dtype->descr = copy;
    *owned = copy;
    return TW_OK;
}
