/* kept.c - what the jobs of a pool leave with it from run to run. Goes when the pool is closed. */
#include "job/kept.h"

#include <stdlib.h>

#include "base/error.h"
#include "job/step.h"

static void leave(struct tw__tenant *tenant, struct tw__worker *seats, int workers)
{
    struct tw__kept *kept = (struct tw__kept *)tenant; /* its first member */
    for (int w = 0; w < workers; w++) {
        tw__step_release_local(seats[w].local);
    }
    tw__memory_release(&kept->payload);
    tw__memory_release(&kept->words);
    tw__memory_release(&kept->times);
    tw__memory_release(&kept->sums);
    tw__memory_release(&kept->elsewhere);
    tw__memory_release(&kept->rooms);
    tw__memory_release(&kept->choices);
    tw__memory_release(&kept->temporaries);
    free(kept->sights);
    free(kept);
}

tw_status tw__kept_find(struct tw__kept **kept, tw_pool *pool, tw_error *error)
{
    if (pool->tenant == NULL) {
        struct tw__kept *made = calloc(1, sizeof *made);
        if (made == NULL) {
            return tw__fail_memory(error, sizeof *made, "what a pool keeps");
        }
        made->tenant.leave = leave;
        pool->tenant = &made->tenant;
    }
    *kept = (struct tw__kept *)pool->tenant;
    return TW_OK;
}
