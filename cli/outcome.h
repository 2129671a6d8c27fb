/* outcome.h - what is told about a run that is over: the tiles' lines, the check, the closing line, the report file. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include <stdio.h>

#include <tilework/tilework.h>

#include "paths.h"

/* The file of --report. All zeros: none. */
struct cli_report_file {
    const char *path;
    char *part; /* PATH.part, owned: what is written first; NULL: the path itself */
    FILE *file;
    int standard_output;
};

/* Creates the file, so that a bad path is known before the run; "-" is standard output. Errors: TW_ERROR_FILE. */
tw_status cli_report_file_open(struct cli_report_file *file, const char *path, tw_error *error);

/* Adds its names, for the check that no two files are one. */
tw_status cli_report_file_paths(const char *path, struct cli_paths *paths, tw_error *error);

/* Writes the report and gives the file its final name. Errors: TW_ERROR_FILE, TW_ERROR_DISK. */
tw_status cli_report_file_write(struct cli_report_file *file, const tw_report *report, tw_error *error);

/* Closes; what was not written completely is removed. */
void cli_report_file_fini(struct cli_report_file *file);

/* A line for each tile that was taken, in the order of their numbers. */
void cli_print_tiles(FILE *file, const tw_report *report);

/* "max. abs. diff. = 0" and "bit-identical: yes", or where the first difference is. */
void cli_print_check(FILE *file, const tw_report *report, const tw_grid *grid);

/* "6 tiles on 2 threads in 0.012 s" on standard error. */
void cli_say_done(const tw_report *report);

#endif
