/* plan_options.c - the options that `tilework plan` has beside those of `tilework run`. */
#include "plan_options.h"

#include <stddef.h>

#include "strict.h"

enum { KEY_JSON = 0x3000, KEY_MEASURE, KEY_NO_RUN, KEY_NODES };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Plans:", 11},
    {"json", KEY_JSON, NULL, 0, "Print the plan as JSON", 11},
    {"measure", KEY_MEASURE, NULL, 0, "Measure the memory bandwidth again, which is otherwise kept in the cache folder",
     11},
    {"nodes", KEY_NODES, "N", 0,
     "Also say what N processes with --node take: bytes and memory of each, whether the tiles suit the file system, "
     "and how "
     "they are submitted to Slurm",
     11},
    {"no-run", KEY_NO_RUN, NULL, 0, "Run no tile: predict from counts alone", 11},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct cli_plan_choice *choice = state->input;
    switch (key) {
    case KEY_JSON:
        choice->json = 1;
        return 0;
    case KEY_MEASURE:
        choice->measure = 1;
        return 0;
    case KEY_NODES:
        return cli_number(&choice->nodes, "--nodes", argument, 1, 1000000000);
    case KEY_NO_RUN:
        choice->no_run = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_plan_argp = {.options = options, .parser = parse};
