/* report_file.h - the file of --report: FILE.part, locked, until it becomes FILE. */
#ifndef CLI_REPORT_FILE_H
#define CLI_REPORT_FILE_H

#include <stdio.h>
#include <sys/stat.h>

#include <tilework/tilework.h>

#include "paths.h"

/* All zeros: none. */
struct cli_report_file {
    char *path;       /* links followed, owned */
    char *part;       /* PATH.part, owned, while it is guarded; NULL: PATH itself is written */
    struct stat made; /* what PATH.part was when its lock was had */
    FILE *file;
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
