/* private_folder.c - a folder of this process alone, for want of one that lasts. Knows nothing of what is kept there.
 */
#include "os/private_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/descriptor.h"
#include "os/folder.h"

#define NAME "tilework-of-process-"
#define TRIES 100 /* folders that another process sweeps away before they are locked */

/* The one of this process: what must be removed at its end is known to the process and to no caller. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char *path;
    int fd;            /* of the folder, locked as long as somebody lives who uses it */
    struct stat place; /* of the folder: the program may have closed the descriptor, and opened another */
    pid_t owner;       /* a forked child leaves it alone */
} own = {.fd = -1};

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            char *inner = NULL; /* the public header lies two folders deep */
            if (asprintf(&inner, "%s/%s", path, entry->d_name) >= 0) {
                remove_folder(inner);
                free(inner);
            }
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    rmdir(path);
}

__attribute__((destructor)) static void remove_own(void)
{
    if (own.path != NULL && own.owner == getpid()) {
        remove_folder(own.path);
    }
}

/* Opens and locks the folder. -1: somebody has it, or it is no folder of this user's. */
static int take(const char *path)
{
    struct stat info;
    const int fd = tw__descriptor_lift(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd >= 0 && (fstat(fd, &info) != 0 || info.st_uid != geteuid() || flock(fd, LOCK_EX | LOCK_NB) != 0)) {
        const int failed = errno;
        close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

/* Removes the folders of processes that were killed. */
static void sweep(const char *base)
{
    DIR *folder = opendir(base);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char *path = NULL;
        if (strncmp(entry->d_name, NAME, strlen(NAME)) == 0 && asprintf(&path, "%s/%s", base, entry->d_name) >= 0) {
            const int fd = take(path);
            if (fd >= 0) {
                remove_folder(path);
                close(fd);
            }
            free(path);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

static int is_same(int fd, const struct stat *place)
{
    struct stat info;
    return fstat(fd, &info) == 0 && info.st_dev == place->st_dev && info.st_ino == place->st_ino;
}

/* A new folder, locked. A sweep that finds it before it is locked removes it. Without a descriptor to spare, or on a
 * file system without locks, it is not known to be in use (*fd: -1). */
static int make_locked(char **path, int *fd, const char *base)
{
    for (int k = 0; k < TRIES; k++) {
        struct stat info;
        char *made = NULL;
        if (asprintf(&made, "%s/" NAME "XXXXXX", base) < 0) {
            return ENOMEM;
        }
        if (mkdtemp(made) == NULL) {
            const int error = errno;
            free(made);
            return error;
        }
        *fd = take(made);
        const int failed = errno;
        if (lstat(made, &info) == 0 && (*fd >= 0 ? is_same(*fd, &info) : failed != EWOULDBLOCK)) {
            *path = made;
            return 0;
        }
        if (*fd >= 0) {
            close(*fd);
        }
        free(made);
    }
    return EAGAIN;
}

static int make_below(const char *base)
{
    char *path = NULL;
    int fd = -1, error = tw__folder_ready(base);
    if (error != 0) {
        return error;
    }
    sweep(base);
    error = make_locked(&path, &fd, base);
    if (error != 0) {
        return error;
    }
    if (own.path != NULL && own.fd >= 0 && is_same(own.fd, &own.place)) { /* else the number is somebody else's */
        close(own.fd);
    }
    free(own.path);
    own.path = path;
    own.fd = fd;
    own.owner = getpid();
    if (fd >= 0) {
        fstat(fd, &own.place);
    }
    return 0;
}

static int make(void)
{
    const char *const bases[] = {getenv("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm"};
    int first = 0;
    for (size_t k = 0; k < sizeof bases / sizeof bases[0]; k++) {
        const int error = bases[k] != NULL && bases[k][0] == '/' ? make_below(bases[k]) : ENOENT;
        if (error == 0) {
            return 0;
        }
        first = first == 0 && bases[k] != NULL ? error : first;
    }
    return first;
}

int tw__private_folder(char **path)
{
    pthread_mutex_lock(&lock);
    struct stat info;
    const int there = own.path != NULL && own.owner == getpid() && lstat(own.path, &info) == 0;
    int error = there ? 0 : make();
    if (error == 0) {
        *path = strdup(own.path);
        error = *path != NULL ? 0 : ENOMEM;
    }
    pthread_mutex_unlock(&lock);
    return error;
}
