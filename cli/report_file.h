/* report_file.h - the file of --report, which gets its name when it is whole. */
#ifndef CLI_REPORT_FILE_H
#define CLI_REPORT_FILE_H

#include <stdio.h>

#include <tilework/tilework.h>

#include "paths.h"

/* All zeros: none. */
struct cli_report_file {
    char *path;     /* as given, owned, for messages */
    tw_file *whole; /* what has no name until it is whole; NULL: a device or a pipe, or standard output */
    char *part;     /* its name until then, owned, while it is guarded */
    FILE *file;     /* writes to a duplicate of its descriptor */
    int standard_output;
};

/* Creates the file, so that a bad path is known before the run; "-" is standard output. Errors: TW_ERROR_FILE, also
 * where another run writes it; TW_ERROR_DISK. */
tw_status cli_report_file_open(struct cli_report_file *file, const char *path, tw_error *error);

/* Adds its names, for the check that no two files are one. */
tw_status cli_report_file_paths(const char *path, struct cli_paths *paths, tw_error *error);

/* Writes the report and gives the file its final name. Errors: TW_ERROR_FILE, TW_ERROR_DISK. */
tw_status cli_report_file_write(struct cli_report_file *file, const tw_report *report, tw_error *error);

/* Closes; what was not written completely is removed. */
void cli_report_file_fini(struct cli_report_file *file);

#endif
