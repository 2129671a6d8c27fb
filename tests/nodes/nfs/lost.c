/* A library to load before the C library's: of the calls that change a folder, the LOST_REPLY-th of the process is
 * done, and then answered as NFS answers it if the reply was lost and the client sent it again: a rename or removal of
 * a name that is gone, a folder that is there already. Only in the process whose name is LOST_IN. LOST_LOG: a file in
 * which the call is written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int calls;

/* The answer to a call that gave `result`. */
static int answer(int result, const char *call, const char *name, int again)
{
    const char *in = getenv("LOST_IN"), *which = getenv("LOST_REPLY"), *log = getenv("LOST_LOG");
    const int error = errno;
    if (in == NULL || which == NULL || log == NULL || strcmp(in, program_invocation_short_name) != 0 || result != 0 ||
        atomic_fetch_add(&calls, 1) + 1 != atoi(which)) {
        errno = error;
        return result;
    }
    FILE *file = fopen(log, "a");
    if (file != NULL) {
        fprintf(file, "%s %s\n", call, name);
        fclose(file);
    }
    errno = again;
    return -1;
}

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    typedef int call(int, const char *, int, const char *);
    return answer(REAL(call *, "renameat")(from_folder, from, to_folder, to), "rename", to, ENOENT);
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    typedef int call(int, const char *, int, const char *, unsigned);
    return answer(REAL(call *, "renameat2")(from_folder, from, to_folder, to, flags), "rename", to, ENOENT);
}

int unlinkat(int folder, const char *name, int flags)
{
    typedef int call(int, const char *, int);
    return answer(REAL(call *, "unlinkat")(folder, name, flags), "remove", name, ENOENT);
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
    typedef int call(int, const char *, mode_t);
    return answer(REAL(call *, "mkdirat")(folder, name, mode), "mkdir", name, EEXIST);
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}
