/* map.c - address space: private memory, shared memory, mapped files. Knows sizes and descriptors alone. */
#include "os/map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/descriptor.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

int64_t tw__page_size(void)
{
    return sysconf(_SC_PAGESIZE);
}

/* Maps `length` bytes at a multiple of TW__HUGE_PAGE: maps more, then cuts off what is too much at both ends. */
static int map_aligned(void **address, size_t length, int flags, int fd)
{
    size_t padded;
    if (__builtin_add_overflow(length, TW__HUGE_PAGE, &padded)) {
        return ENOMEM;
    }
    /* The placement is found with a mapping that can never be touched; the real one then replaces its middle. */
    char *place = mmap(NULL, padded, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) {
        return errno;
    }
    const size_t page = (size_t)tw__page_size();
    const size_t whole = (length + page - 1) & ~(page - 1);
    char *start = (char *)(((uintptr_t)place + TW__HUGE_PAGE - 1) & ~(uintptr_t)(TW__HUGE_PAGE - 1));
    if (mmap(start, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
        const int error = errno;
        munmap(place, padded);
        return error;
    }
    if (start > place) {
        munmap(place, (size_t)(start - place));
    }
    const size_t end = ((uintptr_t)place + padded + page - 1) & ~(page - 1);
    if (end > (uintptr_t)start + whole) {
        munmap(start + whole, end - ((uintptr_t)start + whole));
    }
    *address = start;
    return 0;
}

int tw__map_private(void **address, size_t length)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (length < TW__HUGE_PAGE) {
        void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (memory == MAP_FAILED) {
            return errno;
        }
        *address = memory;
        return 0;
    }
    const int error = map_aligned(address, length, flags, -1);
    if (error == 0) {
        madvise(*address, length, MADV_HUGEPAGE);
    }
    return error;
}

int tw__map_shared(void **address, size_t length, int *fd)
{
    /* Past a file size limit ftruncate does not fail, it raises SIGXFSZ. */
    struct rlimit limit;
    const int limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < length;
    int file = limited ? -1 : tw__descriptor_lift(memfd_create("tilework", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (file >= 0 && ftruncate(file, (off_t)length) != 0) {
        close(file);
        file = -1;
    }
    int error;
    if (file >= 0) {
        /* Nobody may shorten it under a worker's feet. */
        fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
        error = map_aligned(address, length, MAP_SHARED | MAP_NORESERVE, file);
    } else {
        error = map_aligned(address, length, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    }
    if (error != 0) {
        if (file >= 0) {
            close(file);
        }
        return error;
    }
    /* Has an effect where the system's setting for shared memory is "advise". */
    madvise(*address, length, MADV_HUGEPAGE);
    /* A core dump would read, and thereby fill, every hole of the reserve. */
    madvise(*address, length, MADV_DONTDUMP);
    *fd = file;
    return 0;
}

void tw__map_close(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

int tw__map_discard(void *address, size_t length, int fd, size_t offset)
{
    if (fd < 0) {
        return madvise(address, length, MADV_REMOVE) == 0 ? 0 : errno;
    }
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length) == 0 ? 0 : errno;
}

int tw__map_file(void **address, size_t length, int fd, int writable)
{
    void *memory = mmap(NULL, length, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return errno;
    }
    *address = memory;
    return 0;
}

int tw__map_file_at(void **address, size_t length, int fd, int64_t offset)
{
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
    if (memory == MAP_FAILED) {
        return errno;
    }
    *address = memory;
    return 0;
}

int tw__map_sync(void *address, size_t length)
{
    return msync(address, length, MS_SYNC) == 0 ? 0 : errno;
}

int tw__map_guarded(void **address, size_t length, size_t margin)
{
    char *memory = mmap(NULL, length + 2 * margin, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return errno;
    }
    if (mprotect(memory + margin, length, PROT_READ | PROT_WRITE) != 0) {
        const int error = errno;
        munmap(memory, length + 2 * margin);
        return error;
    }
    *address = memory + margin;
    return 0;
}

void tw__unmap_guarded(void *address, size_t length, size_t margin)
{
    munmap((char *)address - margin, length + 2 * margin);
}

int tw__map_protect(void *address, size_t length, int writable)
{
    return mprotect(address, length, PROT_READ | (writable ? PROT_WRITE : 0)) == 0 ? 0 : errno;
}

void tw__unmap(void *address, size_t length)
{
    if (address != NULL && length > 0) {
        munmap(address, length);
    }
}

void tw__map_let_go(void *address, size_t length)
{
    madvise(address, length, MADV_FREE); /* refused, they stay as they are */
}

int tw__populate(void *address, size_t length)
{
    const uintptr_t page = (uintptr_t)tw__page_size();
    const uintptr_t first = (uintptr_t)address & ~(page - 1);
    const uintptr_t last = ((uintptr_t)address + length + page - 1) & ~(page - 1);
    while (madvise((void *)first, last - first, MADV_POPULATE_WRITE) != 0) {
        if (errno != EINTR && errno != EAGAIN) {
            return errno;
        }
    }
    return 0;
}

/* A range without any page cannot be collapsed: the first page of each huge one is made present before. */
int tw__populate_huge(void *address, size_t length, int *refused)
{
    if (*refused) {
        return tw__populate(address, length);
    }
    const size_t page = (size_t)tw__page_size();
    for (size_t offset = 0; offset < length; offset += TW__HUGE_PAGE) {
        const int error = tw__populate((char *)address + offset, page);
        if (error != 0) {
            return error;
        }
    }
    if (madvise(address, length, MADV_COLLAPSE) == 0) {
        return 0;
    }
    *refused = errno == EINVAL; /* and not only for want of a huge page just now */
    return tw__populate(address, length);
}
