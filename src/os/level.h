/* level.h - which level of its family the processor has, so that code made for a level is run only where it can be. */
#ifndef TW_OS_LEVEL_H
#define TW_OS_LEVEL_H

/* x86-64: 1 to 4, as the System V ABI numbers them; what the system does not save on a change of threads does not
 * count. Other families: 1. Any thread. */
int tw__cpu_level(void);

#endif
