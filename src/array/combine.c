/* combine.c - folds of two views, element by element. A function for each fold and kind, over one row; knows nothing of
 * where partials come from. */
#include "array/combine.h"

#include <stdint.h>
#include <string.h>

#include "array/view.h"
#include "base/error.h"

/* Rows of n items; the last arguments are the strides in bytes. */
typedef void combine_row(char *into, const char *part, int64_t n, int64_t step, int64_t part_step);

/* One loop for items that follow each other, which the compiler makes wide, and one for others. */
#define ROW(name, type, expression)                                                                                    \
    static void name(char *into, const char *part, int64_t n, int64_t step, int64_t part_step)                         \
    {                                                                                                                  \
        if (step == (int64_t)sizeof(type) && part_step == (int64_t)sizeof(type)) {                                     \
            type *restrict to = (type *)(void *)into;                                                                  \
            const type *restrict from = (const type *)(const void *)part;                                              \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const type a = to[i], b = from[i];                                                                     \
                to[i] = (expression);                                                                                  \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            type *to = (type *)(void *)(into + i * step);                                                              \
            const type a = *to, b = *(const type *)(const void *)(part + i * part_step);                               \
            *to = (expression);                                                                                        \
        }                                                                                                              \
    }

/* Sums and products wrap, which signed types of C do not promise. */
#define WHOLE_ROWS(suffix, type, wraps)                                                                                \
    ROW(sum_##suffix, wraps, (wraps)(a + b))                                                                           \
    ROW(prod_##suffix, wraps, (wraps)(1u * a * b))                                                                     \
    ROW(min_##suffix, type, a < b ? a : b)                                                                             \
    ROW(max_##suffix, type, a > b ? a : b)                                                                             \
    ROW(any_##suffix, type, (type)((a != 0) | (b != 0)))                                                               \
    ROW(all_##suffix, type, (type)((a != 0) & (b != 0)))

#define REAL_ROWS(suffix, type)                                                                                        \
    ROW(sum_##suffix, type, a + b)                                                                                     \
    ROW(prod_##suffix, type, a *b)                                                                                     \
    ROW(min_##suffix, type, ((a < b) | (a != a)) ? a : b)                                                              \
    ROW(max_##suffix, type, ((a > b) | (a != a)) ? a : b)                                                              \
    ROW(any_##suffix, type, (type)((a != 0) | (b != 0)))                                                               \
    ROW(all_##suffix, type, (type)((a != 0) & (b != 0)))

WHOLE_ROWS(i8, int8_t, uint8_t)
WHOLE_ROWS(i16, int16_t, uint16_t)
WHOLE_ROWS(i32, int32_t, uint32_t)
WHOLE_ROWS(i64, int64_t, uint64_t)
WHOLE_ROWS(u8, uint8_t, uint8_t)
WHOLE_ROWS(u16, uint16_t, uint16_t)
WHOLE_ROWS(u32, uint32_t, uint32_t)
WHOLE_ROWS(u64, uint64_t, uint64_t)
REAL_ROWS(f32, float)
REAL_ROWS(f64, double)

/* ---- bool: any byte but 0 is true ---- */

ROW(any_bool, uint8_t, (uint8_t)((a != 0) | (b != 0)))
ROW(all_bool, uint8_t, (uint8_t)((a != 0) & (b != 0)))

/* ---- float16 ---- */

static float from_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, size = half & 0x7fff;
    uint32_t bits = sign | ((size << 13) + ((uint32_t)112 << 23));
    float value;
    if (size >= 0x7c00) {
        bits = sign | 0x7f800000 | (size & 0x3ff) << 13;
    } else if (size < 0x400) { /* in units of 2^-24 */
        value = (float)size * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To the nearest, ties to even. */
static uint16_t to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t size = bits & 0x7fffffff;
    if (size > 0x7f800000) {
        return sign | 0x7e00;
    }
    if (size >= 0x477ff000) { /* 65520 and more */
        return sign | 0x7c00;
    }
    if (size <
        0x38800000) { /* below 2^-14: units of 2^-24, rounded by the addition of what has these as its last place */
        float small;
        memcpy(&small, &size, sizeof small);
        small += 0.5f;
        uint32_t units;
        memcpy(&units, &small, sizeof units);
        return sign | (uint16_t)(units - 0x3f000000);
    }
    const uint32_t rounded = size + 0xfff + (size >> 13 & 1);
    return sign | (uint16_t)((rounded >> 13) - (112 << 10));
}

#define HALF_IS_NAN(a) (((a)&0x7fff) > 0x7c00)
ROW(sum_f16, uint16_t, to_half(from_half(a) + from_half(b)))
ROW(prod_f16, uint16_t, to_half(from_half(a) * from_half(b)))
ROW(min_f16, uint16_t, HALF_IS_NAN(a) || from_half(a) < from_half(b) ? a : b)
ROW(max_f16, uint16_t, HALF_IS_NAN(a) || from_half(a) > from_half(b) ? a : b)
ROW(any_f16, uint16_t, ((a | b) & 0x7fff) != 0 ? 0x3c00 : 0)
ROW(all_f16, uint16_t, (a & 0x7fff) != 0 && (b & 0x7fff) != 0 ? 0x3c00 : 0)

/* ---- complex: ordered by the real part, then the imaginary one, as NumPy does ---- */

#define COMPLEX_ROWS(suffix, part_type)                                                                                \
    struct suffix {                                                                                                    \
        part_type re, im;                                                                                              \
    };                                                                                                                 \
    static int nan_##suffix(struct suffix a)                                                                           \
    {                                                                                                                  \
        return (a.re != a.re) | (a.im != a.im);                                                                        \
    }                                                                                                                  \
    static int less_##suffix(struct suffix a, struct suffix b)                                                         \
    {                                                                                                                  \
        return a.re < b.re || (a.re == b.re && a.im < b.im);                                                           \
    }                                                                                                                  \
    static int true_##suffix(struct suffix a)                                                                          \
    {                                                                                                                  \
        return (a.re != 0) | (a.im != 0);                                                                              \
    }                                                                                                                  \
    ROW(sum_##suffix, struct suffix, ((struct suffix){a.re + b.re, a.im + b.im}))                                      \
    ROW(prod_##suffix, struct suffix, ((struct suffix){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}))         \
    ROW(min_##suffix, struct suffix, nan_##suffix(a) || (!nan_##suffix(b) && !less_##suffix(b, a)) ? a : b)            \
    ROW(max_##suffix, struct suffix, nan_##suffix(a) || (!nan_##suffix(b) && !less_##suffix(a, b)) ? a : b)            \
    ROW(any_##suffix, struct suffix, ((struct suffix){(part_type)(true_##suffix(a) | true_##suffix(b)), 0}))           \
    ROW(all_##suffix, struct suffix, ((struct suffix){(part_type)(true_##suffix(a) & true_##suffix(b)), 0}))

COMPLEX_ROWS(c64, float)
COMPLEX_ROWS(c128, double)

/* ---- the table ---- */

#define ALL_OF(suffix)                                                                                                 \
    {                                                                                                                  \
        [TW_FOLD_SUM] = sum_##suffix, [TW_FOLD_PROD] = prod_##suffix, [TW_FOLD_MIN] = min_##suffix,                    \
        [TW_FOLD_MAX] = max_##suffix, [TW_FOLD_ANY] = any_##suffix, [TW_FOLD_ALL] = all_##suffix                       \
    }

static combine_row *const rows_of[TW_COMPLEX128 + 1][TW_FOLD_KERNEL + 1] = {
    [TW_BOOL] = {[TW_FOLD_SUM] = any_bool,
                 [TW_FOLD_PROD] = all_bool,
                 [TW_FOLD_MIN] = all_bool,
                 [TW_FOLD_MAX] = any_bool,
                 [TW_FOLD_ANY] = any_bool,
                 [TW_FOLD_ALL] = all_bool},
    [TW_INT8] = ALL_OF(i8),
    [TW_INT16] = ALL_OF(i16),
    [TW_INT32] = ALL_OF(i32),
    [TW_INT64] = ALL_OF(i64),
    [TW_UINT8] = ALL_OF(u8),
    [TW_UINT16] = ALL_OF(u16),
    [TW_UINT32] = ALL_OF(u32),
    [TW_UINT64] = ALL_OF(u64),
    [TW_FLOAT16] = ALL_OF(f16),
    [TW_FLOAT32] = ALL_OF(f32),
    [TW_FLOAT64] = ALL_OF(f64),
    [TW_COMPLEX64] = ALL_OF(c64),
    [TW_COMPLEX128] = ALL_OF(c128),
};

const char *tw__fold_name(tw_fold fold)
{
    static const char *const names[] = {"none", "sum", "prod", "min", "max", "any", "all", "kernel"};
    return (unsigned)fold <= TW_FOLD_KERNEL ? names[fold] : "unknown";
}

tw_status tw__combine_check(tw_fold fold, const tw_dtype *dtype, const char *name, tw_error *error)
{
    if (fold == TW_FOLD_NONE || fold == TW_FOLD_KERNEL || rows_of[dtype->kind][fold] != NULL) {
        return TW_OK;
    }
    return tw__fail(
        error, TW_ERROR_ARGUMENT,
        "%s has items of dtype %s, which have no %s; fold them with a function of your own, of two operands", name,
        tw_dtype_name(dtype), tw__fold_name(fold));
}

void tw__combine(tw_fold fold, const tw_view *into, const tw_view *part)
{
    combine_row *const row = rows_of[into->dtype.kind][fold];
    const int outer = into->ndim > 0 ? into->ndim - 1 : 0;
    const int64_t n = into->ndim > 0 ? into->shape[outer] : 1;
    const int64_t step = into->ndim > 0 ? into->strides[outer] : 0, other = into->ndim > 0 ? part->strides[outer] : 0;
    struct tw__rows rows;
    if (tw_view_size(into) == 0) {
        return;
    }
    tw__rows_first(&rows, outer, into->shape, into->strides, part->strides);
    do {
        row((char *)into->data + rows.offset[0], (const char *)part->data + rows.offset[1], n, step, other);
    } while (tw__rows_next(&rows));
}

/* ---- the value that changes nothing ---- */

union item {
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    float f32[2];
    double f64[2];
    char bytes[16];
};

/* The least (sign -1) or the greatest value of a kind. */
static union item extreme(tw_kind kind, int sign)
{
    union item item = {.bytes = {0}};
    const float f32 = (float)sign * __builtin_inff();
    const double f64 = sign * __builtin_inf();
    switch (kind) {
    case TW_INT8:
        item.i8 = sign < 0 ? INT8_MIN : INT8_MAX;
        break;
    case TW_INT16:
        item.i16 = sign < 0 ? INT16_MIN : INT16_MAX;
        break;
    case TW_INT32:
        item.i32 = sign < 0 ? INT32_MIN : INT32_MAX;
        break;
    case TW_INT64:
        item.i64 = sign < 0 ? INT64_MIN : INT64_MAX;
        break;
    case TW_BOOL:
        item.i8 = sign > 0;
        break;
    case TW_FLOAT16:
        item.i16 = (int16_t)(sign < 0 ? 0xfc00 : 0x7c00);
        break;
    case TW_FLOAT32:
    case TW_COMPLEX64:
        item.f32[0] = item.f32[1] = f32;
        break;
    case TW_FLOAT64:
    case TW_COMPLEX128:
        item.f64[0] = item.f64[1] = f64;
        break;
    default: /* unsigned */
        memset(item.bytes, sign < 0 ? 0 : 0xff, sizeof item.bytes);
    }
    return item;
}

static union item one(const tw_dtype *dtype)
{
    union item item = {.bytes = {0}};
    switch (dtype->kind) {
    case TW_FLOAT16:
        item.i16 = 0x3c00;
        return item;
    case TW_FLOAT32:
    case TW_COMPLEX64:
        item.f32[0] = 1;
        return item;
    case TW_FLOAT64:
    case TW_COMPLEX128:
        item.f64[0] = 1;
        return item;
    default:
        break;
    }
    switch (dtype->itemsize) {
    case 1:
        item.i8 = 1;
        break;
    case 2:
        item.i16 = 1;
        break;
    case 4:
        item.i32 = 1;
        break;
    default:
        item.i64 = 1;
    }
    return item;
}

static union item neutral(tw_fold fold, const tw_dtype *dtype)
{
    const union item zero = {.bytes = {0}};
    if (dtype->kind == TW_OPAQUE) {
        return zero;
    }
    switch (fold) {
    case TW_FOLD_PROD:
    case TW_FOLD_ALL:
        return one(dtype);
    case TW_FOLD_MIN:
        return extreme(dtype->kind, 1);
    case TW_FOLD_MAX:
        return extreme(dtype->kind, -1);
    default:
        return zero;
    }
}

static void fill_row(char *row, const union item *item, int64_t itemsize, int64_t n, int64_t step)
{
    if (step != itemsize) {
        for (int64_t i = 0; i < n; i++) {
            memcpy(row + i * step, item->bytes, (size_t)itemsize);
        }
        return;
    }
    memcpy(row, item->bytes, (size_t)itemsize);
    for (int64_t filled = 1; filled < n;) {
        const int64_t more = filled < n - filled ? filled : n - filled;
        memcpy(row + filled * itemsize, row, (size_t)(more * itemsize));
        filled += more;
    }
}

void tw__combine_begin(tw_fold fold, const tw_view *view)
{
    const union item item = neutral(fold, &view->dtype);
    const int64_t itemsize = view->dtype.itemsize;
    const int outer = view->ndim > 0 ? view->ndim - 1 : 0;
    const int64_t n = view->ndim > 0 ? view->shape[outer] : 1, step = view->ndim > 0 ? view->strides[outer] : itemsize;
    struct tw__rows rows;
    if (tw_view_size(view) == 0 || itemsize == 0) {
        return;
    }
    tw__rows_first(&rows, outer, view->shape, view->strides, view->strides);
    do {
        char *row = (char *)view->data + rows.offset[0];
        if (itemsize > (int64_t)sizeof item) { /* opaque items */
            for (int64_t i = 0; i < n; i++) {
                memset(row + i * step, 0, (size_t)itemsize);
            }
        } else {
            fill_row(row, &item, itemsize, n, step);
        }
    } while (tw__rows_next(&rows));
}
