/* bench_cases.h - what `tilework bench` measures: each case is set up once and run as often as wanted. */
#ifndef CLI_LOOK_BENCH_CASES_H
#define CLI_LOOK_BENCH_CASES_H

#include "look/job.h"

/* What one run of a case does. */
enum cli_work {
    CLI_MULT_NEW,    /* creates the result and computes it; for processes, the parent reads all of it */
    CLI_MULT_REUSED, /* computes into the result of the run before */
    CLI_EMPTY,       /* 10^6 empty tiles */
    CLI_TWO,         /* 1000 runs of 2 empty tiles; the value is seconds for one of them */
    CLI_MANDELBROT,  /* a square, a tile a row */
    CLI_MEMORY       /* 10^6 tiles of a real result; the value is bytes: this process's peak beyond the arrays */
};

#define CLI_EMPTY_TILES 1000000
#define CLI_TWO_RUNS 1000

struct cli_case {
    const char *name; /* "mult-threads-new" */
    enum cli_work work;
    tw_pool_kind pool;
    int one_worker;
};

/* [cli_cases_count], in the order in which they are shown. */
extern const struct cli_case cli_cases[];
extern const size_t cli_cases_count;

const struct cli_case *cli_case_find(const char *name); /* NULL: none */

struct cli_case_options {
    int64_t rows, columns; /* of the mult cases */
    int64_t side;          /* of the Mandelbrot set */
    int workers;           /* 0: the default */
    const int *stop;       /* NULL: none */
};

struct cli_bench {
    const struct cli_case *kind;
    struct cli_case_options options;
    struct cli_job job;
};

tw_status cli_bench_open(struct cli_bench *bench, const struct cli_case *kind, const struct cli_case_options *options,
                         tw_error *error);

/* Runs it once: *value in seconds (CLI_MEMORY: bytes). What must be made ready for the next run is done outside of the
 * time. */
tw_status cli_bench_run(struct cli_bench *bench, double *value, tw_error *error);
void cli_bench_close(struct cli_bench *bench);

#endif
