/* handle.c - where another process finds the memory of a shared array, and that memory over there. Knows no pools. An
 * array that has a handle has a mark: see mark.h. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "array/array.h"
#include "array/mark.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/map.h"

tw_status tw_array_handle(tw_array *array, tw_handle *handle, tw_error *error)
{
    struct tw__file_info info;
    const int fd = array->heap != NULL && !array->part ? tw__heap_descriptor(array->heap) : -1;
    const int failed = fd >= 0 ? tw__file_info(fd, &info) : EBADF;
    if (failed != 0) {
        return tw__fail(error, TW_ERROR_FILE, "this array is in no memory file that another process could open");
    }
    const tw_status status = array->mark == NULL ? tw__mark_make(array, error) : TW_OK;
    if (status != TW_OK) {
        return status;
    }
    const char *base = tw__heap_base(array->heap);
    *handle = (tw_handle){.pid = tw__process_id(),
                          .descriptor = fd,
                          .device = info.device,
                          .inode = info.inode,
                          .offset = (char *)array->base - base,
                          .bytes = (int64_t)array->bytes,
                          .mark_at = (char *)array->mark - base,
                          .mark = atomic_load(&array->mark->number)};
    return TW_OK;
}

/* ---- elsewhere ---- */

/* Maps what lies at offset .. offset + bytes of the file; *base .. *size is what is unmapped. */
static int map_place(int fd, int64_t offset, int64_t bytes, void **base, size_t *size, void **place)
{
    const int64_t skipped = offset % tw__page_size();
    *size = (size_t)(skipped + (bytes > 0 ? bytes : 1));
    const int failed = tw__map_file_at(base, *size, fd, offset - skipped);
    *place = failed == 0 ? (char *)*base + skipped : NULL;
    return failed;
}

static tw_status fail_gone(const tw_handle *handle, tw_error *error)
{
    return tw__fail(error, TW_ERROR_FILE, "a shared array is gone: process %d has given its memory back", handle->pid);
}

/* Adds this mapping to the count, then looks at the number: the other side sets the number to zero, then looks at the
 * count. One of the two sees the other. */
static tw_status take_mark(tw_array *array, int fd, const tw_handle *handle, tw_error *error)
{
    void *place;
    const int failed =
        map_place(fd, handle->mark_at, sizeof(struct tw__mark), &array->mark_base, &array->mark_size, &place);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "a shared array cannot be mapped");
    }
    struct tw__mark *mark = place;
    if (atomic_load(&mark->number) != handle->mark) { /* what is there may be anybody's by now */
        return fail_gone(handle, error);
    }
    atomic_fetch_add(&mark->attached, 1);
    if (atomic_load(&mark->number) != handle->mark) {
        atomic_fetch_sub(&mark->attached, 1);
        return fail_gone(handle, error);
    }
    array->mark = mark;
    return TW_OK;
}

static tw_status map_handle(tw_array *array, int fd, const tw_handle *handle, tw_error *error)
{
    struct tw__file_info info;
    void *place;
    if (tw__file_info(fd, &info) != 0 || info.device != handle->device || info.inode != handle->inode ||
        handle->offset < 0 || handle->bytes < 0 || handle->mark_at < 0 || handle->mark_at % 64 != 0 ||
        handle->offset > info.size - handle->bytes || handle->mark_at > info.size - 64) {
        return fail_gone(handle, error);
    }
    tw_status status = take_mark(array, fd, handle, error);
    if (status != TW_OK) {
        return status;
    }
    const int failed = map_place(fd, handle->offset, handle->bytes, &array->base, &array->bytes, &place);
    if (failed != 0) {
        array->base = NULL;
        return tw__fail_os(error, tw__file_status(failed), failed, "a shared array cannot be mapped");
    }
    array->view.data = place;
    array->memory = TW_MAPPED;
    array->mapped_at = tw__now();
    array->writable = 1;
    return TW_OK;
}

tw_status tw_array_attach(tw_array **array, const tw_handle *handle, tw_error *error)
{
    const tw_dtype bytes = tw_dtype_of(TW_UINT8);
    tw_array *made = NULL;
    int64_t size;
    int fd = -1;
    tw_status status = tw__array_new(&made, &bytes, 1, &handle->bytes, &size, error);
    if (status != TW_OK) {
        return status;
    }
    made->mark_owner = tw__process_id();
    const int failed = tw__file_open_of(&fd, handle->pid, handle->descriptor);
    if (failed != 0) {
        status =
            tw__fail_os(error, tw__file_status(failed), failed,
                        "a shared array is not available: process %d, which made it, has ended or may not be looked "
                        "into",
                        handle->pid);
    } else {
        status = map_handle(made, fd, handle, error);
        tw__file_close(fd);
    }
    if (status != TW_OK) {
        tw_array_destroy(made);
        return status;
    }
    *array = made;
    return TW_OK;
}
