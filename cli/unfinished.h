/* unfinished.h - the outputs of a run, from the look at what an earlier run left to what this one leaves. */
#ifndef CLI_UNFINISHED_H
#define CLI_UNFINISHED_H

#include "nodes.h"
#include "operands.h"
#include "request.h"
#include "where.h"

struct cli_unfinished {
    const struct cli_request *request;
    const struct cli_operands *operands;
    const struct cli_where *where;
    const struct cli_node *node;
    tw_outputs *outputs;            /* NULL: not open */
    char *kept;                     /* what an end at once leaves, a sentence; NULL: nothing */
    char *guarded[TW_MAX_OPERANDS]; /* files that such an end removes, owned */
    int noted[TW_MAX_OPERANDS];     /* what an output cannot keep of the file that it replaces has been said */
};

/* Looks, changes nothing: if there are recorded tiles and neither --resume nor --restart was given, the run is
 * refused, with the process that is writing them if there is one. */
tw_status cli_unfinished_look(const struct cli_unfinished *unfinished, tw_error *error);

/* Creates the outputs or opens them again, with --node together with others. */
tw_status cli_unfinished_open(struct cli_unfinished *unfinished, const tw_kernel *kernel, const tw_grid *grid,
                              tw_error *error);

/* With --node: an earlier start has finished the outputs, and there is nothing to run. */
int cli_unfinished_is_finished(const struct cli_unfinished *unfinished);

/* All tiles are done: gives the outputs their names. */
tw_status cli_unfinished_commit(struct cli_unfinished *unfinished, tw_error *error);

/* The run has failed: keeps the outputs if tiles are recorded, else removes them; with `wrong`, always. Returns the
 * number of tiles that are kept. */
uint64_t cli_unfinished_failed(struct cli_unfinished *unfinished, int wrong);

void cli_unfinished_fini(struct cli_unfinished *unfinished);

#endif
