/* target.c - where an output goes: the file that it will be, links followed, and what it keeps of the file that it
 * replaces. Writes nothing; knows no arrays. */
#include "store/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/file.h"
#include "os/likeness.h"
#include "os/path.h"

#define LONGEST_SUFFIX ".journal" /* of the names that stand beside an output while it is being written */

static const char cannot[] = "cannot be written";

/* Whether an output may have the name of what is there. */
static tw_status check_there(const char *file, const struct tw__file_info *info, tw_error *error)
{
    if (info->is_directory) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is a folder; give the name of a file", file);
    }
    if (!info->is_regular) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is a pipe or a device; only a regular file can be written", file);
    }
    int denied = tw__path_may_write(file);
    if (denied == 0) {
        denied = tw__path_may_replace(file);
    }
    return denied == 0
               ? TW_OK
               : tw__fail_os(error, tw__file_status(denied), denied, "%s: exists and may not be replaced", file);
}

/* Beside it there will be files of longer names. */
static tw_status check_name(const char *file, tw_error *error)
{
    const char *slash = strrchr(file, '/');
    const size_t length = strlen(slash != NULL ? slash + 1 : file) + strlen(LONGEST_SUFFIX);
    const int64_t most = tw__path_name_max(file);
    if (length == strlen(LONGEST_SUFFIX)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is the name of a folder; give the name of a file", file);
    }
    if (most > 0 && length > (size_t)most) {
        return tw__fail(error, TW_ERROR_FILE,
                        "%s: cannot be written: its name is too long, since with %s it has %zu bytes and %" PRId64
                        " are allowed",
                        file, LONGEST_SUFFIX, length, most);
    }
    return TW_OK;
}

static tw_status check_target(const char *file, tw_error *error)
{
    struct tw__file_info info;
    const int failed = tw__path_info(file, &info);
    if (failed != 0 && failed != ENOENT) {
        return tw__fail_path(error, failed, file, cannot);
    }
    tw_status status = failed == 0 ? check_there(file, &info, error) : TW_OK;
    if (status == TW_OK) {
        status = check_name(file, error);
    }
    const int denied = status == TW_OK ? tw__path_may_make(file) : 0;
    if (denied == EACCES) { /* even if it may be entered */
        return tw__fail_os(error, TW_ERROR_FILE, denied, "%s: cannot be written: no files can be made in its folder",
                           file);
    }
    return denied == 0 ? status : tw__fail_path(error, denied, file, cannot);
}

tw_status tw_array_target(char **file, const char *path, tw_error *error)
{
    char *found;
    if (file == NULL || path == NULL) {
        return tw__fail_null(error, "tw_array_target", file == NULL ? "file" : "path");
    }
    if (path[0] == '\0') {
        return tw__fail(error, TW_ERROR_FILE, "an output file needs a name");
    }
    const int failed = tw__path_follow(&found, path);
    if (failed != 0) {
        return tw__fail_path(error, failed, path, cannot);
    }
    const tw_status status = check_target(found, error);
    if (status != TW_OK) {
        if (error != NULL && strcmp(found, path) != 0) {
            tw__fail(error, status, "%s leads to %s", path, error->message);
        }
        free(found);
        return status;
    }
    *file = found;
    return TW_OK;
}

/* "r.npy: has 2 further names (hard links), which keep the old file; cannot keep its owner (user 7)". */
static tw_status write_note(char **note, const char *shown, uint64_t links, const char *lost, tw_error *error)
{
    char names[120] = "";
    int written = 0;
    if (links > 2) {
        snprintf(names, sizeof names, "has %" PRIu64 " further names (hard links), which keep the old file", links - 1);
    } else if (links == 2) {
        snprintf(names, sizeof names, "has a further name (hard link), which keeps the old file");
    }
    if (lost[0] != '\0') {
        written = asprintf(note, "%s: %s%sof the file that is replaced, this cannot be kept: %s", shown, names,
                           names[0] != '\0' ? "; " : "", lost);
    } else if (names[0] != '\0') {
        written = asprintf(note, "%s: %s", shown, names);
    }
    if (written < 0) {
        *note = NULL;
        return tw__fail_memory(error, strlen(shown) + sizeof names, "a note on an output");
    }
    return TW_OK;
}

tw_status tw__target_take(int fd, int folder, const char *name, const char *shown, char **note, tw_error *error)
{
    struct tw__file_info info = {0};
    char lost[TW__LIKENESS_TEXT] = "";
    int like = -1;
    *note = NULL;
    int failed = tw__path_info_in(folder, name, &info);
    if (failed == 0 && info.is_regular) { /* else something else was put there, and the commit reports it */
        failed = tw__likeness_open(&like, folder, name);
    }
    if (failed == ENOENT || (failed == 0 && like < 0)) {
        return TW_OK;
    }
    if (failed == 0) {
        failed = tw__file_info(like, &info);
    }
    if (failed == 0) {
        failed = tw__likeness_take(fd, like, lost);
    }
    if (like >= 0) {
        tw__file_close(like);
    }
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: exists and cannot be examined", shown);
    }
    return write_note(note, shown, info.links, lost, error);
}
