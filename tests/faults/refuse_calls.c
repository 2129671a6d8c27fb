/* refuse_calls.c - what stands in for the C library's system calls. Knows from refuse.c whether one is refused. */
#include "refuse_inside.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(int error)
{
    errno = error;
    return -1;
}

static void *nothing(int error)
{
    errno = error;
    return NULL;
}

/* ---- address space ---- */

static int64_t whole_pages(size_t length)
{
    return (int64_t)((length + 4095) & ~(size_t)4095);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    NEXT(void *, "mmap64", void *, size_t, int, int, int, off_t);
    const int error = refuse_call(REFUSE_MMAP);
    if (error != 0) {
        errno = error;
        return MAP_FAILED;
    }
    void *made = next(address, length, protection, flags, fd, offset);
    if (made != MAP_FAILED && (flags & MAP_FIXED) == 0) { /* else it takes the place of another */
        atomic_fetch_add(&refuse_mapped_bytes, whole_pages(length));
    }
    return made;
}

int munmap(void *address, size_t length)
{
    NEXT(int, "munmap", void *, size_t);
    const int result = next(address, length);
    if (result == 0) {
        atomic_fetch_sub(&refuse_mapped_bytes, whole_pages(length));
    }
    return result;
}

int mprotect(void *address, size_t length, int protection)
{
    NEXT(int, "mprotect", void *, size_t, int);
    const int error = refuse_call(REFUSE_MMAP);
    return error != 0 ? fail(error) : next(address, length, protection);
}

int madvise(void *address, size_t length, int advice)
{
    NEXT(int, "madvise", void *, size_t, int);
    const int error = refuse_call(REFUSE_MMAP);
    return error != 0 ? fail(error) : next(address, length, advice);
}

/* ---- processes, threads ---- */

