/* request.c - what the user asks of `tilework run`: the arguments, read strictly. Opens nothing. */
#include "request.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "habits.h"
#include "nodes.h"
#include "progress.h"
#include "strict.h"

enum {
    KEY_DTYPE = CLI_KEY_FIRST,
    KEY_LENGTH,
    KEY_FLAGS,
    KEY_COMPILER,
    KEY_CHECK,
    KEY_REPORT,
    KEY_TRACE,
    KEY_PROGRESS,
    KEY_NO_PROGRESS,
    KEY_SCRATCH,
    KEY_RETRIES,
    KEY_TIMEOUT,
    KEY_STALL,
    KEY_KEEP_GOING,
    KEY_TILES_PER_WORKER,
    KEY_RESUME,
    KEY_RESTART,
    KEY_VERIFY,
    KEY_NO_JOURNAL,
    KEY_GUARD,
    KEY_KERNEL,
    KEY_REDUCE,
    KEY_WHERE,
    KEY_NODE
};

#define MOST_RETRIES 1000000
#define PLAN_CHILD 4 /* of the parsers below that of `tilework plan`: its own options */

/* Group 2 are the options of statements (recipe.c), 3 the tiles, 4 --pool and --workers (options.c). */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Operands:", 1},
    {"signature", 's', "SIGNATURE", 0, "The axes of each operand of a KERNEL: 'y[i], x[j] -> r[i,j]'", 1},
    {"output", 'o', "NAME=FILE", 0, "The file of an output (repeat for each)", 1},
    {"dtype", KEY_DTYPE, "NAME=DTYPE", 0,
     "The dtype of an output, like r[i,j]:float32 in the signature; default: the inputs' if they agree, else float64",
     1},
    {"length", KEY_LENGTH, "AXIS=N,...", 0, "The length of axes that no input has: i=1500 or i=1500,j=1500", 1},
    {"reduce", KEY_REDUCE, "NAME=FOLD,...", 0,
     "How the partial results of a KERNEL become an output that lacks a cut axis: s=sum, prod, min, max, any, all or "
     "FILE.c:FUNCTION",
     1},
    {"where", KEY_WHERE, "[NAME[AXES]=]FILE", 0,
     "Skip tiles in which this mask of bool is all false: m[i,j]=mask.npy, or mask.npy if it has the axes of the first "
     "output",
     1},
    {"kernel", KEY_KERNEL, "FILE.so", 0,
     "Use a shared object that 'tilework compile' made of the statement; needs no compiler", 2},
    {NULL, 0, NULL, 0, "Workers:", 4},
    {"scratch", KEY_SCRATCH, "BYTES", 0, "Scratch memory per worker; suffixes K, M, G and T are accepted", 4},
    {"tiles-per-worker", KEY_TILES_PER_WORKER, "N", 0, "Replace a worker process after N tiles", 4},
    {NULL, 0, NULL, 0, "Failures:", 5},
    {"retries", KEY_RETRIES, "N", 0, "How often a tile may kill its worker process and be retried; default 2", 5},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "Stop a tile that takes longer, and run it again (processes)", 5},
    {"stall", KEY_STALL, "SECONDS", 0,
     "Report once that for this long no tile has ended and no worker has used the processor; default 30 (processes)",
     5},
    {"keep-going", KEY_KEEP_GOING, NULL, 0, "When a kernel returns an error, compute all other tiles before failing",
     5},
    {NULL, 0, NULL, 0, "Unfinished runs:", 6},
    {"resume", KEY_RESUME, NULL, 0, "Resume an unfinished run: compute only the missing tiles; start if there is none",
     6},
    {"restart", KEY_RESTART, NULL, 0, "Discard an unfinished run and start again", 6},
    {"verify", KEY_VERIFY, NULL, 0, "With --resume: read finished tiles again and recompute those that have changed",
     6},
    {"no-journal", KEY_NO_JOURNAL, NULL, 0, "Keep no journal: an unfinished run leaves nothing", 6},
    {NULL, 0, NULL, 0, "Several processes or machines:", 7},
    {"node", KEY_NODE, "K/N|auto|auto/N", 0,
     "Compute the outputs together with others that run the same command, as node K of N, counted from 0; auto reads "
     "both "
     "from the environment of Slurm, MPI, PBS, SGE, LSF or Kubernetes, auto/N only K",
     7},
    {NULL, 0, NULL, 0, "Compiling FILE.c or a statement:", 8},
    {"compiler", KEY_COMPILER, "PROGRAM", 0, "Default: $TILEWORK_CC, else cc, gcc or clang", 8},
    {"flags", KEY_FLAGS, "FLAGS", 0, "Default: -O3 -march=native", 8},
    {NULL, 0, NULL, 0, "Checks:", 9},
    {"check", KEY_CHECK, NULL, 0,
     "Compute everything again serially, as one tile (reductions of a KERNEL with the same cuts), and compare bit by "
     "bit",
     9},
    {"guard", KEY_GUARD, NULL, 0,
     "Run each tile twice on copies between inaccessible pages, to catch a kernel outside its tile (processes; slow)",
     9},
    {NULL, 0, NULL, 0, "Messages and reports:", 10},
    {"report", KEY_REPORT, "FILE", 0,
     "Write a report, tile by tile: as JSON, or as a page with pictures if FILE ends with .html; '-' is standard "
     "output. With --node each node writes its own: node 3's part of r.json is r.node-3.json (a trace likewise)",
     10},
    {"trace", KEY_TRACE, "FILE", 0,
     "Write when each worker did what, for ui.perfetto.dev or chrome://tracing; '-' is standard output", 10},
    {"verbose", 'v', NULL, 0, "Print a line for each tile", 10},
    {"progress", KEY_PROGRESS, NULL, 0, "Show progress (the default if standard error is a terminal, else never)", 10},
    {"no-progress", KEY_NO_PROGRESS, NULL, 0, "Do not show progress", 10},
    {"quiet", 'q', NULL, 0, "No progress and no closing line", 10},
    {0}};

