/* report_file.h - the file of --report or --trace, which gets its name when it is whole. */
#ifndef CLI_REPORT_FILE_H
#define CLI_REPORT_FILE_H

#include <stdio.h>

#include <tilework/tilework.h>

#include "paths.h"

/* What a report is written as: tw_report_write_json and its like. */
typedef tw_status cli_report_form(const tw_report *report, FILE *file, tw_error *error);

/* The form of --report: a page if the file's name ends with .html or .htm, else JSON. */
cli_report_form *cli_report_form_of(const char *path);

/* All zeros: none. */
struct cli_report_file {
    cli_report_form *form;
    char *path;     /* as given, owned, for messages */
    tw_file *whole; /* what has no name until it is whole; NULL: a device or a pipe, or standard output */
    char *part;     /* its name until then, owned, while it is guarded */
    FILE *file;     /* writes to a duplicate of its descriptor */
    int standard_output;
};

/* Creates the file, so that a bad path is known before the run; "-" is standard output, NULL none. Errors:
 * TW_ERROR_FILE, also where another run writes it; TW_ERROR_DISK. */
tw_status cli_report_file_open(struct cli_report_file *file, const char *path, cli_report_form *form, tw_error *error);

/* Whether it is a device or a pipe, which is written as it is. */
int cli_report_file_is_special(const char *path);

/* Adds its names, for the check that no two files are one; `what` it is: "report". */
tw_status cli_report_file_paths(const char *path, const char *what, struct cli_paths *paths, tw_error *error);

/* Writes the report and gives the file its final name. Errors: TW_ERROR_FILE, TW_ERROR_DISK. */
tw_status cli_report_file_write(struct cli_report_file *file, const tw_report *report, tw_error *error);

/* Closes; what was not written completely is removed. */
void cli_report_file_fini(struct cli_report_file *file);

#endif
