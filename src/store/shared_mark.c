/* shared_mark.c - which job a finished file is of: an attribute of the file, or a file beside it. Knows no jobs. */
#include "store/shared_mark.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/attribute.h"
#include "os/fault.h"
#include "os/file.h"

#define ATTRIBUTE TW__MARK_ATTRIBUTE
#define HEAD "tilework job 1\n"
#define HEAD_SIZE (sizeof HEAD - 1)
#define FILE_SIZE (TW__MARK_SIZE + 96) /* bytes of a mark as a file */

/* ".r.npy.job" (malloc). */
static char *dot_name(const char *name)
{
    char *made;
    return asprintf(&made, ".%s.job", name) >= 0 ? made : NULL;
}

/* ---- a mark as a file ---- */

/* Makes the file under another name in `aside`, then gives it its name. */
static int place_dot(int folder, const char *dot, int aside, const char *bytes, size_t length)
{
    char made[48];
    uint64_t random;
    int fd = -1;
    tw__file_random(&random, sizeof random);
    snprintf(made, sizeof made, ".mark.%016" PRIx64, random);
    int failed = tw__file_create_in(&fd, aside, made, 0666);
    if (failed == 0) {
        failed = tw__file_write(fd, bytes, length, 0);
        failed = failed == 0 ? tw__file_sync(fd) : failed;
        tw__file_close(fd);
        failed = failed == 0 ? tw__file_move(aside, made, folder, dot) : failed;
        if (failed != 0) {
            tw__file_remove_in(aside, made);
        }
    }
    return failed;
}

static int write_dot(int folder, const char *name, int aside, const struct tw__file_info *info, const char *text)
{
    char bytes[FILE_SIZE];
    char *dot = dot_name(name);
    if (dot == NULL) {
        return ENOMEM;
    }
    const int length =
        snprintf(bytes, sizeof bytes, HEAD "%" PRId64 " %" PRId64 "\n%s", info->size, info->changed_at, text);
    int failed = place_dot(folder, dot, aside, bytes, (size_t)length);
    if (failed == ENOENT) { /* another process finished the job and removes the folder aside */
        failed = place_dot(folder, dot, folder, bytes, (size_t)length);
    }
    free(dot);
    return failed;
}

/* The whole file `.NAME.job`, if it is a mark. 0, or an errno: ENODATA. */
static int read_dot(int folder, const char *dot, char bytes[FILE_SIZE])
{
    int fd = -1;
    size_t length = 0;
    if (tw__file_open_read_in(&fd, folder, dot) != 0) {
        return ENODATA;
    }
    const int failed = tw__file_read_some(fd, bytes, FILE_SIZE - 1, &length);
    tw__file_close(fd);
    bytes[length] = '\0';
    return failed == 0 && strncmp(bytes, HEAD, HEAD_SIZE) == 0 ? 0 : ENODATA;
}

/* "SIZE TIME\n" of a mark; *end: what follows. */
static int read_numbers(const char *text, int64_t *size, int64_t *changed_at, const char **end)
{
    char *after;
    *size = (int64_t)strtoll(text, &after, 10);
    if (after == text || *after != ' ') {
        return 0;
    }
    text = after + 1;
    *changed_at = (int64_t)strtoll(text, &after, 10);
    *end = after + 1;
    return after != text && *after == '\n';
}

/* *is_older: the file was written to since the mark was made. */
static int read_beside(int folder, const char *name, const struct tw__file_info *info, char *text, int *is_older)
{
    char bytes[FILE_SIZE];
    const char *rest;
    int64_t size, changed_at;
    char *dot = dot_name(name);
    const int failed = dot != NULL ? read_dot(folder, dot, bytes) : ENOMEM;
    free(dot);
    if (failed != 0) {
        return failed;
    }
    if (!read_numbers(bytes + HEAD_SIZE, &size, &changed_at, &rest) || size != info->size ||
        strlen(rest) >= TW__MARK_SIZE) {
        return ENODATA;
    }
    *is_older = changed_at != info->changed_at;
    memcpy(text, rest, strlen(rest) + 1);
    return 0;
}

/* ---- either ---- */

int tw__shared_mark_write(int fd, int folder, const char *name, int aside, const char *text)
{
    struct tw__file_info info;
    if (strlen(text) >= TW__MARK_SIZE) {
        return ERANGE;
    }
    int failed = TW__POINT("output.mark");
    if (failed == 0 && (TW__POINT("mark.attribute") != 0 || tw__attribute_set(fd, ATTRIBUTE, text) != 0)) {
        failed = tw__file_info(fd, &info);
        failed = failed == 0 ? write_dot(folder, name, aside, &info, text) : failed;
    }
    return failed;
}

int tw__shared_mark_read_older(int folder, const char *name, char text[TW__MARK_SIZE], struct tw__file_info *info,
                               int *is_older)
{
    char found[TW__MARK_SIZE];
    int fd = -1;
    *is_older = 0;
    tw__folder_refresh(folder); /* it may be new here */
    int failed = tw__path_info_in(folder, name, info);
    if (failed != 0) {
        return failed;
    }
    failed = info->is_regular ? tw__file_open_read_in(&fd, folder, name) : ENODATA;
    if (failed != 0) {
        return failed;
    }
    failed = tw__file_info(fd, info); /* of the one that is open */
    if (failed == 0) {
        failed = tw__attribute_get(fd, ATTRIBUTE, found, sizeof found);
        failed = failed == 0 ? 0 : read_beside(folder, name, info, found, is_older);
    }
    tw__file_close(fd);
    if (failed == 0) {
        memcpy(text, found, strlen(found) + 1);
    }
    return failed;
}

int tw__shared_mark_read(int folder, const char *name, char text[TW__MARK_SIZE])
{
    char found[TW__MARK_SIZE];
    struct tw__file_info info;
    int is_older;
    const int failed = tw__shared_mark_read_older(folder, name, found, &info, &is_older);
    if (failed == 0 && !is_older) {
        memcpy(text, found, strlen(found) + 1);
    }
    return failed == 0 && is_older ? ENODATA : failed;
}

int tw__shared_mark_renew(int folder, const char *name, const struct tw__file_info *info, const char *text)
{
    return strlen(text) >= TW__MARK_SIZE ? ERANGE : write_dot(folder, name, folder, info, text);
}

int tw__shared_mark_is(const char *one, const char *other)
{
    const size_t length = strcspn(one, "\n");
    return length > 0 && length == strcspn(other, "\n") && memcmp(one, other, length) == 0;
}

int tw__shared_mark_remove(int folder, const char *name)
{
    char bytes[FILE_SIZE];
    int fd = -1;
    int failed = tw__file_open_read_in(&fd, folder, name);
    if (failed == 0) {
        failed = tw__attribute_get(fd, ATTRIBUTE, bytes, sizeof bytes) == 0 ? tw__attribute_remove(fd, ATTRIBUTE) : 0;
        tw__file_close(fd);
    }
    failed = failed == ENOENT ? 0 : failed;
    char *dot = dot_name(name);
    if (dot != NULL && read_dot(folder, dot, bytes) == 0) {
        const int kept = tw__file_remove_in(folder, dot);
        failed = failed == 0 && kept != ENOENT ? kept : failed;
    }
    free(dot);
    return failed;
}
