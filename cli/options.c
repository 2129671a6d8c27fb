/* options.c - what the commands' options have in common: --help and --version, the pool, the splits.
 * Messages have one form, "tilework: MESSAGE", and a second line that says where help is. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings.h"
#include "exit.h"
#include "strict.h"
#include "units.h"

struct top_input {
    const char *name;
    void *input;
};

static error_t parse_top(int key, char *argument, struct argp_state *state)
{
    const struct top_input *top = state->input;
    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->err_stream = NULL; /* the hint is ours: cli_parse prints it */
        state->child_inputs[0] = top->input;
        return 0;
    case 'h':
        state->name = (char *)(uintptr_t)top->name;
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
        exit(cli_finish(CLI_DONE));
    case 'V':
        printf("tilework %s\n", tw_version());
        exit(cli_finish(CLI_DONE));
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_parse(const struct argp *argp, int argc, char **argv, const char *name, void *input)
{
    static const struct argp_option options[] = {
        {"help", 'h', NULL, 0, "Show this help", -1}, {"version", 'V', NULL, 0, "Show the version", -1}, {0}};
    const struct argp_child children[] = {{argp, 0, NULL, 0}, {0}};
    const struct argp top = {.options = options, .parser = parse_top, .children = children};
    struct top_input top_input = {name, input};

    argv[0] = (char *)(uintptr_t) "tilework"; /* getopt's messages begin with it */
    const error_t result = argp_parse(&top, argc, argv, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, &top_input);
    if (result == 0) {
        return 0;
    }
    if (result == ENOMEM) {
        cli_say("not enough memory");
        return CLI_RESOURCES;
    }
    fprintf(stderr, "try '%s --help'\n", name);
    return CLI_USAGE;
}

/* ---- the pool ---- */

/* By tw_pool_kind: what a pool is called, and its workers. */
static const struct pool_words {
    const char *name, *one, *many;
} pools[] = {[TW_THREADS] = {"threads", "thread", "threads"},
             [TW_PROCESSES] = {"processes", "process", "processes"},
             [TW_SERIAL] = {"serial", "serial worker", "serial workers"}};

enum { POOLS = sizeof pools / sizeof pools[0] };

const char *cli_pool_name(tw_pool_kind kind)
{
    return pools[kind].name;
}

char *cli_pool_text(char *text, size_t size, tw_pool_kind kind, int workers)
{
    return cli_text_count(text, size, (uint64_t)workers, pools[kind].one, pools[kind].many);
}

