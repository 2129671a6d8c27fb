/* bench_cases.c - what `tilework bench` measures. Knows clocks and jobs, neither tables nor peers. */
#include "look/bench_cases.h"

#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "look/clock.h"

const struct cli_case cli_cases[] = {
    {"mult-serial-new", CLI_MULT_NEW, TW_SERIAL, 1},
    {"mult-threads-new", CLI_MULT_NEW, TW_THREADS, 0},
    {"mult-processes-new", CLI_MULT_NEW, TW_PROCESSES, 0},
    {"mult-serial", CLI_MULT_REUSED, TW_SERIAL, 1},
    {"mult-threads-reused", CLI_MULT_REUSED, TW_THREADS, 0},
    {"mult-processes-reused", CLI_MULT_REUSED, TW_PROCESSES, 0},
    {"mandelbrot-1", CLI_MANDELBROT, TW_THREADS, 1},
    {"mandelbrot-all", CLI_MANDELBROT, TW_THREADS, 0},
    {"mandelbrot-processes", CLI_MANDELBROT, TW_PROCESSES, 0},
    {"empty-threads", CLI_EMPTY, TW_THREADS, 0},
    {"empty-processes", CLI_EMPTY, TW_PROCESSES, 0},
    {"two-threads", CLI_TWO, TW_THREADS, 0},
    {"two-processes", CLI_TWO, TW_PROCESSES, 0},
    {"memory-threads", CLI_MEMORY, TW_THREADS, 0},
    {"memory-processes", CLI_MEMORY, TW_PROCESSES, 0},
};
const size_t cli_cases_count = sizeof cli_cases / sizeof cli_cases[0];

const struct cli_case *cli_case_find(const char *name)
{
    for (size_t c = 0; c < cli_cases_count; c++) {
        if (strcmp(cli_cases[c].name, name) == 0) {
            return &cli_cases[c];
        }
    }
    return NULL;
}

/* A result in 10^6 tiles: a row in 100 pieces, 10000 rows, whatever the columns. */
static tw_status open_memory(struct cli_bench *bench, const tw_pool_options *pool, tw_error *error)
{
    const int64_t rows = bench->options.rows, columns = bench->options.columns;
    const int64_t pieces = rows < CLI_EMPTY_TILES ? CLI_EMPTY_TILES / rows : 1;
    const tw_split splits[] = {{.axis = "i", .tile = 1}, {.axis = "j", .parts = pieces < columns ? pieces : columns}};
    return cli_job_mult(&bench->job, pool, rows, columns, splits, 2, CLI_OUTPUT_NOW, error);
}

static tw_status open_job(struct cli_bench *bench, tw_error *error)
{
    const struct cli_case_options *options = &bench->options;
    const tw_pool_options pool = {.kind = bench->kind->pool, .workers = bench->kind->one_worker ? 1 : options->workers};
    switch (bench->kind->work) {
    case CLI_MULT_NEW:
        return cli_job_mult(&bench->job, &pool, options->rows, options->columns, NULL, 0, CLI_OUTPUT_LATER, error);
    case CLI_MULT_REUSED:
        return cli_job_mult(&bench->job, &pool, options->rows, options->columns, NULL, 0, CLI_OUTPUT_NOW, error);
    case CLI_EMPTY:
        return cli_job_empty(&bench->job, &pool, CLI_EMPTY_TILES, error);
    case CLI_TWO:
        return cli_job_empty(&bench->job, &pool, 2, error);
    case CLI_MANDELBROT:
        return cli_job_mandelbrot(&bench->job, &pool, options->side, error);
    case CLI_MEMORY:
        return open_memory(bench, &pool, error);
    }
    return cli_error(error, TW_ERROR_ARGUMENT, "no such case");
}

