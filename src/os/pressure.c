/* pressure.c - whether memory runs out: pressure stall information, what is available, limits on address space. */
#include "os/pressure.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/text.h"
#include "os/cpu.h"
#include "os/file.h"

#define PRESSED 1000 /* hundredths of a percent */

int64_t tw__pressure_of(const char *text)
{
    const char *found = strstr(text, "some avg10=");
    int64_t whole, rest;
    if (found == NULL) {
        return -1;
    }
    const char *digits = found + strlen("some avg10=");
    const size_t length = tw__parse_digits(digits, strspn(digits, "0123456789"), &whole);
    if (length == 0 || digits[length] != '.' || whole > 100 || tw__parse_digits(digits + length + 1, 2, &rest) != 2) {
        return -1;
    }
    return whole * 100 + rest;
}

/* A small file of the system's; empty if there is none. */
static void read_text(const char *path, char *text, size_t size)
{
    size_t got = 0;
    int fd = -1;
    text[0] = '\0';
    if (tw__file_open_read(&fd, path) == 0) {
        const int failed = tw__file_read_some(fd, text, size - 1, &got);
        tw__file_close(fd);
        text[failed == 0 ? got : 0] = '\0';
    }
}

static int is_pressed(const char *path)
{
    char text[512];
    read_text(path, text, sizeof text);
    return tw__pressure_of(text) >= PRESSED;
}

/* The group's own file is at this place inside a container, and for one that mounts its group there. */
int tw__memory_pressed(void)
{
    return is_pressed("/proc/pressure/memory") || is_pressed("/sys/fs/cgroup/memory.pressure");
}

int64_t tw__spare_memory(void)
{
    struct rlimit limit;
    int64_t spare = tw__available_memory() / 2;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && (int64_t)(limit.rlim_cur / 8) < spare) {
        spare = (int64_t)(limit.rlim_cur / 8);
    }
    return spare;
}

int tw__forks_are_charged(void)
{
    char text[8];
    read_text("/proc/sys/vm/overcommit_memory", text, sizeof text);
    return text[0] == '2';
}
