/* usage.h - how much processor time a process has used, and whether it wants more, as the system reports. */
#ifndef TW_OS_USAGE_H
#define TW_OS_USAGE_H

#include <stdint.h>

/* Milliseconds, in steps of the system's tick (10 ms), with those of the programs that it has started and their
 * children. 0 if it cannot be known. */
int64_t tw__processor_milliseconds(int pid);

/* Whether a thread of the process, or of a program that it has started, runs or waits for nothing but a processor. 0 if
 * it cannot be known. */
int tw__is_runnable(int pid);

#endif
