/* fuzz_npy.c - any bytes as the front of a .npy file: refused with a sentence, or a header that, written again, is read
 * as the same. The bytes are followed by as much data as a 2^40 byte file has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/dtype.h"
#include "array/shape.h"
#include "store/npy/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_SIZE ((int64_t)1 << 40)

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Reads from a copy that ends where the header ends, so that a byte read past it is seen. */
static tw_status parse(struct tw__npy_header *header, const uint8_t *data, size_t size, tw_error *error)
{
    int64_t length = -1;
    const size_t front = size < TW__NPY_PREFIX ? size : TW__NPY_PREFIX;
    const tw_status status = tw__npy_length(&length, data, front, FILE_SIZE, "x.npy", error);
    if (status != TW_OK) {
        MUST(length == -1);
        return status;
    }
    MUST(length >= 10 && length <= (1 << 20) + 12);
    uint8_t *copy = calloc((size_t)length, 1);
    MUST(copy != NULL);
    memcpy(copy, data, size < (size_t)length ? size : (size_t)length);
    const tw_status parsed = tw__npy_parse(header, copy, length, FILE_SIZE, "x.npy", error);
    free(copy);
    return parsed;
}

static void check_header(const struct tw__npy_header *header)
{
    MUST(header->ndim >= 0 && header->ndim <= TW_MAX_DIMS);
    int64_t strides[TW_MAX_DIMS], bytes = header->dtype.itemsize;
    for (int d = 0; d < header->ndim; d++) {
        MUST(header->shape[d] >= 0);
        bytes *= header->shape[d]; /* the sanitizer sees an overflow */
    }
    MUST(bytes == header->data_bytes && header->data_offset + bytes <= FILE_SIZE);
    tw__strides_c(header->ndim, header->shape, header->dtype.itemsize, strides);
    tw__strides_fortran(header->ndim, header->shape, header->dtype.itemsize, strides);
    MUST((header->dtype.kind == TW_OPAQUE) == (header->descr != NULL));
    MUST(!header->swapped || tw__number_width(header->dtype.kind) > 1);
}

static void check_item(const tw_dtype *dtype, const uint8_t *data, size_t size)
{
    if ((size_t)dtype->itemsize <= size) {
        char text[128];
        MUST(tw_item_format(text, sizeof text, dtype, data) < (int)sizeof text);
        tw_item_to_double(dtype, data);
    }
}

static void check_written_again(const struct tw__npy_header *header)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    tw_array *array = NULL;
    int64_t size;
    MUST(tw__array_new(&array, &header->dtype, header->ndim, header->shape, &size, NULL) == TW_OK);
    const tw_view *view = tw_array_view(array);
    MUST(size == header->data_bytes && tw__dtype_same(&view->dtype, &header->dtype));
    if (tw__npy_format(&bytes, &length, &view->dtype, view->ndim, view->shape, TW__NPY_ALIGNMENT, NULL) == TW_OK &&
        (int64_t)length + size <= FILE_SIZE) {
        struct tw__npy_header again;
        MUST(length % 64 == 0);
        MUST(parse(&again, bytes, length, NULL) == TW_OK);
        MUST(tw__dtype_same(&again.dtype, &header->dtype) && !again.swapped && !again.fortran);
        MUST(again.ndim == header->ndim && again.data_offset == (int64_t)length);
        MUST(memcmp(again.shape, header->shape, (size_t)again.ndim * sizeof again.shape[0]) == 0);
        tw__npy_fini(&again);
    }
    free(bytes);
    tw_array_destroy(array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw__npy_header header;
    tw_error error = {0};
    if (parse(&header, data, size, &error) != TW_OK) {
        MUST(error.status == TW_ERROR_FORMAT && strncmp(error.message, "x.npy: ", 7) == 0);
        return 0;
    }
    check_header(&header);
    check_item(&header.dtype, data, size);
    check_written_again(&header);
    tw__npy_fini(&header);
    return 0;
}
