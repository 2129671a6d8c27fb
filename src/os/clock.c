/* clock.c - monotonic time, and moments as text. */
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

int64_t tw__now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t tw__wall_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int tw__moment_text(char *text, size_t size, int64_t nanoseconds)
{
    struct tm utc;
    const time_t seconds = (time_t)(nanoseconds / 1000000000);
    if (nanoseconds < 0 || gmtime_r(&seconds, &utc) == NULL) {
        return snprintf(text, size, "%" PRId64, nanoseconds);
    }
    return snprintf(text, size, "%04d-%02d-%02d %02d:%02d:%02d.%09d UTC", utc.tm_year + 1900, utc.tm_mon + 1,
                    utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int)(nanoseconds % 1000000000));
}
