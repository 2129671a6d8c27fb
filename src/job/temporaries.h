/* temporaries.h - the arrays between the steps of a job as memory: how much they need, and where each lies in it. */
#ifndef TW_JOB_TEMPORARIES_H
#define TW_JOB_TEMPORARIES_H

#include "array/array.h"
#include "grid/stages.h"

#define TW__TEMPORARY_ALIGNMENT 64

static inline void *tw__temporaries_align(void *memory)
{
    return (void *)(((uintptr_t)memory + TW__TEMPORARY_ALIGNMENT - 1) & ~(uintptr_t)(TW__TEMPORARY_ALIGNMENT - 1));
}

/* The bytes of one temporary's elements. arrays: the job's operands, whose dtype it may have. 0: they do not fit int64.
 */
int tw__temporary_bytes(const struct tw__temporary *temporary, tw_array *const *arrays, int64_t *bytes);

/* It as a view of `data`, in C order. */
void tw__temporary_view(tw_view *view, const struct tw__temporary *temporary, tw_array *const *arrays, void *data);

/* Bytes that all temporaries need. arrays: the job's operands, whose dtypes they may have. Errors: TW_ERROR_MEMORY
 * (more than there can be). */
tw_status tw__temporaries_measure(const struct tw__stages *stages, tw_array *const *arrays, int64_t *bytes,
                                  tw_error *error);

/* views[ntemporaries]: each in C order, one behind the other in `memory`, which is aligned to 64 bytes. */
void tw__temporaries_place(tw_view *views, const struct tw__stages *stages, tw_array *const *arrays, void *memory);

#endif
