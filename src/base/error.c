/* error.c - filling the caller's tw_error. Knows nothing of what failed. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tw_version(void)
{
    return TW_VERSION;
}

const char *tw_status_name(tw_status status)
{
    switch (status) {
    case TW_OK:
        return "ok";
    case TW_ERROR_ARGUMENT:
        return "bad argument";
    case TW_ERROR_SYNTAX:
        return "syntax error";
    case TW_ERROR_COMPILE:
        return "kernel does not compile";
    case TW_ERROR_FILE:
        return "file error";
    case TW_ERROR_FORMAT:
        return "bad file format";
    case TW_ERROR_MEMORY:
        return "not enough memory";
    case TW_ERROR_DISK:
        return "not enough disk";
    case TW_ERROR_PROCESS:
        return "no processes or threads";
    case TW_ERROR_KERNEL:
        return "kernel failed";
    case TW_ERROR_WORKER:
        return "worker died";
    case TW_ERROR_CHECK:
        return "check failed";
    case TW_ERROR_INTERRUPTED:
        return "interrupted";
    case TW_ERROR_GUARD:
        return "kernel left its tile";
    case TW_ERROR_JOURNAL:
        return "journal does not fit";
    }
    return "unknown status";
}

/* Whether c is a later byte of a UTF-8 character. */
static int is_inside(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Puts text[length] into to[size]; if it is too long its middle gives way: what was wrong stands at the end, often
 * behind a file's name. */
static size_t put_shortened(char *to, size_t size, const char *text, size_t length)
{
    static const char dots[] = "...";
    if (length < size) {
        memcpy(to, text, length + 1);
        return length;
    }
    const size_t kept = size - sizeof dots;
    size_t head = kept / 2, tail = length - (kept - head);
    while (head > 0 && is_inside(text[head])) {
        head--;
    }
    while (is_inside(text[tail])) {
        tail++;
    }
    memcpy(to, text, head);
    memcpy(to + head, dots, sizeof dots - 1);
    memcpy(to + head + sizeof dots - 1, text + tail, length - tail + 1);
    return head + sizeof dots - 1 + length - tail;
}

/* Names of files and the words of kernels may hold what moves a terminal's cursor or begins a line of a log. Only what
 * a compiler says has lines, and what points into a text; who quotes a text there leaves such characters out. */
static void clean(char *message, tw_status status)
{
    for (char *c = message; *c != '\0'; c++) {
        const int line_end = *c == '\n' && (status == TW_ERROR_COMPILE || status == TW_ERROR_SYNTAX);
        if (((unsigned char)*c < 0x20 && !line_end) || *c == 0x7f) {
            *c = '?';
        }
    }
}

static void fill(tw_error *error, tw_status status, int os_error, int column, const char *format, va_list arguments)
{
    if (error == NULL) {
        return;
    }
    /* The sentence may quote a name that lies in the old message of this very struct. */
    char message[TW_ERROR_MESSAGE_SIZE], reason[128], text[128], *whole = NULL;
    size_t room = sizeof message;
    reason[0] = '\0';
    if (os_error != 0) {
        snprintf(reason, sizeof reason, ": %s", strerror_r(os_error, text, sizeof text));
        room -= strlen(reason);
    }
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(message, room, format, arguments);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used >= room) {
        /* Without memory for the whole sentence its end is lost, not the reason. */
        const int written = vasprintf(&whole, format, again);
        used = written < 0 ? room - 1 : put_shortened(message, room, whole, (size_t)written);
        if (written >= 0) {
            free(whole);
        }
    }
    va_end(again);
    strcpy(message + used, reason);
    clean(message, status);
    error->status = status;
    error->os_error = os_error;
    error->tile = -1;
    error->worker = -1;
    error->column = column;
    error->kernel_code = 0;
    memcpy(error->message, message, used + strlen(reason) + 1);
}

tw_status tw__file_status(int os_error)
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

tw_status tw__fail(tw_error *error, tw_status status, const char *format, ...)
{
    const int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, 0, 0, format, arguments);
    va_end(arguments);
    errno = saved;
    return status;
}

tw_status tw__fail_os(tw_error *error, tw_status status, int os_error, const char *format, ...)
{
    const int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, os_error, 0, format, arguments);
    va_end(arguments);
    errno = saved;
    return status;
}

tw_status tw__fail_syntax(tw_error *error, int column, const char *format, ...)
{
    const int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    fill(error, TW_ERROR_SYNTAX, 0, column, format, arguments);
    va_end(arguments);
    errno = saved;
    return TW_ERROR_SYNTAX;
}

tw_status tw__fail_memory(tw_error *error, size_t bytes, const char *what)
{
    return tw__fail(error, TW_ERROR_MEMORY, "not enough memory for %s (%zu bytes)", what, bytes);
}

tw_status tw__fail_null(tw_error *error, const char *function, const char *parameter)
{
    return tw__fail(error, TW_ERROR_ARGUMENT, "%s: '%s' is NULL, but it is needed", function, parameter);
}
