/* complaint.c - sentences about a statement's text: where, the line itself, a caret under the place. Knows no grammar.
 */
#include "notation/read/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

enum { SHOWN = 100, LONGEST = 63, MOST_NAMES = 256 };

/* Bytes of the character that begins here; 0: what is here is no UTF-8. */
static size_t character(const struct tw__source *source, size_t at)
{
    const unsigned char first = (unsigned char)source->text[at];
    const size_t length = first < 0x80   ? 1
                          : first < 0xc2 ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf5 ? 4
                                         : 0;
    for (size_t k = 1; k < length; k++) {
        if (at + k >= source->length || ((unsigned char)source->text[at + k] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

static void add_character(struct tw__text *text, const struct tw__source *source, size_t at, size_t length)
{
    const unsigned char first = (unsigned char)source->text[at];
    if (length == 0 || (length == 2 && first == 0xc2 && (unsigned char)source->text[at + 1] < 0xa0)) {
        tw__text_add(text, "?");
    } else if (length == 1) {
        tw__text_add(text, "%c", first == '\t' ? ' ' : first < 0x20 || first == 0x7f ? '?' : first);
    } else {
        tw__text_add(text, "%.*s", (int)length, source->text + at);
    }
}

size_t tw__add_character(struct tw__text *text, const struct tw__source *source, size_t at)
{
    const size_t length = character(source, at);
    add_character(text, source, at, length);
    return length;
}

/* Characters from one place to another; what is no UTF-8 counts byte by byte. */
static size_t count_characters(const struct tw__source *source, size_t from, size_t to)
{
    size_t count = 0;
    while (from < to) {
        const size_t length = character(source, from);
        from += length > 0 ? length : 1;
        count++;
    }
    return count;
}

/* The line around `at`, and the caret: a long line is shown in part. */
static void add_line(struct tw__text *text, const struct tw__source *source, size_t first, size_t last, size_t at)
{
    size_t from = at - first > SHOWN / 2 ? at - SHOWN / 2 : first;
    const size_t to = last - from > SHOWN ? from + SHOWN : last;
    const char *lead = from > first ? "..." : "";
    while (from > first && from < at && ((unsigned char)source->text[from] & 0xc0) == 0x80) {
        from++; /* not in the middle of a character */
    }
    tw__text_add(text, "\n  %s", lead);
    for (size_t k = from; k < to;) {
        const size_t length = character(source, k);
        add_character(text, source, k, length);
        k += length > 0 ? length : 1;
    }
    tw__text_add(text, "%s\n  %*s^", to < last ? "..." : "", (int)(strlen(lead) + count_characters(source, from, at)),
                 "");
}

tw_status tw__complain(tw_error *error, const struct tw__source *source, size_t at, const char *format, ...)
{
    char what[480], message[TW_ERROR_MESSAGE_SIZE];
    size_t first = at, last = at, line = 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    while (first > 0 && source->text[first - 1] != '\n') {
        first--;
    }
    while (last < source->length && source->text[last] != '\n') {
        last++;
    }
    for (size_t k = 0; k < first; k++) {
        line += source->text[k] == '\n';
    }
    struct tw__text text;
    tw__text_init(&text, message, sizeof message);
    tw__text_add(&text, "statement: %s at ", what);
    if (memchr(source->text, '\n', source->length) != NULL) {
        tw__text_add(&text, "line %zu, ", line);
    }
    tw__text_add(&text, "column %zu", count_characters(source, first, at) + 1);
    add_line(&text, source, first, last, at);
    return tw__fail_syntax(error, (int)at + 1, "%s", message);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added or left out: Levenshtein's distance, by one row of his table. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1];
    const size_t n = least(strlen(b), LONGEST);
    for (size_t k = 0; k <= n; k++) {
        row[k] = k;
    }
    for (size_t i = 0; a[i] != '\0' && i < LONGEST; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < n; k++) {
            const size_t change = corner + (a[i] != b[k]);
            corner = row[k + 1];
            row[k + 1] = least(change, least(row[k], row[k + 1]) + 1);
        }
    }
    return row[n];
}

void tw__add_nearest(struct tw__text *text, const char *wished, const char *const *names, size_t count, size_t most)
{
    size_t far[MOST_NAMES];
    count = least(count, MOST_NAMES);
    for (size_t k = 0; k < count; k++) {
        far[k] = distance(wished, names[k]);
    }
    for (size_t n = 0; n < count && n < most; n++) {
        size_t best = MOST_NAMES;
        for (size_t k = 0; k < count; k++) {
            if (far[k] != SIZE_MAX && (best == MOST_NAMES || far[k] < far[best])) {
                best = k;
            }
        }
        tw__text_add(text, "%s%s", n > 0 ? ", " : "", names[best]);
        far[best] = SIZE_MAX;
    }
    if (count > most) {
        tw__text_add(text, ", ...");
    }
}
