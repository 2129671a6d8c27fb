/* constant.c - one item from a number. Knows neither shapes nor files. */
#include "array/constant.h"

#include <math.h>
#include <string.h>

#include "array/dtype.h"

/* A whole number in [low, high), both powers of two or 0: its bits, of 64. */
static int whole(double value, double low, double high, uint64_t *bits)
{
    if (!(value >= low && value < high) || trunc(value) != value) {
        return 0;
    }
    *bits = value < 0 ? 0 - (uint64_t)-value : (uint64_t)value;
    return 1;
}

static int integer(const tw_dtype *dtype, int is_signed, double value, void *item)
{
    const int width = 8 * (int)dtype->itemsize;
    uint64_t bits;
    if (!whole(value, is_signed ? -ldexp(1, width - 1) : 0, ldexp(1, width - is_signed), &bits)) {
        return 0;
    }
    const uint8_t one = (uint8_t)bits;
    const uint16_t two = (uint16_t)bits;
    const uint32_t four = (uint32_t)bits;
    const void *all[] = {&one, &two, &four, &bits};
    memcpy(item, all[width == 8 ? 0 : width == 16 ? 1 : width == 32 ? 2 : 3], (size_t)dtype->itemsize);
    return 1;
}

/* A float of 2, 4 or 8 bytes. */
static int real_part(int64_t size, double value, char *item)
{
    const float single = (float)value;
    const uint16_t half = tw__half_from_double(value);
    if (isfinite(value) && ((size == 4 && !isfinite(single)) || (size == 2 && !isfinite(tw__half_to_double(half))))) {
        return 0;
    }
    const void *const number = size == 2 ? (const void *)&half : size == 4 ? (const void *)&single : &value;
    memcpy(item, number, (size_t)size);
    return 1;
}

/* Numbers in the other byte order, which are opaque to kernels: ">f8". */
static int swapped(const tw_dtype *dtype, double real, double imag, char *item)
{
    struct tw__type type;
    char native[16];
    if (dtype->descr == NULL || tw__type_parse(&type, dtype->descr, strlen(dtype->descr)) != NULL || !type.swapped ||
        !tw__item_of_number(&type.dtype, real, imag, native)) {
        return 0;
    }
    const int64_t width = tw__number_width(type.dtype.kind);
    for (int64_t k = 0; k < type.dtype.itemsize; k++) {
        item[k] = native[k - k % width + width - 1 - k % width];
    }
    return 1;
}

int tw__item_of_number(const tw_dtype *dtype, double real, double imag, void *item)
{
    char *const to = item;
    if (dtype->kind == TW_OPAQUE) {
        return swapped(dtype, real, imag, to);
    }
    if (dtype->kind == TW_COMPLEX64 || dtype->kind == TW_COMPLEX128) {
        const int64_t half = dtype->itemsize / 2;
        char parts[16];
        if (!real_part(half, real, parts) || !real_part(half, imag, parts + half)) {
            return 0;
        }
        memcpy(to, parts, (size_t)dtype->itemsize);
        return 1;
    }
    if (imag < 0 || imag > 0 || isnan(imag)) {
        return 0;
    }
    switch (dtype->kind) {
    case TW_FLOAT16:
    case TW_FLOAT32:
    case TW_FLOAT64:
        return real_part(dtype->itemsize, real, to);
    case TW_BOOL:
        return real <= 1 && integer(dtype, 0, real, item);
    case TW_INT8:
    case TW_INT16:
    case TW_INT32:
    case TW_INT64:
        return integer(dtype, 1, real, item);
    case TW_UINT8:
    case TW_UINT16:
    case TW_UINT32:
    case TW_UINT64:
        return integer(dtype, 0, real, item);
    default:
        return 0;
    }
}
