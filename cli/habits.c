/* habits.c - options that other tools have: refused with what to write instead. */
#include "habits.h"

#include <stddef.h>

#include "options.h"
#include "strict.h"

#define FIRST_KEY 2048 /* behind the keys of any command */

enum instead { TILES, WORKERS, LENGTHS, POOL, INPUTS, PARAMETERS };

static const char *const sentences[] = {
    [TILES] = "--tile AXIS=N divides an axis into tiles of a length, --parts AXIS=N into a number of tiles",
    [WORKERS] = "--workers N gives the number of threads or processes",
    [LENGTHS] = "--length AXIS=N gives the length of an axis that no input has",
    [POOL] = "--pool POOL says what runs the tiles: serial, threads or processes",
    [INPUTS] = "inputs are arguments, NAME=FILE",
    [PARAMETERS] = "--param NAME=NUMBER gives the value of a named parameter",
};

/* The key says which sentence. */
#define HABIT(name, instead)                                                                                           \
    {                                                                                                                  \
        name, FIRST_KEY + (instead), "X", OPTION_HIDDEN | OPTION_ARG_OPTIONAL, NULL, 0                                 \
    }
static const struct argp_option options[] = {HABIT("chunks", TILES),        HABIT("chunk", TILES),
                                             HABIT("chunksize", TILES),     HABIT("chunk-size", TILES),
                                             HABIT("block", TILES),         HABIT("blocks", TILES),
                                             HABIT("block-size", TILES),    HABIT("tiles", TILES),
                                             HABIT("tile-size", TILES),     HABIT("split", TILES),
                                             HABIT("partitions", TILES),    HABIT("jobs", WORKERS),
                                             HABIT("n-jobs", WORKERS),      HABIT("n_jobs", WORKERS),
                                             HABIT("threads", WORKERS),     HABIT("num-threads", WORKERS),
                                             HABIT("nthreads", WORKERS),    HABIT("num-workers", WORKERS),
                                             HABIT("max-workers", WORKERS), HABIT("processes", WORKERS),
                                             HABIT("cores", WORKERS),       HABIT("nproc", WORKERS),
                                             HABIT("shape", LENGTHS),       HABIT("size", LENGTHS),
                                             HABIT("backend", POOL),        HABIT("input", INPUTS),
                                             HABIT("define", PARAMETERS),   {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key < FIRST_KEY || key > FIRST_KEY + PARAMETERS) {
        return ARGP_ERR_UNKNOWN;
    }
    return cli_bad("there is no option %s: %s", state->argv[state->next - 1], sentences[key - FIRST_KEY]);
}

const struct argp cli_habits_argp = {.options = options, .parser = parse};
