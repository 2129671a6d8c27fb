/* memory.h - one piece of memory that grows and is kept: reserved again and again for what is needed next, allocated
 * only when that is more than before. */
#ifndef TW_HEAP_MEMORY_H
#define TW_HEAP_MEMORY_H

#include <stddef.h>

#include <tilework/tilework.h>

#include "heap/heap.h"

/* Zeroed memory is an empty one. */
struct tw__memory {
    struct tw__heap *heap; /* where it lies, referenced; NULL: private memory */
    void *data;
    size_t size;
};

/* Makes room for `size` bytes in a heap or, if that is NULL, in private memory; contents are lost. `what` is for the
 * error's sentence. Errors: TW_ERROR_MEMORY, and the memory is as it was. */
tw_status tw__memory_reserve(struct tw__memory *memory, struct tw__heap *heap, size_t size, const char *what,
                             tw_error *error);
void tw__memory_release(struct tw__memory *memory);

#endif
