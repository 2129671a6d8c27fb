/* path.c - paths: where symbolic links lead, and which part of a path is to blame if a call on it failed. Opens
 * nothing. */
#include "os/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define MOST_LINKS 40 /* as the system itself follows */

/* ---- links ---- */

/* What a link says, as seen from where the link's own path is seen. NULL: errno. */
static char *read_link(const char *path)
{
    char text[PATH_MAX];
    const ssize_t length = readlink(path, text, sizeof text - 1);
    if (length < 0) {
        return NULL;
    }
    text[length] = '\0';
    const char *slash = strrchr(path, '/');
    if (text[0] == '/' || slash == NULL) {
        return strdup(text);
    }
    char *joined = NULL;
    if (asprintf(&joined, "%.*s%s", (int)(slash + 1 - path), path, text) < 0) {
        errno = ENOMEM;
        return NULL;
    }
    return joined;
}

/* Following a link by its text must come out where the system does: not so for what has lost its name and for links of
 * strangers in folders such as /tmp, which the system does not follow. */
static int check_followed(const char *path, const char *file)
{
    struct stat asked, found;
    if (stat(path, &asked) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
    }
    if (stat(file, &found) != 0) {
        return errno == ENOENT ? ESTALE : errno;
    }
    return asked.st_dev == found.st_dev && asked.st_ino == found.st_ino ? 0 : ESTALE;
}

int tw__path_follow(char **file, const char *path)
{
    struct stat info;
    char *at = strdup(path);
    for (int links = 0; at != NULL; links++) {
        if (lstat(at, &info) != 0 || !S_ISLNK(info.st_mode)) {
            const int failed = links > 0 ? check_followed(path, at) : 0;
            if (failed != 0) {
                free(at);
                return failed;
            }
            *file = at;
            return 0;
        }
        if (links == MOST_LINKS) {
            free(at);
            return ELOOP;
        }
        char *next = read_link(at);
        const int failed = errno;
        free(at);
        if (next == NULL) {
            return failed;
        }
        at = next;
    }
    return ENOMEM;
}

/* ---- permissions ---- */

/* The folder that holds what the path names (malloc); NULL: no memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int tw__path_may_make(const char *path)
{
    char *folder = folder_of(path);
    if (folder == NULL) {
        return ENOMEM;
    }
    const int failed = faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0 ? errno : 0;
    free(folder);
    return failed;
}

int tw__path_may_replace(const char *path)
{
    struct statx more;
    struct stat file, folder;
    if (stat(path, &file) != 0) {
        return errno;
    }
    if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &more) == 0 && /* not every system says */
        (more.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0) {
        return EPERM;
    }
    char *above = folder_of(path);
    const int known = above != NULL && stat(above, &folder) == 0;
    free(above);
    const uid_t user = geteuid();
    const int apart = known && (folder.st_mode & S_ISVTX) != 0 && user != 0;
    return apart && file.st_uid != user && folder.st_uid != user ? EPERM : 0;
}

int64_t tw__path_name_max(const char *path)
{
    char *folder = folder_of(path);
    const long most = folder != NULL ? pathconf(folder, _PC_NAME_MAX) : -1;
    free(folder);
    return most;
}

int tw__path_is_same(const char *one, const char *other)
{
    const char *slash = strrchr(one, '/'), *other_slash = strrchr(other, '/');
    struct stat info, other_info;
    if (strcmp(slash != NULL ? slash + 1 : one, other_slash != NULL ? other_slash + 1 : other) != 0) {
        return 0;
    }
    char *folder = folder_of(one), *other_folder = folder_of(other);
    const int same = folder != NULL && other_folder != NULL && stat(folder, &info) == 0 &&
                     stat(other_folder, &other_info) == 0 && info.st_dev == other_info.st_dev &&
                     info.st_ino == other_info.st_ino;
    free(folder);
    free(other_folder);
    return same;
}

/* ---- causes ---- */

struct cause {
    char text[PATH_MAX + 160];
};

