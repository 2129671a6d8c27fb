/* attribute.c - short texts that a file carries beside its contents. Knows not what they mean. */
#include "os/attribute.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

int tw__attribute_set(int fd, const char *name, const char *text)
{
    return fsetxattr(fd, name, text, strlen(text), 0) != 0 ? errno : 0;
}

int tw__attribute_get(int fd, const char *name, char *text, size_t size)
{
    const ssize_t length = fgetxattr(fd, name, text, size - 1);
    if (length < 0) {
        return errno;
    }
    text[length] = '\0';
    return 0;
}

int tw__attribute_remove(int fd, const char *name)
{
    return fremovexattr(fd, name) != 0 ? errno : 0;
}
