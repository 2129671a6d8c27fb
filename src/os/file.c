/* file.c - files: open, read, write, preallocate, rename, lock. Knows descriptors and bytes, not what they mean.
 *
 * A process that writes past its file size limit is sent SIGXFSZ, which ends it. A library may not install a handler
 * for that, so everything that makes a file longer looks at the limit first. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "os/descriptor.h"

_Static_assert(TW__FOLDER_HERE == AT_FDCWD, "the current folder, as openat has it");

#define PIECE ((size_t)1 << 30) /* bytes a call: below the system's limit, and an interrupted call loses little */

static int open_file(int *fd, int folder, const char *path, int flags, uint32_t mode)
{
    int file;
    do {
        /* O_NONBLOCK means nothing to a regular file, and keeps a pipe without a writer from blocking forever. */
        file = openat(folder, path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, (mode_t)mode);
    } while (file < 0 && errno == EINTR);
    file = tw__descriptor_lift(file);
    if (file < 0) {
        return errno;
    }
    *fd = file;
    return 0;
}

int tw__file_open_read(int *fd, const char *path)
{
    return open_file(fd, AT_FDCWD, path, O_RDONLY, 0);
}

int tw__file_open_read_in(int *fd, int folder, const char *name)
{
    return open_file(fd, folder, name, O_RDONLY, 0);
}

int tw__file_open_of(int *fd, int pid, int descriptor)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, descriptor);
    return open_file(fd, AT_FDCWD, path, O_RDWR, 0);
}

int tw__file_open_write(int *fd, const char *path)
{
    return open_file(fd, AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0666);
}

int tw__file_open_write_in(int *fd, int folder, const char *name)
{
    return open_file(fd, folder, name, O_RDWR | O_NOFOLLOW, 0);
}

int tw__file_create(int *fd, const char *path, uint32_t mode)
{
    return tw__file_create_in(fd, AT_FDCWD, path, mode);
}

int tw__file_create_in(int *fd, int folder, const char *name, uint32_t mode)
{
    return open_file(fd, folder, name, O_RDWR | O_CREAT | O_EXCL, mode);
}

void tw__file_close(int fd)
{
    close(fd);
}

static void copy_info(struct tw__file_info *info, const struct stat *status)
{
    info->size = status->st_size;
    info->device = status->st_dev;
    info->inode = status->st_ino;
    info->is_regular = S_ISREG(status->st_mode);
    info->is_directory = S_ISDIR(status->st_mode);
    info->mode = status->st_mode & 07777;
    info->owner = status->st_uid;
    info->links = status->st_nlink;
    info->changed_at = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

int tw__file_info(int fd, struct tw__file_info *info)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return errno;
    }
    copy_info(info, &status);
    return 0;
}

int64_t tw__file_born_at(int fd)
{
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 || (status.stx_mask & STATX_BTIME) == 0) {
        return 0;
    }
    return (int64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}

int tw__path_info(const char *path, struct tw__file_info *info)
{
    return tw__path_info_in(AT_FDCWD, path, info);
}

int tw__path_info_in(int folder, const char *name, struct tw__file_info *info)
{
    struct stat status;
    if (fstatat(folder, name, &status, 0) != 0) {
        return errno;
    }
    copy_info(info, &status);
    return 0;
}

int tw__folder_may_make(int folder)
{
    return faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) != 0 ? errno : 0;
}

int tw__path_may_write(const char *path)
{
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0 ? errno : 0;
}

