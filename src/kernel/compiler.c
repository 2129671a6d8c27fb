/* compiler.c - the C compiler: which one, which version, what it says. Knows nothing of kernels. */
#include "kernel/compiler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/places.h"
#include "os/program.h"

#define OUTPUT_LIMIT ((size_t)64 << 10) /* bytes of what a compiler says that are kept */

tw_status tw__arguments_init(struct tw__arguments *words, const char *text, const char *what, tw_error *error)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        return tw__fail_memory(error, strlen(text) + 1, what);
    }
    words->text = copy;
    words->count = 0;
    for (char *next = copy; *next != '\0';) {
        if (tw__is_blank(*next)) {
            *next++ = '\0';
            continue;
        }
        if (words->count == TW__MAX_WORDS) {
            free(copy);
            words->text = NULL;
            return tw__fail(error, TW_ERROR_ARGUMENT, "%s: more than %d words", what, TW__MAX_WORDS);
        }
        words->word[words->count++] = next;
        while (*next != '\0' && !tw__is_blank(*next)) {
            next++;
        }
    }
    words->word[words->count] = NULL;
    return TW_OK;
}

void tw__arguments_fini(struct tw__arguments *words)
{
    free(words->text);
    words->text = NULL;
    words->count = 0;
}

static int is_blank_text(const char *text)
{
    while (tw__is_blank(*text)) {
        text++;
    }
    return *text == '\0';
}

/* Where `pip install tilework[compiler]` leaves the compiler: seen from the extension in site-packages/tilework, from
 * the command in bin, and from a Python in bin. */
static char *find_packaged(void)
{
    static const char *const patterns[] = {"../ziglang/zig", "../lib*/python3*/*-packages/ziglang/zig"};
    char *found = NULL;
    for (size_t k = 0; k < sizeof patterns / sizeof patterns[0] && found == NULL; k++) {
        found = tw__find_program_beside(patterns[k]);
    }
    return found;
}

/* "zig cc": two words, the first a path as it is, blanks and all. */
static tw_status use_zig(struct tw__compiler *compiler, char *program, tw_error *error)
{
    static const char cc[] = "cc";
    const size_t length = strlen(program) + 1;
    compiler->program = program;
    compiler->words.text = malloc(length + sizeof cc);
    if (compiler->words.text == NULL) {
        return tw__fail_memory(error, length + sizeof cc, "the compiler");
    }
    memcpy(compiler->words.text, program, length);
    memcpy(compiler->words.text + length, cc, sizeof cc);
    compiler->words.word[0] = compiler->words.text;
    compiler->words.word[1] = compiler->words.text + length;
    compiler->words.word[2] = NULL;
    compiler->words.count = 2;
    return TW_OK;
}

static tw_status find_default(struct tw__compiler *compiler, tw_error *error)
{
    static const char *const names[] = {"cc", "gcc", "clang"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        compiler->program = tw__find_program(names[k]);
        if (compiler->program != NULL) {
            return tw__arguments_init(&compiler->words, names[k], "the compiler", error);
        }
        if (errno == ENOMEM) {
            return tw__fail_memory(error, strlen(names[k]) + 1, "the compiler");
        }
    }
    char *zig = tw__find_program("zig");
    zig = zig != NULL ? zig : find_packaged();
    if (zig != NULL) {
        return use_zig(compiler, zig, error);
    }
    return tw__fail(error, TW_ERROR_COMPILE,
                    "there is no C compiler: none of cc, gcc and clang is on PATH; install one (Debian, Ubuntu: apt "
                    "install gcc libc6-dev; in a Python environment: pip install 'tilework[compiler]') or name one in "
                    "TILEWORK_CC");
}

/* Whether the words begin with "zig cc". */
static int calls_zig(const struct tw__compiler *compiler)
{
    const char *name = strrchr(compiler->program, '/');
    name = name != NULL ? name + 1 : compiler->program;
    return strcmp(name, "zig") == 0 && compiler->words.count > 1 && strcmp(compiler->words.word[1], "cc") == 0;
}

