/* array.h - the array object: a view, and who owns the memory under it. */
#ifndef TW_ARRAY_ARRAY_H
#define TW_ARRAY_ARRAY_H

#include "array/view.h"
#include "heap/heap.h"

struct tw__store;
struct tw__mark;

struct tw_array {
    tw_view view;
    tw_memory memory;
    char *descr;           /* owned text that view.dtype.descr of an opaque dtype points to, else NULL */
    void *base;            /* what is unmapped or given back; NULL: nothing */
    size_t bytes;          /* of base */
    struct tw__heap *heap; /* TW_SHARED: where base lies, retained */
    struct tw__mark *mark; /* what says to other processes that the array lives; NULL: it has no handle */
    void *mark_base;       /* attached: where the mark's page is mapped */
    size_t mark_size;
    int mark_owner;    /* attached: the process that counts */
    int64_t mapped_at; /* tw__now() just after the mapping was made: workers forked before do not have it */
    int writable;
    int zero;                                 /* its memory was new: every element that nobody wrote is 0 */
    int part;                                 /* base is another array's */
    char *origin;                             /* owned: the state of the file that its first values come from, as
                                                 text; NULL: only the values say what they were */
    struct tw__store *store;                  /* owned: where the elements are kept outside of memory; NULL: nowhere */
    void (*release)(struct tw__store *store); /* releases it; nothing is left of an output that is not finished */
};

/* An array object without memory: checks dtype and shape, takes a copy of the description, sets the strides of C order.
 * *bytes: what its items take. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY. */
tw_status tw__array_new(tw_array **array, const tw_dtype *dtype, int ndim, const int64_t *shape, int64_t *bytes,
                        tw_error *error);

/* Says what its values come from; NULL: nothing says so. Errors: TW_ERROR_MEMORY. */
tw_status tw__array_set_origin(tw_array *array, const char *origin, tw_error *error);

/* A new array, contents undefined, C order: in the heap if there is one, else private.
 * tw_array_create is this with the pool's heap. */
tw_status tw__array_create(tw_array **array, struct tw__heap *heap, const tw_dtype *dtype, int ndim,
                           const int64_t *shape, tw_error *error);

/* The same for a copy of what a view shows, with its shape, and memory for tw__view_distinct_bytes alone: a broadcast
 * view stays one, windows that overlap still do. It is filled by tw__view_copy from *from to *to. */
tw_status tw__array_create_like(tw_array **array, struct tw__heap *heap, const tw_view *view, tw_view *to,
                                tw_view *from, tw_error *error);

#endif
