/* paths.h - whether two names mean one file: before anything is written, nothing that is written may be anything else.
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <sys/stat.h>

#include <tilework/tilework.h>

/* Of each operand an input, an output and its unfinished name, and the kernel of its reduction; the report, the trace
 * and their unfinished names; kernel, journal, partial results, mask. */
#define CLI_MAX_PATHS (4 * TW_MAX_OPERANDS + 8)

struct cli_path {
    char *path; /* owned */
    char *what; /* "input 'y'", owned */
    int written;
    int exists;
    struct stat file;   /* where it exists */
    struct stat folder; /* of its folder; st_ino 0: there is no such folder */
};

struct cli_paths {
    struct cli_path path[CLI_MAX_PATHS];
    int count;
};

/* Adds a file. `written`: it will be created or replaced; then it must not be something that is no regular file.
 * `format` says what it is. Errors: TW_ERROR_FILE, TW_ERROR_MEMORY. */
__attribute__((format(printf, 5, 6))) tw_status cli_paths_add(struct cli_paths *paths, tw_error *error,
                                                              const char *path, int written, const char *format, ...);

/* No written file is the same as another one, by whatever name. Errors: TW_ERROR_ARGUMENT. */
tw_status cli_paths_check(const struct cli_paths *paths, tw_error *error);

void cli_paths_fini(struct cli_paths *paths);

#endif
