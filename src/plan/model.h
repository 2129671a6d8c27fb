/* model.h - what a run costs, by arithmetic: from times of some tiles and from what the machine can do. */
#ifndef TW_PLAN_MODEL_H
#define TW_PLAN_MODEL_H

#include <tilework/tilework.h>

/* Seconds that handing out a native tile takes, and a run of a kept pool: measured by `tilework bench`. */
#define TW__TILE_SECONDS 15e-9
#define TW__RUN_SECONDS 2e-6

/* A step of the job, and the times of some of its tiles; the next step begins when all have ended. */
struct tw__model_step {
    uint64_t tiles, first; /* first: number of its first tile in the job */
    size_t timed;          /* 0: its tiles take no time */
    const uint64_t *tile;  /* [timed] ascending, numbers in the job */
    const double *seconds; /* [timed] alone, pages present */
};

struct tw__model {
    int nsteps;
    const struct tw__model_step *step;
    double together; /* with `all` workers; 0: from the bandwidth */
    int all;         /* workers that `together` was measured with */
    int cores;       /* workers that can run at the same time */
    double bytes_read, bytes_written;
    double fresh;                       /* bytes of results whose pages are new */
    double copied_in, copied_back;      /* bytes of private operands */
    double disk;                        /* seconds */
    double opening_fixed, opening_each; /* of a pool of processes */
    double call[3];                     /* seconds that each run takes beside all this, by tw_pool_kind */
    double dispatch[3];                 /* seconds a tile, by tw_pool_kind */
    double locked;                      /* on threads */
    const tw_bandwidth *bandwidth;
};

/* Seconds of any tile of the step, counted from 0 in it: between the timed ones on a straight line. */
double tw__model_tile(const struct tw__model_step *step, uint64_t tile);

/* Tiles, and seconds that they take one after the other, of all steps. */
double tw__model_tiles(const struct tw__model *model);
double tw__model_sum(const struct tw__model *model);

/* Seconds from the first tile's begin to the last one's end if each takes `factor` times as long as alone, and
 * `dispatch`. */
double tw__model_span(const struct tw__model *model, int workers, double factor, double dispatch);

/* How many times as long a tile takes if so many workers run tiles. */
double tw__model_together(const struct tw__model *model, int workers);

void tw__model_forecast(const struct tw__model *model, tw_pool_kind pool, int workers, tw_forecast *forecast);

#endif
