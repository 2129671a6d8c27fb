/* tally.h - what a report's tiles come to: of each worker, of each step, and of the whole run. Knows no pictures. */
#ifndef TW_RUN_TALLY_H
#define TW_RUN_TALLY_H

#include "run/report.h"

/* What can have become of a tile. */
enum tw__fate {
    TW__FATE_DONE,
    TW__FATE_FAILED,
    TW__FATE_EARLIER,    /* an earlier run did it */
    TW__FATE_FREE,       /* nobody began it */
    TW__FATE_UNFINISHED, /* it was begun, and did not end */
    TW__FATE_SKIPPED,    /* nobody wanted it */
    TW__FATES
};

struct tw__tally {
    int workers; /* that `worker` describes: those of the run */
    struct {
        uint64_t tiles;  /* that it ran last */
        uint64_t failed; /* of these */
        double busy;     /* seconds in tiles */
    } * worker;
    int parts;
    double *begin;  /* [parts] when the first tile of each step began; below 0: none did */
    double *end;    /* [parts] when the last one ended */
    double last;    /* when the last tile of all ended: seconds since the run began */
    double busy;    /* seconds in tiles, of all workers */
    uint64_t timed; /* tiles that workers of this run ran */
    uint64_t retried;
    uint64_t fates[TW__FATES];
};

enum tw__fate tw__fate_of(const tw_tile_record *record);

/* Errors: TW_ERROR_MEMORY. */
tw_status tw__tally_create(struct tw__tally *tally, const tw_report *report, tw_error *error);
void tw__tally_fini(struct tw__tally *tally);

/* The part of all workers' time until the last tile's end in which they were in no tile. */
double tw__tally_idle(const struct tw__tally *tally);

#endif
