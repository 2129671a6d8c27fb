/* folder.c - a folder that no other user can put files into. Knows nothing of what is kept there. */
#include "os/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    } else if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        snprintf(why, size, "can be written to by others (mode %03o)", (unsigned)(info.st_mode & 0777));
    } else {
        return 0;
    }
    return -1;
}
