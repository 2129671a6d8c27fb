/* exit.h - how a command ends: one sentence on standard error and an exit code. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include <stdarg.h>

#include <tilework/tilework.h>

enum cli_code {
    CLI_DONE = 0,
    CLI_FAILED = 1,    /* the job failed: kernel, worker, or the check found a difference */
    CLI_USAGE = 2,     /* the request makes no sense */
    CLI_FILE = 3,      /* a file cannot be read or is not what it says */
    CLI_RESOURCES = 4, /* not enough memory, disk or processes */
    CLI_INTERRUPTED = 130
};

/* Fills *error as the library does and returns `status`. */
__attribute__((format(printf, 3, 4))) tw_status cli_error(tw_error *error, tw_status status, const char *format, ...);

/* Replaces control characters, but for those in `kept`, by '?': a file's name must not give a terminal orders. Returns
 * `text`. */
char *cli_clean(char *text, const char *kept);

/* Prints "tilework: MESSAGE" and a line end on standard error, without control characters. */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);
void cli_say_list(const char *format, va_list arguments);

/* Says what went wrong and returns the exit code for it. */
int cli_fail(const tw_error *error);

/* TW_ERROR_DISK or TW_ERROR_FILE: what a file that could not be written with this errno means. */
tw_status cli_file_status(int os_error);

/* Flushes standard output, so that it comes before what is said next, and keeps the reason where that fails. The second
 * takes the reason from errno when a write has `failed`. */
void cli_flush(void);
void cli_output_failed(int failed);

/* Flushes standard output. Returns `code`, or where that was CLI_DONE and the output could not be written, says so and
 * returns the code for it. */
int cli_finish(int code);

#endif
