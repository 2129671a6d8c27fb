/* cache.c - compiled objects kept from run to run. Knows files and hashes, not how objects are made. */
#include "kernel/cache.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/trim.h"
#include "os/file.h"
#include "os/folder.h"

#define MAX_FILE ((size_t)256 << 20) /* bytes of a file that is hashed: no compiled kernel comes near */

void tw__hash(char text[TW__HASH_TEXT], const void *data, size_t length)
{
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits(data, length));
    for (size_t k = 0; k < sizeof bytes.digest; k++) {
        snprintf(text + 2 * k, 3, "%02x", bytes.digest[k]);
    }
}

int tw__hash_file(char text[TW__HASH_TEXT], const char *path)
{
    char *data;
    size_t length;
    const int failed = tw__file_text(&data, &length, path, MAX_FILE);
    if (failed == 0) {
        tw__hash(text, data, length);
        free(data);
    }
    return failed;
}

/* Another folder may stand in for one that is somebody else's or cannot be used; one that others can write to, or a
 * link, is not as its owner thinks it is, which must be said. */
tw_status tw__cache_open(struct tw__cache *cache, const char *name, int *passable, tw_error *error)
{
    char why[128];
    int os_error = tw__folder_check(name, why, sizeof why);
    if (os_error == ENOENT) {
        os_error = tw__folder_make(name);
        if (os_error == 0) {
            os_error = tw__folder_check(name, why, sizeof why);
        }
    }
    *passable = os_error != -1;
    if (os_error < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "cache folder %s %s: code from there is not safe to run; name another folder, or make this one "
                        "your own (mode 700)",
                        name, why);
    }
    cache->folder = os_error == 0 ? realpath(name, NULL) : NULL;
    os_error = os_error == 0 && cache->folder == NULL ? errno : os_error;
    return os_error == 0
               ? TW_OK
               : tw__fail_os(error, tw__file_status(os_error), os_error, "cache folder %s cannot be used", name);
}

tw_status tw__cache_ready(const struct tw__cache *cache, tw_error *error)
{
    const int os_error = tw__folder_ready(cache->folder);
    if (os_error == ENOEXEC) {
        return tw__fail(error, TW_ERROR_FILE,
                        "cache folder %s cannot be used: its file system is mounted without "
                        "execution (noexec)",
                        cache->folder);
    }
    return os_error == 0 ? TW_OK
                         : tw__fail_os(error, tw__file_status(os_error), os_error,
                                       "cache folder %s cannot be written to", cache->folder);
}

void tw__cache_close(struct tw__cache *cache)
{
    free(cache->folder);
    cache->folder = NULL;
}

static char *path_of(const struct tw__cache *cache, const char *name, const char *suffix)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s%s", cache->folder, name, suffix) < 0 ? NULL : path;
}

int tw__cache_read(const struct tw__cache *cache, const char *name, char **data, size_t *length)
{
    char *path = path_of(cache, name, "");
    const int found = path != NULL && tw__file_text(data, length, path, MAX_FILE) == 0;
    free(path);
    return found;
}

static tw_status fail_write(tw_error *error, int os_error, const struct tw__cache *cache)
{
    return tw__fail_os(error, tw__file_status(os_error), os_error, "cache folder %s cannot be written to",
                       cache->folder);
}

tw_status tw__cache_temporary(const struct tw__cache *cache, char **path, int64_t *time, tw_error *error)
{
    /* The process id keeps processes apart, the number the threads of one; O_EXCL does the rest. */
    for (int number = 0;; number++) {
        char name[64], *candidate;
        int fd;
        snprintf(name, sizeof name, "%d-%d", tw__process_id(), number);
        candidate = path_of(cache, name, ".tmp");
        if (candidate == NULL) {
            return tw__fail_memory(error, PATH_MAX, "a file name");
        }
        int os_error = tw__file_create(&fd, candidate, 0600);
        if (os_error == 0) {
            struct tw__file_info info;
            os_error = tw__file_info(fd, &info);
            tw__file_close(fd);
            if (os_error == 0) {
                *time = info.changed_at;
                *path = candidate;
                return TW_OK;
            }
            tw__file_remove(candidate);
        }
        free(candidate);
        if (os_error != EEXIST || number == INT_MAX) {
            return fail_write(error, os_error, cache);
        }
    }
}

tw_status tw__cache_write(const struct tw__cache *cache, const char *name, const void *data, size_t length,
                          tw_error *error)
{
    char *temporary, *path;
    int64_t time;
    int fd;
    tw_status status = tw__cache_temporary(cache, &temporary, &time, error);
    if (status != TW_OK) {
        return status;
    }
    path = path_of(cache, name, "");
    if (path == NULL) {
        status = tw__fail_memory(error, PATH_MAX, "a file name");
        goto done;
    }
    int os_error = tw__file_open_write(&fd, temporary);
    if (os_error == 0) {
        os_error = tw__file_write(fd, data, length, 0);
        tw__file_close(fd);
    }
    if (os_error == 0) {
        os_error = tw__file_rename(temporary, path);
    }
    if (os_error != 0) {
        status = fail_write(error, os_error, cache);
    }
done:
    if (status != TW_OK) {
        tw__file_remove(temporary);
    }
    free(path);
    free(temporary);
    return status;
}

