/* wrong_clock.c - loaded before the C library: the wall clock of a process is $CLOCK_OFFSET seconds off. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    const int failed = real(which, now);
    if (failed == 0 && which == CLOCK_REALTIME) {
        now->tv_sec += atoi(getenv("CLOCK_OFFSET"));
    }
    return failed;
}
time_t time(time_t *result)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result != NULL) {
        *result = now.tv_sec;
    }
    return now.tv_sec;
}