static const char doc[] =
    "Run a statement or KERNEL once on every tile and write the outputs as .npy files."
    "\v"
    "STATEMENT says what to compute: 'r[i,j] = y[i] * x[j]'. 'man tilework' and docs/notation.md describe the "
    "notation; 'tilework explain' shows what a statement does. KERNEL is FILE.c:FUNCTION, which is compiled if it is "
    "new, or FILE.so:FUNCTION. Inputs are NAME=FILE, with the names of the statement or signature; FILE may be '-', "
    "standard input. A name on both sides of the arrow is an output that starts with the values of its input.\n"
    "\n"
    "If a worker process dies, its tile is run again. A thread cannot die alone: a kernel that crashes or exits ends "
    "the program, and a kernel that hangs can only be ended together with it. Either way the finished tiles are kept "
    "in NAME.part and NAME.journal, and --resume continues from there.\n"
    "\n"
    "With --node, any number of processes on one file system compute the outputs together; what is done lies in the "
    "folder "
    "NAME.run beside the first output. Each begins with its share of the tiles and then helps the others. Any of them "
    "may "
    "be stopped, killed or started again at any time, and the same command continues, also with another N. When the "
    "outputs are finished, it says so and ends with 0; --restart computes them again, once for all tasks of an array "
    "job or "
    "processes of a step. 'tilework status NAME' shows how "
    "far "
    "they are.\n"
    "\n"
    "Examples:\n"
    "  tilework run 'r[i,j] = y[i] * x[j]' y=y.npy x=x.npy -o r=r.npy\n"
    "  tilework run mult.c:mult -s 'y[i], x[j] -> r[i,j]' \\\n"
    "      y=y.npy x=x.npy -o r=r.npy\n"
    "  tilework run mult.c:mult -s 'y[i], x[j] -> r[i,j]' \\\n"
    "      y=y.npy x=x.npy -o r=r.npy --cut i=333,666 --cut j=1000 \\\n"
    "      --pool processes -w 4 --check -v\n"
    "  tilework run mandelbrot.c:render -s '-> r[i,j]:uint16' \\\n"
    "      --length i=1500 --length j=1500 --tile i=10 -o r=r.npy\n"
    "  tilework run hist.c:hist -s 'x[i] -> n[b]:int64' x=x.npy \\\n"
    "      --length b=10 --parts i=8 --reduce n=sum -o n=n.npy\n"
    "  sbatch --array=0-63 --requeue --wrap \\\n"
    "      \"tilework run 'r[i,j] = y[i] * x[j]' y=y.npy x=x.npy -o r=r.npy --node auto\"\n"
    "  tilework run axpy.c:axpy -s 'x[i], r[i] -> r[i]' \\\n"
    "      x=x.npy r=before.npy -o r=after.npy\n";

