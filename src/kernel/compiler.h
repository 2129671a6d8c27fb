/* compiler.h - the C compiler: which one, which version, what it says. */
#ifndef TW_KERNEL_COMPILER_H
#define TW_KERNEL_COMPILER_H

#include <tilework/tilework.h>

#include "kernel/cache.h"

#define TW__MAX_WORDS 256

/* A text split at blanks; no quotes, no shell. */
struct tw__arguments {
    char *text;                    /* owned */
    char *word[TW__MAX_WORDS + 1]; /* into text, ended by NULL */
    size_t count;
};

/* Errors: TW_ERROR_ARGUMENT (too many words; `what` names the text), TW_ERROR_MEMORY. */
tw_status tw__arguments_init(struct tw__arguments *words, const char *text, const char *what, tw_error *error);
void tw__arguments_fini(struct tw__arguments *words);

struct tw__compiler {
    struct tw__arguments words; /* the compiler and its own arguments, as asked for */
    char *program;              /* full path of the first word */
    int is_zig;        /* "zig cc": Clang with a C library's headers of its own; it needs a folder to work in */
    char *variable[3]; /* environment that it is given beyond this process's own; owned, ended by NULL */
};

/* The compiler asked for, NULL or blank: $TILEWORK_CC, else the first of cc, gcc, clang and zig on PATH, else the one
 * that the Python package ziglang (the extra tilework[compiler]) brought into the same environment as this library. A
 * text that is the path of a program as a whole may have blanks in it. Errors: TW_ERROR_COMPILE (none found), as
 * tw__arguments_init. */
tw_status tw__compiler_init(struct tw__compiler *compiler, const char *wished, tw_error *error);
void tw__compiler_fini(struct tw__compiler *compiler);

/* A compiler that keeps files of its own ("zig cc") keeps them below this folder from now on, unless the environment
 * says where. Errors: TW_ERROR_MEMORY. */
tw_status tw__compiler_work_in(struct tw__compiler *compiler, const char *folder, tw_error *error);

/* What the compiler says of its version (malloc). Starting it takes milliseconds, so the answer is kept in the cache
 * (may be NULL: asks) under the identity of the program's file, and of every other word that is a program ("ccache
 * gcc"): a script that calls a compiler without naming it hides its changes. Errors: TW_ERROR_COMPILE. */
tw_status tw__compiler_version(const struct tw__compiler *compiler, const struct tw__cache *cache, char **version,
                               tw_error *error);

/* Runs the compiler with these arguments[count] after its own. *output (malloc): what it said; *code: how it ended.
 * Errors: TW_ERROR_COMPILE (cannot be started). */
tw_status tw__compiler_run(const struct tw__compiler *compiler, const char *const *arguments, size_t count,
                           char **output, int *code, tw_error *error);

#endif
