/* error.h - filling the caller's tw_error. */
#ifndef TW_BASE_ERROR_H
#define TW_BASE_ERROR_H

#include <tilework/tilework.h>

/* Fills *error (may be NULL) with a status and one sentence, everything else cleared; returns the status, so that a
 * failing function can say `return tw__fail(error, TW_ERROR_ARGUMENT, "...")`. Keeps errno. */
__attribute__((format(printf, 3, 4))) tw_status tw__fail(tw_error *error, tw_status status, const char *format, ...);

/* The same for an operating-system call that failed with os_error: ": STRERROR" is appended, and stays whole where the
 * sentence is too long: that loses its middle. In all messages control characters become '?', but for line ends in what
 * a compiler says. */
__attribute__((format(printf, 4, 5))) tw_status tw__fail_os(tw_error *error, tw_status status, int os_error,
                                                            const char *format, ...);

/* What kind of failure an errno of a call on files is: no room, no descriptors, no memory, else TW_ERROR_FILE. */
tw_status tw__file_status(int os_error);

/* TW_ERROR_SYNTAX with a 1-based column. */
__attribute__((format(printf, 3, 4))) tw_status tw__fail_syntax(tw_error *error, int column, const char *format, ...);

/* TW_ERROR_ARGUMENT: the caller of a public function has given NULL for `parameter`, which it needs. */
tw_status tw__fail_null(tw_error *error, const char *function, const char *parameter);

/* TW_ERROR_MEMORY for an allocation of `bytes` for `what`. */
tw_status tw__fail_memory(tw_error *error, size_t bytes, const char *what);

#endif
