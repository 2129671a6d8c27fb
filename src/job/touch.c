/* touch.c - pages of outputs, made present before the first write. Knows views and bytes. */
#include "job/touch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array/view.h"
#include "os/map.h"

#define UNIT TW__HUGE_PAGE

int tw__region_set(struct tw__region *region, void *base, size_t size, int heap)
{
    const size_t bytes = (size / UNIT + 8) / 8;
    if (bytes > region->capacity) {
        uint8_t *more = realloc(region->touched, bytes);
        if (more == NULL) {
            return ENOMEM;
        }
        region->touched = more;
        region->capacity = bytes;
    }
    memset(region->touched, 0, bytes);
    region->base = base;
    region->size = size;
    region->heap = heap;
    return 0;
}

void tw__region_fini(struct tw__region *region)
{
    free(region->touched);
    *region = (struct tw__region){0};
}

static int is_touched(const struct tw__region *region, size_t unit)
{
    return region->touched[unit / 8] >> unit % 8 & 1;
}

/* Bytes [first, last) of the region, first < last. */
static int touch_bytes(struct tw__region *region, size_t first, size_t last, int64_t *populated)
{
    const size_t end = (last - 1) / UNIT + 1;
    for (size_t unit = first / UNIT; unit < end; unit++) {
        if (is_touched(region, unit)) {
            continue;
        }
        size_t stop = unit + 1;
        while (stop < end && !is_touched(region, stop)) {
            stop++;
        }
        const size_t from = unit * UNIT;
        const size_t to = stop * UNIT < region->size ? stop * UNIT : region->size;
        const int error = region->heap ? tw__populate_huge(region->base + from, to - from, &region->refused)
                                       : tw__populate(region->base + from, to - from);
        if (error != 0 && error != EINVAL) {
            return error;
        }
        if (error == 0) {
            *populated += (int64_t)(to - from);
        }
        for (; unit < stop; unit++) {
            region->touched[unit / 8] = (uint8_t)(region->touched[unit / 8] | 1u << unit % 8);
        }
    }
    return 0;
}

int tw__region_touch(struct tw__region *region, const tw_view *view, int64_t *populated)
{
    /* Inner dimensions whose extent lies within one unit are taken as one interval; the outer ones are walked. */
    int64_t low = 0, high = view->dtype.itemsize;
    int outer = view->ndim;
    if (tw_view_size(view) == 0 || high == 0) {
        return 0;
    }
    while (outer > 0) {
        const int64_t stride = view->strides[outer - 1], length = view->shape[outer - 1];
        const int64_t extent = stride * (length - 1);
        const int dense = (stride < 0 ? -stride : stride) <= high - low ||
                          (high - low) + (extent < 0 ? -extent : extent) <= (int64_t)UNIT;
        if (!dense) {
            break;
        }
        low += extent < 0 ? extent : 0;
        high += extent > 0 ? extent : 0;
        outer--;
    }
    const size_t data = (size_t)((char *)view->data - region->base);
    struct tw__rows rows;
    tw__rows_first(&rows, outer, view->shape, view->strides, view->strides);
    do {
        const size_t offset = data + (size_t)rows.offset[0];
        const int error = touch_bytes(region, offset + (size_t)low, offset + (size_t)high, populated);
        if (error != 0) {
            return error;
        }
    } while (tw__rows_next(&rows));
    return 0;
}
