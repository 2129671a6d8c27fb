/* object.c - a statement's C, and the shared objects that are made from it, here or elsewhere. Knows no syntax. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/cache.h"
#include "kernel/compile.h"
#include "kernel/levels.h"
#include "notation/notation.h"
#include "notation/print/emit.h"
#include "notation/type/lift.h"
#include "os/file.h"
#include "os/likeness.h"
#include "os/path.h"

/* The C relies on this: each operation is rounded where it stands and none is fused (some processors can do that, some
 * cannot), NaN, infinities and -0.0 count, integers wrap, and structures are laid out as in the library. */
#if defined(__x86_64__)
#define GCC_CALLS " -mabi=sysv"
#else
#define GCC_CALLS ""
#endif
static const struct tw__kept_flags kept = {
    .all = "-std=gnu11 -fno-fast-math -fno-associative-math -fno-reciprocal-math "
           "-fno-finite-math-only -fsigned-zeros -fno-rounding-math -ffp-contract=off -fno-math-errno "
           "-fno-trapping-math -fwrapv -fno-short-enums -fno-pack-struct",
    .gcc = "-fno-unsafe-math-optimizations -fno-cx-limited-range -fno-cx-fortran-rules -fno-single-precision-constant "
           "-fno-signaling-nans" GCC_CALLS,
    .clang = "-fno-approx-func -fhonor-nans -fhonor-infinities -fdenormal-fp-math=ieee"};
#define SYMBOL "tw_statement_tile"
#define MARK "tw_statement_made"      /* in objects that were compiled elsewhere: "NAME HASH" */
#define MAX_OBJECT ((size_t)64 << 20) /* bytes */

void tw__statement_drop_kernel(tw_statement *statement)
{
    for (int k = 0; k < 2; k++) {
        tw_kernel_destroy(statement->kernel[k]);
        statement->kernel[k] = NULL;
    }
}

static tw_status print(const tw_statement *statement, const char *name, char **text, size_t *length, tw_error *error)
{
    if (!statement->is_typed) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the statement's dtypes are not settled yet");
    }
    return tw__emit(text, length, &statement->typed.program, name, error);
}

/* The C for this process: constants are values if they can be. */
static tw_status print_lifted(const tw_statement *statement, char **text, size_t *length, tw_error *error)
{
    struct tw__program lifted;
    if (!statement->is_typed) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the statement's dtypes are not settled yet");
    }
    tw_status status = tw__lift(&lifted, &statement->typed.program, error);
    if (status == TW_OK) {
        status = tw__emit(text, length, &lifted, SYMBOL, error);
        free(lifted.nodes);
    }
    return status;
}

tw_status tw_statement_source(tw_statement *statement, char **text, tw_error *error)
{
    size_t length;
    return print(statement, SYMBOL, text, &length, error);
}

/* Takes a kernel that was just opened: it is known by its statement's text, and gets the context. */
static tw_status take(const tw_kernel **kernel, tw_statement *statement, tw_kernel *opened, int portable,
                      tw_error *error)
{
    char *name = strdup(statement->syntax.source.text);
    if (name == NULL) {
        tw_kernel_destroy(opened);
        return tw__fail_memory(error, statement->syntax.source.length, "a kernel's name");
    }
    free(opened->name);
    opened->name = name;
    opened->context = statement->context;
    opened->context_size = statement->context_size;
    tw_kernel_destroy(statement->kernel[portable]);
    statement->kernel[portable] = opened;
    *kernel = opened;
    return TW_OK;
}

/* The text of a portable kernel: each level's function has a name of its own. Takes over `text`. */
static tw_status name_levels(char **text, size_t *length, tw_error *error)
{
    char *whole = NULL;
    const int written = asprintf(&whole,
                                 "#ifdef TW_LEVEL\n#define " SYMBOL " TW_LEVEL(" SYMBOL ")\n#else\n"
                                 "#define TW_LEVEL(name) name\n#endif\n%s",
                                 *text);
    free(*text);
    *text = written >= 0 ? whole : NULL;
    *length = written >= 0 ? (size_t)written : 0;
    return written >= 0 ? TW_OK : tw__fail_memory(error, *length, "a statement's source");
}

static int is_portable(const tw_compile_options *options)
{
    return options != NULL && options->portable;
}

