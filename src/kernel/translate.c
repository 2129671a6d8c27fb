/* translate.c - from one C source to a shared object. Knows compilers' arguments and words, neither caches nor kernels.
 */
#include "kernel/translate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/levels.h"
#include "os/file.h"
#include "os/thread.h"

/* ---- what the compiler says ---- */

/* The line of the first error, past warnings. A linker's words stand before the line that says "error". */
static const char *first_error(const char *output)
{
    const char *start = strstr(output, "error: ");
    while (start != NULL && start > output && start[-1] != '\n') {
        start--;
    }
    return start == NULL || strncmp(start, "collect2:", 9) == 0 || strncmp(start, "clang: ", 7) == 0 ? output : start;
}

/* The compiler's words from its first error on, cut to whole lines that fit. */
static tw_status fail_compile(const struct tw__translation *job, const char *output, int code, tw_error *error)
{
    char message[TW_ERROR_MESSAGE_SIZE], lines[TW_ERROR_MESSAGE_SIZE];
    struct tw__text text;
    tw__text_init(&text, message, sizeof message);
    tw__text_add(&text, "%s does not compile: ", job->title);
    const char *start = first_error(output);
    size_t length = strlen(start);
    while (length > 0 && tw__is_blank(start[length - 1])) {
        length--;
    }
    if (length == 0) {
        return tw__fail(error, TW_ERROR_COMPILE,
                        "%s does not compile: the compiler %s ended with code %d and printed nothing", job->title,
                        job->compiler->program, code);
    }
    /* A path that takes more than half gives way in its middle. */
    const size_t half = sizeof message / 2;
    const size_t room = text.length < half ? sizeof message - text.length : half - 16;
    if (length >= room) {
        length = room - 1;
        size_t whole = length;
        while (whole > 0 && start[whole] != '\n') {
            whole--;
        }
        length = whole > 0 ? whole : length;
    }
    snprintf(lines, sizeof lines, "%.*s", (int)length, start);
    return tw__fail(error, TW_ERROR_COMPILE, "%s does not compile: %s", job->title, lines);
}

/* What a compiler says that could not write: the C library's words, and those of zig. */
static int lacks_room(const char *output)
{
    static const char *const causes[] = {"No space left on device", "Disk quota exceeded", "Read-only file system",
                                         "Input/output error",      "NoSpaceLeft",         "DiskQuota",
                                         "ReadOnlyFileSystem",      "InputOutput"};
    for (size_t k = 0; k < sizeof causes / sizeof causes[0]; k++) {
        if (strstr(output, causes[k]) != NULL) {
            return 1;
        }
    }
    return 0;
}

/* ---- its calls ---- */

enum { MOST = 3 * TW__MAX_WORDS + 48 };

struct call {
    const char *argument[MOST];
    size_t count;
};

static void add(struct call *call, const char *argument)
{
    call->argument[call->count++] = argument;
}

static void add_all(struct call *call, const struct tw__arguments *words)
{
    for (size_t k = 0; words != NULL && k < words->count; k++) {
        add(call, words->word[k]);
    }
}

/* The source stands before the flags, which may name libraries; it is C whatever its name. */
static void add_source(struct call *call, const struct tw__translation *job)
{
    add(call, "-x");
    add(call, "c");
    add(call, job->source);
    add(call, "-x");
    add(call, "none");
}

static void add_front(struct call *call, const struct tw__translation *job, const char *rule)
{
    add(call, "-fPIC");
    add(call, "-I");
    add(call, job->include);
    if (rule != NULL) {
        const char *const words[] = {"-MMD", "-MF", rule, "-MT", "kernel"};
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            add(call, words[k]);
        }
    }
    if (job->compiler->is_zig) {
        add(call, "-fno-sanitize=all"); /* zig cc adds checks of its own by default */
    }
}

static tw_status run(const struct tw__translation *job, const struct call *call, int *blames_folder, tw_error *error)
{
    char *output;
    int code;
    tw_status status = tw__compiler_run(job->compiler, call->argument, call->count, &output, &code, error);
    if (status == TW_OK) {
        if (code != 0) {
            *blames_folder = lacks_room(output);
            status = fail_compile(job, output, code, error);
        }
        free(output);
    }
    return status;
}

/* The flags of a level, for this compiler. */
static tw_status level_flags(struct tw__arguments *words, const struct tw__translation *job,
                             const struct tw__level *level, tw_error *error)
{
    return tw__arguments_init(words, job->compiler->is_zig ? level->zig : level->flags, "the flags of a level", error);
}

