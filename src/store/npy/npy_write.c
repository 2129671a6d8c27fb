/* npy_write.c - .npy files that are written: PATH.part, locked, given all its room and mapped, then renamed to PATH.
 *
 * The bytes that make a file a .npy file are written last, so that a PATH.part that a crash leaves behind, and any copy
 * of it, is never taken for a whole file. The next run on PATH takes it over. */
#include "store/npy/npy_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "base/checked.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/map.h"
#include "store/held.h"
#include "store/npy/npy.h"
#include "store/target.h"

struct tw__outfile {
    struct tw__held held; /* PATH.part */
    int failed;           /* errno of a sync that failed: nothing that follows can be trusted */
    unsigned char magic[TW__NPY_MAGIC];
    struct tw__file_identity identity;
    char *path;       /* the file that it will be, links followed */
    char *final_name; /* its last part */
};

static void release(struct tw__outfile *outfile)
{
    tw__held_close(&outfile->held);
    free(outfile->path);
    free(outfile);
}

/* Removes PATH.part, unless it is no longer this file or this process is a child of the one that made it. */
static void abandon(struct tw__outfile *outfile)
{
    tw__held_remove(&outfile->held);
    release(outfile);
}

static tw_status fail_allocate(const struct tw__outfile *outfile, int64_t bytes, int failed, tw_error *error)
{
    switch (failed) {
    case ENOSPC:
    case EDQUOT: {
        const int64_t room = tw__file_room(outfile->held.fd);
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

/* Two zeros, which say that the file was never finished, and four random bytes. */
static void draw_tag(unsigned char tag[TW__TAG_SIZE])
{
    memset(tag, 0, TW__TAG_SIZE);
    tw__file_random(tag + 2, TW__TAG_SIZE - 2);
}

/* Makes PATH.part `bytes` bytes long and writes the header, the tag in the magic's place. */
static tw_status fill_part(struct tw__outfile *outfile, const unsigned char *header, size_t length, int64_t bytes,
                           tw_error *error)
{
    const int fd = outfile->held.fd;
    int failed = TW__POINT("part.created");
    if (failed == 0) {
        failed = tw__file_truncate(fd, 0);
    }
    if (failed == 0) {
        failed = tw__file_allocate(fd, bytes);
    }
    if (failed == 0) {
        failed = TW__POINT("part.allocated");
    }
    if (failed != 0) {
        return fail_allocate(outfile, bytes, failed, error);
    }
    draw_tag(outfile->identity.tag);
    failed = tw__file_write(fd, outfile->identity.tag, TW__TAG_SIZE, 0);
    if (failed == 0) {
        failed = tw__file_write(fd, header + TW__NPY_MAGIC, length - TW__NPY_MAGIC, TW__NPY_MAGIC);
    }
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", outfile->held.path);
    }
    return TW_OK;
}

/* The outfile with PATH.part opened; made anew, if that is allowed. */
static tw_status new_outfile(struct tw__outfile **outfile, const char *path, int create, tw_error *error)
{
    const char *slash = strrchr(path, '/');
    struct tw__held_wish wish = {
        .shown = path, .how = create ? TW__HELD_RENEW : TW__HELD_FIND, .beside = slash != NULL ? slash + 1 : path};
    struct tw__outfile *made = calloc(1, sizeof *made);
    char *part = NULL;
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "an output file");
    }
    made->held = TW__HELD_NONE;
    made->path = strdup(path);
    if (made->path == NULL || asprintf(&part, "%s.part", path) < 0) {
        release(made);
        return tw__fail_memory(error, strlen(path), "the name of an output file");
    }
    wish.path = part;
    const tw_status status = tw__held_open(&made->held, &wish, error);
    free(part);
    if (status != TW_OK) {
        release(made);
        return status;
    }
    made->final_name = made->path + (made->held.name - made->held.path);
    made->identity.device = made->held.device;
    made->identity.inode = made->held.inode;
    made->identity.born_at = made->held.fd >= 0 ? tw__file_born_at(made->held.fd) : 0;
    *outfile = made;
    return TW_OK;
}