/* Bytes, with K, M, G or T for powers of 1024. */
static error_t parse_bytes(size_t *bytes, const char *option, const char *text)
{
    static const char suffixes[] = "KMGT";
    const size_t digits = strspn(text, "0123456789");
    const char *suffix = text[digits] != '\0' ? strchr(suffixes, text[digits]) : NULL;
    int64_t number = 0;
    if (digits == 0 || (text[digits] != '\0' && (suffix == NULL || text[digits + 1] != '\0'))) {
        return cli_bad("%s: '%s' is not a size: give digits, then K, M, G, T or nothing", option, text);
    }
    char *alone = strndup(text, digits);
    if (alone == NULL) {
        return ENOMEM;
    }
    const error_t result = cli_number(&number, option, alone, 0, PTRDIFF_MAX);
    free(alone);
    if (result != 0) {
        return result;
    }
    const int shift = suffix != NULL ? 10 * (int)(suffix - suffixes + 1) : 0;
    if (number > PTRDIFF_MAX >> shift) {
        return cli_bad("%s: %s is out of range: less than 2^63 bytes", option, text);
    }
    *bytes = (size_t)number << shift;
    return 0;
}

/* Digits, a point, digits; no locale has a say. */
static error_t parse_seconds(double *seconds, const char *option, const char *text)
{
    const size_t whole = strspn(text, "0123456789");
    const size_t point = text[whole] == '.';
    const size_t part = point ? strspn(text + whole + 1, "0123456789") : 0;
    double value = 0, unit = 1;
    if (whole + part == 0 || whole > 9 || text[whole + point + part] != '\0') {
        return cli_bad("%s: '%s' is not a number of seconds below 10^9, such as 30 or 0.5", option, text);
    }
    for (size_t k = 0; k < whole; k++) {
        value = value * 10 + (text[k] - '0');
    }
    for (size_t k = 0; k < part; k++) {
        unit /= 10;
        value += unit * (text[whole + 1 + k] - '0');
    }
    if (value < 0.001) {
        return cli_bad("%s: '%s' is too short: at least 0.001 seconds", option, text);
    }
    *seconds = value;
    return 0;
}

static error_t set_once(const char **place, const char *option, const char *argument)
{
    if (*place != NULL) {
        return cli_bad("%s: given twice: '%s' and '%s'", option, *place, argument);
    }
    *place = argument;
    return 0;
}

static error_t add_argument(struct cli_request *request, const char *argument)
{
    if (request->replay && !request->tile_given) {
        int64_t tile = 0;
        const error_t result = cli_number(&tile, "the tile's number", argument, 0, INT64_MAX);
        request->tile = (uint64_t)tile;
        request->tile_given = 1;
        return result;
    }
    if (request->kernel != NULL) {
        return cli_bindings_add(&request->inputs, "input", "NAME=FILE", argument, 0);
    }
    if (cli_is_binding(argument)) {
        return cli_bad("missing kernel before '%s': give FILE.c:FUNCTION or FILE.so:FUNCTION, or a statement such as "
                       "'r[i] = 2 * x[i]'",
                       argument);
    }
    request->kernel = argument;
    return 0;
}

/* What the pool cannot do. */
static error_t check_pool(struct cli_request *request)
{
    if (request->replay) {
        return 0;
    }
    if (request->guard && !request->pool.kind_given) {
        request->pool.kind = TW_PROCESSES;
    }
    if (request->pool.kind == TW_PROCESSES) {
        return 0;
    }
    if (request->timeout > 0) {
        return cli_bad("--timeout: a thread cannot be stopped inside a kernel; add --pool processes");
    }
    if (request->tiles_per_worker > 0) {
        return cli_bad("--tiles-per-worker: a kernel's leftovers in a thread stay in the program; add "
                       "--pool processes");
    }
    return request->guard ? cli_bad("--guard: a thread that reaches outside its tile ends the program; use "
                                    "--pool processes")
                          : 0;
}

/* What goes with a statement, and what with a kernel. */
static error_t check_statement(struct cli_request *request)
{
    const int is_statement = cli_is_statement(request->kernel) || !cli_is_kernel(request->kernel);
    if (is_statement && request->signature == NULL) {
        return request->reductions.count == 0
                   ? 0
                   : cli_bad("--reduce: is for kernels; a statement says itself what it sums, as in 's[j] = sum(i: "
                             "a[i,j])', and is cut along i without an option");
    }
    if (request->signature == NULL) {
        return cli_bad("missing signature: give -s 'y[i], x[j] -> r[i,j]'");
    }
    if (cli_is_statement(request->kernel) && strchr(request->kernel, ':') == NULL) {
        return cli_bad("--signature: a statement has its own: '%s'", request->kernel);
    }
    if (request->object != NULL) {
        return cli_bad("--kernel: is for statements, and %s is a kernel", request->kernel);
    }
    return cli_notation_refuse(&request->notation, request->kernel);
}

