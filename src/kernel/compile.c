/* compile.c - from a C source to a shared object, by way of the cache. Knows no kernels: any function of the source may
 * be taken from the object. */
#include "kernel/compile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/cache.h"
#include "kernel/compiler.h"
#include "kernel/places.h"
#include "os/cpu.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/library.h"
#include "os/path.h"
#include "os/private_folder.h"
#include "os/program.h"

#define MAX_SOURCE ((size_t)64 << 20) /* bytes */
#define DEFAULT_FLAGS "-O3 -march=native"

struct compilation {
    const char *path;   /* the source, as the user named it; of a text: what messages call it */
    char *real;         /* the same, without links; NULL: it is a text */
    const char *text;   /* a source that is no file; NULL: it is one */
    size_t length;      /* of the text */
    const char *wished; /* flags of the user's, or NULL */
    struct tw__arguments flags, kept;
    struct tw__compiler compiler;
    struct tw__cache cache;
    int blames_folder; /* what failed did so for want of room or rights in the cache's folder, not for the source */
    char *version;
    char header[TW__HASH_TEXT]; /* hash of the public headers */
    char key[TW__HASH_TEXT];
};

/* ---- the key ---- */

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

/* The key stands for all that decides what the compiler makes, but for the files that the source includes: those are
 * known only after the compilation, and are checked with the entry. System headers are not: the compiler's version
 * stands for them. */
static tw_status make_key(struct compilation *job, tw_error *error)
{
    static const char *const variables[] = {"CPATH",         "C_INCLUDE_PATH",  "LIBRARY_PATH",
                                            "COMPILER_PATH", "GCC_EXEC_PREFIX", "SOURCE_DATE_EPOCH"};
    char *source = NULL, *data = NULL, features[8192];
    size_t length = job->length, size = 0;
    const int os_error = job->text == NULL ? tw__file_text(&source, &length, job->path, MAX_SOURCE) : 0;
    if (os_error != 0) {
        return tw__fail_path(error, os_error, job->path, "cannot be read");
    }
    FILE *fields = open_memstream(&data, &size);
    if (fields == NULL) {
        free(source);
        return tw__fail_memory(error, length, "a kernel's source");
    }
    add_text(fields, job->header);
    for (size_t k = 0; k < job->compiler.words.count; k++) {
        add_text(fields, job->compiler.words.word[k]);
    }
    add_text(fields, job->compiler.program);
    add_text(fields, job->version);
    for (size_t k = 0; k < job->flags.count; k++) {
        add_text(fields, job->flags.word[k]);
    }
    for (size_t k = 0; k < job->kept.count; k++) {
        add_text(fields, job->kept.word[k]);
    }
    /* -march=native means another processor on another machine, and home folders are shared by whole clusters. */
    tw__cpu_features(features, sizeof features);
    add_text(fields, features);
    for (size_t k = 0; k < sizeof variables / sizeof variables[0]; k++) {
        add_text(fields, getenv(variables[k]));
    }
    /* Flags of the user's may hold relative paths (-Iinclude). */
    char *folder = job->wished != NULL ? tw__current_folder() : NULL;
    const int placed = job->wished == NULL || folder != NULL || errno != ENOMEM;
    add_text(fields, folder);
    free(folder);
    add_text(fields, job->text == NULL ? job->path : NULL); /* __FILE__ */
    add_text(fields, job->real);                            /* #include "x.h" looks beside the source */
    add_field(fields, job->text == NULL ? source : job->text, length);
    free(source);
    const int written = ferror(fields) == 0;
    if (fclose(fields) != 0 || !written || !placed) {
        free(data);
        return tw__fail_memory(error, size, "a kernel's source");
    }
    tw__hash(job->key, data, size);
    free(data);
    return TW_OK;
}

/* ---- what the compiler reads and says ---- */

