/* error.c - filling the caller's tw_error. Knows nothing of what failed. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
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
    }
    return "unknown status";
}

static void fill(tw_error *error, tw_status status, int os_error, int column, const char *format, va_list arguments)
{
    if (error == NULL) {
        return;
    }
    error->status = status;
    error->os_error = os_error;
    error->tile = -1;
    error->worker = -1;
    error->column = column;
    error->kernel_code = 0;
    /* The sentence may quote a name that lies in the old message of this very struct. */
    char message[TW_ERROR_MESSAGE_SIZE];
    int length = vsnprintf(message, sizeof message, format, arguments);
    if (length < 0) {
        length = 0;
        message[0] = '\0';
    }
    if (os_error != 0 && (size_t)length < sizeof message) {
        char text[128];
        const char *reason = strerror_r(os_error, text, sizeof text);
        snprintf(message + length, sizeof message - (size_t)length, ": %s", reason);
    }
    memcpy(error->message, message, sizeof message);
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
