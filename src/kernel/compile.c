/* compile.c - from a C source to a shared object, by way of the cache. Knows no kernels: any function of the source may
 * be taken from the object. */
#include "kernel/compile.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/key.h"
#include "kernel/levels.h"
#include "kernel/make_rule.h"
#include "kernel/origin.h"
#include "kernel/places.h"
#include "kernel/translate.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/library.h"
#include "os/path.h"
#include "os/private_folder.h"
#include "os/program.h"

#define MAX_SOURCE ((size_t)64 << 20) /* bytes */
#define MAX_OBJECT ((size_t)1 << 30)  /* bytes */
#define DEFAULT_FLAGS "-O3 -march=native"
#define PORTABLE_FLAGS "-O3"
/* ---- what the compiler reads ---- */

/* Writes a public header into the cache, unless it is there, whole. `folder` is below the cache's. */
static tw_status bring_header(const struct tw__compilation *job, const char *folder, const struct tw__header *header,
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
static tw_status bring_headers(const struct tw__compilation *job, char **folder, tw_error *error)
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

/* ---- compiling ---- */

/* The file that the compiler is given: *place (malloc). A text is put into the cache, under the compilation's key,
 * where it stays for debuggers and as what the cache's entry is checked against. */
static tw_status place_source(const struct tw__compilation *job, char **place, tw_error *error)
{
    char name[TW__HASH_TEXT + 8];
    if (job->real == NULL) {
        snprintf(name, sizeof name, "%s.c", job->key);
        const tw_status status = tw__cache_write(&job->cache, name, job->text, job->length, error);
        if (status != TW_OK) {
            return status;
        }
    }
    /* A name such as "-x.c" or "@x.c" would be an option to the compiler. */
    const int written =
        job->real == NULL ? asprintf(place, "%s/%s", job->cache.folder, name)
                          : asprintf(place, "%s%s", job->path[0] == '-' || job->path[0] == '@' ? "./" : "", job->path);
    if (written < 0) {
        *place = NULL;
        return tw__fail_memory(error, PATH_MAX, "a file name");
    }
    return TW_OK;
}

/* Runs the compiler on the source at `place`: object and rule are files to write. */
static tw_status run_compiler(struct tw__compilation *job, const char *place, const char *object, const char *rule,
                              tw_error *error)
{
    char *include = NULL;
    tw_status status = bring_headers(job, &include, error);
    job->blames_folder = status != TW_OK;
    if (status == TW_OK) {
        const struct tw__translation translation = {.compiler = &job->compiler,
                                                    .title = job->path,
                                                    .source = place,
                                                    .include = include,
                                                    .front = &job->front,
                                                    .flags = &job->flags,
                                                    .kept = &job->kept,
                                                    .is_for_baseline = tw__is_portable(job) && job->levels == 0,
                                                    .levels = job->levels};
        status = tw__translate(&translation, object, rule, &job->blames_folder, error);
    }
    free(include);
    return status;
}

/* Whether what the compiler made can be opened. */
static tw_status check_object(const struct tw__compilation *job, const char *object, tw_error *error)
{
    const char *flaw = NULL;
    const int failed = tw__library_flaw(&flaw, object);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: what the compiler made of it cannot be read",
                           job->path);
    }
    return flaw == NULL ? TW_OK
                        : tw__fail(error, TW_ERROR_COMPILE, "%s: what the compiler %s made of it %s", job->path,
                                   job->compiler.program, flaw);
}

/* Whether the key stands for what the compiler read at `place`: the file is as it was before, by the clock of its own
 * file system alone, which may be hours ahead of this machine's. */
static int read_what_was_hashed(const struct tw__compilation *job, const char *place)
{
    struct tw__file_info info;
    char was[TW__HASH_TEXT], is[TW__HASH_TEXT];
    if (job->real == NULL) {
        return 1;
    }
    tw__hash(was, job->text, job->length);
    return tw__path_info(place, &info) == 0 && info.changed_at == job->seen.changed_at &&
           info.inode == job->seen.inode && tw__hash_file(is, place) == 0 && strcmp(was, is) == 0;
}

/* Takes the object into the cache, with what is known of the files that the compilation read. */
static tw_status keep_object(struct tw__compilation *job, const char *place, const char *temporary, const char *rule,
                             int64_t time, char **object, tw_error *error)
{
    char *text = NULL, *headers = NULL, *source = realpath(place, NULL), **inputs = NULL;
    size_t length, ninputs = 0;
    tw_status status = TW_OK;
    time = job->real == NULL ? INT64_MAX : time; /* a text is put into the cache only now, and nobody edits it there */
    if (asprintf(&headers, "%s/include-", job->cache.folder) < 0) {
        headers = NULL;
    }
    if (headers != NULL && tw__file_text(&text, &length, rule, MAX_SOURCE) == 0) {
        tw__make_rule_read(text, headers, &inputs, &ninputs);
    }
    if (tw__is_portable(job) && source != NULL && (ninputs > 0 || job->real == NULL) &&
        read_what_was_hashed(job, place)) {
        status = tw__origin_write(temporary, job->origin, source, inputs, ninputs, time, error);
    }
    if (status == TW_OK) {
        status = tw__cache_store(&job->cache, job->key, temporary, inputs, ninputs, time, object, error);
    }
    for (size_t k = 0; k < ninputs; k++) {
        free(inputs[k]);
    }
    free(inputs);
    free(text);
    free(headers);
    free(source);
    return status;
}

