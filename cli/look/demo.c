/* demo.c - tilework demo: one job done serially, as one tile, on threads and on processes; then the same job at full
 * size, timed. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "exit.h"
#include "interrupt.h"
#include "look/clock.h"
#include "look/job.h"
#include "options.h"
#include "outcome.h"
#include "strict.h"
#include "units.h"

enum { KEY_ROWS = CLI_KEY_FIRST, KEY_COLUMNS };

struct request {
    struct cli_pool_choice pool;
    int64_t rows, columns; /* 0: not given */
};

static const struct argp_option options[] = {
    {"rows", KEY_ROWS, "N", 0, "Rows of the timed job; default 10000, fewer if memory is short", 0},
    {"cols", KEY_COLUMNS, "N", 0, "Columns of the timed job; default 20000", 0},
    {0}};

static const char doc[] =
    "Compute r[i,j] = y[i] * x[j] in tiles, four ways, and show which worker did which tile; then time it at full size."
    "\v"
    "With --pool, only that kind of pool runs the tiles, beside the serial one for comparison.\n"
    "\n"
    "Examples:\n"
    "  tilework demo\n"
    "  tilework demo --pool processes --workers 4\n"
    "  tilework demo --rows 2000 --cols 3000\n";

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &request->pool;
        return 0;
    case ARGP_KEY_ARG:
        return cli_bad("'%s' is not expected: demo takes only options", argument);
    case KEY_ROWS:
        return cli_number(&request->rows, "--rows", argument, 1, INT64_MAX);
    case KEY_COLUMNS:
        return cli_number(&request->columns, "--cols", argument, 1, INT64_MAX);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int is_wanted(const struct request *request, tw_pool_kind kind)
{
    return kind == TW_SERIAL || !request->pool.kind_given || request->pool.kind == kind;
}

static tw_pool_options pool_of(const struct request *request, tw_pool_kind kind)
{
    return (tw_pool_options){.kind = kind, .workers = kind == TW_SERIAL ? 1 : request->pool.workers};
}

/* "threads (2 workers)" */
static void pool_title(char *text, size_t size, tw_pool_kind kind, const tw_pool *pool)
{
    char workers[CLI_UNITS_TEXT];
    if (kind == TW_SERIAL) {
        snprintf(text, size, "%s", cli_pool_name(kind));
    } else {
        cli_text_count(workers, sizeof workers, (uint64_t)tw_pool_workers(pool), "worker", "workers");
        snprintf(text, size, "%s (%s)", cli_pool_name(kind), workers);
    }
}

/* The largest difference to the plain loop. Errors: TW_ERROR_CHECK where a bit differs. */
static tw_status compare(const struct cli_job *job, double *difference, tw_error *error)
{
    int identical;
    cli_job_compare(job, difference, &identical);
    return identical
               ? TW_OK
               : cli_error(error, TW_ERROR_CHECK, "the result differs from the plain loop's, by up to %g", *difference);
}

/* ---- the small job, four ways ---- */

#define WAYS 4

static tw_status show_way(struct cli_job *job, const char *title, const int *stop, tw_error *error)
{
    tw_report *report = NULL;
    double difference;
    tw_status status = cli_job_run(job, stop, &report, error);
    if (status == TW_OK) {
        printf("\n%s\n", title);
        cli_print_tiles(stdout, report);
        status = compare(job, &difference, error);
    }
    if (status == TW_OK) {
        printf("max. abs. diff. = %g\n", difference);
        cli_flush();
    }
    tw_report_destroy(report);
    return status;
}

static tw_status small_job(const struct request *request, const int *stop, tw_error *error)
{
    static const int64_t cuts_i[] = {333, 666}, cuts_j[] = {1000};
    static const tw_split tiles[] = {{.axis = "i", .cuts = cuts_i, .ncuts = 2},
                                     {.axis = "j", .cuts = cuts_j, .ncuts = 1}};
    static const tw_split whole[] = {{.axis = "i"}, {.axis = "j"}};
    const struct {
        tw_pool_kind kind;
        const tw_split *splits;
        const char *title; /* NULL: the pool's */
    } ways[WAYS] = {{TW_SERIAL, tiles, NULL},
                    {TW_SERIAL, whole, "broadcast, as one tile"},
                    {TW_THREADS, tiles, NULL},
                    {TW_PROCESSES, tiles, NULL}};
    struct cli_job jobs[WAYS];
    tw_status status = TW_OK;
    memset(jobs, 0, sizeof jobs);

    printf("parent: pid %d\n"
           "r[i,j] = y[i] * x[j], y = 0 .. 999, x = 2000 random numbers, cuts i = 333,666 and j = 1000\n",
           (int)getpid());
    cli_flush();
    /* From the last to the first: the processes are forked before the threads start. */
    for (int w = WAYS - 1; w >= 0 && status == TW_OK; w--) {
        const tw_pool_options pool = pool_of(request, ways[w].kind);
        if (is_wanted(request, ways[w].kind)) {
            status = cli_job_mult(&jobs[w], &pool, 1000, 2000, ways[w].splits, 2, CLI_OUTPUT_NOW, error);
        }
    }
    for (int w = 0; w < WAYS && status == TW_OK; w++) {
        char title[2 * CLI_UNITS_TEXT];
        if (is_wanted(request, ways[w].kind)) {
            pool_title(title, sizeof title, ways[w].kind, jobs[w].pool);
            status = show_way(&jobs[w], ways[w].title != NULL ? ways[w].title : title, stop, error);
        }
    }
    for (int w = 0; w < WAYS; w++) {
        cli_job_fini(&jobs[w]);
    }
    return status;
}

