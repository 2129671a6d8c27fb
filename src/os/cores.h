/* cores.h - a loop by all cores, for what the library itself does with much memory. */
#ifndef TW_OS_CORES_H
#define TW_OS_CORES_H

#include <stdint.h>

#define TW__MOST_CORES 64 /* memory has no more to give */

/* Calls work(user, k) for k = 0 .. count - 1, in any order, on the calling thread and on as many new ones as this
 * process may use processors, or as the system grants. All of them have ended when it returns, since what follows may
 * fork. A thread takes some 50 us, so each k should be worth as much. */
void tw__by_all_cores(int64_t count, void (*work)(void *user, int64_t k), void *user);

#endif
