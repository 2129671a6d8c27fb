/* clock.h - monotonic time, and moments as text. */
#ifndef TW_OS_CLOCK_H
#define TW_OS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds since some point in the past; never goes back; the same clock in all processes. */
int64_t tw__now(void);

/* Nanoseconds since 1970, by the clock that files are dated by. */
int64_t tw__wall_time(void);

/* "2026-11-23 04:06:58.000000000 UTC" for nanoseconds since 1970, or the number if that is no such moment. Returns
 * the length as snprintf does. */
int tw__moment_text(char *text, size_t size, int64_t nanoseconds);

#endif