static error_t end(struct cli_request *request)
{
    if (request->replay && !request->tile_given) {
        return cli_bad("missing tile: give its number, then the kernel");
    }
    if (request->kernel == NULL) {
        return cli_bad(
            "missing kernel: give FILE.c:FUNCTION or FILE.so:FUNCTION, or a statement such as 'r[i] = 2 * x[i]'");
    }
    const error_t result = check_statement(request);
    if (result != 0) {
        return result;
    }
    if (request->is_plan && request->where != NULL) {
        return cli_bad("--where: a plan counts all tiles; leave it out");
    }
    if (request->resume && request->restart) {
        return cli_bad("--resume and --restart exclude each other: continue the unfinished run, or discard it");
    }
    if (request->verify && !request->resume) {
        return cli_bad("--verify: reads finished tiles again, so it needs --resume");
    }
    if (request->no_journal && request->resume) {
        return cli_bad("--no-journal and --resume exclude each other: without a journal it is not known what is done");
    }
    if (request->report != NULL && request->trace != NULL && strcmp(request->report, "-") == 0 &&
        strcmp(request->trace, "-") == 0) {
        return cli_bad("--report and --trace exclude each other on standard output: give one of them a file");
    }
    const error_t excluded = cli_node_check(request);
    return excluded != 0 ? excluded : check_pool(request);
}

static error_t add_reduction(void *reductions, const char *option, const char *item)
{
    return cli_bindings_add(reductions, option, "NAME=FOLD", item, 0);
}

static error_t add_length(void *lengths, const char *option, const char *item)
{
    return cli_bindings_add(lengths, option, "AXIS=N", item, 1);
}

/* The options that take no argument. */
static error_t set_flag(struct cli_request *request, int key)
{
    switch (key) {
    case KEY_KEEP_GOING:
        request->keep_going = 1;
        return 0;
    case KEY_RESUME:
        request->resume = 1;
        return 0;
    case KEY_RESTART:
        request->restart = 1;
        return 0;
    case KEY_VERIFY:
        request->verify = 1;
        return 0;
    case KEY_NO_JOURNAL:
        request->no_journal = 1;
        return 0;
    case KEY_GUARD:
        request->guard = 1;
        return 0;
    case KEY_CHECK:
        request->check = 1;
        return 0;
    case KEY_PROGRESS:
        request->progress = cli_progress_possible();
        return 0;
    case KEY_NO_PROGRESS:
        request->progress = 0;
        return 0;
    case 'v':
        request->verbose = 1;
        return 0;
    case 'q':
        request->quiet = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct cli_request *request = state->input;
    int64_t number = 0;
    error_t result = 0;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &request->splits;
        state->child_inputs[1] = &request->pool;
        state->child_inputs[2] = &request->notation;
        if (request->is_plan) {
            state->child_inputs[PLAN_CHILD] = &request->plan;
        }
        return 0;
    case ARGP_KEY_ARG:
        return add_argument(request, argument);
    case ARGP_KEY_END:
        return end(request);
    case 's':
        return set_once(&request->signature, "--signature", argument);
    case 'o':
        return cli_bindings_add(&request->outputs, "--output", "NAME=FILE", argument, 0);
    case KEY_DTYPE:
        return cli_bindings_add(&request->dtypes, "--dtype", "NAME=DTYPE", argument, 0);
    case KEY_LENGTH:
        return cli_list("--length", argument, 0, add_length, &request->lengths);
    case KEY_REDUCE:
        return cli_list("--reduce", argument, 0, add_reduction, &request->reductions);
    case KEY_FLAGS:
        return set_once(&request->compile.flags, "--flags", argument);
    case KEY_COMPILER:
        return set_once(&request->compile.compiler, "--compiler", argument);
    case KEY_KERNEL:
        return set_once(&request->object, "--kernel", argument);
    case KEY_REPORT:
        return set_once(&request->report, "--report", argument);
    case KEY_TRACE:
        return set_once(&request->trace, "--trace", argument);
    case KEY_WHERE:
        return set_once(&request->where, "--where", argument);
    case KEY_NODE:
        return set_once(&request->node, "--node", argument);
    case KEY_SCRATCH:
        return parse_bytes(&request->scratch, "--scratch", argument);
    case KEY_RETRIES:
        result = cli_number(&number, "--retries", argument, 0, MOST_RETRIES);
        request->retries = number == 0 ? -1 : (int)number; /* 0 means the default to the library */
        return result;
    case KEY_TIMEOUT:
        return parse_seconds(&request->timeout, "--timeout", argument);
    case KEY_STALL:
        return parse_seconds(&request->stall, "--stall", argument);
    case KEY_TILES_PER_WORKER:
        result = cli_number(&number, "--tiles-per-worker", argument, 1, INT64_MAX);
        request->tiles_per_worker = (uint64_t)number;
        return result;
    default:
        return set_flag(request, key);
    }
}

