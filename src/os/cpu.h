/* cpu.h - what the machine has and what this process may use of it: tw_machine_describe. */
#ifndef TW_OS_CPU_H
#define TW_OS_CPU_H

#include <stddef.h>

#include <tilework/tilework.h>

/* Default number of workers: what affinity and every cgroup ancestor's quota allow, at least 1. A quota of 3.5 CPUs
 * gives 3 workers: with 4 the system would stop all of them for a part of every period. */
int tw__default_workers(void);

/* Bytes that are available now: the least of MemAvailable and the room of every cgroup ancestor; INT64_MAX unknown. */
int64_t tw__available_memory(void);

/* Whether so many bytes are so small a part of the machine (at most 64 MiB) that asking what is available costs more
 * than it is worth. */
int tw__is_small(int64_t bytes);

/* tw_machine_describe with the files of /proc and /sys read below ROOT; "" is the machine itself. */
void tw__machine_describe(tw_machine *machine, const char *root);

/* What code compiled for "this processor" depends on: its model and instruction sets, as text[size], cut where it does
 * not fit. The same for two machines that can run each other's code; "" unknown. */
void tw__cpu_features(char *text, size_t size);

#endif