/* From the source to the shared object at once. */
static tw_status run_whole(const struct tw__translation *job, const char *object, const char *rule, int *blames_folder,
                           tw_error *error)
{
    struct call call = {.count = 0};
    struct tw__arguments level = {.text = NULL};
    if (job->is_for_baseline && level_flags(&level, job, &tw__levels[0], error) != TW_OK) {
        return TW_ERROR_MEMORY;
    }
    add(&call, "-shared");
    add_front(&call, job, rule);
    add(&call, "-o");
    add(&call, object);
    add_source(&call, job);
    add_all(&call, &level);
    add_all(&call, job->front);
    add_all(&call, job->flags);
    add_all(&call, job->kept);
    add(&call, "-lm");
    const tw_status status = run(job, &call, blames_folder, error);
    tw__arguments_fini(&level);
    return status;
}

/* ---- several levels ---- */

struct part {
    const struct tw__translation *job;
    const struct tw__level *level;
    char *object;
    const char *rule; /* NULL: another level's says it */
    struct tw__thread thread;
    int runs; /* in the thread */
    int blames_folder;
    tw_status status;
    tw_error error;
};

static void *compile_part(void *user)
{
    struct part *part = user;
    const struct tw__translation *job = part->job;
    struct call call = {.count = 0};
    struct tw__arguments level;
    part->status = level_flags(&level, job, part->level, &part->error);
    if (part->status != TW_OK) {
        return NULL;
    }
    add(&call, "-c");
    add_front(&call, job, part->rule);
    if (part->level->define != NULL) {
        add(&call, part->level->define);
    }
    add(&call, "-o");
    add(&call, part->object);
    add_source(&call, job);
    add_all(&call, job->front);
    add_all(&call, job->flags);
    add_all(&call, &level);
    add_all(&call, job->kept);
    part->status = run(job, &call, &part->blames_folder, &part->error);
    tw__arguments_fini(&level);
    return NULL;
}

static tw_status link_parts(const struct part *parts, int count, const char *object, int *blames_folder,
                            tw_error *error)
{
    const struct tw__translation *job = parts[0].job;
    struct call call = {.count = 0};
    add(&call, "-shared");
    add_front(&call, job, NULL);
    add(&call, "-o");
    add(&call, object);
    for (int k = 0; k < count; k++) {
        add(&call, parts[k].object);
    }
    add_all(&call, job->front);
    add_all(&call, job->flags);
    add(&call, "-lm");
    return run(job, &call, blames_folder, error);
}

/* The first level in this thread, each of the others in one of its own. */
static void compile_all(struct part *parts, int count)
{
    for (int k = 1; k < count; k++) {
        parts[k].runs = tw__thread_start(&parts[k].thread, compile_part, &parts[k]) == 0;
    }
    for (int k = 0; k < count; k++) {
        if (parts[k].runs) {
            tw__thread_join(&parts[k].thread);
        } else {
            (void)compile_part(&parts[k]);
        }
    }
}

static tw_status run_levels(const struct tw__translation *job, const char *object, const char *rule, int *blames_folder,
                            tw_error *error)
{
    struct part parts[TW__LEVELS] = {{.job = job}};
    tw_status status = TW_OK;
    int count = 0;
    for (; count < job->levels && status == TW_OK; count++) {
        parts[count] = (struct part){.job = job, .level = &tw__levels[count], .rule = count == 0 ? rule : NULL};
        if (asprintf(&parts[count].object, "%s-%s.o", object, tw__levels[count].name) < 0) {
            parts[count].object = NULL;
            status = tw__fail_memory(error, strlen(object) + 16, "a file name");
        }
    }
    if (status == TW_OK) {
        compile_all(parts, count);
    }
    for (int k = 0; k < count && status == TW_OK; k++) {
        status = parts[k].status;
        *blames_folder = parts[k].blames_folder;
        if (status != TW_OK && error != NULL) {
            *error = parts[k].error;
        }
    }
    if (status == TW_OK) {
        status = link_parts(parts, count, object, blames_folder, error);
    }
    for (int k = 0; k < count; k++) {
        if (parts[k].object != NULL) {
            tw__file_remove(parts[k].object);
        }
        free(parts[k].object);
    }
    return status;
}

tw_status tw__translate(const struct tw__translation *translation, const char *object, const char *rule,
                        int *blames_folder, tw_error *error)
{
    *blames_folder = 0;
    return translation->levels > 0 ? run_levels(translation, object, rule, blames_folder, error)
                                   : run_whole(translation, object, rule, blames_folder, error);
}
