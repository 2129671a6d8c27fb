/* outfile.c - .npy files that are written: PATH.part, locked, given all its room and mapped, then renamed to PATH.
 *
 * The bytes that make a file a .npy file are written last, so that a PATH.part that a crash leaves behind, and any copy
 * of it, is never taken for a whole file. The next run on PATH takes it over. */
#include "array/outfile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/npy.h"
#include "array/shape.h"
#include "base/checked.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/map.h"

#define MAX_TAKEOVERS 16 /* tries to lock a PATH.part that other runs rename or remove at the same moment */

struct tw__outfile {
    int fd;    /* -1: not open */
    int owner; /* process that made it */
    int held;  /* locked, and PATH.part is this file */
    unsigned char magic[TW__NPY_MAGIC];
    char *path; /* as given, for messages */
    char *part;
    /* The names below are looked up in this folder, wherever the program or a kernel goes meanwhile. */
    int folder; /* -1: not open */
    char *final_name;
    char *part_name;
};

/* Whether PATH.part is still the open file. */
static int is_ours(const struct tw__outfile *outfile)
{
    struct tw__file_info open_file, named;
    return tw__file_info(outfile->fd, &open_file) == 0 &&
           tw__path_info_in(outfile->folder, outfile->part_name, &named) == 0 && open_file.device == named.device &&
           open_file.inode == named.inode;
}

static void release(struct tw__outfile *outfile)
{
    if (outfile->fd >= 0) {
        tw__file_close(outfile->fd);
    }
    if (outfile->folder >= 0) {
        tw__file_close(outfile->folder);
    }
    free(outfile->path);
    free(outfile->part);
    free(outfile);
}

void tw__outfile_abandon(struct tw__outfile *outfile)
{
    if (outfile == NULL) {
        return;
    }
    if (outfile->held && outfile->owner == tw__process_id() && is_ours(outfile)) {
        tw__file_remove_in(outfile->folder, outfile->part_name);
    }
    release(outfile);
}

static tw_status check_path(const char *path, tw_error *error)
{
    struct tw__file_info info;
    const int failed = tw__path_info(path, &info);
    if (path[0] == '\0') {
        return tw__fail(error, TW_ERROR_FILE, "an output file needs a name");
    }
    if (failed == ENOENT) {
        return TW_OK;
    }
    if (failed != 0) {
        return tw__fail_os(error, TW_ERROR_FILE, failed, "%s: cannot be written", path);
    }
    if (info.is_directory) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is a folder, where the name of a file belongs", path);
    }
    if (!info.is_regular) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is a pipe or a device; only a regular file can be written", path);
    }
    const int denied = tw__path_may_write(path);
    if (denied != 0) {
        return tw__fail_os(error, TW_ERROR_FILE, denied, "%s: is there and may not be replaced", path);
    }
    return TW_OK;
}

static tw_status fail_open(const struct tw__outfile *outfile, int failed, tw_error *error)
{
    switch (failed) {
    case ENOENT:
        return tw__fail(error, TW_ERROR_FILE, "%s: cannot be written; its folder does not exist", outfile->path);
    case ELOOP:
        return tw__fail(error, TW_ERROR_FILE, "%s: is a symbolic link, which is not followed; remove it",
                        outfile->part);
    default:
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be created", outfile->part);
    }
}

/* Opens PATH.part and takes its lock. *again: it was renamed or removed by another run before the lock was had. */
static tw_status take_part(struct tw__outfile *outfile, int *again, tw_error *error)
{
    int failed = tw__file_create_in(&outfile->fd, outfile->folder, outfile->part_name, 0666);
    const int created = failed == 0;
    if (failed == EEXIST) {
        failed = tw__file_open_write_in(&outfile->fd, outfile->folder, outfile->part_name);
    }
    if (failed != 0) {
        return fail_open(outfile, failed, error);
    }
    struct tw__file_info info;
    failed = tw__file_info(outfile->fd, &info);
    if (failed != 0 || !info.is_regular) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is not a regular file; remove it", outfile->part);
    }
    if (info.links > 1) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is another file's name too; remove it or choose another output",
                        outfile->part);
    }
    if (!created && info.owner != tw__user_id()) {
        return tw__fail(error, TW_ERROR_FILE, "%s: belongs to another user; remove it or choose another output",
                        outfile->part);
    }
    failed = tw__file_lock(outfile->fd);
    if (failed == EWOULDBLOCK) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is being written by another run", outfile->part);
    }
    if (failed != 0 && !created) {
        return tw__fail_os(error, TW_ERROR_FILE, failed,
                           "%s: is there and cannot be locked; remove it, unless another run is writing it",
                           outfile->part);
    }
    outfile->held = is_ours(outfile);
    *again = !outfile->held;
    return TW_OK;
}

static tw_status open_part(struct tw__outfile *outfile, tw_error *error)
{
    for (int k = 0; k < MAX_TAKEOVERS; k++) {
        int again = 0;
        const tw_status status = take_part(outfile, &again, error);
        if (status != TW_OK || !again) {
            return status;
        }
        tw__file_close(outfile->fd);
        outfile->fd = -1;
    }
    return tw__fail(error, TW_ERROR_FILE, "%s: is being written by another run", outfile->part);
}