/* What create and reopen begin with: an array without memory, the header of its file, and the whole file's size. */
struct plan {
    char *file; /* links followed */
    tw_array *array;
    unsigned char *header;
    size_t length;
    int64_t whole;
};

static tw_status make_plan(struct plan *plan, const char *path, const tw_dtype *dtype, int ndim, const int64_t *shape,
                           tw_error *error)
{
    int64_t bytes;
    tw_status status = tw__array_new(&plan->array, dtype, ndim, shape, &bytes, error);
    if (status == TW_OK) {
        status = tw__npy_format(&plan->header, &plan->length, &plan->array->view.dtype, ndim, shape, error);
    }
    if (status == TW_OK && !tw__add(bytes, (int64_t)plan->length, &plan->whole)) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "%s: would have more than 2^63 bytes", path);
    }
    return status == TW_OK ? tw_array_target(&plan->file, path, error) : status;
}

static tw_status map_plan(struct plan *plan, int fd, int writable, const char *shown, tw_error *error)
{
    tw_array *array = plan->array;
    const int failed = tw__map_file(&array->base, (size_t)plan->whole, fd, writable);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be mapped", shown);
    }
    array->bytes = (size_t)plan->whole;
    array->memory = TW_MAPPED;
    array->mapped_at = tw__now();
    array->view.data = (char *)array->base + plan->length;
    array->writable = writable;
    return TW_OK;
}

static tw_status end_plan(struct plan *plan, tw_status status, tw_array **array)
{
    free(plan->header);
    free(plan->file);
    if (status == TW_OK) {
        *array = plan->array;
    } else {
        tw_array_destroy(plan->array);
    }
    return status;
}

/* Before there are contents, and again before they get their name: the file that is replaced may have changed. */
static tw_status take_likeness(tw_array *array, tw_error *error)
{
    const struct tw__outfile *outfile = array->outfile;
    char *note;
    const tw_status status =
        tw__target_take(outfile->held.fd, outfile->held.folder, outfile->final_name, outfile->path, &note, error);
    if (status == TW_OK) {
        free(array->note);
        array->note = note;
    }
    return status;
}

tw_status tw_array_create_file(tw_array **array, const char *path, const tw_dtype *dtype, int ndim,
                               const int64_t *shape, tw_error *error)
{
    struct plan plan = {0};
    tw_status status = make_plan(&plan, path, dtype, ndim, shape, error);
    if (status == TW_OK) {
        status = new_outfile(&plan.array->outfile, plan.file, 1, error);
        plan.array->abandon = abandon;
    }
    if (status == TW_OK) {
        status = take_likeness(plan.array, error);
    }
    if (status == TW_OK) {
        memcpy(plan.array->outfile->magic, plan.header, TW__NPY_MAGIC);
        status = fill_part(plan.array->outfile, plan.header, plan.length, plan.whole, error);
    }
    if (status == TW_OK) {
        const struct tw__outfile *outfile = plan.array->outfile;
        status = map_plan(&plan, outfile->held.fd, 1, outfile->held.path, error);
    }
    return end_plan(&plan, status, array);
}

/* "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }" as it stands in the first bytes of a file. *length: 0
 * where there is none. */
static const char *description_in(const unsigned char *bytes, size_t count, size_t *length)
{
    const unsigned char *begin = count > 0 ? memchr(bytes, '{', count < 16 ? count : 16) : NULL;
    const unsigned char *end = begin != NULL ? memchr(begin, '}', count - (size_t)(begin - bytes)) : NULL;
    *length = end != NULL ? (size_t)(end - begin) + 1 : 0;
    return (const char *)begin;
}

static tw_status fail_contents(const struct plan *plan, const unsigned char *there, size_t have, const char *shown,
                               tw_error *error)
{
    char view[320];
    size_t length;
    const char *description = description_in(there, have, &length);
    tw__view_text(&plan->array->view, view, sizeof view);
    if (length == 0 || length > 300) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: is not the unfinished output that it should be, %s", shown, view);
    }
    return tw__fail(error, TW_ERROR_JOURNAL, "%s: should be an unfinished output of %s and is one of %.*s", shown, view,
                    (int)length, description);
}

