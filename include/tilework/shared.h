/* shared.h - arrays in shared memory that belongs to no pool, and how other processes find them: a part of stage 7 of
 * tilework.h, which includes it. */
#include <tilework/tilework.h> /* comes back here once it has what this stage needs */

#ifndef TILEWORK_SHARED_H
#define TILEWORK_SHARED_H

#ifdef __cplusplus
extern "C" {
#endif

/* A new array, C order, contents undefined, in shared memory that belongs to no pool: every process pool uses it
 * without a copy; pools opened before it fork their workers again in the first run. It takes a memory file of its own,
 * and so a file descriptor; for many arrays use tw_array_create_in. Errors: as tw_array_create. */
TW_API tw_status tw_array_create_shared(tw_array **array, const tw_dtype *dtype, int ndim, const int64_t *shape,
                                        tw_error *error);

/* Shared memory for any number of arrays, in one memory file. The memory of a destroyed array is given back to the
 * system at once. A fork of this process can use the arrays but cannot create new ones here. */
typedef struct tw__heap tw_heap;

/* Opens a heap: reserves `bytes` of address space (0: twice the machine's memory, or less if that is refused). Errors:
 * TW_ERROR_MEMORY.
 */
TW_API tw_status tw_heap_open(tw_heap **heap, int64_t bytes, tw_error *error);

/* Closes a heap. Its arrays stay valid until they are destroyed; address space that none of them needs is given back.
 * NULL: does nothing. */
TW_API void tw_heap_close(tw_heap *heap);

/* A new shared array, as tw_array_create_shared, in the heap. Errors: TW_ERROR_PROCESS in a fork of the process that
 * opened it, and those of tw_array_create. */
TW_API tw_status tw_array_create_in(tw_array **array, tw_heap *heap, const tw_dtype *dtype, int ndim,
                                    const int64_t *shape, tw_error *error);

/* Where another process of this machine and user finds the memory of a shared array. */
typedef struct tw_handle {
    int pid;                /* a process that has the memory file open */
    int descriptor;         /* ... as this one */
    uint64_t device, inode; /* which file that is */
    int64_t offset, bytes;  /* the array's memory in it */
    int64_t mark_at;        /* where the file contains the number `mark` while the array exists */
    uint64_t mark;
} tw_handle;

/* Fills in the handle of a shared array. From the first call on, the memory file stays open until the array is
 * destroyed, also if its pool is closed. Not from two threads at once. Errors: TW_ERROR_FILE (the array is in no memory
 * file, or that was closed with its pool), TW_ERROR_PROCESS (the first call, in a fork), TW_ERROR_MEMORY. */
TW_API tw_status tw_array_handle(tw_array *array, tw_handle *handle, tw_error *error);

/* Opens the memory of a handle as an array of uint8 of one dimension. It is the same memory: its pages are given back
 * when the original array and all attached ones are destroyed, or their processes have ended. No descriptor is kept
 * open. Errors: TW_ERROR_FILE (that process has ended or belongs to another user; the array is gone),
 * TW_ERROR_MEMORY, TW_ERROR_PROCESS. */
TW_API tw_status tw_array_attach(tw_array **array, const tw_handle *handle, tw_error *error);

#ifdef __cplusplus
}
#endif

#endif
