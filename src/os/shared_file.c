/* shared_file.c - a file whose bytes several processes write, perhaps on several machines. Knows pages and descriptors,
 * not what the bytes mean. */
#include "os/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/descriptor.h"
#include "os/file.h"
#include "os/filesystem.h"

#define PIECE ((int64_t)1 << 20) /* bytes that are read past the cache in one call */

/* ---- opening ---- */

static int open_as(int *fd, int folder, const char *name, int flags)
{
    int file;
    do {
        file = openat(folder, name, flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    } while (file < 0 && errno == EINTR);
    file = tw__descriptor_lift(file);
    if (file < 0) {
        return errno;
    }
    *fd = file;
    return 0;
}

/* Past the cache if the file system can do that: some refuse it when the file is opened, others at the first read. */
static int open_reader(struct tw__shared_file *file, int folder, const char *name)
{
    void *page;
    if (open_as(&file->reader, folder, name, O_RDONLY | O_DIRECT) == 0) {
        if (posix_memalign(&page, (size_t)file->page, (size_t)file->page) != 0) {
            return ENOMEM;
        }
        file->reads_past_cache = pread(file->reader, page, (size_t)file->page, 0) >= 0;
        free(page);
        if (file->reads_past_cache) {
            return 0;
        }
        close(file->reader);
        file->reader = -1;
    }
    return open_as(&file->reader, folder, name, O_RDONLY);
}

/* Whether bytes that are no whole pages can be written past the cache: a read tells it, unless it finds a hole. */
static int takes_any_bytes(int folder, const char *name)
{
    char byte;
    int fd = -1;
    if (open_as(&fd, folder, name, O_RDONLY | O_DIRECT) != 0) {
        return 0;
    }
    const int takes = pread(fd, &byte, 1, 1) == 1;
    close(fd);
    return takes;
}

static int open_strict(struct tw__shared_file *file, int folder, const char *name)
{
    struct tw__filesystem filesystem;
    const int failed = tw__filesystem_of(&filesystem, file->fd);
    const int is_direct = failed == 0 && !filesystem.writes_exactly && takes_any_bytes(folder, name) &&
                          open_as(&file->strict, folder, name, O_WRONLY | O_DSYNC | O_DIRECT) == 0;
    return failed != 0 || is_direct ? failed : open_as(&file->strict, folder, name, O_WRONLY | O_DSYNC);
}

int tw__shared_file_open(struct tw__shared_file *file, int folder, const char *name, int is_coherent)
{
    struct tw__file_info info;
    *file = TW__SHARED_FILE_NONE;
    file->page = sysconf(_SC_PAGESIZE);
    int failed = open_as(&file->fd, folder, name, is_coherent ? O_RDWR : O_WRONLY);
    if (failed == 0 && !is_coherent) {
        failed = open_strict(file, folder, name);
    }
    if (failed == 0 && !is_coherent) {
        failed = open_reader(file, folder, name);
    }
    if (failed == 0) {
        failed = tw__file_info(file->fd, &info);
    }
    if (failed == 0 && !info.is_regular) {
        failed = EINVAL;
    }
    if (failed != 0) {
        tw__shared_file_close(file);
        return failed;
    }
    file->device = info.device;
    file->inode = info.inode;
    return tw__shared_file_is_open(file) ? 0 : ESTALE; /* all three are one file */
}

/* ESTALE: it is a file that another machine has removed, as ours may be. */
static int is_own(const struct tw__shared_file *file, int fd)
{
    struct tw__file_info info;
    const int failed = fd < 0 ? 0 : tw__file_info(fd, &info);
    return fd < 0 || failed == ESTALE || (failed == 0 && info.device == file->device && info.inode == file->inode);
}

int tw__shared_file_is_open(const struct tw__shared_file *file)
{
    return file->fd >= 0 && is_own(file, file->fd) && is_own(file, file->strict) && is_own(file, file->reader);
}

void tw__shared_file_close(struct tw__shared_file *file)
{
    const int fds[] = {file->fd, file->strict, file->reader};
    for (size_t k = 0; k < sizeof fds / sizeof fds[0]; k++) {
        if (fds[k] >= 0 && (file->inode == 0 || is_own(file, fds[k]))) { /* else the number is another file's */
            close(fds[k]);
        }
    }
    *file = TW__SHARED_FILE_NONE;
}

/* ---- writing ---- */

/* A part of one page. A file system may want whole pages after all: then all who write go through the cache from here
 * on.
 */
static int write_part(const struct tw__shared_file *file, const char *data, size_t length, int64_t offset)
{
    const int failed = tw__file_write(file->strict, data, length, offset);
    if (failed != EINVAL) {
        return failed;
    }
    const int flags = fcntl(file->strict, F_GETFL);
    if (flags < 0 || fcntl(file->strict, F_SETFL, flags & ~O_DIRECT) != 0) {
        return failed;
    }
    return tw__file_write(file->strict, data, length, offset);
}

int tw__shared_file_write(const struct tw__shared_file *file, const void *data, size_t length, int64_t offset)
{
    if (file->strict < 0) {
        return tw__file_write(file->fd, data, length, offset);
    }
    const char *from = data;
    int64_t at = offset;
    const int64_t end = offset + (int64_t)length;
    int failed = 0;
    while (at < end && failed == 0) {
        const int64_t last = end / file->page * file->page;      /* where the last page begins */
        const int64_t next = (at / file->page + 1) * file->page; /* where the next one does */
        const int is_odd = at % file->page != 0 || last <= at;   /* a part of one page */
        const int64_t stop = !is_odd ? last : next < end ? next : end;
        const size_t bytes = (size_t)(stop - at);
        failed = is_odd ? write_part(file, from, bytes, at) : tw__file_write(file->fd, from, bytes, at);
        from += stop - at;
        at = stop;
    }
    return failed;
}

int tw__shared_file_sync(const struct tw__shared_file *file)
{
    const int failed = tw__file_sync(file->fd);
    return failed != 0 || file->strict < 0 ? failed : tw__file_sync(file->strict);
}

/* ---- reading ---- */

static int read_pages(const struct tw__shared_file *file, char *data, int64_t offset, int64_t end)
{
    void *pages;
    if (posix_memalign(&pages, (size_t)file->page, (size_t)(PIECE + file->page)) != 0) {
        return ENOMEM;
    }
    int failed = 0;
    while (offset < end && failed == 0) {
        const int64_t first = offset / file->page * file->page;
        const int64_t stop = end < first + PIECE ? end : first + PIECE;
        const int64_t whole = (stop - first + file->page - 1) / file->page * file->page;
        size_t have = 0;
        failed = tw__file_read(file->reader, pages, (size_t)whole, first, &have);
        failed = first + (int64_t)have >= stop ? 0 : failed; /* the file ends within its last page */
        if (failed == 0) {
            memcpy(data, (char *)pages + (offset - first), (size_t)(stop - offset));
            data += stop - offset;
            offset = stop;
        }
    }
    free(pages);
    return failed;
}

int tw__shared_file_read(const struct tw__shared_file *file, void *data, size_t length, int64_t offset)
{
    if (file->reader < 0) {
        return tw__file_read(file->fd, data, length, offset, NULL);
    }
    if (file->reads_past_cache) {
        return read_pages(file, data, offset, offset + (int64_t)length);
    }
    /* What this machine has written must be away before its pages can be forgotten. */
    const int failed = tw__file_sync(file->fd);
    if (failed != 0) {
        return failed;
    }
    (void)posix_fadvise(file->reader, (off_t)offset, (off_t)length, POSIX_FADV_DONTNEED);
    return tw__file_read(file->reader, data, length, offset, NULL);
}
