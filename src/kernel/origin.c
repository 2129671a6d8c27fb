/* origin.c - what a portable object was made from, at the end of its file. Knows files and hashes, no compilers. */
#include "kernel/origin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/path.h"

#define FIRST_LINE "tilework object 1\n"
#define LAST_LINE "end %08zu\n"
#define LAST_LENGTH ((size_t)13)
#define MOST ((size_t)1 << 20)      /* bytes of the text: more than any list of files */
#define MOST_CODE ((size_t)1 << 30) /* bytes of an object */

/* The text at the end of the open file (malloc, terminated), NULL: it has none. */
static char *read_text(int fd)
{
    struct tw__file_info info;
    char last[LAST_LENGTH + 1] = "", *text = NULL;
    size_t length = 0, done;
    if (tw__file_info(fd, &info) != 0 || info.size < (int64_t)LAST_LENGTH ||
        tw__file_read(fd, last, LAST_LENGTH, info.size - (int64_t)LAST_LENGTH, &done) != 0) {
        return NULL;
    }
    if (strncmp(last, "end ", 4) != 0 || sscanf(last + 4, "%8zu", &length) != 1 || length > MOST ||
        length < sizeof FIRST_LINE + LAST_LENGTH || (int64_t)length > info.size) {
        return NULL;
    }
    text = malloc(length + 1);
    if (text != NULL && tw__file_read(fd, text, length, info.size - (int64_t)length, &done) != 0) {
        free(text);
        text = NULL;
    }
    if (text != NULL) {
        text[length] = '\0';
    }
    if (text != NULL && (strlen(text) != length || strncmp(text, FIRST_LINE, sizeof FIRST_LINE - 1) != 0)) {
        free(text);
        text = NULL;
    }
    return text;
}

/* Cuts "WORD HASH" or "WORD HASH PATH" off *text: the path, "" for none; NULL if the line is another. */
static char *next_line(char **text, const char *word, char hash[TW__HASH_TEXT])
{
    char *line = *text, *end = strchr(line, '\n');
    const size_t length = strlen(word);
    if (end == NULL || strncmp(line, word, length) != 0 || (size_t)(end - line) < length + TW__HASH_TEXT - 1) {
        return NULL;
    }
    memcpy(hash, line + length, TW__HASH_TEXT - 1);
    hash[TW__HASH_TEXT - 1] = '\0';
    char *path = line + length + TW__HASH_TEXT - 1;
    if (*path != ' ' && path != end) {
        return NULL;
    }
    *end = '\0';
    *text = end + 1;
    return path != end ? path + 1 : path;
}

/* The hash of all bytes of the object but the last `length`. 0: it cannot be read. */
static int hash_code(char hash[TW__HASH_TEXT], const char *path, size_t length)
{
    char *bytes;
    size_t size;
    if (tw__file_text(&bytes, &size, path, MOST_CODE) != 0) {
        return 0;
    }
    const int good = size >= length;
    if (good) {
        tw__hash(hash, bytes, size - length);
    }
    free(bytes);
    return good;
}

/* Reads the object at `path`; with_inputs: only if they are what they were. 0: it says nothing, or they are not.
 * Objects of before have no line `code`: then origin->code is empty. */
static int look(struct tw__origin *origin, const char *path, int with_inputs)
{
    int fd, good = 0;
    char hash[TW__HASH_TEXT], now[TW__HASH_TEXT], *input;
    *origin = (struct tw__origin){0};
    if (tw__file_open_read(&fd, path) != 0) {
        return 0;
    }
    char *text = read_text(fd);
    tw__file_close(fd);
    if (text == NULL) {
        return 0;
    }
    struct tw__text hashes;
    const size_t length = strlen(text);
    char *all = malloc(length + 1), *rest = text + sizeof FIRST_LINE - 1;
    if (all != NULL && next_line(&rest, "key ", origin->key) != NULL) {
        tw__text_init(&hashes, all, strlen(rest) + TW__HASH_TEXT);
        tw__text_add(&hashes, "%s", origin->key);
        origin->length = length;
        (void)next_line(&rest, "code ", origin->code);
        good = 1;
        while (good && (input = next_line(&rest, "input ", hash)) != NULL) {
            tw__text_add(&hashes, "%s", hash);
            good = !with_inputs || (tw__hash_file(now, input) == 0 && strcmp(now, hash) == 0);
        }
        good = good && strncmp(rest, "end ", 4) == 0;
    }
    if (good) {
        tw__hash(origin->identity, all, hashes.length);
    } else {
        *origin = (struct tw__origin){0};
    }
    free(all);
    free(text);
    return good;
}

