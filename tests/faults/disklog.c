/* disklog.c - preloaded into the command by tests/faults/powercut.py: writes down, in order, what reaches the files of
 * a run and what is synced. Knows calls and bytes, not what they mean.
 *
 * Outputs are mapped, so most of what is written to them is no call. Every call that is caught here therefore first
 * compares all files with their last known contents, in units of 512 bytes, and writes down what has changed. One lock,
 * shared by all processes of the run, makes this and the call itself one step, a tick; a sync has one tick at its
 * beginning, whose contents it makes safe, and one at its end, from which they are safe.
 *
 *     DISKLOG=FILE                 appends to FILE: struct event and `length` bytes, again and again
 *     DISKLOG_INODES=REAL:SHOWN,.. what stat says of a file: one that is written anew after a power cut is the file it
 * was
 *
 * Without DISKLOG nothing is written down. No sync reaches the disk: that would cost time and change nothing. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UNIT 512
#define MAX_FILES 16
#define MAX_SIZE (256 << 10)
#define MAX_MAPS 16
#define MAX_INODES 64
#define HIGH_DESCRIPTOR 700
#define SYNC_NANOSECONDS 2000000 /* so that workers write on while a sync is going on */
#define BROKEN 98                /* exit code of a log that cannot be believed */

struct event {
    uint32_t kind; /* 'S'tored, si'Z'e, 'C'reated, 'R'enamed, 'L'inked, 'U'nlinked, sync 'B'egins, sync 'E'nds */
    uint32_t length;
    uint64_t tick, inode;
    int64_t a, b; /* S: offset. Z: size, size before. B, E: number of the sync */
};

struct tracked {
    int fd; /* the same number in all processes: made before they are forked */
    uint64_t inode;
    int64_t size;
    unsigned char contents[MAX_SIZE];
};

/* Shared by all processes of the run. */
struct state {
    atomic_flag lock;
    uint64_t tick, syncs;
    int nfiles;
    struct tracked files[MAX_FILES];
};

static struct state *state;
static int log_fd = -1;
static uint64_t folder_inode;
static struct {
    uint64_t real, shown;
} inodes[MAX_INODES];
static int ninodes;
static struct {
    char *address;
    size_t length;
    uint64_t inode;
} maps[MAX_MAPS];
static int nmaps;

static struct {
    int (*open)(const char *, int, ...);
    int (*openat)(int, const char *, int, ...);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*write)(int, const void *, size_t);
    int (*ftruncate)(int, off_t);
    int (*fallocate)(int, int, off_t, off_t);
    int (*renameat)(int, const char *, int, const char *);
    int (*linkat)(int, const char *, int, const char *, int);
    int (*unlinkat)(int, const char *, int);
    int (*fsync)(int);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*fstat)(int, struct stat *);
    int (*fstatat)(int, const char *, struct stat *, int);
} real;

static void give_up(const char *why)
{
    dprintf(STDERR_FILENO, "disklog: %s\n", why);
    _exit(BROKEN);
}

/* Where the C library has two names for a call, the one with 64 is what programs call. */
static void *find(const char *wide, const char *name)
{
    void *function = wide != NULL ? dlsym(RTLD_NEXT, wide) : NULL;
    function = function != NULL ? function : dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        give_up(name);
    }
    return function;
}

__attribute__((constructor)) static void begin(void)
{
    *(void **)&real.open = find("open64", "open");
    *(void **)&real.openat = find("openat64", "openat");
    *(void **)&real.pwrite = find("pwrite64", "pwrite");
    *(void **)&real.write = find(NULL, "write");
    *(void **)&real.ftruncate = find("ftruncate64", "ftruncate");
    *(void **)&real.fallocate = find("fallocate64", "fallocate");
    *(void **)&real.renameat = find(NULL, "renameat");
    *(void **)&real.linkat = find(NULL, "linkat");
    *(void **)&real.unlinkat = find(NULL, "unlinkat");
    *(void **)&real.fsync = find(NULL, "fsync");
    *(void **)&real.mmap = find("mmap64", "mmap");
    *(void **)&real.fstat = find("fstat64", "fstat");
    *(void **)&real.fstatat = find("fstatat64", "fstatat");
    const char *text = getenv("DISKLOG_INODES");
    while (text != NULL && *text != '\0' && ninodes < MAX_INODES) {
        char *end;
        inodes[ninodes].real = strtoull(text, &end, 10);
        inodes[ninodes++].shown = strtoull(end + (*end == ':'), &end, 10);
        text = end + (*end == ',');
    }
    const char *path = getenv("DISKLOG");
    struct stat folder;
    if (path == NULL) {
        return;
    }
    const int fd = real.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    log_fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR) : -1;
    if (log_fd < 0 || real.fstatat(AT_FDCWD, ".", &folder, 0) != 0) {
        give_up("its file cannot be opened");
    }
    close(fd);
    folder_inode = folder.st_ino;
    void *memory = real.mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        give_up("no memory");
    }
    state = memory;
}

