/* npy_write.c - .npy files that are written: PATH.part, given all its room and mapped, then finished and renamed to
 * PATH.
 *
 * The bytes that make a file a .npy file are written last, so that a PATH.part that a crash leaves behind, and any copy
 * of it, is never taken for a whole file. The next run on PATH takes it over. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "array/view.h"
#include "base/checked.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/map.h"
#include "store/npy/npy.h"
#include "store/part.h"
#include "store/store.h"

struct output {
    struct tw__store store;
    struct tw__part part;
    unsigned char magic[TW__NPY_MAGIC];
    struct tw__file_identity identity;
    void *base; /* where the file is mapped; the array's */
    size_t bytes;
};

_Static_assert(offsetof(struct output, store) == 0, "a store is at the front of what is behind it");

static struct output *output_of(struct tw__store *store)
{
    return (struct output *)store;
}

/* It has its name. */
static void close_part(struct output *output)
{
    tw__part_close(&output->part, 0);
    output->store.unfinished = NULL;
}

/* ---- what a store does ---- */

static int sync_output(struct tw__store *store)
{
    struct output *output = output_of(store);
    return tw__part_sync(&output->part, output->base, output->bytes);
}

static int sync_name(struct tw__store *store, int folder)
{
    return tw__part_sync_name(&output_of(store)->part, folder);
}

static tw_status check(struct tw__store *store, tw_error *error)
{
    return tw__part_check(&output_of(store)->part, error);
}

/* Data first, then the magic, then the name: after a power cut each is there only if what stands before it is. */
static int finish_steps(struct output *output)
{
    struct tw__part *part = &output->part;
    int failed = sync_output(&output->store);
    if (failed == 0) {
        failed = TW__POINT("output.magic");
    }
    if (failed == 0) {
        failed = tw__file_write(part->held.fd, output->magic, TW__NPY_MAGIC, 0);
    }
    if (failed == 0) {
        failed = TW__POINT("output.magic-sync");
    }
    if (failed == 0) {
        failed = tw__file_sync(part->held.fd);
        part->failed = failed;
    }
    return failed == 0 ? tw__part_rename(part) : failed;
}

static tw_status finish(struct tw__store *store, tw_error *error)
{
    struct output *output = output_of(store);
    tw_status status = tw__part_check(&output->part, error);
    if (status == TW_OK) {
        status = tw__part_take_after(&output->part, &store->note, error);
        /* Without a descriptor to look again, the first look stands. */
        status = status == TW_ERROR_PROCESS ? TW_OK : status;
    }
    if (status != TW_OK) {
        return status;
    }
    const int failed = finish_steps(output);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be finished", output->part.path);
    }
    close_part(output);
    return TW_OK;
}

static void release(struct output *output, int remove)
{
    tw__part_close(&output->part, remove);
    free(output->store.note);
    free(output);
}

static void abandon(struct tw__store *store)
{
    release(output_of(store), 1);
}

static void keep(struct tw__store *store)
{
    release(output_of(store), 0);
}

static void identity(const struct tw__store *store, struct tw__file_identity *found)
{
    *found = ((const struct output *)store)->identity;
}

static const struct tw__store_ops ops = {.sync = sync_output,
                                         .sync_name = sync_name,
                                         .check = check,
                                         .finish = finish,
                                         .abandon = abandon,
                                         .keep = keep,
                                         .identity = identity};

/* ---- the file ---- */

static tw_status fail_allocate(const struct output *output, int64_t bytes, int failed, tw_error *error)
{
    const char *path = output->part.path;
    switch (failed) {
    case ENOSPC:
    case EDQUOT: {
        const int64_t room = tw__file_room(output->part.held.fd);
        return tw__fail_os(error, TW_ERROR_DISK, failed, "%s: needs %" PRId64 " bytes, its disk has %" PRId64 " free",
                           path, bytes, room < 0 ? 0 : room);
    }
    case EFBIG:
        return tw__fail(error, TW_ERROR_DISK,
                        "%s: needs %" PRId64 " bytes, more than a file may have here (limit of file size)", path,
                        bytes);
    case ENOMEM:
        return tw__fail_os(error, TW_ERROR_MEMORY, failed, "%s: needs %" PRId64 " bytes", path, bytes);
    default:
        return tw__fail_os(error, TW_ERROR_FILE, failed, "%s: cannot be given its %" PRId64 " bytes", path, bytes);
    }
}

