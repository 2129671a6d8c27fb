/* refuse.h - the C library's calls, counted, the k-th of a kind refused. What stands in for them is refuse.c, linked
 * into a program or preloaded; the counts are shared with all children, so that a call in a worker process counts. */
#ifndef REFUSE_H
#define REFUSE_H

#include <stdint.h>

enum refuse_kind {
    REFUSE_MALLOC, /* malloc, calloc, realloc, posix_memalign, aligned_alloc; also by the C library itself */
    REFUSE_MMAP,   /* mmap, mprotect, madvise */
    REFUSE_FORK,   /* fork, posix_spawnp */
    REFUSE_THREAD, /* pthread_create */
    REFUSE_OPEN,   /* open, openat, fopen, opendir, dlopen, pipe2, eventfd, memfd_create, fcntl(F_DUPFD), pidfd_open */
    REFUSE_WRITE,  /* pwrite, write, fallocate, ftruncate; on regular files */
    REFUSE_SYNC,   /* fsync, msync */
    REFUSE_RENAME, /* renameat, rename, mkdir */
    REFUSE_READ,   /* pread, read; on regular files */
    REFUSE_REMOVE, /* unlinkat, unlink */
    REFUSE_KINDS
};

/* In place of an errno: a write takes half of the bytes, and says so. Calls that are no writes pass. */
#define REFUSE_HALF 10000

extern const char *const refuse_names[REFUSE_KINDS];

/* From now on: count anew, and refuse the call `number` of a kind, 1 and up; with `forever` all that follow it too. */
void refuse_begin(enum refuse_kind kind, uint64_t number, int forever, int error);
void refuse_end(void);

uint64_t refuse_met(void); /* calls that were refused since refuse_begin */

/* From now on calloc gives memory, uncounted, to the library or program that contains this address. 1; 0: there is
 * none. */
int refuse_spare_calloc(void *address);
uint64_t refuse_seen(enum refuse_kind kind);

/* A sync that failed is never tried again: begin with an empty list of files whose sync was refused; how often one on
 * the list was synced all the same. */
void refuse_forget_syncs(void);
uint64_t refuse_resynced(void);

/* Calls of pwrite since a sync was refused: what they write may be a record of what never reached the disk. */
uint64_t refuse_written(void);

/* What this process has of the C library: pieces of memory not yet freed, bytes mapped less bytes unmapped. */
int64_t refuse_pieces(void);
int64_t refuse_mapped(void);

/* Where the first call was refused, as addresses in the program, a line each. Writes to descriptor `fd`. */
void refuse_where(int fd);
/* From now on the place of each piece of memory is noted (slow); writes those that were not freed. */
void refuse_trace(void);
void refuse_leaks(int fd);

#endif