static error_t parse_pool(int key, char *argument, struct argp_state *state)
{
    struct cli_pool_choice *choice = state->input;
    int64_t number;
    error_t result = 0;
    switch (key) {
    case CLI_KEY_POOL:
        choice->kind_given = 1;
        for (int kind = 0; kind < POOLS; kind++) {
            if (strcmp(argument, pools[kind].name) == 0) {
                choice->kind = (tw_pool_kind)kind;
                return 0;
            }
        }
        return cli_bad("--pool: '%s' is not a pool: serial, threads or processes", argument);
    case 'w':
        result = cli_number(&number, "--workers", argument, 1, TW_MAX_WORKERS);
        choice->workers = result == 0 ? (int)number : 0;
        return result;
    case ARGP_KEY_END:
        if (choice->kind_given && choice->kind == TW_SERIAL && choice->workers > 1) {
            return cli_bad("--workers: a serial pool has 1 worker, not %d", choice->workers);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define WORKERS_OPTION                                                                                                 \
    {                                                                                                                  \
        "workers", 'w', "N", 0, "Number of threads or processes; default: as many as this machine allows", 4           \
    }
static const struct argp_option pool_options[] = {
    {"pool", CLI_KEY_POOL, "POOL", 0, "What runs the tiles: serial, threads (default) or processes", 4},
    WORKERS_OPTION,
    {0}};
static const struct argp_option pools_options[] = {
    {"pool", CLI_KEY_POOL, "POOL", 0, "What runs the tiles: serial, threads or processes; default: each in turn", 4},
    WORKERS_OPTION,
    {0}};
const struct argp cli_pool_argp = {.options = pool_options, .parser = parse_pool};
const struct argp cli_pools_argp = {.options = pools_options, .parser = parse_pool};

/* ---- the splits ---- */

static error_t bad_cuts(const char *axis, const char *cuts, const tw_error *error)
{
    if (error->status != TW_ERROR_SYNTAX) {
        return ENOMEM;
    }
    const char wrong = cuts[error->column - 1];
    return wrong >= '0' && wrong <= '9'
               ? cli_bad("--cut: axis '%s': '%s' has a number past 2^63 - 1 at column %d", axis, cuts, error->column)
               : cli_bad("--cut: axis '%s': '%s' is not N,N,... from column %d on", axis, cuts, error->column);
}

static error_t add_split(void *user, const char *option, const char *item)
{
    struct cli_splits *splits = user;
    const int is_cut = strcmp(option, "--cut") == 0;
    tw_split split = {0};
    char *axis = NULL;
    const char *value = NULL;
    error_t result = cli_pair(&axis, &value, option, is_cut ? "AXIS=N,N,..." : "AXIS=N", item);
    if (result != 0) {
        return result;
    }
    split.axis = axis;
    for (size_t s = 0; s < splits->count; s++) {
        if (strcmp(splits->split[s].axis, axis) == 0) {
            result = cli_bad("%s: axis '%s' is divided twice: give one of --cut, --tile, --parts for each axis", option,
                             axis);
            goto fail;
        }
    }
    if (is_cut) {
        tw_error error;
        int64_t *cuts;
        if (tw_cuts_parse(&cuts, &split.ncuts, value, &error) != TW_OK) {
            result = bad_cuts(axis, value, &error);
            goto fail;
        }
        split.cuts = cuts;
    } else {
        int64_t *number = strcmp(option, "--tile") == 0 ? &split.tile : &split.parts;
        result = cli_number(number, option, value, 1, INT64_MAX);
        if (result != 0) {
            goto fail;
        }
    }
    tw_split *more = realloc(splits->split, (splits->count + 1) * sizeof *more);
    if (more == NULL) {
        result = ENOMEM;
        goto fail;
    }
    splits->split = more;
    splits->split[splits->count++] = split;
    return 0;
fail:
    free((void *)(uintptr_t)split.cuts);
    free(axis);
    return result;
}

void cli_splits_fini(struct cli_splits *splits)
{
    for (size_t s = 0; s < splits->count; s++) {
        free((void *)(uintptr_t)splits->split[s].cuts);
        free((void *)(uintptr_t)splits->split[s].axis);
    }
    free(splits->split);
    *splits = (struct cli_splits){0};
}

static error_t parse_split(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case CLI_KEY_CUT:
        return cli_list("--cut", argument, 1, add_split, state->input);
    case CLI_KEY_TILE:
        return cli_list("--tile", argument, 0, add_split, state->input);
    case CLI_KEY_PARTS:
        return cli_list("--parts", argument, 0, add_split, state->input);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option split_options[] = {
    {NULL, 0, NULL, 0, "Tiles (axes not named stay whole; without any of these, the division is automatic):", 3},
    {"cut", CLI_KEY_CUT, "AXIS=N,N,...", 0, "Cut axes at these positions: i=333,666 or i=333,666,j=1000", 3},
    {"tile", CLI_KEY_TILE, "AXIS=N,...", 0, "Cut axes into tiles of this length: i=100 or i=100,j=77", 3},
    {"parts", CLI_KEY_PARTS, "AXIS=N,...", 0, "Cut axes into this many tiles of nearly equal length: i=8", 3},
    {0}};
const struct argp cli_split_argp = {.options = split_options, .parser = parse_split};
