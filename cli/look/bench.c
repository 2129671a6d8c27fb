/* bench.c - tilework bench: measures this machine and prints a table; --serve runs one case whenever a line asks for
 * it, for measurements that alternate with other programs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "exit.h"
#include "interrupt.h"
#include "look/bench_cases.h"
#include "options.h"
#include "strict.h"
#include "units.h"

#define REPEATS 5

enum { KEY_ROWS = CLI_KEY_FIRST, KEY_COLUMNS, KEY_SIDE, KEY_SERVE };

struct request {
    struct cli_case_options options;
    const struct cli_case *serve; /* NULL: the table */
};

static const struct argp_option options[] = {
    {"rows", KEY_ROWS, "N", 0, "Rows of the multiplication; default 10000, fewer if memory is short", 0},
    {"cols", KEY_COLUMNS, "N", 0, "Columns of the multiplication; default 20000", 0},
    {"side", KEY_SIDE, "N", 0, "Rows and columns of the Mandelbrot set; default 1500", 0},
    {"workers", 'w', "N", 0, "Number of threads or processes; default: as many as this machine allows", 0},
    {"serve", KEY_SERVE, "CASE", OPTION_HIDDEN, NULL, 0},
    {0}};

static const char doc[] =
    "Measure this machine: r[i,j] = y[i] * x[j] serially, on threads and on processes; the Mandelbrot set; the "
    "cost of an empty tile and of a run of two empty tiles; memory beyond the arrays."
    "\v"
    "Each time is the median of 5. A new result is created and computed (with processes, also read by the parent); a "
    "reused result is written again in place.\n"
    "\n"
    "Examples:\n"
    "  tilework bench\n"
    "  tilework bench --workers 4 --rows 2000\n";

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    int64_t number = 0;
    error_t result;
    switch (key) {
    case ARGP_KEY_ARG:
        return cli_bad("'%s' is not expected: bench takes only options", argument);
    case KEY_ROWS:
        return cli_number(&request->options.rows, "--rows", argument, 1, INT64_MAX);
    case KEY_COLUMNS:
        return cli_number(&request->options.columns, "--cols", argument, 1, INT64_MAX);
    case KEY_SIDE:
        return cli_number(&request->options.side, "--side", argument, 1, 100000);
    case 'w':
        result = cli_number(&number, "--workers", argument, 1, TW_MAX_WORKERS);
        request->options.workers = (int)number;
        return result;
    case KEY_SERVE:
        request->serve = cli_case_find(argument);
        return request->serve != NULL ? 0 : cli_bad("--serve: '%s' is no case", argument);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- one case, on request ---- */

/* "ready", then for each line "go" one run and its value; "quit" or the end of input ends it. */
static int serve(const struct cli_case *kind, const struct cli_case_options *case_options)
{
    struct cli_bench bench;
    tw_error error;
    char line[64];
    int code = CLI_DONE;
    if (cli_bench_open(&bench, kind, case_options, &error) != TW_OK) {
        code = cli_fail(&error);
        cli_bench_close(&bench);
        return code;
    }
    puts("ready");
    cli_flush();
    while (code == CLI_DONE && fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
        double value;
        if (strcmp(line, "go\n") != 0) {
            cli_say("standard input: a line is 'go' or 'quit'");
            code = CLI_USAGE;
        } else if (cli_bench_run(&bench, &value, &error) != TW_OK) {
            code = cli_fail(&error);
        } else {
            printf("%.9f\n", value);
            cli_flush();
        }
    }
    cli_bench_close(&bench);
    return code;
}

/* ---- the table ---- */

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static tw_status measure_here(const struct cli_case *kind, const struct cli_case_options *case_options, double *median,
                              tw_error *error)
{
    struct cli_bench bench;
    double values[REPEATS];
    const int repeats = kind->work == CLI_MEMORY ? 1 : REPEATS;
    tw_status status = cli_bench_open(&bench, kind, case_options, error);
    for (int repeat = 0; repeat < repeats && status == TW_OK; repeat++) {
        status = cli_bench_run(&bench, &values[repeat], error);
    }
    cli_bench_close(&bench);
    if (status == TW_OK) {
        qsort(values, (size_t)repeats, sizeof values[0], compare_doubles);
        *median = values[repeats / 2];
    }
    return status;
}

struct measured {
    tw_status status;
    double value;
    tw_error error;
};

/* In a process of its own: its peak of memory is its own, and no thread of another case lives when it forks. */
static void measure_and_write(const struct cli_case *kind, struct cli_case_options *case_options, int fd)
{
    struct measured measured = {0};
    case_options->stop = cli_interrupt_install(0);
    measured.status = measure_here(kind, case_options, &measured.value, &measured.error);
    _exit(write(fd, &measured, sizeof measured) == (ssize_t)sizeof measured ? 0 : 1);
}

static tw_status measure(const struct cli_case *kind, struct cli_case_options *case_options, double *value,
                         tw_error *error)
{
    struct measured measured = {0};
    int fds[2];
    const pid_t parent = getpid();
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return cli_error(error, TW_ERROR_PROCESS, "%s: no pipe: %s", kind->name, strerror(errno));
    }
    const pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1); /* it died before the line above */
        }
        measure_and_write(kind, case_options, fds[1]);
    }
    close(fds[1]);
    if (child < 0) {
        close(fds[0]);
        return cli_error(error, TW_ERROR_PROCESS, "%s: no process: %s", kind->name, strerror(errno));
    }
    struct pollfd ready = {.fd = fds[0], .events = POLLIN};
    while (poll(&ready, 1, -1) < 0 && errno == EINTR) {
        if (cli_interrupted()) {
            kill(child, SIGTERM); /* it stops after the tiles being run, and reports it */
        }
    }
    const ssize_t length = read(fds[0], &measured, sizeof measured);
    close(fds[0]);
    waitpid(child, NULL, 0);
    if (length != (ssize_t)sizeof measured) {
        return cli_error(error, TW_ERROR_WORKER, "%s: the process that measured it died", kind->name);
    }
    *value = measured.value;
    *error = measured.error;
    return measured.status;
}

