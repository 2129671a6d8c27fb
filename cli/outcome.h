/* outcome.h - what is said about a run that is over: the tiles' lines, the check, the closing line. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include <stdio.h>

#include <tilework/tilework.h>

/* A line for each tile that was taken, in the order of their numbers. */
void cli_print_tiles(FILE *file, const tw_report *report);

/* "max. abs. diff. = 0" and "bit-identical: yes", or where the first difference is. */
void cli_print_check(FILE *file, const tw_report *report, const tw_grid *grid);

/* "6 tiles on 2 threads in 0.012 s; REMARK" on standard error, deaths behind it; no remark: "". */
void cli_say_done(const tw_report *report, const char *remark);

#endif