/* Writes a public header into the cache, unless it is there, whole. `folder` is below the cache's. */
static tw_status bring_header(const struct compilation *job, const char *folder, const struct tw__header *header,
                              tw_error *error)
{
    char name[128], *there;
    size_t length;
    snprintf(name, sizeof name, "%s/tilework/%s", folder, header->name);
    if (tw__cache_read(&job->cache, name, &there, &length)) {
        const int same = length == header->length && memcmp(there, header->text, length) == 0;
        free(there);
        if (same) {
            return TW_OK;
        }
    }
    return tw__cache_write(&job->cache, name, header->text, header->length, error);
}

/* Writes the public headers into the cache: *folder (malloc) is what goes after -I. */
static tw_status bring_headers(const struct compilation *job, char **folder, tw_error *error)
{
    char name[64], *path = NULL;
    snprintf(name, sizeof name, "include-%s", job->header);
    if (asprintf(&path, "%s/%s/tilework", job->cache.folder, name) < 0) {
        return tw__fail_memory(error, PATH_MAX, "a file name");
    }
    tw_status status = TW_OK;
    const int os_error = tw__folder_make(path);
    if (os_error != 0) {
        status = tw__fail_os(error, tw__file_status(os_error), os_error, "folder %s cannot be made", path);
    }
    for (size_t k = 0; status == TW_OK && k < TW__HEADERS; k++) {
        status = bring_header(job, name, &tw__headers[k], error);
    }
    if (status != TW_OK) {
        free(path);
        return status;
    }
    *strrchr(path, '/') = '\0';
    *folder = path;
    return TW_OK;
}

/* Reads one file name of a make rule, as compilers write it: "\ " and "\#" for the character alone, "$$" for "$", a
 * backslash before a line end for nothing. Moves *text past it. 0: no more names. */
static int next_name(const char **text, char *name)
{
    const char *in = *text;
    char *out = name;
    while (tw__is_blank(*in) || (in[0] == '\\' && in[1] == '\n')) {
        in += tw__is_blank(*in) ? 1 : 2;
    }
    while (*in != '\0' && !tw__is_blank(*in) && !(in[0] == '\\' && in[1] == '\n')) {
        const int pair =
            (in[0] == '\\' && (in[1] == ' ' || in[1] == '\t' || in[1] == '#')) || (in[0] == '$' && in[1] == '$');
        in += pair;
        *out++ = *in++;
    }
    *out = '\0';
    *text = in;
    return out > name;
}

/* The files in a make rule "kernel: SOURCE HEADER ..." but for the public header, with full paths: *names[*count]
 * (malloc, each too). Where one is not found, none are given: the rule was not understood. */
