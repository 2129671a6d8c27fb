/* plan.h - what this machine's memory can do: stage 13 of tilework.h, which includes it. */
#ifndef TILEWORK_PLAN_H
#define TILEWORK_PLAN_H

#include <tilework/tilework.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TW_BANDWIDTH_ROWS 16

/* Bytes a second that so many threads together move between memory and their caches. */
typedef struct tw_bandwidth_row {
    int threads;
    double read;  /* loads alone */
    double write; /* stores alone, to pages that are there */
    double copy;  /* loads and stores of a copy, both counted */
    double fresh; /* stores to new private memory, whose pages come at the first store */
} tw_bandwidth_row;

typedef struct tw_bandwidth {
    int count;
    tw_bandwidth_row
        row[TW_BANDWIDTH_ROWS]; /* with 1, 2, 4, ... threads, the last with as many as a pool has workers */
    double shared;              /* bytes a second at which one process makes new shared memory present */
    int64_t measured_at;        /* nanoseconds since 1970 */
    int is_kept;                /* 1: it was measured before, and kept in the cache folder */
} tw_bandwidth;

typedef struct tw_bandwidth_options {
    int again;         /* measure now, also if it is known */
    const char *cache; /* as in tw_compile_options */
} tw_bandwidth_options;

/* How fast this machine reads and writes memory. It is measured once, in less than half a second, on buffers that no
 * cache holds, and kept in the cache folder for this processor, kernel, number of CPUs and version; if no folder can be
 * used, it is measured at each call. Other programs that run meanwhile make it less. `options` may be NULL. Any thread.
 * Errors: TW_ERROR_MEMORY. */
TW_API tw_status tw_machine_bandwidth(tw_bandwidth *bandwidth, const tw_bandwidth_options *options, tw_error *error);

#ifdef __cplusplus
}
#endif
#endif
