/* usage.c - how much processor time a process has used, and whether it wants more, as the system reports: /proc/PID. */
#include "os/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"

#define MOST_DEPTH 4       /* children of children */
#define MOST_READS 8       /* of an effort; each is longer than UNDISTURBED only if others wanted the processor */
#define UNDISTURBED 100000 /* nanoseconds; a read takes 5000 to 40,000 */

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

/* Nanoseconds in which a thread waited for a processor: the second number. 0: it cannot be known. */
static int64_t nanoseconds_waited(const char *schedstat)
{
    char text[128];
    const char *at = read_text(schedstat, text, sizeof text) > 0 ? strchr(text, ' ') : NULL;
    return at != NULL ? strtoll(at, NULL, 10) : 0;
}

int64_t tw__nanoseconds_waited(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    return nanoseconds_waited(path);
}

static int64_t nanoseconds_computed(void)
{
    struct timespec time;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 ? (int64_t)time.tv_sec * 1000000000 + time.tv_nsec : 0;
}

/* All of an effort, as of a moment between `first` and effort->now. A wait for a processor in between belongs to
 * neither side of it, so it is read again. */
static void read_effort(struct tw__effort *effort, int64_t *first)
{
    for (int k = 0; k < MOST_READS; k++) {
        *first = tw__now();
        effort->waited = nanoseconds_waited("/proc/thread-self/schedstat");
        effort->computed = nanoseconds_computed();
        effort->now = tw__now();
        if (effort->now - *first < UNDISTURBED) {
            return;
        }
    }
}

void tw__effort_begin(struct tw__effort *effort)
{
    int64_t first;
    read_effort(effort, &first);
}

int64_t tw__effort_end(const struct tw__effort *effort)
{
    struct tw__effort end;
    int64_t first;
    read_effort(&end, &first);
    const int64_t all = first - effort->now;
    const int64_t computed = end.computed - effort->computed;
    const int64_t own = all - (end.waited - effort->waited); /* may be too little: it is read last */
    const int64_t least = computed < all ? computed : all;
    return own > least ? own : least;
}

int64_t tw__effort_waited(const struct tw__effort *effort)
{
    return nanoseconds_waited("/proc/thread-self/schedstat") - effort->waited;
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

/* The state is the letter after the name in parentheses. */
static int thread_is_runnable(int pid, long thread)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/task/%ld/stat", pid, thread);
    const char *at = read_text(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
    return at != NULL && at[1] == ' ' && at[2] == 'R';
}

static int process_is_runnable(int pid, int depth);

static int child_is_runnable(int pid, long thread, int depth)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task/%ld/children", pid, thread);
    char *at = depth < MOST_DEPTH && read_text(path, text, sizeof text) > 0 ? text : NULL;
    int found = 0;
    while (at != NULL && !found) {
        char *end;
        const long child = strtol(at, &end, 10);
        if (end == at || child <= 0) {
            break;
        }
        found = process_is_runnable((int)child, depth + 1);
        at = end;
    }
    return found;
}

static int process_is_runnable(int pid, int depth)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    int found = 0;
    for (struct dirent *entry; threads != NULL && !found && (entry = readdir(threads)) != NULL;) {
        const long thread = strtol(entry->d_name, NULL, 10); /* 0: "." and ".." */
        found = thread > 0 && (thread_is_runnable(pid, thread) || child_is_runnable(pid, thread, depth));
    }
    if (threads != NULL) {
        closedir(threads);
    }
    return found;
}

int tw__is_runnable(int pid)
{
    return process_is_runnable(pid, 0);
}

int64_t tw__processor_milliseconds(int pid)
{
    const long hertz = sysconf(_SC_CLK_TCK);
    return hertz > 0 ? ticks_of(pid, 0) * 1000 / hertz : 0;
}