/* ---- the log ---- */

static void put(uint32_t kind, uint64_t inode, int64_t a, int64_t b, const void *data, size_t length)
{
    char whole[sizeof(struct event) + 1024];
    const struct event event = {kind, (uint32_t)length, state->tick, inode, a, b};
    if (length > 1024) {
        give_up("an event is too long");
    }
    memcpy(whole, &event, sizeof event);
    if (length > 0) {
        memcpy(whole + sizeof event, data, length);
    }
    if (real.write(log_fd, whole, sizeof event + length) != (ssize_t)(sizeof event + length)) {
        give_up("its file cannot be written");
    }
}

static void compare(struct tracked *file)
{
    static _Thread_local unsigned char now[MAX_SIZE];
    struct stat info;
    if (real.fstat(file->fd, &info) != 0 || info.st_size > MAX_SIZE) {
        give_up("a file is gone or too long");
    }
    if (info.st_size != file->size) {
        put('Z', file->inode, info.st_size, file->size, NULL, 0);
        if (info.st_size < file->size) {
            memset(file->contents + info.st_size, 0, (size_t)(MAX_SIZE - info.st_size));
        }
        file->size = info.st_size;
    }
    const size_t whole = (size_t)(file->size + UNIT - 1) / UNIT * UNIT;
    memset(now, 0, whole);
    if (pread(file->fd, now, (size_t)file->size, 0) != (ssize_t)file->size) {
        give_up("a file cannot be read");
    }
    for (size_t at = 0; at < whole; at += UNIT) {
        if (memcmp(now + at, file->contents + at, UNIT) != 0) {
            memcpy(file->contents + at, now + at, UNIT);
            put('S', file->inode, (int64_t)at, 0, now + at, UNIT);
        }
    }
}

static void compare_all(void)
{
    for (int k = 0; k < state->nfiles; k++) {
        compare(&state->files[k]);
    }
}

static void enter(void)
{
    while (atomic_flag_test_and_set(&state->lock)) {
        sched_yield();
    }
    state->tick++;
    compare_all();
}

/* What the call itself has changed comes after it: a sync that has begun does not make it safe. */
static void leave(void)
{
    state->tick++;
    compare_all();
    atomic_flag_clear(&state->lock);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int ends(const char *name, const char *with)
{
    const size_t length = strlen(name), tail = strlen(with);
    return length >= tail && strcmp(name + length - tail, with) == 0;
}

/* Whether a run's outputs and journals have such names. */
static int is_watched(const char *name)
{
    static const char *const endings[] = {".part", ".journal", ".partials", ".npy"};
    int found = 0;
    for (size_t k = 0; state != NULL && k < sizeof endings / sizeof endings[0]; k++) {
        found |= ends(name, endings[k]);
    }
    return found;
}

static void track(int fd, const char *name, int created)
{
    struct stat info;
    if (real.fstat(fd, &info) != 0) {
        give_up("a file cannot be looked at");
    }
    if (created) {
        put('C', info.st_ino, 0, 0, last_part(name), strlen(last_part(name)));
    }
    for (int k = 0; k < state->nfiles; k++) {
        if (state->files[k].inode == info.st_ino) {
            return;
        }
    }
    if (state->nfiles == MAX_FILES || info.st_size > MAX_SIZE) {
        give_up("too many files, or too long ones");
    }
    struct tracked *file = &state->files[state->nfiles];
    file->fd = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    file->inode = info.st_ino;
    file->size = info.st_size;
    if (file->fd < 0 || pread(file->fd, file->contents, (size_t)file->size, 0) != (ssize_t)file->size) {
        give_up("a file cannot be read");
    }
    state->nfiles++;
}

/* ---- calls ---- */

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
    if (!is_watched(path) || (flags & O_ACCMODE) == O_RDONLY) {
        if (state != NULL) { /* a kernel that opens its notes: it is between two stores */
            enter();
            leave();
        }
        return real.openat(folder, path, flags, mode);
    }
    struct stat info;
    enter();
    const int there = real.fstatat(folder, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
    const int fd = real.openat(folder, path, flags, mode);
    if (fd >= 0) {
        track(fd, path, !there);
    }
    leave();
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_any(folder, path, flags, mode);
}

#define IN_A_TICK(type, call)                                                                                          \
    if (state != NULL) {                                                                                               \
        enter();                                                                                                       \
    }                                                                                                                  \
    const type result = call;                                                                                          \
    if (state != NULL) {                                                                                               \
        leave();                                                                                                       \
    }

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    IN_A_TICK(ssize_t, real.pwrite(fd, data, length, offset))
    return result;
}