/* Two zeros, which say that the file was never finished, and four random bytes. */
static void draw_tag(unsigned char tag[TW__TAG_SIZE])
{
    memset(tag, 0, TW__TAG_SIZE);
    tw__file_random(tag + 2, TW__TAG_SIZE - 2);
}

/* What create and reopen begin with: an array without memory, the header of its file, and the whole file's size. */
struct plan {
    char *file; /* links followed */
    tw_array *array;
    struct output *output; /* the array's, once it is opened */
    unsigned char *header;
    size_t length;
    int64_t whole;
};

/* Makes PATH.part as long as it will be and writes the header, the tag in the magic's place. */
static tw_status fill_part(const struct plan *plan, tw_error *error)
{
    struct output *output = plan->output;
    const int fd = output->part.held.fd;
    int failed = TW__POINT("part.created");
    if (failed == 0) {
        failed = tw__file_truncate(fd, 0);
    }
    if (failed == 0) {
        failed = tw__file_allocate(fd, plan->whole);
    }
    if (failed == 0) {
        failed = TW__POINT("part.allocated");
    }
    if (failed != 0) {
        return fail_allocate(output, plan->whole, failed, error);
    }
    draw_tag(output->identity.tag);
    failed = tw__file_write(fd, output->identity.tag, TW__TAG_SIZE, 0);
    if (failed == 0) {
        failed = tw__file_write(fd, plan->header + TW__NPY_MAGIC, plan->length - TW__NPY_MAGIC, TW__NPY_MAGIC);
    }
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", output->part.held.path);
    }
    return TW_OK;
}

/* The output with PATH.part opened; made anew, if that is allowed. */
static tw_status open_output(struct plan *plan, int create, tw_error *error)
{
    const tw_view *view = &plan->array->view;
    struct output *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "an output file");
    }
    const tw_status status = tw__part_open(&made->part, plan->file, create, error);
    if (status != TW_OK) {
        free(made);
        return status;
    }
    made->store.ops = &ops;
    made->store.dtype = view->dtype;
    made->store.ndim = view->ndim;
    memcpy(made->store.shape, view->shape, (size_t)view->ndim * sizeof view->shape[0]);
    made->store.unfinished = made->part.held.path;
    memcpy(made->magic, plan->header, TW__NPY_MAGIC);
    made->identity.device = made->part.held.device;
    made->identity.inode = made->part.held.inode;
    made->identity.born_at = made->part.held.fd >= 0 ? tw__file_born_at(made->part.held.fd) : 0;
    plan->output = made;
    return TW_OK;
}

/* The array owns the output from here on. */
static void give_to_array(struct plan *plan)
{
    plan->array->store = &plan->output->store;
    plan->array->release = abandon;
}

static tw_status make_plan(struct plan *plan, const char *path, const tw_dtype *dtype, int ndim, const int64_t *shape,
                           tw_error *error)
{
    int64_t bytes;
    tw_status status = tw__array_new(&plan->array, dtype, ndim, shape, &bytes, error);
    if (status == TW_OK) {
        status = tw__npy_format(&plan->header, &plan->length, &plan->array->view.dtype, ndim, shape, TW__NPY_ALIGNMENT,
                                error);
    }
    if (status == TW_OK && !tw__add(bytes, (int64_t)plan->length, &plan->whole)) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "%s: would have more than 2^63 bytes", path);
    }
    return status == TW_OK ? tw_array_target(&plan->file, path, error) : status;
}

/* Maps the whole file; the array is then a view of it. */
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
    plan->output->base = array->base;
    plan->output->bytes = array->bytes;
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

