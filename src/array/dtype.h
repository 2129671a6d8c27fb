/* dtype.h - kinds of item: names, sizes, and the bytes that the other byte order reverses. */
#ifndef TW_ARRAY_DTYPE_H
#define TW_ARRAY_DTYPE_H

#include <tilework/tilework.h>

#include "array/spelling.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TW__NATIVE '<'
#else
#define TW__NATIVE '>'
#endif

/* The largest item that NumPy knows. */
#define TW__MAX_ITEMSIZE INT32_MAX

/* What one type string of a .npy description says: "<f8", "|S5", ">M8[ns]". */
struct tw__type {
    tw_dtype dtype;             /* descr is set for kinds that compute, NULL for opaque items */
    char order;                 /* '<', '>' or '|'; 0: none was written */
    int swapped;                /* a kind that computes, in the other byte order */
    int padding;                /* 'V': bytes without a meaning */
    char spelled[TW__SPELLING]; /* the type string, if another spelling of it was read; else "" */
};

/* Reads a type string. NULL, or why it is none as the end of a sentence ("is not ..."): static text. */
const char *tw__type_parse(struct tw__type *type, const char *text, size_t length);

/* Bytes of one number of a kind that computes (half the item of a complex one). */
int tw__number_width(tw_kind kind);

/* Same kind and size and, for opaque items, the same description. */
int tw__dtype_same(const tw_dtype *a, const tw_dtype *b);

/* Exact conversions of IEEE 754 binary16. To binary16: to the nearest, ties to even. */
double tw__half_to_double(uint16_t half);
uint16_t tw__half_from_double(double value);

#endif
