/* exit.c - how a command ends: the exit codes, and the one form that messages have. Knows no command. */
#include "exit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cli_exit_code(tw_status status)
{
    switch (status) {
    case TW_OK:
        return CLI_DONE;
    case TW_ERROR_KERNEL:
    case TW_ERROR_WORKER:
    case TW_ERROR_CHECK:
        return CLI_FAILED;
    case TW_ERROR_ARGUMENT:
    case TW_ERROR_SYNTAX:
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

void cli_say_list(const char *format, va_list arguments)
{
    fputs("tilework: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void cli_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cli_say_list(format, arguments);
    va_end(arguments);
}

int cli_fail(const tw_error *error)
{
    cli_say("%s", error->message);
    return cli_exit_code(error->status);
}

int cli_finish(int code)
{
    errno = 0;
    const int failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || code != CLI_DONE) {
        return code;
    }
    cli_say("standard output: cannot be written%s%s", errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    return errno == ENOSPC ? CLI_RESOURCES : CLI_FILE;
}