pid_t fork(void)
{
    NEXT(pid_t, "fork", void);
    const int error = refuse_call(REFUSE_FORK);
    return error != 0 ? fail(error) : next();
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    NEXT(int, "posix_spawnp", pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
         char *const[], char *const[]);
    const int error = refuse_call(REFUSE_FORK);
    return error != 0 ? error : next(pid, file, actions, attributes, argv, envp);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument)
{
    NEXT(int, "pthread_create", pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    const int error = refuse_call(REFUSE_THREAD);
    return error != 0 ? error : next(thread, attributes, function, argument);
}

/* ---- descriptors ---- */

int open(const char *path, int flags, ...)
{
    NEXT(int, "open64", const char *, int, ...);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    const int error = refuse_call(REFUSE_OPEN);
    return error != 0 ? fail(error) : next(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    NEXT(int, "openat64", int, const char *, int, ...);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    const int error = refuse_call(REFUSE_OPEN);
    return error != 0 ? fail(error) : next(folder, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    NEXT(FILE *, "fopen64", const char *, const char *);
    const int error = refuse_call(REFUSE_OPEN);
    return error != 0 ? nothing(error) : next(path, mode);
}

DIR *opendir(const char *path)
{
    NEXT(DIR *, "opendir", const char *);
    const int error = refuse_call(REFUSE_OPEN);
    return error != 0 ? nothing(error) : next(path);
}

/* It has no errno: with no descriptor to be had, it finds its own words. */
void *dlopen(const char *path, int flags)
{
    NEXT(void *, "dlopen", const char *, int);
    const int error = path != NULL ? refuse_call(REFUSE_OPEN) : 0;
    struct rlimit limit, none;
    if (error == EINTR || error == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return next(path, flags);
    }
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    void *handle = next(path, flags);
    setrlimit(RLIMIT_NOFILE, &limit);
    return handle;
}

int pipe2(int ends[2], int flags)
{
    NEXT(int, "pipe2", int[2], int);
    const int error = refuse_call(REFUSE_OPEN);
    return error != 0 && error != EINTR ? fail(error) : next(ends, flags);
}

int eventfd(unsigned int count, int flags)
{
    NEXT(int, "eventfd", unsigned int, int);
    const int error = refuse_call(REFUSE_OPEN);
    return error != 0 && error != EINTR ? fail(error) : next(count, flags);
}

int memfd_create(const char *name, unsigned int flags)
{
    NEXT(int, "memfd_create", const char *, unsigned int);
    const int error = refuse_call(REFUSE_OPEN);
    return error != 0 && error != EINTR ? fail(error) : next(name, flags);
}

int fcntl(int fd, int command, ...)
{
    NEXT(int, "fcntl64", int, int, ...);
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    const int error = command == F_DUPFD || command == F_DUPFD_CLOEXEC ? refuse_call(REFUSE_OPEN) : 0;
    return error != 0 && error != EINTR ? fail(error) : next(fd, command, argument);
}

long syscall(long number, ...)
{
    NEXT(long, "syscall", long, ...);
    long values[6];
    va_list arguments;
    va_start(arguments, number);
    for (int k = 0; k < 6; k++) {
        values[k] = va_arg(arguments, long);
    }
    va_end(arguments);
    const int error = number == SYS_pidfd_open ? refuse_call(REFUSE_OPEN) : 0;
    return error != 0 && error != EINTR
               ? fail(error)
               : next(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

/* ---- files ---- */

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    NEXT(ssize_t, "pwrite64", int, const void *, size_t, off_t);
    const int error = refuse_file(REFUSE_WRITE, fd, length > 1);
    if (refuse_shared->kind >= 0 && refuse_shared->nfiles > 0) {
        atomic_fetch_add(&refuse_shared->written, 1);
    }
    return error == REFUSE_HALF ? next(fd, data, length / 2, offset)
           : error != 0         ? fail(error)
                                : next(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length)
{
    NEXT(ssize_t, "write", int, const void *, size_t);
    const int error = refuse_file(REFUSE_WRITE, fd, length > 1);
    return error == REFUSE_HALF ? next(fd, data, length / 2) : error != 0 ? fail(error) : next(fd, data, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    NEXT(int, "fallocate64", int, int, off_t, off_t);
    const int error = refuse_file(REFUSE_WRITE, fd, 0);
    return error != 0 ? fail(error) : next(fd, mode, offset, length);
}

int ftruncate(int fd, off_t length)
{
    NEXT(int, "ftruncate64", int, off_t);
    const int error = refuse_file(REFUSE_WRITE, fd, 0);
    return error != 0 ? fail(error) : next(fd, length);
}

/* One that is not refused does nothing, and takes no time: no power is cut here. An interrupted one did not fail. */
int fsync(int fd)
{
    struct stat info;
    const int known = refuse_shared->kind >= 0 && fstat(fd, &info) == 0;
    for (int k = 0; known && k < refuse_shared->nfiles; k++) {
        if (refuse_shared->files[k].device == info.st_dev && refuse_shared->files[k].inode == info.st_ino) {
            atomic_fetch_add(&refuse_shared->resynced, 1);
        }
    }
    if (refuse_shared->error == EINVAL && (!known || !S_ISDIR(info.st_mode))) {
        return 0; /* what a file system says that cannot sync folders */
    }
    const int error = refuse_call(REFUSE_SYNC);
    if (error != 0 && error != EINTR && error != EINVAL && known && refuse_shared->nfiles < MAX_FILES) {
        refuse_shared->files[refuse_shared->nfiles].device = info.st_dev;
        refuse_shared->files[refuse_shared->nfiles].inode = info.st_ino;
        atomic_fetch_add(&refuse_shared->nfiles, 1);
    }
    return error != 0 ? fail(error) : 0;
}

int msync(void *address, size_t length, int flags)
{
    (void)address;
    (void)length;
    (void)flags;
    const int error = refuse_call(REFUSE_SYNC);
    return error != 0 ? fail(error) : 0;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    NEXT(int, "renameat", int, const char *, int, const char *);
    const int error = refuse_call(REFUSE_RENAME);
    return error != 0 ? fail(error) : next(from_folder, from, to_folder, to);
}

int rename(const char *from, const char *to)
{
    NEXT(int, "rename", const char *, const char *);
    const int error = refuse_call(REFUSE_RENAME);
    return error != 0 ? fail(error) : next(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    NEXT(int, "mkdir", const char *, mode_t);
    const int error = refuse_call(REFUSE_RENAME);
    return error != 0 ? fail(error) : next(path, mode);
}

ssize_t pread(int fd, void *data, size_t length, off_t offset)
{
    NEXT(ssize_t, "pread64", int, void *, size_t, off_t);
    const int error = refuse_file(REFUSE_READ, fd, 0);
    return error != 0 ? fail(error) : next(fd, data, length, offset);
}

ssize_t read(int fd, void *data, size_t length)
{
    NEXT(ssize_t, "read", int, void *, size_t);
    const int error = refuse_file(REFUSE_READ, fd, 0);
    return error != 0 ? fail(error) : next(fd, data, length);
}

int unlinkat(int folder, const char *name, int flags)
{
    NEXT(int, "unlinkat", int, const char *, int);
    const int error = refuse_call(REFUSE_REMOVE);
    return error != 0 ? fail(error) : next(folder, name, flags);
}

int unlink(const char *path)
{
    NEXT(int, "unlink", const char *);
    const int error = refuse_call(REFUSE_REMOVE);
    return error != 0 ? fail(error) : next(path);
}
