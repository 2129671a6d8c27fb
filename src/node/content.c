/* content.c - what the finished files of a job contain, as one number. Knows no journals and no marks. */
#include "node/content.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "array/array.h"
#include "array/sum.h"
#include "grid/grid.h"
#include "record/partials.h"
#include "store/store.h"

tw_status tw__content_sum(uint64_t *sum, const tw_outputs *outputs, tw_array *const *arrays, struct tw__box *boxes,
                          uint64_t tile, tw_error *error)
{
    tw_view views[TW_MAX_OPERANDS];
    void *copies[TW_MAX_OPERANDS] = {NULL};
    tw_status status = TW_OK;
    const int count = tw__written(boxes, outputs->grid, tile);
    for (int k = 0; status == TW_OK && k < count; k++) {
        const tw_array *array = boxes[k].operand < TW__TEMPORARY
                                    ? arrays[boxes[k].operand]
                                    : outputs->partials->array[boxes[k].operand - TW__TEMPORARY];
        status = tw__store_view(&views[k], &copies[k], array, boxes[k].start, boxes[k].shape, error);
    }
    if (status == TW_OK) {
        *sum = tw__sum(views, count);
        *sum += *sum == 0; /* as workers do */
    }
    for (int k = 0; k < count; k++) {
        free(copies[k]);
    }
    return status;
}

/* Whether all that the tile has written are parts of files. */
static int is_of_files(const tw_outputs *outputs, const struct tw__box *boxes, int count)
{
    for (int k = 0; k < count; k++) {
        if (boxes[k].operand >= TW__TEMPORARY || outputs->files[boxes[k].operand] == NULL) {
            return 0;
        }
    }
    return count > 0;
}

static int64_t elements_of(const int64_t *shape, int ndim)
{
    int64_t elements = 1;
    for (int d = 0; d < ndim; d++) {
        elements *= shape[d];
    }
    return elements;
}

/* Whether such tiles have written every element of every file. */
static int is_all(const tw_outputs *outputs, struct tw__box *boxes)
{
    int64_t shape[TW_MAX_DIMS], missing[TW_MAX_OPERANDS] = {0};
    for (int k = 0; k < outputs->noperands; k++) {
        if (outputs->files[k] != NULL) {
            missing[k] = elements_of(shape, tw__grid_shape(outputs->grid, k, shape));
        }
    }
    for (uint64_t tile = 0; tile < outputs->grid->count; tile++) {
        const int written = tw__written(boxes, outputs->grid, tile);
        const int count = is_of_files(outputs, boxes, written) ? written : 0;
        for (int k = 0; k < count; k++) {
            missing[boxes[k].operand] -= elements_of(boxes[k].shape, boxes[k].ndim);
        }
    }
    for (int k = 0; k < outputs->noperands; k++) {
        if (missing[k] != 0) {
            return 0;
        }
    }
    return 1;
}

/* One number of those of the tiles, in their order: of sums[], or, if that is NULL, of what arrays[] contain. 0: it is
 * not known. */
static uint64_t add_up(const tw_outputs *outputs, const uint64_t *sums, tw_array *const *arrays)
{
    struct tw__box *boxes = malloc(TW_MAX_OPERANDS * sizeof *boxes);
    tw_status status = boxes != NULL && outputs->where.count == 0 && is_all(outputs, boxes) ? TW_OK : TW_ERROR_MEMORY;
    uint64_t content = 0, sum = 0;
    for (uint64_t tile = 0; status == TW_OK && tile < outputs->grid->count; tile++) {
        if (!is_of_files(outputs, boxes, tw__written(boxes, outputs->grid, tile))) {
            continue;
        }
        if (sums != NULL) {
            sum = sums[tile];
        } else {
            status = tw__content_sum(&sum, outputs, arrays, boxes, tile, NULL);
        }
        content = XXH64(&sum, sizeof sum, content);
    }
    free(boxes);
    return status == TW_OK ? content + (content == 0) : 0;
}

uint64_t tw__content_of(const tw_outputs *outputs, const uint64_t *sums)
{
    return add_up(outputs, sums, NULL);
}

static int has_shape(const tw_array *array, const tw_grid *grid, int k)
{
    int64_t shape[TW_MAX_DIMS];
    const int ndim = tw__grid_shape(grid, k, shape);
    for (int d = 0; d < ndim && ndim == array->view.ndim; d++) {
        if (array->view.shape[d] != shape[d]) {
            return 0;
        }
    }
    return ndim == array->view.ndim;
}

int tw__content_is_there(const tw_outputs *outputs, uint64_t content)
{
    tw_array *arrays[TW_MAX_OPERANDS] = {NULL};
    int is_there = content != 0;
    for (int k = 0; is_there && k < outputs->noperands; k++) {
        if (outputs->files[k] != NULL) {
            is_there = tw_array_open(&arrays[k], NULL, outputs->files[k], NULL) == TW_OK &&
                       has_shape(arrays[k], outputs->grid, k);
        }
    }
    is_there = is_there && add_up(outputs, NULL, arrays) == content;
    for (int k = 0; k < outputs->noperands; k++) {
        tw_array_destroy(arrays[k]);
    }
    return is_there;
}
