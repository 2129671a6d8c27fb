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

/* Nanoseconds in which a process's first thread could have run, but others had the processor. 0 if it cannot be known.
 */
int64_t tw__nanoseconds_waited(int pid);

/* What the calling thread has done until a moment, in nanoseconds. */
struct tw__effort {
    int64_t now, computed, waited; /* by tw__now(); on a processor; for a processor that others had */
};

void tw__effort_begin(struct tw__effort *effort);

/* Nanoseconds since then without those in which the thread could have run, but others had the processor: what it
 * computed, and what it slept or waited for something else. The system that does not know says all of them. */
int64_t tw__effort_end(const struct tw__effort *effort);

/* Those in which it could have run, but others had the processor. */
int64_t tw__effort_waited(const struct tw__effort *effort);

#endif