static void read_rule(const struct compilation *job, const char *rule, char ***names, size_t *count)
{
    const char *text = strchr(rule, ':');
    char *name = malloc(strlen(rule) + 1), *header = NULL, **list = NULL;
    size_t used = 0;
    if (asprintf(&header, "%s/include-", job->cache.folder) < 0) {
        header = NULL;
    }
    int failed = name == NULL || header == NULL || text == NULL;
    text += !failed;
    while (!failed && next_name(&text, name)) {
        char **longer = realloc(list, (used + 1) * sizeof *list);
        char *real = realpath(name, NULL);
        list = longer != NULL ? longer : list;
        failed = longer == NULL || real == NULL;
        if (!failed && strncmp(real, header, strlen(header)) != 0) {
            list[used++] = real;
        } else {
            free(real);
        }
    }
    free(header);
    free(name);
    *names = list;
    *count = failed ? 0 : used;
    while (failed && used > 0) {
        free(list[--used]);
    }
}

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
static tw_status fail_compile(const struct compilation *job, const char *output, int code, tw_error *error)
{
    char message[TW_ERROR_MESSAGE_SIZE], lines[TW_ERROR_MESSAGE_SIZE];
    struct tw__text text;
    tw__text_init(&text, message, sizeof message);
    tw__text_add(&text, "%s does not compile: ", job->path);
    const char *start = first_error(output);
    size_t length = strlen(start);
    while (length > 0 && tw__is_blank(start[length - 1])) {
        length--;
    }
    if (length == 0) {
        return tw__fail(error, TW_ERROR_COMPILE,
                        "%s does not compile: the compiler %s ended with code %d and printed nothing", job->path,
                        job->compiler.program, code);
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
    return tw__fail(error, TW_ERROR_COMPILE, "%s does not compile: %s", job->path, lines);
}

/* ---- compiling ---- */

/* The file that the compiler is given: *place (malloc). A text is put into the cache, under the compilation's key,
 * where it stays for debuggers and as what the cache's entry is checked against. */
static tw_status place_source(const struct compilation *job, char **place, tw_error *error)
{
    char name[TW__HASH_TEXT + 8];
    if (job->text != NULL) {
        snprintf(name, sizeof name, "%s.c", job->key);
        const tw_status status = tw__cache_write(&job->cache, name, job->text, job->length, error);
        if (status != TW_OK) {
            return status;
        }
    }
    /* A name such as "-x.c" or "@x.c" would be an option to the compiler. */
    const int written =
        job->text != NULL ? asprintf(place, "%s/%s", job->cache.folder, name)
                          : asprintf(place, "%s%s", job->path[0] == '-' || job->path[0] == '@' ? "./" : "", job->path);
    if (written < 0) {
        *place = NULL;
        return tw__fail_memory(error, PATH_MAX, "a file name");
    }
    return TW_OK;
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

/* Runs the compiler on the source: object and rule are files to write. */
static tw_status run_compiler(struct compilation *job, const char *object, const char *rule, const char *include,
                              tw_error *error)
{
    const char *arguments[2 * TW__MAX_WORDS + 24];
    char *place = NULL, *output;
    size_t count = 0;
    int code;
    tw_status status = place_source(job, &place, error);
    if (status != TW_OK) {
        job->blames_folder = 1;
        return status;
    }
    const char *const front[] = {"-shared", "-fPIC", "-I", include, "-MMD", "-MF", rule, "-MT", "kernel", "-o", object};
    for (size_t k = 0; k < sizeof front / sizeof front[0]; k++) {
        arguments[count++] = front[k];
    }
    if (job->compiler.is_zig) {
        arguments[count++] = "-fno-sanitize=all"; /* zig cc adds checks of its own by default */
    }
    /* The source stands before the flags, which may name libraries; it is C whatever its name. */
    const char *const source[] = {"-x", "c", place, "-x", "none"};
    for (size_t k = 0; k < sizeof source / sizeof source[0]; k++) {
        arguments[count++] = source[k];
    }
    for (size_t k = 0; k < job->flags.count; k++) {
        arguments[count++] = job->flags.word[k];
    }
    for (size_t k = 0; k < job->kept.count; k++) {
        arguments[count++] = job->kept.word[k];
    }
    arguments[count++] = "-lm";
    status = tw__compiler_run(&job->compiler, arguments, count, &output, &code, error);
    if (status == TW_OK) {
        if (code != 0) {
            job->blames_folder = lacks_room(output);
            status = fail_compile(job, output, code, error);
        }
        free(output);
    }
    free(place);
    return status;
}

static tw_status compile(struct compilation *job, char **object, tw_error *error)
{
    char *temporary = NULL, *rule = NULL, *include = NULL, *text = NULL, **inputs = NULL;
    const char *flaw = NULL;
    size_t length, ninputs = 0;
    int64_t time, later;
    tw_status status = tw__cache_temporary(&job->cache, &temporary, &time, error);
    if (status == TW_OK) {
        status = tw__cache_temporary(&job->cache, &rule, &later, error);
    }
    if (status == TW_OK) {
        status = bring_headers(job, &include, error);
    }
    job->blames_folder = status != TW_OK;
    if (status == TW_OK) {
        status = run_compiler(job, temporary, rule, include, error);
    }
    time = job->text != NULL ? INT64_MAX : time; /* a text is put into the cache only now, and nobody edits it there */
    if (status == TW_OK) {
        const int failed = tw__library_flaw(&flaw, temporary);
        if (failed != 0) {
            status = tw__fail_os(error, tw__file_status(failed), failed,
                                 "%s: what the compiler made of it cannot be read", job->path);
        } else if (flaw != NULL) {
            status = tw__fail(error, TW_ERROR_COMPILE, "%s: what the compiler %s made of it %s", job->path,
                              job->compiler.program, flaw);
        }
    }
    if (status == TW_OK) {
        if (tw__file_text(&text, &length, rule, MAX_SOURCE) == 0) {
            read_rule(job, text, &inputs, &ninputs);
        }
        status = tw__cache_store(&job->cache, job->key, temporary, inputs, ninputs, time, object, error);
        job->blames_folder = status != TW_OK;
    }
    for (size_t k = 0; k < ninputs; k++) {
        free(inputs[k]);
    }
    if (temporary != NULL && status != TW_OK) {
        tw__file_remove(temporary);
    }
    if (rule != NULL) {
        tw__file_remove(rule);
    }
    free(inputs);
    free(text);
    free(include);
    free(rule);
    free(temporary);
    return status;
}

static void hash_headers(char text[TW__HASH_TEXT])
{
    char each[TW__HEADERS][TW__HASH_TEXT];
    for (size_t k = 0; k < TW__HEADERS; k++) {
        tw__hash(each[k], tw__headers[k].text, tw__headers[k].length);
    }
    tw__hash(text, each, sizeof each);
}

/* A source that is a file: it must be one, and where it lies counts. */
static tw_status look_at_source(struct compilation *job, tw_error *error)
{
    struct tw__file_info info;
    const int os_error = tw__path_info(job->path, &info);
    if (os_error != 0) {
        return tw__fail_path(error, os_error, job->path, "cannot be read");
    }
    if (!info.is_regular) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is %s, not a C source", job->path,
                        info.is_directory ? "a folder" : "not a regular file");
    }
    job->real = realpath(job->path, NULL);
    if (job->real == NULL) {
        return tw__fail_path(error, errno, job->path, "cannot be read");
    }
    return TW_OK;
}

