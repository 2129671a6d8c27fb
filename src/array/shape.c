/* shape.c - arithmetic on shapes and strides, and the order of bytes. Knows neither views nor who owns memory. */
#include "array/shape.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"

void tw__shape_text(int ndim, const int64_t *shape, char *text, size_t size)
{
    struct tw__text out;
    tw__text_init(&out, text, size);
    if (ndim == 0) {
        tw__text_add(&out, "a single item");
    }
    for (int d = 0; d < ndim; d++) {
        tw__text_add(&out, "%s%" PRId64, d == 0 ? "" : " x ", shape[d]);
    }
}

tw_status tw__shape_check(int ndim, const int64_t *shape, int64_t itemsize, int64_t *bytes, tw_status status,
                          const char *what, tw_error *error)
{
    if (ndim < 0 || ndim > TW_MAX_DIMS) {
        return tw__fail(error, status, "%s has %d dimensions; an array has 0 to %d", what, ndim, TW_MAX_DIMS);
    }
    int64_t product = itemsize > 0 ? itemsize : 1;
    int fits = 1, empty = itemsize == 0;
    for (int d = 0; d < ndim; d++) {
        if (shape[d] < 0) {
            return tw__fail(error, status, "%s has length %" PRId64 " in dimension %d; a length is 0 or more", what,
                            shape[d], d);
        }
        empty = empty || shape[d] == 0;
        fits = fits && tw__mul(product, shape[d] > 0 ? shape[d] : 1, &product);
    }
    if (!fits) {
        char text[256];
        tw__shape_text(ndim, shape, text, sizeof text);
        return tw__fail(error, status, "%s has shape %s of %" PRId64 " bytes an item, more than 2^63 bytes", what, text,
                        itemsize);
    }
    *bytes = empty ? 0 : product;
    return TW_OK;
}

void tw__strides_c(int ndim, const int64_t *shape, int64_t itemsize, int64_t *strides)
{
    int64_t step = itemsize;
    for (int d = ndim - 1; d >= 0; d--) {
        strides[d] = step;
        step *= shape[d] > 0 ? shape[d] : 1;
    }
}

void tw__strides_fortran(int ndim, const int64_t *shape, int64_t itemsize, int64_t *strides)
{
    int64_t step = itemsize;
    for (int d = 0; d < ndim; d++) {
        strides[d] = step;
        step *= shape[d] > 0 ? shape[d] : 1;
    }
}

void tw__swap_bytes(void *data, int64_t count, int width)
{
    char *at = data;
    for (int64_t k = 0; k < count; k++, at += width) {
        switch (width) {
        case 2: {
            uint16_t number;
            memcpy(&number, at, sizeof number);
            number = __builtin_bswap16(number);
            memcpy(at, &number, sizeof number);
            break;
        }
        case 4: {
            uint32_t number;
            memcpy(&number, at, sizeof number);
            number = __builtin_bswap32(number);
            memcpy(at, &number, sizeof number);
            break;
        }
        default: {
            uint64_t number;
            memcpy(&number, at, sizeof number);
            number = __builtin_bswap64(number);
            memcpy(at, &number, sizeof number);
        }
        }
    }
}
