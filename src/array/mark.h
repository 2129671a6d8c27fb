/* mark.h - what says to other processes that a shared array lives.
 *
 * It lies beside the array in the memory file: how many other processes have the array mapped, and a random number,
 * which is zero once the array is destroyed. So a handle that comes too late is known as such, although another array
 * may be in the same place by then; and memory that others still use is not given back. */
#ifndef TW_ARRAY_MARK_H
#define TW_ARRAY_MARK_H

#include <stdatomic.h>

#include "array/array.h"

struct tw__mark {
    _Atomic uint64_t attached; /* first: the heap looks at it */
    _Atomic uint64_t number;
};

/* Gives an array its mark. Errors: TW_ERROR_MEMORY. */
tw_status tw__mark_make(tw_array *array, tw_error *error);

/* Gives the memory of an array that has a mark, now or once no other process has it. */
void tw__mark_release(tw_array *array);

/* Gives up the mark of an attached array. */
void tw__mark_detach(tw_array *array);

#endif