int tw__file_lock(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

void tw__file_unlock(int fd)
{
    flock(fd, LOCK_UN);
}

/* One line of /proc/locks: "3: FLOCK  ADVISORY  WRITE 18234 fd:01:1234 0 EOF", device in hexadecimal. */
static int locker_in_line(const char *line, const char *wanted)
{
    const char *at = strstr(line, " FLOCK ");
    const char *pid = at != NULL ? strstr(at, " WRITE ") : NULL;
    if (pid == NULL || strstr(line, "->") != NULL) { /* one that waits */
        return 0;
    }
    pid += strlen(" WRITE ");
    const size_t digits = strspn(pid, "0123456789");
    int number = 0;
    if (strncmp(pid + digits, wanted, strlen(wanted)) != 0 || digits > 9) {
        return 0;
    }
    for (size_t k = 0; k < digits; k++) {
        number = number * 10 + (pid[k] - '0');
    }
    return number;
}

int tw__file_locker(int fd)
{
    struct stat status;
    char wanted[96], line[256];
    if (fstat(fd, &status) != 0) {
        return 0;
    }
    snprintf(wanted, sizeof wanted, " %02x:%02x:%llu ", major(status.st_dev), minor(status.st_dev),
             (unsigned long long)status.st_ino);
    FILE *locks = fopen("/proc/locks", "re");
    int pid = 0;
    while (locks != NULL && pid == 0 && fgets(line, sizeof line, locks) != NULL) {
        pid = locker_in_line(line, wanted);
    }
    if (locks != NULL) {
        fclose(locks);
    }
    return pid;
}

int tw__file_read(int fd, void *data, size_t length, int64_t offset, size_t *done)
{
    size_t have = 0;
    int error = 0;
    while (have < length && error == 0) {
        const size_t piece = length - have < PIECE ? length - have : PIECE;
        const ssize_t n = pread(fd, (char *)data + have, piece, (off_t)(offset + (int64_t)have));
        if (n > 0) {
            have += (size_t)n;
        } else if (n == 0) {
            error = EIO;
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    if (done != NULL) {
        *done = have;
    }
    return error;
}

int tw__file_read_some(int fd, void *data, size_t length, size_t *done)
{
    ssize_t n;
    do {
        n = pread(fd, data, length, 0);
    } while (n < 0 && errno == EINTR);
    *done = n > 0 ? (size_t)n : 0;
    return n < 0 ? errno : 0;
}

static int within_limit(int64_t end)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || (rlim_t)end <= limit.rlim_cur;
}

static int write_bytes(int fd, const char *data, size_t length, int64_t offset)
{
    size_t done = 0;
    while (done < length) {
        const size_t piece = length - done < PIECE ? length - done : PIECE;
        const ssize_t n = pwrite(fd, data + done, piece, (off_t)(offset + (int64_t)done));
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0) {
            return EIO;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int tw__file_write(int fd, const void *data, size_t length, int64_t offset)
{
    int64_t end;
    if (length > INT64_MAX || __builtin_add_overflow(offset, (int64_t)length, &end) || !within_limit(end)) {
        return EFBIG;
    }
    return write_bytes(fd, data, length, offset);
}

static int write_zeros(int fd, int64_t from, int64_t to)
{
    const size_t size = (size_t)1 << 20;
    char *zeros = calloc(1, size);
    if (zeros == NULL) {
        return ENOMEM;
    }
    int error = 0;
    while (from < to && error == 0) {
        const size_t piece = to - from < (int64_t)size ? (size_t)(to - from) : size;
        error = write_bytes(fd, zeros, piece, from);
        from += (int64_t)piece;
    }
    free(zeros);
    return error;
}

/* Whether the disk has this many bytes at all: without asking, a file system may hand out all it has before it says no,
 * and other programs find the disk full. Some say that they have no blocks at all: those are asked the hard way. */
static int has_room(int fd, int64_t bytes)
{
    struct statvfs room;
    uint64_t there;
    return fstatvfs(fd, &room) != 0 || room.f_blocks == 0 ||
           __builtin_mul_overflow((uint64_t)room.f_bfree, (uint64_t)room.f_frsize, &there) || (uint64_t)bytes <= there;
}

/* `kept`: bytes at the front that are there already. may_write: zeros, if the file system cannot do it. In pieces, so
 * that a signal does not undo the work so far. */
static int take_room(int fd, int64_t kept, int64_t length, int may_write)
{
    int64_t from = 0;
    while (from < length) {
        const int64_t piece = length - from < (int64_t)PIECE ? length - from : (int64_t)PIECE;
        if (fallocate(fd, 0, (off_t)from, (off_t)piece) == 0) {
            from += piece;
        } else if (errno == EOPNOTSUPP || errno == ENOSYS) {
            return may_write ? write_zeros(fd, from > kept ? from : kept, length) : 0;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static int make_long(int fd, int64_t length, int may_write)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return errno;
    }
    const int64_t had = (int64_t)status.st_blocks * 512;
    int error = tw__file_truncate(fd, length);
    if (error != 0) {
        return error;
    }
    error = length > had && !has_room(fd, length - had) ? ENOSPC : take_room(fd, status.st_size, length, may_write);
    if (error != 0) {
        tw__file_truncate(fd, status.st_size); /* gives back what was taken so far */
    }
    return error;
}

int tw__file_allocate(int fd, int64_t length)
{
    return make_long(fd, length, 1);
}

int tw__file_extend(int fd, int64_t length)
{
    return make_long(fd, length, 0);
}

int tw__file_truncate(int fd, int64_t length)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return errno;
    }
    if (length > status.st_size && !within_limit(length)) {
        return EFBIG;
    }
    while (ftruncate(fd, (off_t)length) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int tw__file_sync(int fd)
{
    while (fsync(fd) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int tw__folder_open(int *folder, const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    char *above = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (above == NULL) {
        return ENOMEM;
    }
    int error = open_file(folder, AT_FDCWD, above, O_RDONLY | O_DIRECTORY, 0);
    if (error == EACCES) { /* files can be made in a folder that may not be read */
        error = open_file(folder, AT_FDCWD, above, O_PATH | O_DIRECTORY, 0);
    }
    free(above);
    if (error == 0) {
        *name = slash == NULL ? path : slash + 1;
    }
    return error;
}

void tw__folder_refresh(int folder)
{
    struct statx status;
    (void)statx(folder, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_CTIME | STATX_MTIME, &status);
}

int tw__folder_again(int *folder, int open)
{
    const int fd = tw__descriptor_lift(fcntl(open, F_DUPFD_CLOEXEC, 0));
    if (fd < 0) {
        return errno;
    }
    *folder = fd;
    return 0;
}

char *tw__folder_place(int folder)
{
    char link[48], place[PATH_MAX + 1];
    struct stat open, named;
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    const ssize_t length = readlink(link, place, sizeof place - 1);
    if (length <= 0) {
        return NULL;
    }
    place[length] = '\0';
    return fstat(folder, &open) == 0 && stat(place, &named) == 0 && open.st_dev == named.st_dev &&
                   open.st_ino == named.st_ino
               ? strdup(place)
               : NULL;
}

/* A folder that may not be read (it is open as a place alone, EBADF), or a file system that cannot sync one, loses
 * nothing but the promise that the name outlives a power cut. */
int tw__folder_sync(int folder)
{
    const int error = tw__file_sync(folder);
    return error == EBADF || error == EINVAL ? 0 : error;
}

int tw__file_rename_in(int folder, const char *from, const char *to)
{
    return renameat(folder, from, folder, to) != 0 ? errno : 0;
}

int tw__file_move(int folder, const char *from, int other, const char *to)
{
    return renameat(folder, from, other, to) != 0 ? errno : 0;
}

int tw__file_rename(const char *from, const char *to)
{
    int folder = -1;
    const char *name;
    int error = tw__folder_open(&folder, to, &name);
    if (error != 0) {
        return error;
    }
    error = renameat(AT_FDCWD, from, folder, name) != 0 ? errno : tw__folder_sync(folder);
    tw__file_close(folder);
    return error;
}

int tw__file_remove(const char *path)
{
    return tw__file_remove_in(AT_FDCWD, path);
}

int tw__file_remove_in(int folder, const char *name)
{
    return unlinkat(folder, name, 0) != 0 ? errno : 0;
}

int64_t tw__file_room(int fd)
{
    struct statvfs room;
    if (fstatvfs(fd, &room) != 0) {
        return -1;
    }
    int64_t bytes;
    if (__builtin_mul_overflow(room.f_bavail, room.f_frsize, &bytes)) {
        return INT64_MAX;
    }
    return bytes;
}

uint32_t tw__user_id(void)
{
    return geteuid();
}

int tw__process_id(void)
{
    return getpid();
}

int tw__file_text(char **text, size_t *length, const char *path, size_t limit)
{
    int fd = -1;
    int error = tw__file_open_read(&fd, path);
    if (error != 0) {
        return error;
    }
    char *data = NULL;
    size_t have = 0, size = 0;
    for (;;) {
        /* Files of /proc say that they are empty, so the end is where a read gives nothing. */
        if (size - have < 2) {
            size = size == 0 ? 4096 : 2 * size;
            char *larger = realloc(data, size);
            if (larger == NULL) {
                error = ENOMEM;
                goto fail;
            }
            data = larger;
        }
        const ssize_t n = read(fd, data + have, size - have - 1);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            error = errno;
            goto fail;
        }
        have += n > 0 ? (size_t)n : 0;
        if (have > limit) {
            error = EFBIG;
            goto fail;
        }
    }
    data[have] = '\0';
    tw__file_close(fd);
    *text = data;
    *length = have;
    return 0;
fail:
    free(data);
    tw__file_close(fd);
    return error;
}

void tw__file_random(void *data, size_t length)
{
    if (getrandom(data, length, GRND_NONBLOCK) == (ssize_t)length) {
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t state = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uint64_t)getpid() << 48;
    for (size_t k = 0; k < length; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
        ((unsigned char *)data)[k] = (unsigned char)(state >> 56);
    }
}

void tw__file_touch(const char *path)
{
    enum { FRESH = 600 }; /* seconds */
    struct stat info;
    if (stat(path, &info) == 0 && info.st_mtim.tv_sec + FRESH < time(NULL)) {
        (void)utimensat(AT_FDCWD, path, NULL, 0); /* a folder that is read alone is not trimmed either */
    }
}