/* Values of the serial or one-worker case come first, so that later ones can be put beside them. */
struct baseline {
    double mult_new, mult_reused, mandelbrot;
};

static void print_row(const struct cli_case *kind, const struct cli_case_options *case_options, double value,
                      struct baseline *baseline)
{
    char text[CLI_UNITS_TEXT];
    const double gigabytes = (double)case_options->rows * (double)case_options->columns * 8 / 1e9;
    double *base = kind->work == CLI_MULT_NEW      ? &baseline->mult_new
                   : kind->work == CLI_MULT_REUSED ? &baseline->mult_reused
                   : kind->work == CLI_MANDELBROT  ? &baseline->mandelbrot
                                                   : NULL;
    printf("%-22s ", kind->name);
    if (base != NULL && *base <= 0) {
        *base = value;
    }
    switch (kind->work) {
    case CLI_MULT_NEW:
    case CLI_MULT_REUSED:
        printf("%10s   %6.2f GB/s  speed-up %.2f\n", cli_text_seconds(text, sizeof text, value), gigabytes / value,
               *base / value);
        break;
    case CLI_MANDELBROT:
        printf("%10s   speed-up %.2f\n", cli_text_seconds(text, sizeof text, value), *base / value);
        break;
    case CLI_EMPTY:
        printf("%10s   %.1f ns a tile\n", cli_text_seconds(text, sizeof text, value), 1e9 * value / CLI_EMPTY_TILES);
        break;
    case CLI_TWO:
        printf("%10s   a run of 2 empty tiles\n", cli_text_seconds(text, sizeof text, value));
        break;
    case CLI_MEMORY:
        printf("%10s   beyond the arrays, %d tiles\n", cli_text_bytes(text, sizeof text, (int64_t)value),
               CLI_EMPTY_TILES);
        break;
    }
    cli_flush();
}

static int table(struct cli_case_options *case_options, const tw_machine *machine)
{
    struct baseline baseline = {0};
    char memory[CLI_UNITS_TEXT];
    tw_error error;
    printf("tilework %s on %s, %s\n%s of memory, %d workers; r[i,j] = y[i] * x[j] is %lld x %lld float64\n\n",
           tw_version(), machine->cpu, machine->system, cli_text_bytes(memory, sizeof memory, machine->memory_total),
           case_options->workers > 0 ? case_options->workers : machine->workers, (long long)case_options->rows,
           (long long)case_options->columns);
    cli_flush();
    cli_interrupt_install(0);
    for (size_t c = 0; c < cli_cases_count; c++) {
        double value = 0;
        if (measure(&cli_cases[c], case_options, &value, &error) != TW_OK) {
            cli_flush();
            return cli_fail(&error);
        }
        print_row(&cli_cases[c], case_options, value, &baseline);
    }
    return CLI_DONE;
}

int cli_bench(int argc, char **argv)
{
    static const struct argp argp = {.options = options, .parser = parse, .doc = doc};
    struct request request = {0};
    tw_machine machine;
    const int code = cli_parse(&argp, argc, argv, "tilework bench", &request);
    if (code != CLI_DONE) {
        return code;
    }
    tw_machine_describe(&machine);
    request.options.columns = request.options.columns > 0 ? request.options.columns : 20000;
    request.options.side = request.options.side > 0 ? request.options.side : 1500;
    if (request.options.rows == 0) {
        request.options.rows = cli_rows_that_fit(10000, request.options.columns, &machine);
    }
    return request.serve != NULL ? serve(request.serve, &request.options) : table(&request.options, &machine);
}