/* Settles the flags that come last, now that it is known what compiler it is. */
static tw_status keep_flags(struct compilation *job, const struct tw__kept_flags *kept, tw_error *error)
{
    char text[1024] = "";
    if (kept != NULL) {
        const int is_clang = strstr(job->version, "clang") != NULL || strstr(job->version, "LLVM") != NULL ||
                             strstr(job->version, "Intel") != NULL;
        const int is_gcc = !is_clang && strstr(job->version, "Free Software Foundation") != NULL;
        snprintf(text, sizeof text, "%s %s", kept->all, is_clang ? kept->clang : is_gcc ? kept->gcc : "");
    }
    return tw__arguments_init(&job->kept, text, "the compiler's flags", error);
}

/* Before it is known where: which compiler, which flags of the user's. */
static tw_status prepare(struct compilation *job, const tw_compile_options *options, tw_error *error)
{
    job->wished = options != NULL ? options->flags : NULL;
    hash_headers(job->header);
    const char *flags = job->wished != NULL ? job->wished : DEFAULT_FLAGS;
    tw_status status = tw__arguments_init(&job->flags, flags, "the compiler's flags", error);
    if (status == TW_OK) {
        status = tw__compiler_init(&job->compiler, options != NULL ? options->compiler : NULL, error);
    }
    return status;
}

/* ---- where ---- */

/* Finds or compiles in this folder. *passable, on failure: another folder may stand in for it. */
static tw_status try_folder(struct compilation *job, const char *folder, const struct tw__kept_flags *kept,
                            char **object, int *passable, tw_error *error)
{
    tw_status status = tw__cache_open(&job->cache, folder, passable, error);
    if (status != TW_OK) {
        return status;
    }
    *passable = 0;
    status = tw__compiler_work_in(&job->compiler, folder, error);
    if (status == TW_OK && job->version == NULL) {
        status = tw__compiler_version(&job->compiler, &job->cache, &job->version, error);
        if (status == TW_OK) {
            status = keep_flags(job, kept, error);
        }
        if (status == TW_OK) {
            status = make_key(job, error);
        }
    }
    char *found = status == TW_OK ? tw__cache_find(&job->cache, job->key) : NULL;
    if (found != NULL) {
        *object = found;
    } else if (status == TW_OK) {
        status = tw__cache_ready(&job->cache, error);
        *passable = status != TW_OK;
        if (status == TW_OK) {
            status = compile(job, object, error);
            *passable = status != TW_OK && job->blames_folder;
        }
    }
    tw__cache_close(&job->cache);
    return status;
}

