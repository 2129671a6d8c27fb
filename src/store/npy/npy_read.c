/* npy_read.c - .npy files that are read: mapped if their bytes can be used as they are, else read into memory. What
 * comes through a pipe is read once, from front to end, and no more of it than the header promises. */
#include "store/npy/npy_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/dtype.h"
#include "array/shape.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/map.h"
#include "os/path.h"
#include "os/stream.h"
#include "store/npy/npy.h"

struct npy_file {
    int fd;
    int is_stream; /* size is then as large as can be */
    const char *path;
    int64_t size, changed_at;
    struct tw__npy_header header;
};

static tw_status fail_read(const struct npy_file *file, int failed, tw_error *error)
{
    if (failed == EIO) {
        return tw__fail(error, TW_ERROR_FILE, "%s: cannot be read to its end", file->path);
    }
    return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be read", file->path);
}

static tw_status open_file(struct npy_file *file, tw_error *error)
{
    struct tw__file_info info;
    int failed = tw__path_info(file->path, &info);
    file->is_stream = failed == 0 && !info.is_regular && !info.is_directory;
    failed = file->is_stream ? tw__stream_open(&file->fd, file->path) : tw__file_open_read(&file->fd, file->path);
    if (failed != 0) {
        return tw__fail_path(error, failed, file->path, "cannot be opened");
    }
    failed = tw__file_info(file->fd, &info);
    if (failed != 0) {
        return fail_read(file, failed, error);
    }
    if (info.is_directory) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is a folder, not a .npy file", file->path);
    }
    if (file->is_stream && tw__stream_is_terminal(file->fd)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: is a terminal; a .npy file comes from a file or a pipe", file->path);
    }
    if (file->is_stream) {
        file->size = INT64_MAX;
        return TW_OK;
    }
    if (!info.is_regular) {
        return tw__fail(error, TW_ERROR_FILE, "%s: has become something that is no regular file", file->path);
    }
    file->size = info.size;
    file->changed_at = info.changed_at;
    return TW_OK;
}

/* The next bytes of a stream or, of a file, those at `offset`. *have: how many there are. */
static int read_bytes(const struct npy_file *file, void *data, size_t length, int64_t offset, size_t *have)
{
    return file->is_stream ? tw__stream_read(file->fd, data, length, have)
                           : tw__file_read(file->fd, data, length, offset, have);
}

static tw_status fail_end(const struct npy_file *file, int64_t have, int64_t wanted, const char *what, tw_error *error)
{
    return tw__fail(error, TW_ERROR_FORMAT, "%s: ends after %" PRId64 " of the %" PRId64 " bytes of its %s", file->path,
                    have, wanted, what);
}

static tw_status read_header(struct npy_file *file, tw_error *error)
{
    unsigned char prefix[TW__NPY_PREFIX];
    size_t count = file->size < TW__NPY_PREFIX ? (size_t)file->size : TW__NPY_PREFIX;
    size_t have = 0;
    int failed = read_bytes(file, prefix, count, 0, &have);
    if (failed == 0 && have < count) {
        count = have; /* a stream that ends so early */
    }
    if (failed != 0) {
        return fail_read(file, failed, error);
    }
    int64_t length;
    tw_status status = tw__npy_length(&length, prefix, count, file->size, file->path, error);
    if (status != TW_OK) {
        return status;
    }
    unsigned char *bytes = malloc((size_t)length);
    if (bytes == NULL) {
        return tw__fail_memory(error, (size_t)length, "the header of a .npy file");
    }
    /* The prefix has been checked; a program that writes the file at the same time must not change it any more. */
    count = (int64_t)count < length ? count : (size_t)length;
    memcpy(bytes, prefix, count);
    failed = read_bytes(file, bytes + count, (size_t)length - count, (int64_t)count, &have);
    status = failed != 0 ? fail_read(file, failed, error)
             : have + count < (size_t)length
                 ? fail_end(file, (int64_t)(have + count), length, "header", error)
                 : tw__npy_parse(&file->header, bytes, length, file->size, file->path, error);
    free(bytes);
    return status;
}

/* *array stays NULL if this file cannot be mapped: it can still be read. */
static tw_status map_file(tw_array **array, const struct npy_file *file, tw_error *error)
{
    const struct tw__npy_header *header = &file->header;
    tw_array *made = NULL;
    int64_t bytes;
    const tw_status status = tw__array_new(&made, &header->dtype, header->ndim, header->shape, &bytes, error);
    if (status != TW_OK) {
        return status;
    }
    const size_t length = (size_t)(header->data_offset + bytes);
    if (tw__map_file(&made->base, length, file->fd, 0) != 0) {
        tw_array_destroy(made);
        return TW_OK;
    }
    made->bytes = length;
    made->memory = TW_MAPPED;
    made->mapped_at = tw__now();
    made->view.data = (char *)made->base + header->data_offset;
    *array = made;
    return TW_OK;
}

static tw_status read_elements(tw_array **array, const struct npy_file *file, struct tw__heap *heap, tw_error *error)
{
    const struct tw__npy_header *header = &file->header;
    tw_array *made = NULL;
    const tw_status status = tw__array_create(&made, heap, &header->dtype, header->ndim, header->shape, error);
    if (status != TW_OK) {
        return status;
    }
    size_t have = 0;
    const int failed = read_bytes(file, made->view.data, (size_t)header->data_bytes, header->data_offset, &have);
    if (failed != 0 || have < (size_t)header->data_bytes) {
        tw_array_destroy(made);
        return failed != 0 ? fail_read(file, failed, error)
                           : fail_end(file, (int64_t)have, header->data_bytes, "data", error);
    }
    if (header->swapped) {
        const int width = tw__number_width(header->dtype.kind);
        tw__swap_bytes(made->view.data, header->data_bytes / width, width);
    }
    *array = made;
    return TW_OK;
}

/* What tells this file from the same one with other contents. What comes through a stream has nothing but those. */
static tw_status say_origin(tw_array *array, const struct npy_file *file, tw_error *error)
{
    char moment[64], text[160];
    if (file->is_stream) {
        return TW_OK;
    }
    tw__moment_text(moment, sizeof moment, file->changed_at);
    snprintf(text, sizeof text, "file of %" PRId64 " bytes, changed %s", file->size, moment);
    return tw__array_set_origin(array, text, error);
}

tw_status tw__npy_open(tw_array **array, struct tw__heap *heap, const char *path, tw_error *error)
{
    struct npy_file file = {.fd = -1, .path = path};
    tw_array *made = NULL;
    tw_status status = open_file(&file, error);
    if (status == TW_OK) {
        status = read_header(&file, error);
    }
    const struct tw__npy_header *header = &file.header;
    if (status == TW_OK && !file.is_stream && !header->swapped && header->data_offset % header->dtype.alignment == 0) {
        status = map_file(&made, &file, error);
    }
    if (status == TW_OK && made == NULL) {
        status = read_elements(&made, &file, heap, error);
    }
    if (status == TW_OK) {
        if (header->fortran) {
            tw__strides_fortran(header->ndim, header->shape, header->dtype.itemsize, made->view.strides);
        }
        status = say_origin(made, &file, error);
    }
    if (status == TW_OK) {
        *array = made;
    } else {
        tw_array_destroy(made);
    }
    tw__npy_fini(&file.header);
    if (file.fd >= 0) {
        tw__file_close(file.fd);
    }
    return status;
}