static const struct argp_child children[] = {{&cli_split_argp, 0, NULL, 0},
                                             {&cli_pool_argp, 0, NULL, 0},
                                             {&cli_notation_argp, 0, NULL, 0},
                                             {&cli_habits_argp, 0, NULL, 0},
                                             {0}};

int cli_request_parse(struct cli_request *request, int argc, char **argv)
{
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "STATEMENT [NAME=FILE...] -o NAME=FILE\n"
                                                 "KERNEL -s SIGNATURE [NAME=FILE...] -o NAME=FILE",
                                     .doc = doc,
                                     .children = children};
    *request = (struct cli_request){.progress = cli_progress_possible()};
    const int result = cli_parse(&argp, argc, argv, "tilework run", request);
    if (request->quiet) {
        request->progress = 0;
    }
    return result;
}

static const char replay_doc[] =
    "Run one tile of a job alone, in the foreground and in this process: for debuggers."
    "\v"
    "TILE is the number of the tile, as in messages and in --report. The other arguments are those of 'tilework run'; "
    "options about workers and unfinished runs and --where have no effect. Outputs are created in memory; -o NAME=FILE "
    "writes the "
    "tile's part of an output as a .npy file. With --guard, a wrong access raises its signal in this process.\n"
    "\n"
    "Examples:\n"
    "  tilework replay 3 mult.c:mult -s 'y[i], x[j] -> r[i,j]' \\\n"
    "      y=y.npy x=x.npy --cut i=333,666 --cut j=1000\n"
    "  gdb --args tilework replay 3 mult.c:mult --flags '-O0 -g' --guard \\\n"
    "      -s 'y[i], x[j] -> r[i,j]' y=y.npy x=x.npy --cut i=333,666\n";

int cli_request_parse_replay(struct cli_request *request, int argc, char **argv)
{
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "TILE STATEMENT [NAME=FILE...] [-o NAME=FILE]\n"
                                                 "TILE KERNEL -s SIGNATURE [NAME=FILE...] [-o NAME=FILE]",
                                     .doc = replay_doc,
                                     .children = children};
    *request = (struct cli_request){.replay = 1};
    return cli_parse(&argp, argc, argv, "tilework replay", request);
}

static const char plan_doc[] = "Say what 'tilework run' with the same arguments would cost: serially, on threads and "
                               "on processes, what limits it, "
                               "and whether more workers pay."
                               "\v"
                               "Some tiles are run for that, in worker processes, for 0.3 seconds at most: the kernel "
                               "is called, and what it writes is "
                               "discarded. No output is created; -o NAME=FILE says on which disk it would be. The "
                               "memory bandwidth of the machine is "
                               "measured the first time, in less than half a second. The other arguments are those of "
                               "'tilework run'; options about "
                               "unfinished runs and reports have no effect.\n"
                               "\n"
                               "Examples:\n"
                               "  tilework plan 'r[i,j] = y[i] * x[j]' y=y.npy x=x.npy\n"
                               "  tilework plan 's[] = sum(i: y[i])' y=y.npy --json\n"
                               "  tilework plan mult.c:mult -s 'y[i], x[j] -> r[i,j]' \\\n"
                               "      y=y.npy x=x.npy --tile i=10\n";

int cli_request_parse_plan(struct cli_request *request, int argc, char **argv)
{
    static const struct argp_child all[] = {{&cli_split_argp, 0, NULL, 0},    {&cli_pool_argp, 0, NULL, 0},
                                            {&cli_notation_argp, 0, NULL, 0}, {&cli_habits_argp, 0, NULL, 0},
                                            {&cli_plan_argp, 0, NULL, 0},     {0}};
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "STATEMENT [NAME=FILE...]\nKERNEL -s SIGNATURE [NAME=FILE...]",
                                     .doc = plan_doc,
                                     .children = all};
    *request = (struct cli_request){.is_plan = 1};
    return cli_parse(&argp, argc, argv, "tilework plan", request);
}

void cli_request_fini(struct cli_request *request)
{
    cli_bindings_fini(&request->inputs);
    cli_bindings_fini(&request->outputs);
    cli_bindings_fini(&request->dtypes);
    cli_bindings_fini(&request->lengths);
    cli_bindings_fini(&request->reductions);
    cli_splits_fini(&request->splits);
    cli_notation_fini(&request->notation);
}
