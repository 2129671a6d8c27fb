/* exit.c - how a command ends: the exit codes, and the one form that messages have. Knows no command. The reason why
 * standard output failed is static, as standard output itself is. */
#include "exit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int output_error; /* errno of the first write to standard output that failed */

static int exit_code(tw_status status)
{
    switch (status) {
    case TW_OK:
        return CLI_DONE;
    case TW_ERROR_KERNEL:
    case TW_ERROR_WORKER:
    case TW_ERROR_CHECK:
    case TW_ERROR_GUARD:
        return CLI_FAILED;
    case TW_ERROR_ARGUMENT:
    case TW_ERROR_SYNTAX:
    case TW_ERROR_JOURNAL:
    case TW_ERROR_COMPILE:
        return CLI_USAGE;
    case TW_ERROR_FILE:
    case TW_ERROR_FORMAT:
        return CLI_FILE;
    case TW_ERROR_MEMORY:
    case TW_ERROR_DISK:
    case TW_ERROR_PROCESS:
        return CLI_RESOURCES;
    case TW_ERROR_INTERRUPTED:
        return CLI_INTERRUPTED;
    }
    return CLI_FAILED;
}

tw_status cli_error(tw_error *error, tw_status status, const char *format, ...)
{
    va_list arguments;
    *error = (tw_error){.status = status, .tile = -1, .worker = -1};
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

char *cli_clean(char *text, const char *kept)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        if ((*c < ' ' && strchr(kept, *c) == NULL) || *c == 0x7f) {
            *c = '?';
        } else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) { /* U+0080 .. U+009F in UTF-8 */
            c[0] = c[1] = '?';
        }
    }
    return text;
}

/* A line is said without memory too, as far as a fixed piece of it has room. */
static void say(const char *kept, const char *format, va_list arguments)
{
    char *made = NULL, piece[1024];
    va_list again;
    va_copy(again, arguments);
    if (vasprintf(&made, format, arguments) < 0) {
        made = NULL;
        vsnprintf(piece, sizeof piece, format, again);
    }
    va_end(again);
    fprintf(stderr, "tilework: %s\n", cli_clean(made != NULL ? made : piece, kept));
    free(made);
}

void cli_say_list(const char *format, va_list arguments)
{
    say("", format, arguments);
}

void cli_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cli_say_list(format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 1, 2))) static void say_lines(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("\n\t", format, arguments);
    va_end(arguments);
}

int cli_fail(const tw_error *error)
{
    if (error->status == TW_ERROR_COMPILE || error->status == TW_ERROR_SYNTAX) {
        say_lines("%s", error->message); /* the compiler's own lines are in it, or a text and a caret below it */
    } else {
        cli_say("%s", error->message);
    }
    const int is_of_tile = error->status == TW_ERROR_JOURNAL && error->tile >= 0; /* two nodes differ: no other job's */
    return is_of_tile ? CLI_FAILED : exit_code(error->status);
}

tw_status cli_file_status(int os_error)
{
    switch (os_error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return TW_ERROR_DISK;
    case EMFILE:
    case ENFILE:
        return TW_ERROR_PROCESS;
    case ENOMEM:
        return TW_ERROR_MEMORY;
    default:
        return TW_ERROR_FILE;
    }
}

void cli_flush(void)
{
    cli_output_failed(fflush(stdout) != 0 || ferror(stdout));
}

void cli_output_failed(int failed)
{
    if (failed && output_error == 0) {
        output_error = errno;
    }
}

int cli_finish(int code)
{
    cli_flush();
    if ((output_error == 0 && !ferror(stdout)) || code != CLI_DONE) {
        return code;
    }
    cli_say("standard output: cannot be written%s%s", output_error != 0 ? ": " : "",
            output_error == EBADF ? "it is closed"
            : output_error != 0   ? strerror(output_error)
                                  : "");
    return exit_code(cli_file_status(output_error));
}