/* ---- the large job, timed ---- */

#define REPEATS 3

struct size {
    int64_t rows, columns;
};

struct timing {
    double fresh, reused; /* seconds, into a new result and into one that was written before */
};

/* The best of a few. For each new result everything is opened anew: a pool keeps the memory that it has had. */
static tw_status time_job(struct cli_job *job, const struct size *size, const tw_pool_options *pool, const int *stop,
                          struct timing *timing, tw_error *error)
{
    double difference;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        cli_job_fini(job);
        if (cli_job_mult(job, pool, size->rows, size->columns, NULL, 0, CLI_OUTPUT_LATER, error) != TW_OK) {
            return error->status;
        }
        const double begin = cli_now();
        if (cli_job_new_output(job, error) != TW_OK || cli_job_run(job, stop, NULL, error) != TW_OK) {
            return error->status;
        }
        const double seconds = cli_now() - begin;
        timing->fresh = repeat == 0 || seconds < timing->fresh ? seconds : timing->fresh;
    }
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        const double begin = cli_now();
        if (cli_job_run(job, stop, NULL, error) != TW_OK) {
            return error->status;
        }
        const double seconds = cli_now() - begin;
        timing->reused = repeat == 0 || seconds < timing->reused ? seconds : timing->reused;
    }
    return compare(job, &difference, error);
}

static void print_row(const char *title, const struct timing *timing, const struct timing *serial, double gigabytes)
{
    printf("%-24s %9.3f %7.2f %9.2f %11.3f %7.2f %9.2f\n", title, timing->fresh, gigabytes / timing->fresh,
           serial->fresh / timing->fresh, timing->reused, gigabytes / timing->reused, serial->reused / timing->reused);
    cli_flush();
}

static void print_head(const struct size *size)
{
    char bytes[CLI_UNITS_TEXT];
    printf("\nthe same, %lld x %lld float64 (%s)\n\n%-24s %27s %29s\n%-24s %9s %7s %9s %11s %7s %9s\n",
           (long long)size->rows, (long long)size->columns,
           cli_text_bytes(bytes, sizeof bytes, size->rows * size->columns * 8), "", "---- into a new result ----",
           "-- into the same again -----", "pool", "seconds", "GB/s", "speed-up", "seconds", "GB/s", "speed-up");
    cli_flush();
}

static tw_status large_job(const struct request *request, const struct size *size, const int *stop, tw_error *error)
{
    static const tw_pool_kind kinds[] = {TW_SERIAL, TW_THREADS, TW_PROCESSES};
    struct timing serial = {0}, timing = {0};
    char title[2 * CLI_UNITS_TEXT];
    print_head(size);
    /* Each pool is closed before the next one opens, so no thread lives when processes are forked. */
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct cli_job job = {0};
        const tw_pool_options pool = pool_of(request, kinds[k]);
        if (!is_wanted(request, kinds[k])) {
            continue;
        }
        const tw_status status = time_job(&job, size, &pool, stop, &timing, error);
        if (status == TW_OK) {
            pool_title(title, sizeof title, kinds[k], job.pool);
            serial = kinds[k] == TW_SERIAL ? timing : serial;
            print_row(title, &timing, &serial, (double)size->rows * (double)size->columns * 8 / 1e9);
        }
        cli_job_fini(&job);
        if (status != TW_OK) {
            return status;
        }
    }
    printf("\nmax. abs. diff. = 0 in each. One multiplication an element is bound by memory, not by cores:\n"
           "'tilework bench' also measures a job that is bound by cores.\n");
    return TW_OK;
}

int cli_demo(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_pools_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {.options = options, .parser = parse, .doc = doc, .children = children};
    struct request request = {0};
    tw_error error;
    const int code = cli_parse(&argp, argc, argv, "tilework demo", &request);
    if (code != CLI_DONE) {
        return code;
    }
    tw_machine machine;
    struct size size;
    tw_machine_describe(&machine);
    size.columns = request.columns > 0 ? request.columns : 20000;
    size.rows = request.rows > 0 ? request.rows : cli_rows_that_fit(10000, size.columns, &machine);
    const int *stop = cli_interrupt_install(0);
    if (cli_check_room(size.rows, size.columns, &error) != TW_OK || small_job(&request, stop, &error) != TW_OK ||
        large_job(&request, &size, stop, &error) != TW_OK) {
        cli_flush();
        return cli_fail(&error);
    }
    return CLI_DONE;
}
