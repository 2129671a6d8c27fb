/* folder.c - folders for files of this user: where they are, who else can put files into them, what is in them. Knows
 * nothing of what is kept there. */
#include "os/folder.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os/file.h"

int tw__folder_make(const char *path)
{
    char *part = strdup(path);
    if (part == NULL) {
        return ENOMEM;
    }
    int status = 0;
    for (char *end = part; end != NULL;) {
        end = *end == '\0' ? NULL : strchr(end + 1, '/');
        if (end != NULL) {
            *end = '\0';
        }
        /* What fails on the way down may fail for a folder that is there ("read-only"): the last one counts. */
        status = mkdir(part, 0700) == 0 || errno == EEXIST ? 0 : errno;
        if (end != NULL) {
            *end = '/';
        }
    }
    struct stat info;
    if (status == 0 && stat(path, &info) != 0) {
        status = errno;
    } else if (status == 0 && !S_ISDIR(info.st_mode)) {
        status = ENOTDIR;
    }
    free(part);
    return status;
}

int tw__folder_check(const char *path, char *why, size_t size)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        return errno;
    }
    if (S_ISLNK(info.st_mode)) {
        snprintf(why, size, "is a symbolic link");
    } else if (!S_ISDIR(info.st_mode)) {
        snprintf(why, size, "is not a folder");
    } else if (info.st_uid != geteuid()) {
        snprintf(why, size, "belongs to user %ld, not to user %ld who runs this", (long)info.st_uid, (long)geteuid());
        return -2;
    } else if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        snprintf(why, size, "can be written to by others (mode %03o)", (unsigned)(info.st_mode & 0777));
    } else {
        return 0;
    }
    return -1;
}

int tw__folder_ready(const char *path)
{
    struct statvfs system;
    struct stat info;
    if (stat(path, &info) != 0 || eaccess(path, W_OK | X_OK) != 0 || statvfs(path, &system) != 0) {
        return errno;
    }
    return !S_ISDIR(info.st_mode) ? ENOTDIR : (system.f_flag & ST_NOEXEC) != 0 ? ENOEXEC : 0;
}

int tw__folder_keeps_names(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && ((info.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (info.st_mode & S_ISVTX) != 0);
}

char *tw__folder_home(void)
{
    struct passwd entry, *found = NULL;
    const long wished = sysconf(_SC_GETPW_R_SIZE_MAX);
    const size_t size = wished > 0 && wished < 1 << 20 ? (size_t)wished + 4096 : 16384;
    char *buffer = malloc(size), *home = NULL;
    if (buffer != NULL && getpwuid_r(geteuid(), &entry, buffer, size, &found) == 0 && found != NULL &&
        entry.pw_dir != NULL) {
        home = strdup(entry.pw_dir);
    }
    free(buffer);
    return home;
}

int tw__folder_is_own_home(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode) && (geteuid() != 0 || info.st_uid == 0);
}

void tw__folder_each(const char *path, void (*f)(const char *name, const struct tw__file_info *info, void *user),
                     void *user)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        struct tw__file_info info;
        if (tw__path_info_in(dirfd(folder), entry->d_name, &info) == 0) {
            f(entry->d_name, &info, user);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}