static tw_status fail_allocate(const struct tw__outfile *outfile, int64_t bytes, int failed, tw_error *error)
{
    switch (failed) {
    case ENOSPC:
    case EDQUOT: {
        const int64_t room = tw__file_room(outfile->fd);
        return tw__fail_os(error, TW_ERROR_DISK, failed, "%s: needs %" PRId64 " bytes, its disk has %" PRId64 " free",
                           outfile->path, bytes, room < 0 ? 0 : room);
    }
    case EFBIG:
        return tw__fail(error, TW_ERROR_DISK,
                        "%s: needs %" PRId64 " bytes, more than a file may have here (limit of file size)",
                        outfile->path, bytes);
    case ENOMEM:
        return tw__fail_os(error, TW_ERROR_MEMORY, failed, "%s: needs %" PRId64 " bytes", outfile->path, bytes);
    default:
        return tw__fail_os(error, TW_ERROR_FILE, failed, "%s: cannot be given its %" PRId64 " bytes", outfile->path,
                           bytes);
    }
}

/* Makes PATH.part `bytes` bytes long and writes the header, all but the magic. */
static tw_status fill_part(struct tw__outfile *outfile, const unsigned char *header, size_t length, int64_t bytes,
                           tw_error *error)
{
    int failed = tw__file_truncate(outfile->fd, 0);
    if (failed == 0) {
        failed = tw__file_allocate(outfile->fd, bytes);
    }
    if (failed != 0) {
        return fail_allocate(outfile, bytes, failed, error);
    }
    memcpy(outfile->magic, header, TW__NPY_MAGIC);
    failed = tw__file_write(outfile->fd, header + TW__NPY_MAGIC, length - TW__NPY_MAGIC, TW__NPY_MAGIC);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", outfile->part);
    }
    return TW_OK;
}

static tw_status new_outfile(struct tw__outfile **outfile, const char *path, tw_error *error)
{
    static const char ending[] = ".part";
    struct tw__outfile *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "an output file");
    }
    made->fd = made->folder = -1;
    made->owner = tw__process_id();
    const size_t length = strlen(path);
    made->path = strdup(path);
    made->part = malloc(length + sizeof ending);
    if (made->path == NULL || made->part == NULL) {
        release(made);
        return tw__fail_memory(error, length, "the name of an output file");
    }
    memcpy(made->part, path, length);
    memcpy(made->part + length, ending, sizeof ending);
    const char *name;
    const int failed = tw__folder_open(&made->folder, path, &name);
    if (failed != 0) {
        const tw_status status = fail_open(made, failed, error);
        release(made);
        return status;
    }
    made->final_name = made->path + (name - path);
    made->part_name = made->part + (name - path);
    *outfile = made;
    return TW_OK;
}

tw_status tw_array_create_file(tw_array **array, const char *path, const tw_dtype *dtype, int ndim,
                               const int64_t *shape, tw_error *error)
{
    tw_array *made = NULL;
    unsigned char *header = NULL;
    size_t length = 0;
    int64_t bytes, whole;
    tw_status status = tw__array_new(&made, dtype, ndim, shape, &bytes, error);
    if (status != TW_OK) {
        return status;
    }
    status = tw__npy_format(&header, &length, &made->view.dtype, ndim, shape, error);
    if (status != TW_OK) {
        goto fail;
    }
    if (!tw__add(bytes, (int64_t)length, &whole)) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "%s: would have more than 2^63 bytes", path);
        goto fail;
    }
    status = check_path(path, error);
    if (status == TW_OK) {
        status = new_outfile(&made->outfile, path, error);
    }
    if (status == TW_OK) {
        status = open_part(made->outfile, error);
    }
    if (status == TW_OK) {
        status = fill_part(made->outfile, header, length, whole, error);
    }
    if (status != TW_OK) {
        goto fail;
    }
    const int failed = tw__map_file(&made->base, (size_t)whole, made->outfile->fd, 1);
    if (failed != 0) {
        status = tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be mapped", made->outfile->part);
        goto fail;
    }
    made->bytes = (size_t)whole;
    made->memory = TW_MAPPED;
    made->mapped_at = tw__now();
    made->view.data = (char *)made->base + length;
    made->writable = 1;
    free(header);
    *array = made;
    return TW_OK;
fail:
    free(header);
    tw_array_destroy(made);
    return status;
}

tw_status tw_array_commit(tw_array *array, tw_error *error)
{
    struct tw__outfile *outfile = array->outfile;
    if (outfile == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "this array is not a file that is being written");
    }
    /* Data first, then the magic, then the name: after a power cut each is there only if what stands before it is. */
    int failed = tw__map_sync(array->base, array->bytes);
    if (failed == 0) {
        failed = tw__file_sync(outfile->fd);
    }
    if (failed == 0) {
        failed = tw__file_write(outfile->fd, outfile->magic, TW__NPY_MAGIC, 0);
    }
    if (failed == 0) {
        failed = tw__file_sync(outfile->fd);
    }
    if (failed == 0 && !is_ours(outfile)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: was removed or replaced while it was being written", outfile->part);
    }
    if (failed == 0) {
        failed = tw__file_rename_in(outfile->folder, outfile->part_name, outfile->final_name);
    }
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be finished", outfile->path);
    }
    release(outfile);
    array->outfile = NULL;
    array->writable = 0;
    return TW_OK;
}

tw_status tw_array_save(const tw_array *array, const char *path, tw_error *error)
{
    const tw_view *view = &array->view;
    tw_array *file = NULL;
    tw_status status = tw_array_create_file(&file, path, &view->dtype, view->ndim, view->shape, error);
    if (status == TW_OK) {
        tw__view_copy(&file->view, view);
        status = tw_array_commit(file, error);
    }
    tw_array_destroy(file);
    return status;
}