/* Whether the file has the size and the header that it should have; its first bytes are in front[TW__TAG_SIZE]. */
static tw_status check_contents(const struct plan *plan, int fd, const char *shown, unsigned char *front,
                                tw_error *error)
{
    struct tw__file_info info;
    unsigned char *there = calloc(1, plan->length);
    size_t have = 0;
    if (there == NULL) {
        return tw__fail_memory(error, plan->length, "the header of a .npy file");
    }
    int failed = tw__file_info(fd, &info);
    if (failed == 0) {
        have = info.size < (int64_t)plan->length ? (size_t)info.size : plan->length;
        failed = tw__file_read(fd, there, have, 0, NULL);
    }
    tw_status status = TW_OK;
    if (failed != 0) {
        status = tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be read", shown);
    } else if (info.size != plan->whole ||
               memcmp(there + TW__NPY_MAGIC, plan->header + TW__NPY_MAGIC, plan->length - TW__NPY_MAGIC) != 0) {
        status = fail_contents(plan, there, have, shown, error);
    } else {
        memcpy(front, there, TW__TAG_SIZE);
    }
    free(there);
    return status;
}

/* PATH, where a commit has already given it its name. */
static tw_status open_finished(struct plan *plan, const char *path, tw_error *error)
{
    unsigned char front[TW__TAG_SIZE];
    struct tw__file_info info;
    int fd = -1;
    int failed = tw__file_open_read(&fd, path);
    if (failed == ENOENT) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s.part: there is no unfinished output to continue", path);
    }
    if (failed == 0) {
        failed = tw__file_info(fd, &info);
    }
    tw_status status = TW_OK;
    if (failed != 0) {
        status = tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be read", path);
    } else {
        status = check_contents(plan, fd, path, front, error);
    }
    if (status == TW_OK && memcmp(front, plan->header, TW__TAG_SIZE) != 0) {
        status = tw__fail(error, TW_ERROR_JOURNAL, "%s: is no finished output", path);
    }
    if (status == TW_OK) {
        status = map_plan(plan, fd, 0, path, error);
        plan->array->finished = 1;
        plan->array->device = info.device;
        plan->array->inode = info.inode;
        plan->array->born_at = tw__file_born_at(fd);
    }
    if (fd >= 0) {
        tw__file_close(fd);
    }
    return status;
}

tw_status tw_array_reopen_file(tw_array **array, const char *path, const tw_dtype *dtype, int ndim,
                               const int64_t *shape, tw_error *error)
{
    struct plan plan = {0};
    struct tw__outfile *outfile = NULL;
    tw_status status = make_plan(&plan, path, dtype, ndim, shape, error);
    if (status == TW_OK) {
        status = new_outfile(&outfile, plan.file, 0, error);
    }
    if (status == TW_OK && outfile->held.fd < 0) {
        release(outfile);
        return end_plan(&plan, open_finished(&plan, plan.file, error), array);
    }
    if (status == TW_OK) {
        memcpy(outfile->magic, plan.header, TW__NPY_MAGIC);
        status = check_contents(&plan, outfile->held.fd, outfile->held.path, outfile->identity.tag, error);
        outfile->identity.is_finished =
            status == TW_OK && memcmp(outfile->identity.tag, outfile->magic, TW__TAG_SIZE) == 0;
    }
    if (status == TW_OK) {
        /* Blocks that a power cut took away would be found missing by a signal. */
        const int failed = tw__file_allocate(outfile->held.fd, plan.whole);
        status = failed != 0 ? fail_allocate(outfile, plan.whole, failed, error) : TW_OK;
    }
    if (status == TW_OK) {
        status = map_plan(&plan, outfile->held.fd, 1, outfile->held.path, error);
    }
    if (status == TW_OK) {
        plan.array->outfile = outfile;
        plan.array->abandon = abandon;
    } else if (outfile != NULL) {
        release(outfile); /* what could not be opened is not ours to remove */
    }
    return end_plan(&plan, status, array);
}