static tw_status check_bound(const tw_statement *statement, tw_error *error)
{
    return statement->context != NULL
               ? TW_OK
               : tw__fail(error, TW_ERROR_ARGUMENT, "the statement's lengths are not known yet: bind it first");
}

tw_status tw_statement_kernel(const tw_kernel **kernel, tw_statement *statement, const tw_compile_options *options,
                              tw_error *error)
{
    char *text, *object, *note = NULL;
    size_t length;
    tw_kernel *opened;
    tw_status status = check_bound(statement, error);
    const int portable = is_portable(options);
    if (status == TW_OK && statement->kernel[portable] != NULL) {
        *kernel = statement->kernel[portable];
        return TW_OK;
    }
    if (status == TW_OK) {
        status = print_lifted(statement, &text, &length, error);
    }
    if (status == TW_OK && portable) {
        status = name_levels(&text, &length, error);
    }
    if (status != TW_OK) {
        return status;
    }
    status = tw__compile_text(&object, &note, text, length, "the statement", &kept, options, error);
    free(text);
    if (status == TW_OK) {
        status = tw__kernel_from_object(&opened, object, "the statement", SYMBOL, TW_ERROR_COMPILE, error);
    }
    if (status != TW_OK) {
        free(note);
        return status;
    }
    opened->note = note;
    opened->is_kept = 1;
    return take(kernel, statement, opened, portable, error);
}

/* ---- objects that go elsewhere ---- */

/* What tells a statement with its dtypes from all others: its C, whatever the function's name. */
static tw_status make_hash(const tw_statement *statement, char hash[TW__HASH_TEXT], tw_error *error)
{
    char *text;
    size_t length;
    const tw_status status = print(statement, SYMBOL, &text, &length, error);
    if (status == TW_OK) {
        tw__hash(hash, text, length);
        free(text);
    }
    return status;
}

/* Writes a file by way of a temporary name beside it; what had the name keeps its mode, owner and the rest. */
static int replace_file(const char *path, const char *data, size_t length)
{
    char *temporary, lost[TW__LIKENESS_TEXT];
    int fd, like = -1;
    if (asprintf(&temporary, "%s.part-%d", path, tw__process_id()) < 0) {
        return ENOMEM;
    }
    const int exists = tw__likeness_open(&like, TW__FOLDER_HERE, path) == 0;
    int failed = tw__file_create(&fd, temporary, exists ? 0600 : 0755);
    if (failed == 0) {
        failed = exists ? tw__likeness_take(fd, like, lost) : 0;
        failed = failed == 0 ? tw__file_write(fd, data, length, 0) : failed;
        tw__file_close(fd);
        failed = failed == 0 ? tw__file_rename(temporary, path) : failed;
        if (failed != 0) {
            tw__file_remove(temporary);
        }
    }
    if (exists) {
        tw__file_close(like);
    }
    free(temporary);
    return failed;
}

static tw_status copy_file(const char *from, const char *path, tw_error *error)
{
    char *data, *file;
    size_t length;
    struct tw__file_info info;
    if (tw__path_info(path, &info) == 0 && !info.is_regular && !info.is_directory) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is a pipe or a device; only a regular file can be written", path);
    }
    int failed = tw__file_text(&data, &length, from, MAX_OBJECT);
    if (failed != 0) {
        return tw__fail_path(error, failed, from, "cannot be read");
    }
    failed = tw__path_follow(&file, path);
    if (failed == 0) {
        failed = replace_file(file, data, length);
        free(file);
    }
    free(data);
    return failed == 0 ? TW_OK : tw__fail_path(error, failed, path, "cannot be written");
}

/* A name that C lets a function have: no keyword, none of those that GCC and Clang call by themselves. */
static int can_be_function(const char *name)
{
    static const char *const taken[] = {"asm",     "auto",   "break",    "case",   "char",     "const",    "continue",
                                        "default", "do",     "double",   "else",   "enum",     "extern",   "float",
                                        "for",     "goto",   "if",       "inline", "int",      "long",     "main",
                                        "memcmp",  "memcpy", "memmove",  "memset", "register", "restrict", "return",
                                        "short",   "signed", "sizeof",   "static", "struct",   "switch",   "typedef",
                                        "typeof",  "union",  "unsigned", "void",   "volatile", "while"};
    const size_t length = name != NULL ? strlen(name) : 0;
    if (length == 0 || length >= TW__EXPR_NAME || tw__parse_identifier(name, length) != length || name[0] == '_' ||
        strncmp(name, "tw_", 3) == 0) {
        return 0;
    }
    for (size_t k = 0; k < sizeof taken / sizeof taken[0]; k++) {
        if (strcmp(taken[k], name) == 0) {
            return 0;
        }
    }
    return 1;
}