tw_status tw__compiler_work_in(struct tw__compiler *compiler, const char *folder, tw_error *error)
{
    static const char *const names[] = {"ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"};
    size_t count = 0;
    for (size_t k = 0; k < 2; k++) {
        free(compiler->variable[k]);
        compiler->variable[k] = NULL;
    }
    for (size_t k = 0; compiler->is_zig && k < sizeof names / sizeof names[0]; k++) {
        if (getenv(names[k]) == NULL) {
            if (asprintf(&compiler->variable[count], "%s=%s/zig", names[k], folder) < 0) {
                compiler->variable[count] = NULL;
                return tw__fail_memory(error, strlen(folder) + 32, "the compiler's environment");
            }
            count++;
        }
    }
    return TW_OK;
}

tw_status tw__compiler_init(struct tw__compiler *compiler, const char *wished, tw_error *error)
{
    memset(compiler, 0, sizeof *compiler);
    const char *where = "";
    tw_status status = TW_OK;
    if (wished == NULL || is_blank_text(wished)) {
        wished = getenv("TILEWORK_CC");
        where = " (from TILEWORK_CC)";
    }
    if (wished == NULL || is_blank_text(wished)) {
        status = find_default(compiler, error);
    } else if (strchr(wished, '/') != NULL && (compiler->program = tw__find_program(wished)) != NULL) {
        /* The whole text is a program's path, blanks and all. */
        compiler->words.text = strdup(wished);
        compiler->words.word[0] = compiler->words.text;
        compiler->words.count = 1;
        if (compiler->words.text == NULL) {
            status = tw__fail_memory(error, strlen(wished) + 1, "the compiler");
        }
    } else if (strchr(wished, '/') != NULL && errno == ENOMEM) {
        status = tw__fail_memory(error, strlen(wished) + 1, "the compiler");
    } else {
        status = tw__arguments_init(&compiler->words, wished, "the compiler", error);
        if (status == TW_OK && (compiler->program = tw__find_program(compiler->words.word[0])) == NULL) {
            const char *name = compiler->words.word[0];
            status = errno == ENOMEM ? tw__fail_memory(error, strlen(name) + 1, "the compiler")
                                     : tw__fail(error, TW_ERROR_COMPILE, "there is no compiler '%s'%s: %s", name, where,
                                                strchr(name, '/') != NULL ? "no such program" : "it is not on PATH");
        }
    }
    if (status != TW_OK) {
        tw__compiler_fini(compiler);
        return status;
    }
    compiler->is_zig = calls_zig(compiler);
    return TW_OK;
}

void tw__compiler_fini(struct tw__compiler *compiler)
{
    tw__arguments_fini(&compiler->words);
    for (size_t k = 0; k < 2; k++) {
        free(compiler->variable[k]);
        compiler->variable[k] = NULL;
    }
    free(compiler->program);
    compiler->program = NULL;
}

/* Appends to a text that grows (malloc). 0: out of memory, *text is gone. */
static int append(char **text, const char *more)
{
    char *whole = NULL;
    const int done = asprintf(&whole, "%s%s\n", *text == NULL ? "" : *text, more) >= 0;
    free(*text);
    *text = done ? whole : NULL;
    return done;
}

/* All words, and for those that are programs which file they are at present (malloc). NULL: out of memory. */
static char *identity(const struct tw__compiler *compiler)
{
    char *text = NULL;
    for (size_t k = 0; k < compiler->words.count; k++) {
        const char *word = compiler->words.word[k];
        if (!append(&text, word)) {
            return NULL;
        }
        errno = 0;
        char *program = k == 0 ? strdup(compiler->program) : word[0] == '-' ? NULL : tw__find_program(word);
        char *file = program != NULL ? tw__program_identity(program) : NULL;
        const int done = file != NULL ? append(&text, file) : errno != ENOMEM; /* without the file: another program */
        free(file);
        free(program);
        if (!done) {
            free(text);
            return NULL;
        }
    }
    return text;
}

