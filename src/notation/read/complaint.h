/* complaint.h - sentences about a statement's text: where, the line itself, a caret under the place. */
#ifndef TW_NOTATION_READ_COMPLAINT_H
#define TW_NOTATION_READ_COMPLAINT_H

#include <stddef.h>

#include <tilework/tilework.h>

#include "base/text.h"

struct tw__source {
    const char *text;
    size_t length;
};

/* TW_ERROR_SYNTAX:
 *     statement: WHAT at column N
 *       LINE
 *           ^
 * `at` is an index into the text; tw_error.column is at + 1 (bytes), N counts characters. Of a text with several lines
 * the line is named too. */
__attribute__((format(printf, 4, 5))) tw_status tw__complain(tw_error *error, const struct tw__source *source,
                                                             size_t at, const char *format, ...);

/* Adds the character at `at`, or '?' for what cannot be shown; its bytes are returned, 0: it is no UTF-8. */
size_t tw__add_character(struct tw__text *text, const struct tw__source *source, size_t at);

/* Adds names to a list, those that are spelled most like `wished` first: "u, v, x". At most `most`, then "...". */
void tw__add_nearest(struct tw__text *text, const char *wished, const char *const *names, size_t count, size_t most);

#endif