ssize_t write(int fd, const void *data, size_t length)
{
    IN_A_TICK(ssize_t, real.write(fd, data, length))
    return result;
}

int ftruncate(int fd, off_t length)
{
    IN_A_TICK(int, real.ftruncate(fd, length))
    return result;
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    IN_A_TICK(int, real.fallocate(fd, mode, offset, length))
    return result;
}

/* A change of the folder: "FROM\0TO". */
static void put_names(uint32_t kind, uint64_t inode, const char *from, const char *to)
{
    char names[512];
    const int length = snprintf(names, sizeof names, "%s%c%s", last_part(from), '\0', last_part(to));
    put(kind, inode, 0, 0, names, (size_t)length);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    if (!is_watched(from) && !is_watched(to)) {
        return real.renameat(from_folder, from, to_folder, to);
    }
    struct stat info = {0};
    enter();
    real.fstatat(from_folder, from, &info, AT_SYMLINK_NOFOLLOW);
    const int result = real.renameat(from_folder, from, to_folder, to);
    if (result == 0) {
        put_names('R', info.st_ino, from, to);
    }
    leave();
    return result;
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    if (!is_watched(to)) {
        return real.linkat(from_folder, from, to_folder, to, flags);
    }
    struct stat info = {0};
    enter();
    const int result = real.linkat(from_folder, from, to_folder, to, flags);
    if (result == 0) {
        real.fstatat(to_folder, to, &info, AT_SYMLINK_NOFOLLOW);
        put_names('L', info.st_ino, from, to);
    }
    leave();
    return result;
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
    if (!is_watched(path)) {
        return real.unlinkat(folder, path, flags);
    }
    enter();
    const int result = real.unlinkat(folder, path, flags);
    if (result == 0) {
        put('U', 0, 0, 0, last_part(path), strlen(last_part(path)));
    }
    leave();
    return result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

/* ---- syncs ---- */

static int sync_inode(uint64_t inode)
{
    if (state == NULL) {
        return 0;
    }
    enter();
    const uint64_t number = ++state->syncs;
    put('B', inode, (int64_t)number, 0, NULL, 0);
    leave();
    nanosleep(&(struct timespec){.tv_nsec = SYNC_NANOSECONDS}, NULL);
    enter();
    put('E', inode, (int64_t)number, 0, NULL, 0);
    leave();
    return 0;
}

/* A file's time of birth cannot be given to the file that stands in its place: this disk does not say it. */
int statx(int folder, const char *path, int flags, unsigned mask, struct statx *status)
{
    (void)folder;
    (void)path;
    (void)flags;
    (void)mask;
    (void)status;
    errno = ENOSYS;
    return -1;
}

int fsync(int fd)
{
    struct stat info;
    if (real.fstat(fd, &info) != 0 || (S_ISDIR(info.st_mode) && state != NULL && info.st_ino != folder_inode)) {
        return real.fsync(fd);
    }
    return (fcntl(fd, F_GETFL) & O_PATH) != 0 ? real.fsync(fd) : sync_inode(info.st_ino);
}

int fdatasync(int fd)
{
    return fsync(fd);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    struct stat info;
    void *memory = real.mmap(address, length, protection, flags, fd, offset);
    if (memory != MAP_FAILED && state != NULL && fd >= 0 && (flags & MAP_SHARED) != 0 && nmaps < MAX_MAPS &&
        real.fstat(fd, &info) == 0) {
        maps[nmaps].address = memory;
        maps[nmaps].length = length;
        maps[nmaps++].inode = info.st_ino;
    }
    return memory;
}

int msync(void *address, size_t length, int flags)
{
    for (int k = nmaps - 1; k >= 0; k--) { /* only the whole of a file counts */
        if (maps[k].address == address && maps[k].length == length && (flags & MS_SYNC) != 0) {
            return sync_inode(maps[k].inode);
        }
    }
    return 0;
}

/* ---- which file is which ---- */

static void show(struct stat *info)
{
    for (int k = 0; k < ninodes; k++) {
        if (S_ISREG(info->st_mode) && info->st_ino == inodes[k].real) {
            info->st_ino = inodes[k].shown;
            return;
        }
    }
}

int fstat(int fd, struct stat *info)
{
    const int result = real.fstat(fd, info);
    if (result == 0) {
        show(info);
    }
    return result;
}

int fstatat(int folder, const char *path, struct stat *info, int flags)
{
    const int result = real.fstatat(folder, path, info, flags);
    if (result == 0) {
        show(info);
    }
    return result;
}

int stat(const char *path, struct stat *info)
{
    return fstatat(AT_FDCWD, path, info, 0);
}
