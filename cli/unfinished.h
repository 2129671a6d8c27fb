/* unfinished.h - runs that were not finished: what they left beside the outputs, and what this one leaves. */
#ifndef CLI_UNFINISHED_H
#define CLI_UNFINISHED_H

#include "operands.h"
#include "request.h"

struct cli_unfinished {
    char *path;          /* the journal's; NULL: none is kept */
    tw_journal *journal; /* open */
    uint64_t recorded;   /* tiles that the file had before this run */
    uint64_t dropped;    /* of these, not as they were: --verify */
    int is_there;        /* the journal's file was there */
    char *kept;          /* what an end at once leaves, a sentence; NULL: nothing */
};

/* Looks, changes nothing: where there are recorded tiles and neither --resume nor --restart was given, the run is
 * refused, with the process that is writing them where there is one. */
tw_status cli_unfinished_look(struct cli_unfinished *unfinished, const struct cli_request *request,
                              struct cli_operands *operands, const int64_t *lengths, tw_error *error);

/* Creates the outputs or opens them again, and the journal. */
tw_status cli_unfinished_begin(struct cli_unfinished *unfinished, const struct cli_request *request,
                               struct cli_operands *operands, const tw_kernel *kernel, const tw_grid *grid,
                               const int64_t *lengths, tw_error *error);

/* The outputs have their names: the journal goes. */
void cli_unfinished_done(struct cli_unfinished *unfinished);

/* The run has failed: keeps outputs and journal where tiles are recorded, else removes them; with `wrong`, always.
 * Returns the number of tiles that are kept. */
uint64_t cli_unfinished_failed(struct cli_unfinished *unfinished, struct cli_operands *operands, int wrong);

void cli_unfinished_fini(struct cli_unfinished *unfinished);

#endif
