/* spelling.h - other spellings of types, as NumPy reads them in .npy headers. */
#ifndef TW_ARRAY_SPELLING_H
#define TW_ARRAY_SPELLING_H

#include <stddef.h>

#define TW__SPELLING 40 /* bytes of a type string, terminated */

/* The type string that text[length] means: "d" is "<f8", "|U3" "<U3", "datetime64[ns]" "<M8[ns]". Its length; 0: it is
 * no other spelling of one, but may be a type string itself. */
size_t tw__spelling(char spelled[TW__SPELLING], const char *text, size_t length);

#endif
