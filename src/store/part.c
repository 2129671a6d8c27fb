/* part.c - PATH.part: what a file is called while it is written, until it is whole and becomes PATH. Knows no formats.
 */
#include "store/part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/map.h"
#include "store/target.h"

char *tw__part_name(const char *path)
{
    static const char suffix[] = ".part";
    const size_t length = strlen(path);
    char *name = malloc(length + sizeof suffix);
    if (name != NULL) {
        memcpy(name, path, length);
        memcpy(name + length, suffix, sizeof suffix);
    }
    return name;
}

tw_status tw__part_open(struct tw__part *part, const char *path, int create, tw_error *error)
{
    const char *slash = strrchr(path, '/');
    char *name = tw__part_name(path);
    *part = (struct tw__part){.held = TW__HELD_NONE, .path = strdup(path)};
    if (part->path == NULL || name == NULL) {
        free(name);
        tw__part_close(part, 0);
        return tw__fail_memory(error, strlen(path), "the name of an output file");
    }
    part->name = part->path + (slash != NULL ? slash + 1 - path : 0);
    const struct tw__held_wish wish = {
        .path = name, .shown = path, .how = create ? TW__HELD_RENEW : TW__HELD_FIND, .beside = part->name};
    const tw_status status = tw__held_open(&part->held, &wish, error);
    free(name);
    if (status != TW_OK) {
        tw__part_close(part, 0);
    }
    return status;
}

tw_status tw__part_take_after(struct tw__part *part, char **note, tw_error *error)
{
    char *made;
    const tw_status status = tw__target_take(part->held.fd, part->held.folder, part->name, part->path, &made, error);
    if (status == TW_OK) {
        free(*note);
        *note = made;
    }
    return status;
}

tw_status tw__part_check(const struct tw__part *part, tw_error *error)
{
    struct tw__file_info info;
    if (part->failed != 0) {
        return tw__fail_os(error, tw__file_status(part->failed), part->failed,
                           "%s: cannot be finished: an earlier write to the disk failed", part->path);
    }
    if (!tw__held_is_open(&part->held)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: its descriptor was closed by the kernel or the program",
                        part->held.path);
    }
    if (!tw__held_is_named(&part->held) || !tw__held_is_in_place(&part->held)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: was removed or replaced while it was being written",
                        part->held.path);
    }
    if (tw__path_info_in(part->held.folder, part->name, &info) == 0 && !info.is_regular) {
        return tw__fail(error, TW_ERROR_FILE, "%s: has become %s, so the output cannot be given its name", part->path,
                        info.is_directory ? "a folder" : "something that is no regular file");
    }
    const int denied = tw__folder_may_make(part->held.folder);
    return denied == 0
               ? TW_OK
               : tw__fail_os(error, TW_ERROR_FILE, denied, "%s: its folder can no longer be written", part->path);
}

int tw__part_sync(struct tw__part *part, void *base, size_t bytes)
{
    if (part->failed == 0) {
        part->failed = TW__POINT("output.sync");
    }
    if (part->failed == 0) { /* a kernel may have closed the descriptor */
        part->failed = tw__held_is_open(&part->held) ? tw__file_sync(part->held.fd) : tw__map_sync(base, bytes);
    }
    return part->failed;
}

int tw__part_sync_name(struct tw__part *part, int folder)
{
    struct tw__file_info own, other;
    if (part->failed == 0) {
        const int same = tw__file_info(part->held.folder, &own) == 0 && tw__file_info(folder, &other) == 0 &&
                         own.device == other.device && own.inode == other.inode;
        part->failed = same ? 0 : tw__folder_sync(part->held.folder);
    }
    return part->failed;
}

int tw__part_rename(struct tw__part *part)
{
    int failed = TW__POINT("output.rename");
    if (failed == 0) {
        failed = tw__file_rename_in(part->held.folder, part->held.name, part->name);
    }
    if (failed == 0) {
        failed = tw__folder_sync(part->held.folder);
        part->failed = failed;
    }
    (void)TW__POINT("output.renamed");
    return failed;
}

void tw__part_close(struct tw__part *part, int remove)
{
    if (remove) {
        tw__held_remove(&part->held);
    } else {
        tw__held_close(&part->held);
    }
    free(part->path);
    part->path = NULL;
}
