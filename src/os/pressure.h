/* pressure.h - whether the machine, or what this process may use of it, runs out of memory. */
#ifndef TW_OS_PRESSURE_H
#define TW_OS_PRESSURE_H

#include <stdint.h>

/* Programs have waited for memory for a tenth of the last ten seconds, by the system's pressure stall information of
 * the machine and of the control group (version 2). 0 if the system has none. */
int tw__memory_pressed(void);

/* Bytes that may lie unused: half of what is available, and an eighth of the limit on this process's address space. */
int64_t tw__spare_memory(void);

/* The system sets memory aside for all private memory of each fork, and refuses forks past its limit
 * (vm.overcommit_memory is 2): a large program has few of them. */
int tw__forks_are_charged(void);

/* The share of the last ten seconds in a file of pressure stall information, in hundredths of a percent; -1: none. */
int64_t tw__pressure_of(const char *text);

#endif
