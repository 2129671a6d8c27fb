/* stream.h - pipes, sockets and devices that are read from front to end, once. */
#ifndef TW_OS_STREAM_H
#define TW_OS_STREAM_H

#include <stddef.h>

/* Functions that return int: 0, or an errno. */

/* Opens what `path` names for reading, and waits for somebody who writes to it. A descriptor of this process by one of
 * its names (/dev/stdin, /dev/fd/N, /proc/self/fd/N) is read where it stands, whoever it belongs to. */
int tw__stream_open(int *fd, const char *path);

int tw__stream_is_terminal(int fd);

/* Reads `length` bytes, waiting for them. *done: how many there were before the end. */
int tw__stream_read(int fd, void *data, size_t length, size_t *done);

#endif
