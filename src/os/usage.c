/* usage.c - how much processor time a process has used, as the system reports: /proc/PID/stat. */
#include "os/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_DEPTH 4 /* children of children */

/* The beginning of a file, as text. Its length; 0: it cannot be read. */
static size_t read_text(const char *path, char *text, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t length = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    return length > 0 ? (size_t)length : 0;
}

/* utime, stime, cutime and cstime follow the name in parentheses, which may have any character, and eleven numbers. */
static int64_t own_ticks(int pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_text(path, text, sizeof text) == 0) {
        return 0;
    }
    const char *at = strrchr(text, ')');
    for (int skipped = 0; at != NULL && skipped < 12; skipped++) {
        at = strchr(at + 1, ' ');
    }
    int64_t ticks = 0;
    for (int k = 0; at != NULL && k < 4; k++) {
        char *end;
        ticks += strtoll(at, &end, 10);
        at = end;
    }
    return ticks;
}

static int64_t ticks_of(int pid, int depth)
{
    char path[64], text[4096];
    int64_t ticks = own_ticks(pid);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    char *at = depth < MOST_DEPTH && read_text(path, text, sizeof text) > 0 ? text : NULL;
    while (at != NULL) {
        char *end;
        const long child = strtol(at, &end, 10);
        if (end == at || child <= 0) {
            break;
        }
        ticks += ticks_of((int)child, depth + 1);
        at = end;
    }
    return ticks;
}

int64_t tw__processor_milliseconds(int pid)
{
    const long hertz = sysconf(_SC_CLK_TCK);
    return hertz > 0 ? ticks_of(pid, 0) * 1000 / hertz : 0;
}
