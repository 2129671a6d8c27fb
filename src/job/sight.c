/* sight.c - which memory of the caller's own the workers of a run see where it is. */
#include "job/sight.h"

#include <stdlib.h>

#include "array/view.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pressure.h"

/* Nanoseconds for a MiB, measured on two cores: a copy to shared memory whose pages are new, by one core and by as many
 * as memory keeps busy; and what the page tables of private memory add to a fork, for each worker, in pages of 4 KiB.
 */
#define COPY_ONE 300000
#define MOST_COPYING 4
#define FORK_TABLES 4000
#define FORK_UNKNOWN 2000000 /* nanoseconds of a pool that has not forked yet */

tw_status tw__sight_keep(struct tw__sights **sights, tw_error *error)
{
    if (*sights == NULL) {
        *sights = calloc(1, sizeof **sights);
    }
    return *sights != NULL ? TW_OK : tw__fail_memory(error, sizeof **sights, "mappings that a pool knows");
}

void tw__sight_begin(struct tw__sights *sights)
{
    for (int k = 0; k < TW__MOST_MAPPINGS; k++) {
        sights->seen[k].used = 0;
    }
}

/* The row of a mapping: its own, else the oldest that this run does not use; NULL: it uses all. */
static struct tw__seen *row_of(struct tw__sights *sights, const struct tw__mapping *mapping)
{
    struct tw__seen *oldest = NULL;
    for (int k = 0; k < TW__MOST_MAPPINGS; k++) {
        struct tw__seen *row = &sights->seen[k];
        if (row->array.base != NULL && tw__mapping_is_same(&row->mapping, mapping)) {
            return row;
        }
        if (!row->used && (oldest == NULL || row->sure_at < oldest->sure_at)) {
            oldest = row;
        }
    }
    if (oldest != NULL) {
        *oldest = (struct tw__seen){.mapping = *mapping,
                                    .array = {.memory = TW_MAPPED,
                                              .base = (void *)(uintptr_t)mapping->start,
                                              .bytes = (size_t)(mapping->end - mapping->start)}};
    }
    return oldest;
}

const tw_array *tw__sight_find(struct tw__sights *sights, const struct tw__crew *crew, const tw_view *view, int writes,
                               int64_t *newest)
{
    struct tw__mapping mapping;
    int64_t before, after;
    if (!tw__view_reach(view, &before, &after) || before + after < TW__SIGHT_LEAST ||
        tw__mapping_find(&mapping, (const char *)view->data - before, (size_t)(before + after)) != 0 ||
        !mapping.is_shared || (writes && !mapping.is_writable)) {
        return NULL;
    }
    struct tw__seen *row = row_of(sights, &mapping);
    if (row == NULL) {
        return NULL;
    }
    /* Whoever was there when it was last used has it: were it unmapped since and mapped again, theirs would be of the
     * same place in the same file. A worker that was forked in between may have come while there was none. */
    if (row->sure_at <= crew->forked_at) {
        *newest = tw__now();
    }
    row->used = 1;
    return &row->array;
}

void tw__sight_end(struct tw__sights *sights)
{
    const int64_t now = tw__now();
    for (int k = 0; k < TW__MOST_MAPPINGS; k++) {
        if (sights->seen[k].used) {
            sights->seen[k].sure_at = now;
        }
    }
}

int tw__sight_prefers_fork(const struct tw__crew *crew, int64_t bytes)
{
    const int cores = tw__default_workers();
    const double size = (double)bytes / (1 << 20);
    const double copy = size * COPY_ONE / (cores < MOST_COPYING ? cores : MOST_COPYING);
    const int64_t once = (crew->fork_time > 0 ? crew->fork_time : FORK_UNKNOWN) + crew->warm_time;
    const double fork = (double)once + size * FORK_TABLES * crew->workers;
    return copy > 2 * fork && !tw__forks_are_charged();
}
