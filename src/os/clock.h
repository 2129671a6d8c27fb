/* clock.h - monotonic time. */
#ifndef TW_OS_CLOCK_H
#define TW_OS_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some point in the past; never goes back; the same clock in all processes. */
int64_t tw__now(void);

#endif
