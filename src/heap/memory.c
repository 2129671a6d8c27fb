/* memory.c - one piece of memory that grows and is kept. Bytes alone; does not know what they are for. */
#include "heap/memory.h"

#include <stdlib.h>

#include "base/error.h"
#include "os/cpu.h"
#include "os/map.h"

/* Bytes from which on private memory is mapped: below, mapping costs more than the run it is for. */
#define LEAST_MAPPED ((size_t)1 << 17)

tw_status tw__memory_reserve(struct tw__memory *memory, struct tw__heap *heap, size_t size, const char *what,
                             tw_error *error)
{
    if (memory->data != NULL && memory->size >= size) {
        return TW_OK;
    }
    const size_t wanted = size + size / 4 + 4096;
    void *data = NULL;
    tw_status status = TW_OK;
    /* Pages appear at first touch: a mapping that is too large would succeed, and end with the out-of-memory killer. */
    if (heap == NULL && !tw__is_small((int64_t)size) && (int64_t)size > tw__available_memory()) {
        return tw__fail_memory(error, size, what);
    }
    if (heap != NULL) {
        status = tw__heap_take(heap, wanted, &data, error);
    } else if (wanted < LEAST_MAPPED) {
        data = malloc(wanted);
        status = data != NULL ? TW_OK : tw__fail_memory(error, wanted, what);
    } else if (tw__map_private(&data, wanted) != 0) {
        status = tw__fail_memory(error, wanted, what);
    }
    if (status != TW_OK) {
        return status;
    }
    tw__memory_release(memory);
    if (heap != NULL) {
        tw__heap_retain(heap);
    }
    *memory = (struct tw__memory){.heap = heap, .data = data, .size = wanted};
    return TW_OK;
}

void tw__memory_release(struct tw__memory *memory)
{
    if (memory->data != NULL && memory->heap != NULL) {
        tw__heap_give(memory->heap, memory->data);
        tw__heap_release(memory->heap);
    } else if (memory->size < LEAST_MAPPED) {
        free(memory->data);
    } else {
        tw__unmap(memory->data, memory->size);
    }
    *memory = (struct tw__memory){0};
}
