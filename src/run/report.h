/* report.h - what happened in a run, tile by tile. */
#ifndef TW_RUN_REPORT_H
#define TW_RUN_REPORT_H

#include <tilework/tilework.h>

#include "heap/memory.h"
#include "pool/pool.h"

struct tw_report {
    tw_report_totals totals;
    tw_grid *grid; /* an image, in `image` */
    void *image;
    struct tw__memory words; /* taken over from the pool */
    struct tw__memory times;
    int *pids;                                  /* [workers] at the end of the run */
    struct tw__burial burials[TW__MAX_BURIALS]; /* who had a seat before */
    int nburials;
};

/* An empty report for a run over this grid. */
tw_status tw__report_create(tw_report **report, const tw_grid *grid, const tw_pool *pool, tw_error *error);

/* Takes over the words and times of the pool's last job and what became of it. */
void tw__report_fill(tw_report *report, tw_pool *pool, const struct tw__outcome *outcome);

#endif