/* Where the machine has no process or descriptor left, the compiler is not what is wrong. */
static tw_status run_status(int os_error)
{
    switch (os_error) {
    case EAGAIN:
    case EMFILE:
    case ENFILE:
        return TW_ERROR_PROCESS;
    case ENOMEM:
        return TW_ERROR_MEMORY;
    default:
        return TW_ERROR_COMPILE;
    }
}

tw_status tw__compiler_run(const struct tw__compiler *compiler, const char *const *arguments, size_t count,
                           char **output, int *code, tw_error *error)
{
    const size_t words = compiler->words.count;
    char **argv = malloc((words + count + 1) * sizeof *argv);
    if (argv == NULL) {
        return tw__fail_memory(error, (words + count + 1) * sizeof *argv, "the compiler's arguments");
    }
    argv[0] = compiler->program;
    for (size_t k = 1; k < words; k++) {
        argv[k] = compiler->words.word[k];
    }
    for (size_t k = 0; k < count; k++) {
        argv[words + k] = (char *)arguments[k]; /* execve's type; it writes nothing */
    }
    argv[words + count] = NULL;
    const int os_error = tw__run_program(argv, compiler->variable, OUTPUT_LIMIT, output, code);
    free(argv);
    if (os_error != 0) {
        return tw__fail_os(error, run_status(os_error), os_error, "the compiler %s cannot be run", compiler->program);
    }
    return TW_OK;
}

tw_status tw__compiler_version(const struct tw__compiler *compiler, const struct tw__cache *cache, char **version,
                               tw_error *error)
{
    char name[TW__HASH_TEXT + 16] = "", hash[TW__HASH_TEXT], *file = cache != NULL ? identity(compiler) : NULL;
    if (file != NULL) {
        size_t length;
        tw__hash(hash, file, strlen(file));
        snprintf(name, sizeof name, "compiler-%s", hash);
        free(file);
        if (tw__cache_read(cache, name, version, &length)) {
            return TW_OK;
        }
    }
    const char *const arguments[] = {"--version"};
    char *text;
    int code;
    tw_status status = tw__compiler_run(compiler, arguments, 1, &text, &code, error);
    if (status != TW_OK) {
        return status;
    }
    /* A compiler without --version has a text all the same, its complaint; it is asked again each time. */
    if (name[0] != '\0' && code == 0) {
        (void)tw__cache_write(cache, name, text, strlen(text), NULL);
    }
    *version = text;
    return TW_OK;
}

tw_status tw_compiler_describe(char *path, size_t path_size, char *version, size_t version_size, char *cache,
                               size_t cache_size, tw_error *error)
{
    struct tw__compiler compiler;
    struct tw__places places;
    char *says;
    tw_status status = tw__compiler_init(&compiler, NULL, error);
    if (status != TW_OK) {
        return status;
    }
    status = tw__compiler_version(&compiler, NULL, &says, error);
    if (status != TW_OK) {
        tw__compiler_fini(&compiler);
        return status;
    }
    struct tw__text text;
    tw__text_init(&text, path, path_size);
    tw__text_add(&text, "%s", compiler.program);
    for (size_t k = 1; k < compiler.words.count; k++) {
        tw__text_add(&text, " %s", compiler.words.word[k]);
    }
    snprintf(version, version_size, "%.*s", (int)strcspn(says, "\n"), says);
    /* The folder is named, not made. */
    cache[0] = '\0';
    if (tw__places_init(&places, NULL, NULL) == TW_OK) {
        const int first = tw__places_first(&places);
        snprintf(cache, cache_size, "%s", first >= 0 ? places.folder[first] : "");
        tw__places_fini(&places);
    }
    free(says);
    tw__compiler_fini(&compiler);
    return TW_OK;
}
