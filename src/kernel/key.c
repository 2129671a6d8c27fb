/* key.c - the hashes that stand for a compilation. Knows what decides the result, not how it is reached. */
#include "kernel/key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kernel/levels.h"
#include "os/cpu.h"
#include "os/program.h"

#define MADE_FOR (sizeof(void *) == 8 ? "64 bits" : "32 bits")

int tw__is_portable(const struct tw__compilation *job)
{
    return job->options != NULL && job->options->portable;
}

void tw__hash_headers(char text[TW__HASH_TEXT])
{
    char each[TW__HEADERS][TW__HASH_TEXT];
    for (size_t k = 0; k < TW__HEADERS; k++) {
        tw__hash(each[k], tw__headers[k].text, tw__headers[k].length);
    }
    tw__hash(text, each, sizeof each);
}

/* Adds one field with its length, so that no two lists of fields give the same bytes. */
static void add_field(FILE *fields, const char *data, size_t length)
{
    fprintf(fields, "%zu:", length);
    fwrite(data, 1, length, fields);
}

static void add_text(FILE *fields, const char *text)
{
    add_field(fields, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
}

/* The hash of the fields. */
static tw_status close_fields(FILE *fields, char **data, const size_t *size, char hash[TW__HASH_TEXT], tw_error *error)
{
    const int written = ferror(fields) == 0;
    if (fclose(fields) != 0 || !written) {
        free(*data);
        return tw__fail_memory(error, *size, "a kernel's source");
    }
    tw__hash(hash, *data, *size);
    free(*data);
    return TW_OK;
}

static void add_words(FILE *fields, const struct tw__arguments *words)
{
    for (size_t k = 0; k < words->count; k++) {
        add_text(fields, words->word[k]);
    }
}

/* -march=native means another processor on another machine, and home folders are shared by whole clusters. */
static void add_processor(FILE *fields)
{
    char features[8192];
    tw__cpu_features(features, sizeof features);
    add_text(fields, features);
}

/* Whether the flags ask for this very processor. */
static int are_native(const struct tw__arguments *flags)
{
    for (size_t k = 0; k < flags->count; k++) {
        const char *value = strchr(flags->word[k], '=');
        if (value != NULL && strcmp(value, "=native") == 0) {
            return 1;
        }
    }
    return 0;
}

/* What stands for a portable object on every machine: source, flags and version, no compiler and no processor. */
tw_status tw__make_origin(struct tw__compilation *job, tw_error *error)
{
    char *data = NULL;
    size_t size = 0;
    FILE *fields = open_memstream(&data, &size);
    if (fields == NULL) {
        return tw__fail_memory(error, job->length, "a kernel's source");
    }
    add_text(fields, TW_VERSION);
    add_text(fields, job->header);
    add_text(fields, tw__levels[0].flags); /* the family of the processor */
    add_text(fields, MADE_FOR);
    for (int k = 0; k < job->levels; k++) {
        add_text(fields, tw__levels[k].flags);
    }
    add_words(fields, &job->front);
    add_words(fields, &job->flags);
    if (are_native(&job->flags)) { /* then it is for machines like this one */
        add_processor(fields);
    }
    add_text(fields, job->keeps != NULL ? job->keeps->all : NULL);
    add_field(fields, job->text, job->length);
    return close_fields(fields, &data, &size, job->origin, error);
}

/* Which compiler: of a portable object the one that was asked for, as no other changes its results. */
static void add_compiler(FILE *fields, const struct tw__compilation *job)
{
    if (tw__is_portable(job)) {
        add_text(fields, job->origin);
        add_text(fields, job->options->compiler);
        add_text(fields, getenv("TILEWORK_CC"));
        return;
    }
    for (size_t k = 0; k < job->compiler.words.count; k++) {
        add_text(fields, job->compiler.words.word[k]);
    }
    add_text(fields, job->compiler.program);
    add_text(fields, job->version);
    add_processor(fields);
}

/* The key stands for all that decides what the compiler makes, but for the files that the source includes: those are
 * known only after the compilation, and are checked with the entry. System headers are not: the compiler's version
 * stands for them. */
tw_status tw__make_key(struct tw__compilation *job, tw_error *error)
{
    static const char *const variables[] = {"CPATH",         "C_INCLUDE_PATH",  "LIBRARY_PATH",
                                            "COMPILER_PATH", "GCC_EXEC_PREFIX", "SOURCE_DATE_EPOCH"};
    char *data = NULL;
    size_t size = 0;
    FILE *fields = open_memstream(&data, &size);
    if (fields == NULL) {
        return tw__fail_memory(error, job->length, "a kernel's source");
    }
    add_text(fields, job->header);
    add_compiler(fields, job);
    add_words(fields, &job->flags);
    add_words(fields, &job->kept);
    for (size_t k = 0; k < sizeof variables / sizeof variables[0]; k++) {
        add_text(fields, getenv(variables[k]));
    }
    /* Flags of the user's may hold relative paths (-Iinclude). */
    char *folder = job->wished != NULL ? tw__current_folder() : NULL;
    const int placed = job->wished == NULL || folder != NULL || errno != ENOMEM;
    add_text(fields, folder);
    free(folder);
    add_text(fields, job->real != NULL ? job->path : NULL); /* __FILE__ */
    add_text(fields, job->real);                            /* #include "x.h" looks beside the source */
    add_field(fields, job->text, job->length);
    const tw_status status = close_fields(fields, &data, &size, job->key, error);
    return status == TW_OK && !placed ? tw__fail_memory(error, size, "a kernel's source") : status;
}
