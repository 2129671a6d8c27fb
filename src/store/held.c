/* held.c - a file that one run alone writes: found, locked, known again. Knows nothing of what is written. */
#include "store/held.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/file.h"
#include "os/path.h"

#define MAX_TAKEOVERS 16 /* tries to lock a file that other runs rename or remove at the same moment */

int tw__held_is_open(const struct tw__held *held)
{
    struct tw__file_info info;
    return held->fd >= 0 && tw__file_info(held->fd, &info) == 0 && info.device == held->device &&
           info.inode == held->inode;
}

int tw__held_is_named(const struct tw__held *held)
{
    struct tw__file_info info;
    return tw__held_is_open(held) && tw__path_info_in(held->folder, held->name, &info) == 0 &&
           info.device == held->device && info.inode == held->inode;
}

int tw__held_is_in_place(const struct tw__held *held)
{
    struct tw__file_info open, named;
    return held->place == NULL || (tw__file_info(held->folder, &open) == 0 && tw__path_info(held->place, &named) == 0 &&
                                   open.device == named.device && open.inode == named.inode);
}

void tw__held_close(struct tw__held *held)
{
    struct tw__file_info info;
    if (tw__held_is_open(held)) { /* else the number belongs to another file */
        if (held->owner == tw__process_id()) {
            tw__file_unlock(held->fd); /* worker processes that live on have inherited the descriptor, and the lock */
        }
        tw__file_close(held->fd);
    }
    if (held->folder >= 0 && tw__file_info(held->folder, &info) == 0 && info.is_directory) {
        tw__file_close(held->folder);
    }
    free(held->path);
    free(held->place);
    *held = TW__HELD_NONE;
}

void tw__held_remove(struct tw__held *held)
{
    if (held->locked && held->owner == tw__process_id() && tw__held_is_named(held)) {
        tw__file_remove_in(held->folder, held->name);
    }
    tw__held_close(held);
}

static tw_status fail_open(const struct tw__held *held, const char *shown, int failed, tw_error *error)
{
    switch (failed) {
    case ENOENT:
    case ENOTDIR:
        return tw__fail_path(error, failed, shown, "cannot be written");
    case ELOOP:
        return tw__fail(error, TW_ERROR_FILE, "%s: is a symbolic link, which is not followed; remove it", held->path);
    default:
        return tw__fail_path(error, failed, held->path, "cannot be created");
    }
}

static tw_status fail_locked(const struct tw__held *held, tw_error *error)
{
    const int pid = held->fd >= 0 ? tw__file_locker(held->fd) : 0;
    char who[32] = "";
    if (pid > 0) {
        snprintf(who, sizeof who, " (process %d)", pid);
    }
    return tw__fail(error, TW_ERROR_FILE, "%s: is being written by another run%s", held->path, who);
}

/* *again: it was renamed or removed by another run before the lock was taken. */
static tw_status take(struct tw__held *held, const struct tw__held_wish *wish, int *again, tw_error *error)
{
    struct tw__file_info info, beside = {0};
    const char *const shown = wish->shown;
    const int create = wish->how != TW__HELD_FIND;
    const int replaces = wish->beside != NULL && tw__path_info_in(held->folder, wish->beside, &beside) == 0;
    const uint32_t mode = wish->is_private || replaces ? 0600 : 0666;
    int failed = create ? tw__file_create_in(&held->fd, held->folder, held->name, mode) : EEXIST;
    const int created = failed == 0;
    if (failed == EEXIST) {
        failed = tw__path_info_in(held->folder, held->name, &info);
        if (failed == ENOENT && !create) {
            return TW_OK;
        }
        failed = tw__file_open_write_in(&held->fd, held->folder, held->name);
        *again = failed == ENOENT && held->fd < 0 && tw__path_info_in(held->folder, held->name, &info) == ENOENT;
        if (*again) {
            return TW_OK;
        }
    }
    if (failed != 0) {
        return fail_open(held, shown, failed, error);
    }
    failed = tw__file_info(held->fd, &info);
    if (failed != 0) { /* without it close would not know the file again */
        tw__file_close(held->fd);
        held->fd = -1;
        return fail_open(held, shown, failed, error);
    }
    held->device = info.device;
    held->inode = info.inode;
    if (!info.is_regular) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is not a regular file; remove it", held->path);
    }
    if (info.links > 1) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is another file's name too; remove it or choose another output",
                        held->path);
    }
    if (!created && info.owner != tw__user_id() && !(replaces && info.owner == beside.owner)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: belongs to another user; remove it or choose another output",
                        held->path);
    }
    failed = tw__file_lock(held->fd);
    if (failed == EWOULDBLOCK) {
        return fail_locked(held, error);
    }
    if (failed != 0 && !created) {
        return tw__fail_os(error, TW_ERROR_FILE, failed,
                           "%s: exists and cannot be locked; remove it, unless another run is writing it", held->path);
    }
    held->locked = tw__held_is_named(held);
    *again = !held->locked || (wish->how == TW__HELD_RENEW && !created);
    if (!*again || !held->locked) {
        return TW_OK;
    }
    held->locked = 0;
    failed = tw__file_remove_in(held->folder, held->name);
    return failed == 0 ? TW_OK
                       : tw__fail_os(error, tw__file_status(failed), failed,
                                     "%s: exists from an earlier run and cannot be removed", held->path);
}

tw_status tw__held_open(struct tw__held *held, const struct tw__held_wish *wish, tw_error *error)
{
    const char *const path = wish->path, *const shown = wish->shown;
    const char *name;
    tw_status status;
    *held = TW__HELD_NONE;
    held->owner = tw__process_id();
    held->path = strdup(path);
    if (held->path == NULL) {
        return tw__fail_memory(error, strlen(path) + 1, "the name of a file");
    }
    const int failed = tw__folder_open(&held->folder, held->path, &name);
    if (failed != 0) {
        held->folder = -1;
        status = fail_open(held, shown, failed, error);
        goto fail;
    }
    held->name = held->path + (name - held->path);
    held->place = tw__folder_place(held->folder);
    for (int k = 0; k < MAX_TAKEOVERS; k++) {
        int again = 0;
        status = take(held, wish, &again, error);
        if (status != TW_OK) {
            goto fail;
        }
        if (!again) {
            return TW_OK;
        }
        if (held->fd >= 0) {
            tw__file_close(held->fd);
            held->fd = -1;
        }
    }
    status = fail_locked(held, error);
fail:
    tw__held_close(held);
    return status;
}
