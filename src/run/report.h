/* report.h - what happened in a run, tile by tile. */
#ifndef TW_RUN_REPORT_H
#define TW_RUN_REPORT_H

#include <tilework/tilework.h>

#include "grid/grid.h"
#include "heap/memory.h"
#include "job/steps.h"
#include "pool/pool.h"

#define TW__REPORT_GRIDS 4

/* A part of the job: the tiles of one grid, which may have stages. */
struct tw__report_step {
    uint64_t first; /* number of the grid's first tile in the job */
    tw_grid *grid;  /* an image, in the report's `image` */
};

struct tw_report {
    tw_report_totals totals;
    const char *pool; /* the name of its kind */
    int nsteps;
    struct tw__report_step step[TW__REPORT_GRIDS];
    void *image;
    struct tw__memory words; /* [tiles]; data NULL: the run ended before its first tile, or had none to do */
    struct tw__memory times;
    uint64_t from, to;                          /* they have tiles [from, to) alone: the others were not this run's */
    tw_tile_record *records;                    /* [tiles] owned: it was made of these; NULL: of words and times */
    int *pids;                                  /* [workers] at the end of the run */
    struct tw__burial burials[TW__MAX_BURIALS]; /* who had a seat before */
    int nburials;
    double copy_seconds;              /* of private operands to and from the workers' memory */
    double bytes_read, bytes_written; /* of the operands, each once */
};

/* An empty report for a run of so many steps over these grids. */
tw_status tw__report_create(tw_report **report, const tw_grid *const *grids, int count, const tw_pool *pool,
                            tw_error *error);

/* Says what became of the run. */
void tw__report_fill(tw_report *report, const tw_pool *pool, const struct tw__outcome *outcome);

/* Notes how many bytes the operands have. */
void tw__report_count(tw_report *report, const tw_signature *signature, tw_array *const *arrays);

/* Takes the tiles' words and times away from the job, and without times if it was not timed. */
void tw__report_take(tw_report *report, struct tw__steps *steps);

/* A step of the job whose tiles have axes of their own. */
struct tw__report_part {
    const tw_grid *grid;  /* without stages; an image */
    uint64_t first;       /* number of its first tile in the job */
    const tw_grid *whole; /* that it is step `step` of */
    int step;
};

/* How many there are; one of them; and what it does, as text. */
int tw__report_parts(const tw_report *report);
void tw__report_part(struct tw__report_part *part, const tw_report *report, int number);
int tw__report_part_text(const struct tw__report_part *part, char *text, size_t size);

/* TW_ERROR_FILE or _DISK for a stream that did not take a report; one that failed without saying why leaves EIO. */
tw_status tw__report_cannot_write(tw_error *error);

/* The step that a tile of the job belongs to. */
const struct tw__report_step *tw__report_step_of(const tw_report *report, uint64_t tile);

#endif
