/* heap.h - shared memory of one pool: a sparse mapping made before any worker exists, so that an address means the same
 * in every worker and memory taken later is simply there. Bytes alone; knows neither arrays nor pools. */
#ifndef TW_HEAP_HEAP_H
#define TW_HEAP_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

struct tw__heap;

/* Reserves address space (0: twice the machine's memory; less where that is refused). One reference. */
tw_status tw__heap_create(struct tw__heap **heap, int64_t bytes, tw_error *error);
void tw__heap_retain(struct tw__heap *heap);
void tw__heap_release(struct tw__heap *heap); /* the last reference unmaps */

/* Ranges that are given go back to the system at once, instead of being kept warm. Before the first take. */
void tw__heap_return(struct tw__heap *heap);

/* Nothing more will be taken: address space that no array uses goes back to the system, at once and with each give; the
 * memory file is closed unless somebody needs it. For the process that made the heap; in a fork: nothing. */
void tw__heap_seal(struct tw__heap *heap);

/* Somebody needs the memory file open (1), or does no longer (-1). */
void tw__heap_need_file(struct tw__heap *heap, int change);

/* A range of at least `bytes` bytes (0 counts as 1), contents undefined; aligned to 64 bytes, from 1 MiB on to 2 MiB.
 * Freed ranges are kept warm and taken first; when memory is short they go back to the system (spare.h). Any thread of
 * the process that made the heap; in a fork of it: TW_ERROR_PROCESS. Errors: TW_ERROR_MEMORY. */
tw_status tw__heap_take(struct tw__heap *heap, size_t bytes, void **address, tw_error *error);
void tw__heap_give(struct tw__heap *heap, void *address); /* NULL is allowed */

/* Gives `address`, and `counter`, another range of the heap, which begins with a count: once that is zero. Other
 * processes may have pages of the range; they add one to the count while they do. */
void tw__heap_give_both(struct tw__heap *heap, void *address, _Atomic uint64_t *counter);

/* Returns freed ranges' pages to the system. */
void tw__heap_trim(struct tw__heap *heap);

/* Changes whenever pages that a worker populated may have gone (tw__heap_trim). */
uint64_t tw__heap_epoch(const struct tw__heap *heap);

/* tw__now() just after the mapping was made: processes forked before do not have it. */
int64_t tw__heap_mapped_at(const struct tw__heap *heap);

/* Makes the pages of a range that was taken present, as huge ones if they are available, for a large write by this
 * process. Errors: TW_ERROR_MEMORY. */
tw_status tw__heap_populate(struct tw__heap *heap, void *address, size_t bytes, tw_error *error);

/* Whether it is a memory file; else anonymous shared memory, where the system refuses those. */
int tw__heap_has_file(const struct tw__heap *heap);
int tw__heap_descriptor(const struct tw__heap *heap); /* of that file; -1: none, or it was closed */

int tw__heap_contains(const struct tw__heap *heap, const void *address);
void *tw__heap_base(const struct tw__heap *heap);
size_t tw__heap_size(const struct tw__heap *heap);

#endif
