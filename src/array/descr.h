/* descr.h - descriptions of items as .npy headers write them: a type string, or a list of a record's fields. */
#ifndef TW_ARRAY_DESCR_H
#define TW_ARRAY_DESCR_H

#include "array/dtype.h"
#include "array/literal.h"

struct tw__descr {
    tw_dtype dtype;             /* descr is set for kinds that compute, NULL for opaque items */
    int swapped;                /* numbers in the other byte order */
    char spelled[TW__SPELLING]; /* what it means, if it is another spelling of a type string; else "" */
    struct tw__quoted text;     /* the description as it stands, a type string without its quotes */
};

/* Reads "'<f8'" or "[('a', '<i4'), ('b', '<f4', (2,))]" where the literal is. Objects are refused at any depth. */
tw_status tw__descr_read(struct tw__literal *literal, struct tw__descr *descr);

/* Checks a dtype that comes through the public interface and makes it what tw_dtype_of gives or, for opaque items, its
 * description a text of its own: *owned (malloc), NULL for kinds that compute. Errors: TW_ERROR_ARGUMENT,
 * TW_ERROR_MEMORY. */
tw_status tw__descr_own(tw_dtype *dtype, char **owned, tw_error *error);

#endif
