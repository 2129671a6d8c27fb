/* fault.h - named points at which a test build may kill, delay or fail what is going on. Any other build has none of
 * this: TW__POINT is 0 there. */
#ifndef TW_OS_FAULT_H
#define TW_OS_FAULT_H

#ifdef TW_FAULTS
#include <stddef.h>
#include <stdint.h>

/* Does what $TILEWORK_FAULT asks for at this point. Returns 0, or the errno that the step after it is to fail with. */
int tw__fault(const char *point);
#define TW__POINT(point) tw__fault(point)

/* Sets what $TILEWORK_FAULT says at the start of a program, "" for nothing, and begins to count anew:
 *
 *     POINT:ACTION[:N],...
 *
 * The Nth passing of POINT acts, counted over this process and all its children; 1 by default, 0 is every one. Actions:
 *     kill-worker  SIGKILL: a worker process itself; elsewhere the first child that lives
 *     kill-parent  SIGKILL: the process that armed
 *     delay        a millisecond
 *     error        the errno of this point; where the step behind it cannot fail a worker process exits with code 3,
 *                  and any other does nothing
 * What happens is appended to the file $TILEWORK_FAULT_LOG, a line each: "met POINT worker|parent" at the first
 * passing, "did POINT ACTION", "none POINT ACTION" where there was nobody to kill or nothing to fail. Returns 0, or -1
 * where the text cannot be read. Not while a pool is open. */
int tw__fault_arm(const char *text);

/* The names of all points, k = 0, 1, ...; NULL past the last. *takes_error: the step behind it can fail. */
const char *tw__fault_name(size_t k, int *takes_error);

/* Since the last tw__fault_arm: how often the point was passed; how often a fault acted. */
uint64_t tw__fault_met(const char *point);
uint64_t tw__fault_acted(void);
#else
#define TW__POINT(point) 0
#endif

#endif
