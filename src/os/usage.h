/* usage.h - how much processor time a process has used, as the system reports. */
#ifndef TW_OS_USAGE_H
#define TW_OS_USAGE_H

#include <stdint.h>

/* Milliseconds, in steps of the system's tick (10 ms), with those of the programs that it has started and their
 * children. 0 if it cannot be known. */
int64_t tw__processor_milliseconds(int pid);

#endif