static tw_status compile(struct tw__compilation *job, char **object, tw_error *error)
{
    char *temporary = NULL, *rule = NULL, *place = NULL;
    int64_t time, later;
    tw_status status = tw__cache_temporary(&job->cache, &temporary, &time, error);
    if (status == TW_OK) {
        status = tw__cache_temporary(&job->cache, &rule, &later, error);
    }
    if (status == TW_OK) {
        status = place_source(job, &place, error);
    }
    job->blames_folder = status != TW_OK;
    if (status == TW_OK) {
        status = run_compiler(job, place, temporary, rule, error);
    }
    if (status == TW_OK) {
        status = check_object(job, temporary, error);
    }
    if (status == TW_OK) {
        status = keep_object(job, place, temporary, rule, time, object, error);
        job->blames_folder = status != TW_OK;
    }
    if (temporary != NULL && status != TW_OK) {
        tw__file_remove(temporary);
    }
    if (rule != NULL) {
        tw__file_remove(rule);
    }
    free(place);
    free(rule);
    free(temporary);
    return status;
}

/* A source that is a file: it must be one, and where it lies counts. */
static tw_status look_at_source(struct tw__compilation *job, tw_error *error)
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
    job->seen = info;
    job->real = realpath(job->path, NULL);
    if (job->real == NULL) {
        return tw__fail_path(error, errno, job->path, "cannot be read");
    }
    const int unread = tw__file_text(&job->source, &job->length, job->path, MAX_SOURCE);
    job->text = job->source;
    return unread == 0 ? TW_OK : tw__fail_path(error, unread, job->path, "cannot be read");
}

/* Settles the flags that come last, now that it is known what compiler it is. */
static tw_status keep_flags(struct tw__compilation *job, tw_error *error)
{
    char text[1024] = "";
    const struct tw__kept_flags *kept = job->keeps;
    if (kept != NULL) {
        const int is_clang = strstr(job->version, "clang") != NULL || strstr(job->version, "LLVM") != NULL ||
                             strstr(job->version, "Intel") != NULL;
        const int is_gcc = !is_clang && strstr(job->version, "Free Software Foundation") != NULL;
        snprintf(text, sizeof text, "%s %s", kept->all, is_clang ? kept->clang : is_gcc ? kept->gcc : "");
    }
    return tw__arguments_init(&job->kept, text, "the compiler's flags", error);
}