void tw__origin_read(struct tw__origin *origin, const char *path)
{
    (void)look(origin, path, 0);
}

/* Adds a line for each input but the source. 0: one of them cannot vouch for the object. */
static int add_inputs(FILE *text, const char *source, char *const *inputs, size_t count, int64_t time)
{
    char hash[TW__HASH_TEXT];
    for (size_t k = 0; k < count; k++) {
        struct tw__file_info info;
        if (strcmp(inputs[k], source) == 0) {
            continue;
        }
        if (strchr(inputs[k], '\n') != NULL || tw__hash_file(hash, inputs[k]) != 0 ||
            tw__path_info(inputs[k], &info) != 0 || info.changed_at > time) {
            return 0;
        }
        fprintf(text, "input %s %s\n", hash, inputs[k]);
    }
    return 1;
}

tw_status tw__origin_write(const char *path, const char *key, const char *source, char *const *inputs, size_t count,
                           int64_t time, tw_error *error)
{
    char *data = NULL;
    size_t length = 0;
    int fd;
    char code[TW__HASH_TEXT];
    struct tw__file_info info;
    if (!hash_code(code, path, 0)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: cannot be read", path);
    }
    FILE *text = open_memstream(&data, &length);
    if (text == NULL) {
        return tw__fail_memory(error, TW__HASH_TEXT, "the origin of a kernel");
    }
    fprintf(text, FIRST_LINE "key %s\ncode %s\n", key, code);
    const int vouched = add_inputs(text, source, inputs, count, time);
    fflush(text);
    fprintf(text, LAST_LINE, length + LAST_LENGTH);
    if (fclose(text) != 0) {
        free(data);
        return tw__fail_memory(error, length, "the origin of a kernel");
    }
    if (!vouched || length > MOST) {
        free(data);
        return TW_OK;
    }
    int os_error = tw__file_open_write(&fd, path);
    if (os_error == 0) {
        os_error = tw__file_info(fd, &info);
        os_error = os_error == 0 ? tw__file_write(fd, data, length, info.size) : os_error;
        tw__file_close(fd);
    }
    free(data);
    return os_error == 0 ? TW_OK : tw__fail_path(error, os_error, path, "cannot be written");
}

const char *tw__origin_doubt(const char *path, int *os_error)
{
    struct tw__file_info info;
    *os_error = tw__path_info(path, &info);
    if (*os_error != 0) {
        return NULL;
    }
    if (!info.is_regular) {
        return "is not a regular file";
    }
    if (info.owner != tw__user_id() && info.owner != 0) {
        return "belongs to another user";
    }
    return (info.mode & 022) != 0 ? "can be written to by others" : NULL;
}

struct search {
    const char *folder, *key;
    char *found;
    int damaged;
};

/* An object that was cut off, or whose code was changed, is no object: opening it could do anything. */
static int is_whole(const struct tw__origin *origin, const char *path)
{
    char code[TW__HASH_TEXT];
    return origin->code[0] != '\0' && hash_code(code, path, origin->length) && strcmp(code, origin->code) == 0;
}

static void try_file(const char *name, const struct tw__file_info *info, void *user)
{
    struct search *search = user;
    struct tw__origin origin;
    const size_t length = strlen(name);
    int os_error;
    char *path = NULL;
    if (search->found != NULL || !info->is_regular || length < 4 || strcmp(name + length - 3, ".so") != 0 ||
        asprintf(&path, "%s/%s", search->folder, name) < 0) {
        return;
    }
    const int says = look(&origin, path, 1);
    if (!says) {
        search->damaged |= !look(&origin, path, 0); /* else an input is another one now */
    } else if (strcmp(origin.key, search->key) == 0 && tw__origin_doubt(path, &os_error) == NULL && os_error == 0) {
        if (is_whole(&origin, path)) {
            search->found = realpath(path, NULL);
        } else {
            search->damaged = 1;
        }
    }
    free(path);
}

char *tw__origin_find(const char *folder, const char *key, int *damaged)
{
    struct search search = {.folder = folder, .key = key};
    tw__folder_each(folder, try_file, &search);
    *damaged = search.damaged && search.found == NULL;
    return search.found;
}
