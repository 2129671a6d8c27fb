/* hint.h - what to write instead of words and signs that other languages have and the notation lacks. */
#ifndef TW_NOTATION_READ_HINT_H
#define TW_NOTATION_READ_HINT_H

#include <stddef.h>

/* Instead of a function: "x ** 2". NULL: nothing is known. */
const char *tw__hint_function(const char *name);

/* Instead of a name that is no operand, axis or number: "nan". NULL: nothing is known. */
const char *tw__hint_name(const char *name);

/* Instead of `.ATTRIBUTE` of a value, or of a module: "real(x[i])". Never NULL. */
const char *tw__hint_attribute(const char *base, size_t base_length, const char *attribute, size_t length);

/* Instead of the sign, of one or more characters, that a text of `length` begins with: its characters come out too.
 * NULL: nothing is known. */
const char *tw__hint_sign(const char *text, size_t length, size_t *characters);

#endif
