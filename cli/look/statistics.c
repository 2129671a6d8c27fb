/* statistics.c - smallest, largest and mean item of a view, in one walk over its memory. Knows nothing of printing. */
#include "look/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

tw_view cli_view_part(const tw_view *view, int part)
{
    tw_view result = *view;
    result.dtype = tw_dtype_of(view->dtype.kind == TW_COMPLEX64 ? TW_FLOAT32 : TW_FLOAT64);
    result.data = (char *)view->data + part * result.dtype.itemsize;
    return result;
}

/* Doubles hold all kinds exactly but the two widest integers. */
static int is_less(tw_kind kind, const void *a, double a_value, const void *b, double b_value)
{
    if (kind == TW_INT64) {
        int64_t x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return x < y;
    }
    if (kind == TW_UINT64) {
        uint64_t x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return x < y;
    }
    return a_value < b_value;
}

/* The same items with the dimensions ordered by stride, so that memory is walked front to back. */
static tw_view in_memory_order(const tw_view *view)
{
    tw_view result = *view;
    for (int d = 1; d < result.ndim; d++) {
        for (int e = d; e > 0 && llabs(result.strides[e - 1]) < llabs(result.strides[e]); e--) {
            const int64_t stride = result.strides[e], length = result.shape[e];
            result.strides[e] = result.strides[e - 1];
            result.shape[e] = result.shape[e - 1];
            result.strides[e - 1] = stride;
            result.shape[e - 1] = length;
        }
    }
    return result;
}

struct walk {
    struct cli_statistics *statistics;
    double least, most;
    long double sum;
};

static void add_row(struct walk *walk, const tw_dtype *dtype, const char *item, int64_t length, int64_t stride)
{
    struct cli_statistics *s = walk->statistics;
    for (int64_t k = 0; k < length; k++, item += stride) {
        const double value = tw_item_to_double(dtype, item);
        if (isnan(value)) {
            s->nans++;
            continue;
        }
        s->count++;
        walk->sum += (long double)value;
        if (s->least == NULL || is_less(dtype->kind, item, value, s->least, walk->least)) {
            s->least = item;
            walk->least = value;
        }
        if (s->most == NULL || is_less(dtype->kind, s->most, walk->most, item, value)) {
            s->most = item;
            walk->most = value;
        }
    }
}

void cli_statistics_of(struct cli_statistics *statistics, const tw_view *view)
{
    const tw_view v = in_memory_order(view);
    struct walk walk = {.statistics = statistics};
    int64_t index[TW_MAX_DIMS] = {0};
    const char *row = v.data;
    const int last = v.ndim - 1;
    *statistics = (struct cli_statistics){0};
    if (tw_view_size(&v) == 0) {
        return;
    }
    for (int d = 0; d >= 0;) {
        add_row(&walk, &v.dtype, row, v.ndim > 0 ? v.shape[last] : 1, v.ndim > 0 ? v.strides[last] : 0);
        for (d = last - 1; d >= 0; d--) {
            row += v.strides[d];
            if (++index[d] < v.shape[d]) {
                break;
            }
            row -= index[d] * v.strides[d];
            index[d] = 0;
        }
    }
    statistics->mean = statistics->count > 0 ? (double)(walk.sum / (long double)statistics->count) : NAN;
}