/* Whether the user's flags say which processor it is for. */
static int names_processor(const struct tw__arguments *flags)
{
    for (size_t k = 0; k < flags->count; k++) {
        if (strncmp(flags->word[k], "-march=", 7) == 0 || strncmp(flags->word[k], "-mcpu=", 6) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A portable statement has code for all levels, since its bits are the same on each. A user's C kernel, whose bits may
 * depend on what the compiler makes of it, is for the baseline, without fused operations, unless its flags say
 * otherwise. */
static tw_status settle_levels(struct tw__compilation *job, tw_error *error)
{
    const char *text = "";
    if (tw__is_portable(job)) {
        job->levels = TW__LEVELS > 1 && job->keeps != NULL && !names_processor(&job->flags) ? TW__LEVELS : 0;
        text = job->levels == 0 ? "-ffp-contract=off" : "";
    }
    return tw__arguments_init(&job->front, text, "the compiler's flags", error);
}

/* Before it is known where: which flags of the user's. */
static tw_status prepare(struct tw__compilation *job, tw_error *error)
{
    const tw_compile_options *options = job->options;
    job->wished = options != NULL ? options->flags : NULL;
    if (options != NULL && options->look_in != NULL && !options->portable) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "a folder to look in (%s) is for portable kernels: others are known by the compiler too",
                        options->look_in);
    }
    tw__hash_headers(job->header);
    const char *flags = job->wished != NULL ? job->wished : tw__is_portable(job) ? PORTABLE_FLAGS : DEFAULT_FLAGS;
    tw_status status = tw__arguments_init(&job->flags, flags, "the compiler's flags", error);
    if (status == TW_OK) {
        status = settle_levels(job, error);
    }
    if (status == TW_OK && tw__is_portable(job)) {
        status = tw__make_origin(job, error);
    }
    return status;
}

/* Which compiler, and what that means for the flags; once. */
static tw_status find_compiler(struct tw__compilation *job, const char *folder, tw_error *error)
{
    tw_status status = TW_OK;
    if (job->compiler.program == NULL) {
        status = tw__compiler_init(&job->compiler, job->options != NULL ? job->options->compiler : NULL, error);
    }
    if (status == TW_OK) {
        status = tw__compiler_work_in(&job->compiler, folder, error);
    }
    if (status == TW_OK && job->version == NULL) {
        status = tw__compiler_version(&job->compiler, &job->cache, &job->version, error);
        if (status == TW_OK) {
            status = keep_flags(job, error);
        }
    }
    return status;
}

/* ---- where ---- */

/* Finds or compiles in this folder. *passable, on failure: another folder may stand in for it. A portable object is
 * found without a compiler. */
static tw_status try_folder(struct tw__compilation *job, const char *folder, char **object, int *passable,
                            tw_error *error)
{
    tw_status status = tw__cache_open(&job->cache, folder, passable, error);
    if (status != TW_OK) {
        return status;
    }
    *passable = 0;
    if (!tw__is_portable(job)) {
        status = find_compiler(job, folder, error);
    }
    if (status == TW_OK && job->key[0] == '\0') {
        status = tw__make_key(job, error);
    }
    char *found = status == TW_OK ? tw__cache_find(&job->cache, job->key) : NULL;
    if (found != NULL) {
        *object = found;
    } else if (status == TW_OK) {
        status = tw__is_portable(job) ? find_compiler(job, folder, error) : TW_OK;
    }
    if (found == NULL && status == TW_OK) {
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
static tw_status try_places(struct tw__compilation *job, char **object, char **note, tw_error *error)
{
    const tw_compile_options *options = job->options;
    struct tw__places places;
    tw_error first = {.status = TW_OK}, failure;
    int passable = 1, k = 0;
    tw_status status = tw__places_init(&places, options != NULL ? options->cache : NULL, error);
    if (status != TW_OK) {
        return status;
    }
    for (; k < places.count && passable; k++) {
        failure = (tw_error){.status = TW_OK};
        status = try_folder(job, places.folder[k], object, &passable, &failure);
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
        status = try_folder(job, folder, object, &passable, &failure);
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

/* In the folder that is looked in first. NULL: it has none, or the link to it is lost. *damaged: as in origin.h. */
static char *look_in(const struct tw__compilation *job, int *damaged)
{
    return job->options != NULL && job->options->look_in != NULL
               ? tw__origin_find(job->options->look_in, job->origin, damaged)
               : NULL;
}

/* There is no compiler, and none would be needed if the folder's object were whole. */
static void blame_folder(const struct tw__compilation *job, tw_error *error)
{
    char text[sizeof error->message];
    snprintf(text, sizeof text, "%s", error->message);
    snprintf(error->message, sizeof error->message, "%.*s; the object in %.200s is damaged, and was not used",
             (int)(sizeof text - 300), text, job->options->look_in);
}

/* An object that others may remove is opened from a copy of this process alone: where the file system is another
 * machine's, code whose file is gone there can no longer be read. *object: the copy, if there is room for one. */
static void take_copy(char **object)
{
    char *folder = NULL, *copy = NULL, *text = NULL;
    size_t length;
    int fd = -1;
    if (tw__private_folder(&folder) != 0) {
        return;
    }
    const char *slash = strrchr(*object, '/');
    if (asprintf(&copy, "%s/%" PRId64 "-%s", folder, tw__now(), slash != NULL ? slash + 1 : *object) < 0) {
        copy = NULL;
    }
    int failed = copy == NULL ? ENOMEM : tw__file_text(&text, &length, *object, MAX_OBJECT);
    failed = failed == 0 ? tw__file_create_in(&fd, TW__FOLDER_HERE, copy, 0600) : failed;
    if (failed == 0) {
        failed = tw__file_write(fd, text, length, 0);
        tw__file_close(fd);
    }
    if (failed == 0) {
        char *const was = *object;
        *object = copy;
        copy = was;
    }
    free(text);
    free(copy);
    free(folder);
}

static tw_status find_or_compile(struct tw__compilation *job, char **object, char **note, tw_error *error)
{
    char *own = NULL, *found = NULL;
    int damaged = 0;
    tw_status status = prepare(job, error);
    if (status == TW_OK) {
        found = look_in(job, &damaged);
        if (found != NULL) {
            take_copy(&found);
            *object = found;
        }
    }
    if (status == TW_OK && found == NULL) {
        status = try_places(job, object, &own, error);
        if (status != TW_OK && damaged && job->version == NULL && error != NULL) {
            blame_folder(job, error);
        }
    }
    if (note != NULL && status == TW_OK) {
        *note = own;
    } else {
        free(own);
    }
    free(job->version);
    tw__compiler_fini(&job->compiler);
    tw__arguments_fini(&job->front);
    tw__arguments_fini(&job->flags);
    tw__arguments_fini(&job->kept);
    return status;
}

tw_status tw__compile(char **object, char **note, const char *path, const tw_compile_options *options, tw_error *error)
{
    struct tw__compilation job = {.path = path, .options = options};
    tw_status status = look_at_source(&job, error);
    if (status == TW_OK) {
        status = find_or_compile(&job, object, note, error);
    }
    free(job.source);
    free(job.real);
    return status;
}

tw_status tw__compile_text(char **object, char **note, const char *text, size_t length, const char *title,
                           const struct tw__kept_flags *kept, const tw_compile_options *options, tw_error *error)
{
    struct tw__compilation job = {.path = title, .text = text, .length = length, .keeps = kept, .options = options};
    return find_or_compile(&job, object, note, error);
}
