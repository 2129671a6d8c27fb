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
 *     stop         SIGSTOP, until somebody continues the process
 *     delay        a millisecond
 *     error        the errno of this point; where the step behind it cannot fail a worker process exits with code 3,
 *                  and any other does nothing
 * What happens is appended to the file $TILEWORK_FAULT_LOG, a line each: "met POINT worker|parent" at the first
 * passing, "did POINT ACTION", "none POINT ACTION" where there was nobody to kill or nothing to fail. Returns 0, or -1
 * where the text cannot be read. Not while a pool is open. */
int tw__fault_arm(const char *text);

/* Who passes a point, and in which jobs. */
enum {
    TW__POINT_SUPERVISOR = 1,  /* the caller passes it; without this workers do */
    TW__POINT_PROCESSES = 2,   /* only if workers are processes */
    TW__POINT_SHARED = 4,      /* only if outputs are in shared memory or in files */
    TW__POINT_SEVERAL = 8,     /* only if there are several workers */
    TW__POINT_FILES = 16,      /* only if outputs are files */
    TW__POINT_CHOSEN = 32,     /* only if tiles choose an output's dtype, which outputs in memory allow */
    TW__POINT_DEATH = 64,      /* only after a worker has died */
    TW__POINT_FORK = 128,      /* when a worker is forked: the first time before any tile */
    TW__POINT_RECORDS = 256,   /* only once tiles are recorded, a quarter of a second after the start or at a failure */
    TW__POINT_BEGINNING = 512, /* before there are workers, and not in a run that resumes */
    TW__POINT_STEPS = 1024,    /* only in a job of several steps */
    TW__POINT_OVERWRITES = 2048, /* ... one of which overwrites what an earlier one reads */
    TW__POINT_NODES = 4096       /* only in a job on several nodes */
};

struct tw__point {
    const char *name;
    int error; /* what the step behind it fails with; 0: it cannot fail */
    unsigned flags;
};

/* All points, k = 0, 1, ...; NULL past the last. */
const struct tw__point *tw__fault_point(size_t k);

/* Since the last tw__fault_arm: how often the point was passed; how often a fault acted. */
uint64_t tw__fault_met(const char *point);
uint64_t tw__fault_acted(void);
#else
#define TW__POINT(point) 0
#endif

#endif
