/* constant.h - one item from a number. */
#ifndef TW_ARRAY_CONSTANT_H
#define TW_ARRAY_CONSTANT_H

#include <tilework/tilework.h>

/* Writes the number to item[itemsize], rounded to a float's digits. Returns 0, and writes nothing, if the dtype cannot
 * hold it: a fraction or a size that an integer has not, a finite size past a float's, an imaginary part of what is not
 * complex, for a bool other than 0 and 1, and any number for opaque items, unless they are numbers in the other byte
 * order (">f8"). */
int tw__item_of_number(const tw_dtype *dtype, double real, double imag, void *item);

#endif
