/* clock.h - monotonic time. */
#ifndef CLI_LOOK_CLOCK_H
#define CLI_LOOK_CLOCK_H

/* Seconds since some point in the past; never goes back; async-signal-safe. */
double cli_now(void);

#endif