__attribute__((format(printf, 2, 3))) static void say(struct cause *cause, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cause->text, sizeof cause->text, format, arguments);
    va_end(arguments);
}

/* The folder `folder` of a path is not one that can be gone through. */
static int blame_folder(struct cause *cause, const char *folder, int failed)
{
    struct stat info;
    const int is_link = lstat(folder, &info) == 0 && S_ISLNK(info.st_mode);
    switch (failed) {
    case ENOENT:
        say(cause, is_link ? "its folder %s is a symbolic link that leads nowhere" : "its folder %s does not exist",
            folder);
        return 1;
    case ENOTDIR:
        say(cause, "%s is not a folder", folder);
        return 1;
    case ELOOP:
        say(cause, "its folder %s is a symbolic link that leads back to itself", folder);
        return 1;
    case EACCES:
        say(cause, "its folder %s may not be entered: Permission denied", folder);
        return 1;
    default:
        return 0;
    }
}

/* Looks for the first folder of the path that cannot be gone through. */
static int blame_folders(struct cause *cause, const char *path)
{
    struct stat info;
    char *part = strdup(path);
    int found = 0;
    for (char *slash = part; part != NULL && !found; slash++) {
        slash = strchr(slash, '/');
        if (slash == NULL) {
            break;
        }
        if (slash == part) {
            continue;
        }
        *slash = '\0';
        if (stat(part, &info) != 0) {
            found = errno != EACCES && blame_folder(cause, part, errno); /* EACCES: the one before it is to blame */
        } else if (!S_ISDIR(info.st_mode)) {
            found = blame_folder(cause, part, ENOTDIR);
        } else if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) != 0) {
            found = blame_folder(cause, part, errno);
        }
        *slash = '/';
    }
    free(part);
    return found;
}

static int blame_length(struct cause *cause, const char *path)
{
    for (const char *name = path; *name != '\0';) {
        const size_t length = strcspn(name, "/");
        if (length > NAME_MAX) {
            say(cause, "File name too long (%zu bytes, %d are allowed)", length, NAME_MAX);
            return 1;
        }
        name += length + (name[length] == '/');
    }
    say(cause, "File name too long (a path of %zu bytes, %d are allowed)", strlen(path), PATH_MAX - 1);
    return 1;
}

static int blame_descriptors(struct cause *cause)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    say(cause, "Too many open files (this process may have %llu, ulimit -n)", (unsigned long long)limit.rlim_cur);
    return 1;
}

/* What is wrong with the last part of the path, none of its folders being to blame. */
static int blame_link(struct cause *cause, const char *path, int failed)
{
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode)) {
        return 0;
    }
    char *file = failed == ENOENT ? read_link(path) : NULL;
    if (file != NULL) {
        say(cause, "it is a symbolic link to %s, where there is nothing", file);
    } else if (failed == ELOOP) {
        say(cause, "it is a symbolic link that leads back to itself");
    } else if (failed == EACCES) {
        say(cause, "it is a symbolic link that this user may not follow: Permission denied");
    }
    free(file);
    return cause->text[0] != '\0';
}

static int find_cause(struct cause *cause, int failed, const char *path)
{
    switch (failed) {
    case ENAMETOOLONG:
        return blame_length(cause, path);
    case EMFILE:
        return blame_descriptors(cause);
    case ESTALE:
        say(cause, "it is a symbolic link to something that has no name of its own");
        return 1;
    case ENXIO:
        say(cause, "it is a socket, which has no bytes to be read or written by its name");
        return 1;
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case ELOOP:
        return blame_folders(cause, path) || blame_link(cause, path, failed);
    default:
        return 0;
    }
}

tw_status tw__fail_path(tw_error *error, int failed, const char *path, const char *what)
{
    struct cause cause = {.text = ""};
    const tw_status status = tw__file_status(failed);
    if (!find_cause(&cause, failed, path)) {
        return tw__fail_os(error, status, failed, "%s: %s", path, what);
    }
    tw__fail(error, status, "%s: %s: %s", path, what, cause.text);
    if (error != NULL) {
        error->os_error = failed;
    }
    return status;
}