/* "PLACE, since REASON". No memory, no note. */
static char *make_note(const char *object, int lasts, const tw_error *reason)
{
    char *note = NULL;
    const int folder = (int)(strrchr(object, '/') - object);
    if (asprintf(&note, "compiled kernels are kept in %.*s%s, since %s", folder, object,
                 lasts ? "" : " until this program ends",
                 reason->status != TW_OK
                     ? reason->message
                     : "this user has no home folder: set XDG_CACHE_HOME or HOME to a full path") < 0) {
        return NULL;
    }
    return note;
}

/* In the first folder that does. */
static tw_status try_places(struct compilation *job, const struct tw__kept_flags *kept,
                            const tw_compile_options *options, char **object, char **note, tw_error *error)
{
    struct tw__places places;
    tw_error first = {.status = TW_OK}, failure;
    int passable = 1, k = 0;
    tw_status status = tw__places_init(&places, options != NULL ? options->cache : NULL, error);
    if (status != TW_OK) {
        return status;
    }
    for (; k < places.count && passable; k++) {
        failure = (tw_error){.status = TW_OK};
        status = try_folder(job, places.folder[k], kept, object, &passable, &failure);
        if (status == TW_OK) {
            break;
        }
        first = first.status == TW_OK || !passable ? failure : first;
    }
    const int found = k < places.count && status == TW_OK;
    char *folder = NULL;
    if (found) {
        *note = k >= places.usual ? make_note(*object, 1, &first) : NULL;
    } else if (passable && !places.is_wished && tw__private_folder(&folder) == 0) {
        status = try_folder(job, folder, kept, object, &passable, &failure);
        if (status == TW_OK) {
            *note = make_note(*object, 0, &first);
        } else if (!passable || first.status == TW_OK) {
            first = failure;
        }
        free(folder);
    } else if (first.status == TW_OK) {
        tw__fail(&first, TW_ERROR_ARGUMENT,
                 "there is no folder for compiled kernels: set XDG_CACHE_HOME or HOME to a full path");
        status = first.status;
    }
    if (status != TW_OK && error != NULL) {
        *error = first;
    }
    status = status != TW_OK ? first.status : TW_OK;
    tw__places_fini(&places);
    return status;
}

static tw_status find_or_compile(struct compilation *job, const struct tw__kept_flags *kept,
                                 const tw_compile_options *options, char **object, char **note, tw_error *error)
{
    char *own = NULL;
    tw_status status = prepare(job, options, error);
    if (status == TW_OK) {
        status = try_places(job, kept, options, object, &own, error);
    }
    if (note != NULL && status == TW_OK) {
        *note = own;
    } else {
        free(own);
    }
    free(job->version);
    tw__compiler_fini(&job->compiler);
    tw__arguments_fini(&job->flags);
    tw__arguments_fini(&job->kept);
    free(job->real);
    return status;
}

tw_status tw__compile(char **object, char **note, const char *path, const tw_compile_options *options, tw_error *error)
{
    struct compilation job = {.path = path};
    const tw_status status = look_at_source(&job, error);
    return status == TW_OK ? find_or_compile(&job, NULL, options, object, note, error) : status;
}

tw_status tw__compile_text(char **object, char **note, const char *text, size_t length, const char *title,
                           const struct tw__kept_flags *kept, const tw_compile_options *options, tw_error *error)
{
    struct compilation job = {.path = title, .text = text, .length = length};
    return find_or_compile(&job, kept, options, object, note, error);
}