/* Entries are lines: "tilework entry 1", "object HASH", "input HASH PATH" for each file, "end". */
#define FIRST_LINE "tilework entry 1"

/* Cuts one line off *text; NULL: none is left that ends in a newline. */
static char *next_line(char **text)
{
    char *line = *text, *end = strchr(line, '\n');
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    *text = end + 1;
    return line;
}

/* What follows "WORD " in a line, NULL: another word. */
static char *after(char *line, const char *word)
{
    const size_t length = strlen(word);
    return line != NULL && strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

/* All inputs are what they were. `text` is used up. */
static int inputs_unchanged(char *text)
{
    int inputs = 0;
    for (;;) {
        char *line = next_line(&text), *hash = after(line, "input"), now[TW__HASH_TEXT];
        if (hash == NULL) {
            return inputs > 0 && line != NULL && strcmp(line, "end") == 0;
        }
        if (strlen(hash) < TW__HASH_TEXT || hash[TW__HASH_TEXT - 1] != ' ') {
            return 0;
        }
        hash[TW__HASH_TEXT - 1] = '\0';
        if (tw__hash_file(now, hash + TW__HASH_TEXT) != 0 || strcmp(now, hash) != 0) {
            return 0;
        }
        inputs++;
    }
}

/* An entry that is used is not among the first to be removed. */
static void touch(const struct tw__cache *cache, const char *key, const char *object)
{
    char name[TW__HASH_TEXT + 8];
    static const char *const suffixes[] = {"entry", "c"};
    tw__file_touch(object);
    for (size_t k = 0; k < sizeof suffixes / sizeof suffixes[0]; k++) {
        snprintf(name, sizeof name, "%s.%s", key, suffixes[k]);
        char *path = path_of(cache, name, "");
        if (path != NULL) {
            tw__file_touch(path);
        }
        free(path);
    }
}

char *tw__cache_find(const struct tw__cache *cache, const char *key)
{
    char name[TW__HASH_TEXT + 8], *text, *object = NULL, now[TW__HASH_TEXT];
    size_t length;
    snprintf(name, sizeof name, "%s.entry", key);
    if (!tw__cache_read(cache, name, &text, &length)) {
        return NULL;
    }
    char *rest = text, *line = next_line(&rest);
    if (line != NULL && strcmp(line, FIRST_LINE) == 0) {
        const char *hash = after(next_line(&rest), "object");
        if (hash != NULL && strlen(hash) == TW__HASH_TEXT - 1 && strchr(hash, '/') == NULL && inputs_unchanged(rest)) {
            object = path_of(cache, hash, ".so");
            if (object != NULL && (tw__hash_file(now, object) != 0 || strcmp(now, hash) != 0)) {
                free(object);
                object = NULL;
            }
        }
    }
    free(text);
    if (object != NULL) {
        touch(cache, key, object);
    }
    return object;
}

/* The text of an entry (malloc), NULL if the inputs cannot vouch for the object. */
static char *entry_text(const char *hash, char *const *inputs, size_t count, int64_t time)
{
    size_t size = sizeof FIRST_LINE + TW__HASH_TEXT + 32;
    for (size_t k = 0; k < count; k++) {
        size += strlen(inputs[k]) + TW__HASH_TEXT + 16;
    }
    char *data = malloc(size), input[TW__HASH_TEXT];
    if (data == NULL) {
        return NULL;
    }
    struct tw__text text;
    tw__text_init(&text, data, size);
    tw__text_add(&text, "%s\nobject %s\n", FIRST_LINE, hash);
    for (size_t k = 0; k < count; k++) {
        struct tw__file_info info;
        /* A file that was saved while the compiler ran may not be what the compiler read. */
        if (strchr(inputs[k], '\n') != NULL || tw__hash_file(input, inputs[k]) != 0 ||
            tw__path_info(inputs[k], &info) != 0 || info.changed_at >= time) {
            free(data);
            return NULL;
        }
        tw__text_add(&text, "input %s %s\n", input, inputs[k]);
    }
    tw__text_add(&text, "end\n");
    return data;
}

tw_status tw__cache_store(const struct tw__cache *cache, const char *key, const char *temporary, char *const *inputs,
                          size_t count, int64_t time, char **object, tw_error *error)
{
    char hash[TW__HASH_TEXT], name[TW__HASH_TEXT + 8];
    const int unread = tw__hash_file(hash, temporary);
    if (unread != 0) {
        return tw__fail_os(error, tw__file_status(unread), unread, "%s: the compiled object cannot be read", temporary);
    }
    char *path = path_of(cache, hash, ".so");
    if (path == NULL) {
        return tw__fail_memory(error, PATH_MAX, "a file name");
    }
    const int os_error = tw__file_rename(temporary, path);
    if (os_error != 0) {
        free(path);
        return fail_write(error, os_error, cache);
    }
    char *text = count > 0 ? entry_text(hash, inputs, count, time) : NULL;
    if (text != NULL) {
        snprintf(name, sizeof name, "%s.entry", key);
        /* Without an entry the object is compiled again the next time, which is no reason to fail now. */
        (void)tw__cache_write(cache, name, text, strlen(text), NULL);
        free(text);
    }
    tw__trim(cache->folder, TW__TRIM_FILES, TW__TRIM_BYTES);
    *object = path;
    return TW_OK;
}
