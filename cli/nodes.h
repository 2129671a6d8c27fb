/* nodes.h - `tilework run --node`: which node of how many the process is, and what is said about its part of a job. */
#ifndef CLI_NODES_H
#define CLI_NODES_H

#include <argp.h>

#include "request.h"

struct cli_node {
    int is_given;
    int restarts;
    tw_node node;
    int workers;    /* that the launcher leaves to this process; 0: as many as the machine allows */
    char *folder;   /* beside the first output, in which the nodes' kernel is; NULL: not known yet */
    char *report;   /* this node's own file for --report; NULL: none */
    char *trace;    /* ... for --trace */
    char *describe; /* the command, for tw_outputs_options.describe; NULL: not known */
};

/* Refuses options that make no sense with --node, if it was given. 0, or EINVAL; the error has been reported. */
error_t cli_node_check(const struct cli_request *request);

/* Finds out which node this is, and how its report and trace are called: a node's own file has its number in its name,
 * since all nodes are given one command. Without --node they are those of the request. `describe` is taken over.
 * Errors: those of tw_node_find, TW_ERROR_MEMORY. To be finished in any case. */
tw_status cli_node_begin(struct cli_node *node, const struct cli_request *request, char *describe, tw_error *error);

/* How a kernel is compiled: with --node so that all nodes, on unlike machines, get one object and the same bits, and
 * only one of them needs a compiler. `file`: the first output. Errors: TW_ERROR_MEMORY. */
tw_status cli_node_compile(struct cli_node *node, const char *file, tw_compile_options *compile, tw_error *error);

/* "node 3 of 8: 32 tiles on 2 threads in 1.2 s; 224 tiles by other nodes" */
void cli_node_say_done(const struct cli_node *node, const tw_report *report, const tw_outputs_totals *totals,
                       const char *remark);

/* "r.npy: already finished" */
void cli_node_say_finished(const char *file);

void cli_node_fini(struct cli_node *node);

#endif