tw_status tw_statement_compile(tw_statement *statement, const char *path, const char *name,
                               const tw_compile_options *options, tw_error *error)
{
    char hash[TW__HASH_TEXT], *text, *whole = NULL, *object;
    size_t length;
    if (!can_be_function(name)) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "'%s' cannot be the name of a kernel's function: letters, digits and '_', not beginning with "
                        "'_' or 'tw_', and no word of C",
                        name != NULL ? name : "");
    }
    const int portable = is_portable(options);
    tw_status status = make_hash(statement, hash, error);
    if (status == TW_OK) {
        status = print(statement, portable ? SYMBOL : name, &text, &length, error);
    }
    if (status == TW_OK && portable) {
        status = name_levels(&text, &length, error);
    }
    if (status != TW_OK) {
        return status;
    }
    const int written =
        portable ? asprintf(&whole,
                            "%s\nTW_SEEN int TW_LEVEL(%s)(const tw_tile *tile)\n{\n    return " SYMBOL "(tile);\n}\n"
                            "const char *TW_LEVEL(" MARK ")(void);\n"
                            "TW_SEEN const char *TW_LEVEL(" MARK ")(void)\n{\n    return \"%s %s\";\n}\n",
                            text, name, name, hash)
                 : asprintf(&whole,
                            "%s\nconst char *" MARK "(void);\nTW_SEEN const char *" MARK
                            "(void)\n{\n    return \"%s %s\";\n}\n",
                            text, name, hash);
    free(text);
    if (written < 0) {
        return tw__fail_memory(error, length, "a statement's source");
    }
    status = tw__compile_text(&object, NULL, whole, strlen(whole), "the statement", &kept, options, error);
    free(whole);
    if (status == TW_OK) {
        status = copy_file(object, path, error);
        free(object);
    }
    return status;
}

tw_status tw_statement_load(const tw_kernel **kernel, tw_statement *statement, const char *path, tw_error *error)
{
    char hash[TW__HASH_TEXT], name[TW__EXPR_NAME] = "", made[TW__HASH_TEXT] = "";
    tw_kernel *opened;
    int level;
    tw_status status = check_bound(statement, error);
    if (status == TW_OK) {
        status = tw__level_highest(&level, error);
    }
    if (status == TW_OK) {
        status = make_hash(statement, hash, error);
    }
    if (status != TW_OK) {
        return status;
    }
    char *real = realpath(path, NULL);
    if (real == NULL) {
        return tw__fail_path(error, errno, path, "cannot be opened");
    }
    status = tw__kernel_from_object(&opened, real, path, MARK, TW_ERROR_FILE, error);
    if (status == TW_ERROR_ARGUMENT) {
        return tw__fail(error, status, "%s: was not made from a statement by 'tilework compile'", path);
    }
    if (status != TW_OK) {
        return status;
    }
    const char *(*tell)(void);
    void *address = tw__library_symbol(&opened->library, MARK);
    memcpy(&tell, &address, sizeof tell); /* POSIX has functions and data share one kind of address */
    const char *mark = tell();
    const size_t length = strcspn(mark, " ");
    if (length > 0 && length < sizeof name && mark[length] == ' ') {
        memcpy(name, mark, length);
        snprintf(made, sizeof made, "%s", mark + length + 1);
    }
    tw_kernel_destroy(opened);
    if (strcmp(made, hash) != 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "%s: was compiled from another statement, for other dtypes or edges, or by another version of "
                        "Tilework",
                        path);
    }
    real = realpath(path, NULL);
    if (real == NULL) {
        return tw__fail_path(error, errno, path, "cannot be opened");
    }
    status = tw__kernel_from_object(&opened, real, path, name, TW_ERROR_FILE, error);
    return status == TW_OK ? take(kernel, statement, opened, 1, error) : status;
}
