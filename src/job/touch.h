/* touch.h - pages of shared and mapped outputs, made present just before a worker first writes them.
 *
 * A fault for each fresh page of shared memory is the largest single cost of a run; one call for many pages costs a
 * fraction, and says ENOMEM if a fault would end the worker with SIGBUS. Page tables belong to a process, so each
 * worker remembers for itself which units it has had. */
#ifndef TW_JOB_TOUCH_H
#define TW_JOB_TOUCH_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

/* One mapping and which of its 2 MiB units this worker has touched. Zeroed memory is an empty region. */
struct tw__region {
    char *base;
    size_t size;
    int heap;         /* it is a shared heap: huge pages, whole units */
    int refused;      /* ... which the system does not give */
    uint8_t *touched; /* one bit a unit */
    size_t capacity;  /* bytes of `touched` */
};

/* Makes it the region base[0..size), nothing touched. 0, or ENOMEM. */
int tw__region_set(struct tw__region *region, void *base, size_t size, int heap);
void tw__region_fini(struct tw__region *region);

/* Makes all pages of a view that lies in the region present. Adds to *populated the bytes that were asked for. 0, or
 * an errno: ENOMEM if memory has run out, EFAULT if a file has no page there. A system that lacks the call is no
 * failure: the pages then come one by one. */
int tw__region_touch(struct tw__region *region, const tw_view *view, int64_t *populated);

#endif
