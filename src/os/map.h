/* map.h - address space: private memory, shared memory, mapped files. */
#ifndef TW_OS_MAP_H
#define TW_OS_MAP_H

#include <stddef.h>
#include <stdint.h>

#define TW__HUGE_PAGE ((size_t)2 << 20) /* what large arrays are aligned to */

/* All functions: 0, or an errno. Lengths may be any positive number of bytes. */

/* Zeroed memory of this process, from 2 MiB on aligned to it with huge pages asked for; pages appear at first touch. */
int tw__map_private(void **address, size_t length);

/* Reserves `length` bytes of sparse shared memory (a sealed memfd, or anonymous shared memory where memfd is refused):
 * children forked later have it at the same address. *fd is the memfd or -1. */
int tw__map_shared(void **address, size_t length, int *fd);

void tw__map_close(int fd); /* of tw__map_shared; -1 is allowed */

/* Gives the pages of a range of tw__map_shared back to the system; they read as zeros afterwards. */
int tw__map_discard(void *address, size_t length, int fd, size_t offset);

/* Maps a file, shared. `writable` needs a descriptor open for both. The length may end past the file's end within its
 * last page. */
int tw__map_file(void **address, size_t length, int fd, int writable);

/* The same for reading and writing, from an offset that is a multiple of the page size. */
int tw__map_file_at(void **address, size_t length, int fd, int64_t offset);

/* Waits until the mapped file's range is on the disk. */
int tw__map_sync(void *address, size_t length);

/* Private memory for `length` bytes, a multiple of the page size, with `margin` bytes (another multiple) that nobody
 * may touch before and behind it. tw__unmap_guarded takes the same numbers. */
int tw__map_guarded(void **address, size_t length, size_t margin);
void tw__unmap_guarded(void *address, size_t length, size_t margin);

/* Makes whole pages of it readable alone, or writable again. */
int tw__map_protect(void *address, size_t length, int writable);

void tw__unmap(void *address, size_t length);

/* The system may take the pages of private memory from now on, and does when it needs memory; each of those that are
 * written again stays. Until then they read as they were, or as zeros (MADV_FREE). */
void tw__map_let_go(void *address, size_t length);

/* Makes the pages of a range present and writable in this process with one call (MADV_POPULATE_WRITE). ENOMEM where
 * memory has run out, EINVAL if the kernel lacks the call (before Linux 5.14). */
int tw__populate(void *address, size_t length);

/* The same for a range of tw__map_shared that begins and ends at multiples of TW__HUGE_PAGE, with huge pages where they
 * are available (MADV_COLLAPSE, Linux 6.1; it works where the system's setting for shared huge pages is "never", too).
 * The contents are kept. *refused, 0 at first, remembers that the system does not do it. */
int tw__populate_huge(void *address, size_t length, int *refused);

int64_t tw__page_size(void);

#endif
