/* literal.h - the few Python literals that a .npy header is made of, read strictly: strings, numbers, tuples of
 * numbers, punctuation. Knows neither dtypes nor files. */
#ifndef TW_ARRAY_LITERAL_H
#define TW_ARRAY_LITERAL_H

#include <tilework/tilework.h>

struct tw__literal {
    const char *text; /* not terminated */
    size_t length;
    size_t at;
    int latin1;       /* strings are ISO 8859-1, not UTF-8 */
    const char *what; /* begins the sentence of an error: "a.npy: the header" */
    tw_status status; /* of an error */
    tw_error *error;
};

/* A string without its quotes; escapes stay as they are written. */
struct tw__quoted {
    const char *text;
    size_t length;
};

/* "WHAT is wrong at character N: MESSAGE". */
__attribute__((format(printf, 3, 4))) tw_status tw__literal_fail(const struct tw__literal *literal, size_t at,
                                                                 const char *format, ...);

/* Skips blanks and returns the next character without taking it; 0 at the end. */
char tw__literal_peek(struct tw__literal *literal);

/* Skips blanks and takes this character: 1, or 0 where something else stands there. */
int tw__literal_take(struct tw__literal *literal, char c);

/* Takes this character or fails. */
tw_status tw__literal_expect(struct tw__literal *literal, char c);

tw_status tw__literal_string(struct tw__literal *literal, struct tw__quoted *string);

/* Takes this word (letters alone), 1 or 0. */
int tw__literal_word(struct tw__literal *literal, const char *word);

/* "()", "(3,)", "(3, 4)": lengths of dimensions, at most TW_MAX_DIMS. */
tw_status tw__literal_shape(struct tw__literal *literal, int *ndim, int64_t *shape);

#endif
