/* request.h - what the user asks of `tilework run`. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "operands.h"
#include "options.h"
#include "plan_options.h"
#include "recipe.h"

struct cli_request {
    const char *kernel;    /* FILE.c:FUNCTION or FILE.so:FUNCTION, or a statement */
    const char *signature; /* NULL: it is a statement */
    const char *object;    /* where the statement was compiled to elsewhere */
    struct cli_notation notation;
    struct cli_bindings inputs, outputs; /* NAME=FILE */
    struct cli_bindings dtypes;          /* NAME=DTYPE */
    struct cli_bindings lengths;         /* AXIS=N */
    struct cli_bindings reductions;      /* NAME=sum and the like, NAME=FILE.c:FUNCTION */
    struct cli_pool_choice pool;
    struct cli_splits splits;
    tw_compile_options compile;
    const char *report; /* file, "-" for standard output; NULL: none */
    const char *trace;  /* likewise */
    const char *where;  /* "m[i,j]=FILE" or FILE, as given; NULL: all tiles */
    size_t scratch;     /* bytes */
    int retries;        /* as in tw_run_options */
    double timeout;     /* seconds; 0: none */
    double stall;       /* seconds; 0: the default */
    uint64_t tiles_per_worker;
    const char *node; /* "3/8", "auto" or "auto/8", as given; NULL: the process is alone */
    int resume, restart, verify, no_journal, keep_going, guard;
    uint64_t tile; /* `tilework replay`: which one */
    int replay;    /* it is that command */
    int tile_given;
    int is_plan; /* `tilework plan` */
    struct cli_plan_choice plan;
    int check, verbose, quiet, progress;
};

/* Returns 0, or an exit code, having said why. To be finished in any case. */
int cli_request_parse(struct cli_request *request, int argc, char **argv);

/* The same for `tilework replay`, whose first argument is the tile. */
int cli_request_parse_replay(struct cli_request *request, int argc, char **argv);

/* The same for `tilework plan`. */
int cli_request_parse_plan(struct cli_request *request, int argc, char **argv);
void cli_request_fini(struct cli_request *request);

#endif
