/* stream.c - pipes, sockets and devices that are read from front to end, once. Knows bytes alone. */
#include "os/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/descriptor.h"

#define PIECE ((size_t)1 << 30) /* bytes a call: below the system's limit */

/* The descriptor of this process that the path names; -1: none. */
static int descriptor_of(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdin") == 0) {
        return STDIN_FILENO;
    }
    for (size_t k = 0; k < sizeof folders / sizeof folders[0]; k++) {
        const size_t length = strlen(folders[k]);
        const char *digits = path + length;
        if (strncmp(path, folders[k], length) == 0 && digits[0] != '\0' && strlen(digits) < 9 &&
            strspn(digits, "0123456789") == strlen(digits)) {
            return atoi(digits);
        }
    }
    return -1;
}

int tw__stream_open(int *fd, const char *path)
{
    const int own = descriptor_of(path);
    int file;
    do {
        file = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    } while (file < 0 && errno == EINTR);
    file = tw__descriptor_lift(file);
    if (file < 0) {
        return errno;
    }
    *fd = file;
    return 0;
}

int tw__stream_is_terminal(int fd)
{
    return isatty(fd);
}

int tw__stream_read(int fd, void *data, size_t length, size_t *done)
{
    *done = 0;
    while (*done < length) {
        const size_t piece = length - *done < PIECE ? length - *done : PIECE;
        const ssize_t n = read(fd, (char *)data + *done, piece);
        if (n == 0) {
            return 0;
        }
        if (n > 0) {
            *done += (size_t)n;
        } else if (errno == EAGAIN) { /* who shares it does not want to wait */
            struct pollfd wait = {.fd = fd, .events = POLLIN};
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}