tw_status tw_array_create_file(tw_array **array, const char *path, const tw_dtype *dtype, int ndim,
                               const int64_t *shape, tw_error *error)
{
    struct plan plan = {0};
    if (array == NULL || path == NULL || dtype == NULL || (shape == NULL && ndim > 0)) {
        const char *missing = array == NULL ? "array" : path == NULL ? "path" : dtype == NULL ? "dtype" : "shape";
        return tw__fail_null(error, "tw_array_create_file", missing);
    }
    tw_status status = make_plan(&plan, path, dtype, ndim, shape, error);
    if (status == TW_OK) {
        status = open_output(&plan, 1, error);
    }
    if (status == TW_OK) {
        give_to_array(&plan);
        status = tw__part_take_after(&plan.output->part, &plan.output->store.note, error);
    }
    if (status == TW_OK) {
        status = fill_part(&plan, error);
    }
    if (status == TW_OK) {
        const struct tw__held *held = &plan.output->part.held;
        status = map_plan(&plan, held->fd, 1, held->path, error);
    }
    return end_plan(&plan, status, array);
}

/* "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }" as it stands in the first bytes of a file. *length: 0
 * if there is none. */
static const char *description_in(const unsigned char *bytes, size_t count, size_t *length)
{
    const size_t before = TW__TAG_SIZE + 4; /* tag, version and length: the tag is random, and may contain a '{' */
    const unsigned char *begin = count > before ? memchr(bytes + before, '{', count < 16 ? count - before : 6) : NULL;
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
    } else if (have < plan->length ||
               memcmp(there + TW__NPY_MAGIC, plan->header + TW__NPY_MAGIC, plan->length - TW__NPY_MAGIC) != 0) {
        status = fail_contents(plan, there, have, shown, error);
    } else if (info.size != plan->whole) {
        status = tw__fail(error, TW_ERROR_JOURNAL, "%s: has %" PRId64 " bytes and should have %" PRId64, shown,
                          info.size, plan->whole);
    } else {
        memcpy(front, there, TW__TAG_SIZE);
    }
    free(there);
    return status;
}

/* PATH, which a commit has already given its name. */
static tw_status open_finished(struct plan *plan, tw_error *error)
{
    struct tw__file_identity *identity = &plan->output->identity;
    const char *path = plan->file;
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
        plan->output->store.state = TW__STORE_FOUND;
        close_part(plan->output);
        *identity = (struct tw__file_identity){
            .is_finished = 1, .device = info.device, .inode = info.inode, .born_at = tw__file_born_at(fd)};
    }
    if (fd >= 0) {
        tw__file_close(fd);
    }
    return status;
}

/* PATH.part, as it was left. */
static tw_status open_unfinished(struct plan *plan, tw_error *error)
{
    struct output *output = plan->output;
    const struct tw__held *held = &output->part.held;
    tw_status status = check_contents(plan, held->fd, held->path, output->identity.tag, error);
    output->identity.is_finished = status == TW_OK && memcmp(output->identity.tag, output->magic, TW__TAG_SIZE) == 0;
    if (status == TW_OK) {
        /* Blocks that a power cut took away would be found missing by a signal. */
        const int failed = tw__file_allocate(held->fd, plan->whole);
        status = failed != 0 ? fail_allocate(output, plan->whole, failed, error) : TW_OK;
    }
    return status == TW_OK ? map_plan(plan, held->fd, 1, held->path, error) : status;
}

tw_status tw__store_reopen(tw_array **array, const char *path, const tw_dtype *dtype, int ndim, const int64_t *shape,
                           tw_error *error)
{
    struct plan plan = {0};
    tw_status status = make_plan(&plan, path, dtype, ndim, shape, error);
    if (status == TW_OK) {
        status = open_output(&plan, 0, error);
    }
    if (status == TW_OK) {
        const int is_finished = plan.output->part.held.fd < 0;
        status = is_finished ? open_finished(&plan, error) : open_unfinished(&plan, error);
        if (status == TW_OK) {
            give_to_array(&plan);
        } else {
            release(plan.output, 0); /* what could not be opened is not ours to remove */
        }
    }
    return end_plan(&plan, status, array);
}

tw_status tw_array_save(const tw_array *array, const char *path, tw_error *error)
{
    if (array == NULL || path == NULL) {
        return tw__fail_null(error, "tw_array_save", array == NULL ? "array" : "path");
    }
    const tw_view *view = &array->view;
    tw_array *file = NULL;
    tw_status status = tw_array_create_file(&file, path, &view->dtype, view->ndim, view->shape, error);
    if (status == TW_OK) {
        status = tw_array_copy(file, array, error);
    }
    if (status == TW_OK) {
        status = tw_array_commit(file, error);
    }
    tw_array_destroy(file);
    return status;
}