void tw_array_keep(tw_array *array)
{
    if (array != NULL && array->outfile != NULL) {
        release(array->outfile);
        array->outfile = NULL;
    }
    tw_array_destroy(array);
}

const char *tw_array_note(const tw_array *array)
{
    return array->note;
}

int tw__outfile_identity(const tw_array *array, struct tw__file_identity *identity)
{
    if (array->finished) {
        *identity = (struct tw__file_identity){
            .is_finished = 1, .device = array->device, .inode = array->inode, .born_at = array->born_at};
        return 0;
    }
    if (array->outfile == NULL) {
        return EINVAL;
    }
    *identity = array->outfile->identity;
    return 0;
}

int tw__outfile_sync(tw_array *array)
{
    struct tw__outfile *outfile = array->outfile;
    if (outfile == NULL) {
        return 0; /* it has its name: the commit has synced it */
    }
    if (outfile->failed != 0) {
        return outfile->failed;
    }
    int failed = TW__POINT("output.sync");
    if (failed == 0) { /* a kernel may have closed the descriptor */
        failed = tw__held_is_open(&outfile->held) ? tw__file_sync(outfile->held.fd)
                                                  : tw__map_sync(array->base, array->bytes);
    }
    outfile->failed = failed;
    return failed;
}

int tw__outfile_sync_name(tw_array *array, int folder)
{
    struct tw__outfile *outfile = array->outfile;
    struct tw__file_info own, other;
    if (outfile == NULL || outfile->failed != 0) {
        return outfile == NULL ? 0 : outfile->failed;
    }
    const int same = tw__file_info(outfile->held.folder, &own) == 0 && tw__file_info(folder, &other) == 0 &&
                     own.device == other.device && own.inode == other.inode;
    outfile->failed = same ? 0 : tw__folder_sync(outfile->held.folder);
    return outfile->failed;
}

/* Data first, then the magic, then the name: after a power cut each is there only if what stands before it is. */
static int finish(tw_array *array)
{
    struct tw__outfile *outfile = array->outfile;
    int failed = tw__outfile_sync(array);
    if (failed == 0) {
        failed = TW__POINT("output.magic");
    }
    if (failed == 0) {
        failed = tw__file_write(outfile->held.fd, outfile->magic, TW__NPY_MAGIC, 0);
    }
    if (failed == 0) {
        failed = TW__POINT("output.magic-sync");
    }
    if (failed == 0) {
        failed = tw__file_sync(outfile->held.fd);
        outfile->failed = failed;
    }
    if (failed == 0) {
        failed = TW__POINT("output.rename");
    }
    if (failed == 0) {
        failed = tw__file_rename_in(outfile->held.folder, outfile->held.name, outfile->final_name);
    }
    if (failed == 0) {
        failed = tw__folder_sync(outfile->held.folder);
        outfile->failed = failed;
    }
    (void)TW__POINT("output.renamed");
    return failed;
}

tw_status tw_array_commit(tw_array *array, tw_error *error)
{
    struct tw__outfile *outfile = array->outfile;
    if (array->finished) {
        return TW_OK;
    }
    if (outfile == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "this array is not a file that is being written");
    }
    if (outfile->failed != 0) {
        return tw__fail_os(error, tw__file_status(outfile->failed), outfile->failed,
                           "%s: cannot be finished, since the disk has failed to take what was written", outfile->path);
    }
    if (!tw__held_is_open(&outfile->held)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: its descriptor was closed by the kernel or the program",
                        outfile->held.path);
    }
    if (!tw__held_is_named(&outfile->held)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: was removed or replaced while it was being written",
                        outfile->held.path);
    }
    const tw_status status = take_likeness(array, error);
    if (status != TW_OK && status != TW_ERROR_PROCESS) { /* without a descriptor to look again, the first look stands */
        return status;
    }
    const int failed = finish(array);
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
