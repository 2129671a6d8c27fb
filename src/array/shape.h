/* shape.h - arithmetic on shapes and strides, and the order of bytes. Knows neither views nor who owns memory. */
#ifndef TW_ARRAY_SHAPE_H
#define TW_ARRAY_SHAPE_H

#include <tilework/tilework.h>

/* Checks a shape that comes from outside and gives the bytes its items take. Zero lengths count as 1 in the overflow
 * check (as in NumPy), so that a product over any part of an accepted shape fits too; *bytes is 0 all the same.
 * `what` names the shape in the sentence ("a.npy: the header"). */
tw_status tw__shape_check(int ndim, const int64_t *shape, int64_t itemsize, int64_t *bytes, tw_status status,
                          const char *what, tw_error *error);

/* "3 x 4", "a single item" for 0-d. */
void tw__shape_text(int ndim, const int64_t *shape, char *text, size_t size);

void tw__strides_c(int ndim, const int64_t *shape, int64_t itemsize, int64_t *strides);
void tw__strides_fortran(int ndim, const int64_t *shape, int64_t itemsize, int64_t *strides);

/* Reverses the bytes of `count` numbers of `width` bytes (2, 4 or 8). */
void tw__swap_bytes(void *data, int64_t count, int width);

#endif