tw_status cli_bench_open(struct cli_bench *bench, const struct cli_case *kind, const struct cli_case_options *options,
                         tw_error *error)
{
    *bench = (struct cli_bench){.kind = kind, .options = *options};
    if (open_job(bench, error) != TW_OK) {
        return error->status;
    }
    /* One run before any is measured: workers are awake, and a result that is reused has been written once. */
    const int warm = kind->work == CLI_MULT_REUSED || kind->work == CLI_EMPTY || kind->work == CLI_TWO;
    return warm ? cli_job_run(&bench->job, options->stop, NULL, error) : TW_OK;
}

static double sum_of(const struct cli_job *job)
{
    const double *r = tw_array_data(job->operand[2]);
    const int64_t size = tw_view_size(tw_array_view(job->operand[2]));
    double sum[8] = {0}; /* eight chains of additions, so that memory is what limits, not the adder */
    int64_t k = 0;
    for (; k + 8 <= size; k += 8) {
        for (int c = 0; c < 8; c++) {
            sum[c] += r[k + c];
        }
    }
    for (; k < size; k++) {
        sum[0] += r[k];
    }
    return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}

static tw_status run_new(struct cli_bench *bench, double *seconds, tw_error *error)
{
    const double begin = cli_now();
    if (cli_job_new_output(&bench->job, error) != TW_OK ||
        cli_job_run(&bench->job, bench->options.stop, NULL, error) != TW_OK) {
        return error->status;
    }
    volatile double sum = bench->kind->pool == TW_PROCESSES ? sum_of(&bench->job) : 0;
    (void)sum;
    *seconds = cli_now() - begin;
    cli_job_drop_output(&bench->job); /* not timed: it is not for the programs this is measured beside either */
    if (bench->kind->pool != TW_PROCESSES) {
        return TW_OK;
    }
    /* A pool's heap keeps pages warm that were given back; a new result is new only in a new heap. */
    cli_job_fini(&bench->job);
    return open_job(bench, error);
}

static tw_status run_timed(struct cli_bench *bench, int runs, double *seconds, tw_error *error)
{
    const double begin = cli_now();
    for (int run = 0; run < runs; run++) {
        if (cli_job_run(&bench->job, bench->options.stop, NULL, error) != TW_OK) {
            return error->status;
        }
    }
    *seconds = (cli_now() - begin) / runs;
    return TW_OK;
}

/* Most memory this process ever had, in bytes. */
static double peak_memory(void)
{
    char line[256];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        static const char name[] = "VmHWM:";
        if (strncmp(line, name, sizeof name - 1) == 0) {
            for (const char *at = line; *at != '\0'; at++) {
                kib = *at >= '0' && *at <= '9' ? 10 * kib + (*at - '0') : kib;
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib * 1024;
}

/* The result is in the peak of the process that wrote it: of this one for threads, of the workers for processes. */
static tw_status run_memory(struct cli_bench *bench, double *bytes, tw_error *error)
{
    double arrays = 0;
    if (cli_job_run(&bench->job, bench->options.stop, NULL, error) != TW_OK) {
        return error->status;
    }
    const int own = bench->kind->pool == TW_PROCESSES ? bench->job.noperands - 1 : bench->job.noperands;
    for (int k = 0; k < own; k++) {
        const tw_view *view = tw_array_view(bench->job.operand[k]);
        arrays += (double)(tw_view_size(view) * view->dtype.itemsize);
    }
    *bytes = peak_memory() - arrays;
    return TW_OK;
}

tw_status cli_bench_run(struct cli_bench *bench, double *value, tw_error *error)
{
    switch (bench->kind->work) {
    case CLI_MULT_NEW:
        return run_new(bench, value, error);
    case CLI_TWO:
        return run_timed(bench, CLI_TWO_RUNS, value, error);
    case CLI_MEMORY:
        return run_memory(bench, value, error);
    case CLI_MULT_REUSED:
    case CLI_EMPTY:
    case CLI_MANDELBROT:
        break;
    }
    return run_timed(bench, 1, value, error);
}

void cli_bench_close(struct cli_bench *bench)
{
    cli_job_fini(&bench->job);
}
