/* flat_folder.c - a folder of files that is made whole, renamed, listed and removed. Knows not what the files are. */
#include "os/flat_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "os/descriptor.h"
#include "os/file.h"

#define RANDOM_CHARACTERS 6
#define MOST_TRIES 100

void tw__flat_folder_random_name(char *text, size_t length)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char bytes[64];
    tw__file_random(bytes, length < sizeof bytes ? length : sizeof bytes);
    for (size_t k = 0; k < length && k < sizeof bytes; k++) {
        text[k] = characters[bytes[k] % (sizeof characters - 1)];
    }
    text[length] = '\0';
}

int tw__flat_folder_make(int parent, const char *name, char *made, size_t size)
{
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        char random[RANDOM_CHARACTERS + 1];
        tw__flat_folder_random_name(random, RANDOM_CHARACTERS);
        if ((size_t)snprintf(made, size, "%s.make-%s", name, random) >= size) {
            return ENAMETOOLONG;
        }
        if (mkdirat(parent, made, 0777) == 0) {
            return 0;
        }
        if (errno != EEXIST) {
            return errno;
        }
    }
    return EEXIST;
}

int tw__flat_folder_open(int *folder, int parent, const char *name)
{
    const int opened = tw__descriptor_lift(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (opened < 0) {
        return errno;
    }
    *folder = opened;
    return 0;
}

int tw__flat_folder_open_file(int *fd, int folder, const char *name)
{
    const int opened = tw__descriptor_lift(openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (opened < 0) {
        return errno;
    }
    *fd = opened;
    return 0;
}

int tw__flat_folder_each(int folder, int (*f)(const char *name, void *user), void *user)
{
    int again = -1;
    int failed = tw__flat_folder_open(&again, folder, ".");
    if (failed != 0) {
        return failed;
    }
    DIR *listed = fdopendir(again);
    if (listed == NULL) {
        failed = errno;
        close(again);
        return failed;
    }
    errno = 0;
    for (struct dirent *entry; (entry = readdir(listed)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && f(entry->d_name, user) != 0) {
            errno = 0;
            break;
        }
    }
    failed = errno;
    closedir(listed);
    return failed;
}

static int remove_file(const char *name, void *folder)
{
    (void)unlinkat(*(const int *)folder, name, 0); /* what stays is seen by the removal of the folder */
    return 0;
}

int tw__flat_folder_remove(int parent, const char *name)
{
    int folder = -1;
    int failed = tw__flat_folder_open(&folder, parent, name);
    if (failed != 0) {
        return failed == ENOENT ? 0 : failed;
    }
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        failed = tw__flat_folder_each(folder, remove_file, &folder);
        if (failed == 0) {
            failed = unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : errno;
        }
        if (failed != ENOTEMPTY && failed != EEXIST) {
            break;
        }
    }
    close(folder);
    return failed == ENOENT ? 0 : failed;
}

void tw__flat_folder_host(char *text, size_t size)
{
    struct utsname name;
    snprintf(text, size, "%s", uname(&name) == 0 ? name.nodename : "unknown");
}
