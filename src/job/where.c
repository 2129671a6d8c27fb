/* where.c - a mask of elements made into a set of tiles. Knows arrays and the grid, not the run. */
#include "job/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/view.h"
#include "base/error.h"
#include "base/text.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "store/store.h"

static void axes_text(const tw_signature *signature, const int *axes, int ndim, char *text, size_t size)
{
    struct tw__text out;
    tw__text_init(&out, text, size);
    tw__text_add(&out, "[");
    for (int d = 0; d < ndim; d++) {
        tw__text_add(&out, "%s%s", d > 0 ? "," : "", signature->axes[axes[d]]);
    }
    tw__text_add(&out, "]");
}

void tw__where_axes_text(const struct tw__where *where, const tw_signature *signature, char *text, size_t size)
{
    axes_text(signature, where->axes, where->mask->view.ndim, text, size);
}

/* The operand whose axes a mask has by default: the first output, else the first operand. NULL: the job has none. */
static const tw_operand *default_operand(const tw_signature *signature)
{
    for (int k = 0; k < signature->noperands; k++) {
        if (signature->operands[k].role != TW_IN) {
            return &signature->operands[k];
        }
    }
    return signature->noperands > 0 ? &signature->operands[0] : NULL;
}

static tw_status take_default_axes(struct tw__where *where, const tw_signature *signature, tw_error *error)
{
    const tw_operand *operand = default_operand(signature);
    const int ndim = operand != NULL ? operand->ndim : signature->naxes;
    int axes[TW__MAX_AXES];
    for (int d = 0; d < ndim; d++) {
        axes[d] = operand != NULL ? operand->axes[d] : d;
    }
    if (where->mask->view.ndim != ndim) {
        char text[512];
        axes_text(signature, axes, ndim, text, sizeof text);
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "where has %d dimensions but %s has %d, %s; say which axes it has, such as [%s]",
                        where->mask->view.ndim, operand != NULL ? operand->name : "the job", ndim, text,
                        signature->naxes > 0 ? signature->axes[0] : "i");
    }
    memcpy(where->axes, axes, (size_t)ndim * sizeof axes[0]);
    return TW_OK;
}

/* "[i,j]" or "m[i,j]": the library's own reader says what is wrong with it. */
static tw_status take_axes(struct tw__where *where, const tw_signature *job, const char *axes, tw_error *error)
{
    char text[TW__MAX_SIGNATURE_TEXT];
    tw_signature *read = NULL;
    snprintf(text, sizeof text, "%s%s", axes[strspn(axes, " \t")] == '[' ? "where" : "", axes);
    tw_status status = tw_signature_parse(&read, text, error);
    if (status != TW_OK) {
        return status;
    }
    const tw_operand *operand = &read->operands[0];
    if (read->noperands != 1 || operand->role != TW_IN) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "where is one mask with its axes, such as [i,j], not '%s'", axes);
    } else if (read->nhalos > 0) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "where has no halo, unlike '%s'", axes);
    } else if (operand->ndim != where->mask->view.ndim) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "where has %d dimensions but '%s' names %d axes",
                          where->mask->view.ndim, axes, operand->ndim);
    }
    for (int d = 0; status == TW_OK && d < operand->ndim; d++) {
        const char *name = read->axes[operand->axes[d]];
        where->axes[d] = tw_signature_find_axis(job, name);
        if (where->axes[d] < 0) {
            status = tw__fail(error, TW_ERROR_ARGUMENT, "where has the axis %s, which the job does not have", name);
        }
    }
    tw_signature_destroy(read);
    return status;
}

static tw_status check_lengths(const struct tw__where *where, const tw_grid *grid, tw_error *error)
{
    const tw_view *view = &where->mask->view;
    for (int d = 0; d < view->ndim; d++) {
        const int64_t length = grid->axes[where->axes[d]].length;
        if (view->shape[d] != length && view->shape[d] != 1) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s has length %lld but where has %lld there",
                            grid->signature->axes[where->axes[d]], (long long)length, (long long)view->shape[d]);
        }
    }
    return TW_OK;
}

/* Whether any of `count` items is true. */
static int any_in_row(const char *at, int64_t count, int64_t stride)
{
    unsigned char any = 0;
    for (int64_t n = 0; any == 0 && n < count; n += 4096) { /* not item by item: whole blocks are compared at once */
        const int64_t end = count - n < 4096 ? count : n + 4096;
        if (stride == 1) {
            for (int64_t k = n; k < end; k++) {
                any |= (unsigned char)at[k];
            }
        } else {
            for (int64_t k = n; k < end; k++) {
                any |= (unsigned char)at[k * stride];
            }
        }
    }
    return any != 0;
}

static int any_in(const tw_view *view)
{
    const int last = view->ndim - 1;
    struct tw__rows rows;
    if (tw_view_size(view) == 0) {
        return 0;
    }
    tw__rows_first(&rows, last > 0 ? last : 0, view->shape, view->strides, view->strides);
    do {
        if (any_in_row((const char *)view->data + rows.offset[0], last >= 0 ? view->shape[last] : 1,
                       last >= 0 ? view->strides[last] : 0)) {
            return 1;
        }
    } while (tw__rows_next(&rows));
    return 0;
}

/* *any: an element of the tile is wanted. */
static tw_status look_at_tile(const struct tw__where *where, const tw_grid *grid, uint64_t tile, int *any,
                              tw_error *error)
{
    int64_t from[TW__MAX_AXES], to[TW__MAX_AXES], start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    const tw_view *whole = &where->mask->view;
    tw_view view;
    void *copy = NULL;
    tw_grid_tile(grid, tile, from, to);
    for (int d = 0; d < whole->ndim; d++) {
        const int a = where->axes[d];
        const int all = whole->shape[d] == 1;
        start[d] = all ? 0 : from[a];
        shape[d] = all ? 1 : to[a] - from[a];
    }
    const tw_status status = tw__store_view(&view, &copy, where->mask, start, shape, error);
    if (status == TW_OK) {
        *any = any_in(&view);
        free(copy);
    }
    return status;
}

tw_status tw__where_create(struct tw__where *where, const tw_grid *grid, const tw_array *array, const char *axes,
                           tw_error *error)
{
    *where = (struct tw__where){.mask = array};
    if (array->view.dtype.kind != TW_BOOL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "where is an array of bool, not of %s",
                        tw_dtype_name(&array->view.dtype));
    }
    if (grid->stages != NULL) {
        return tw__fail(
            error, TW_ERROR_ARGUMENT,
            "where leaves whole tiles out, so a reduction over an axis that is cut would depend on the cuts; "
            "use the mask in the kernel or the statement");
    }
    tw_status status = axes != NULL ? take_axes(where, grid->signature, axes, error)
                                    : take_default_axes(where, grid->signature, error);
    if (status == TW_OK) {
        status = check_lengths(where, grid, error);
    }
    if (status != TW_OK) {
        return status;
    }
    where->skipped = calloc((size_t)(grid->count / 64 + 1), sizeof *where->skipped);
    if (where->skipped == NULL) {
        return tw__fail_memory(error, (size_t)(grid->count / 8 + 1), "the tiles that are left out");
    }
    for (uint64_t tile = 0; status == TW_OK && tile < grid->count; tile++) {
        int any = 1;
        status = look_at_tile(where, grid, tile, &any, error);
        if (!any) {
            where->skipped[tile / 64] |= UINT64_C(1) << tile % 64;
            where->count++;
        }
    }
    if (status != TW_OK) {
        tw__where_fini(where);
    }
    return status;
}

void tw__where_fini(struct tw__where *where)
{
    free(where->skipped);
    *where = (struct tw__where){0};
}

tw_status tw__where_copy(tw_array *const *to, const struct tw__where *where, const tw_grid *grid, tw_array *const *from,
                         tw_error *error)
{
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    tw_status status = TW_OK;
    for (uint64_t tile = 0; where->count > 0 && tile < grid->count; tile++) {
        for (int k = 0; status == TW_OK && tw__where_skips(where, tile) && k < grid->signature->noperands; k++) {
            if (to[k] == NULL) {
                continue;
            }
            tw_view source;
            void *copy;
            tw__grid_part(grid, tile, k, start, shape);
            status = tw__store_view(&source, &copy, from[k], start, shape, error);
            if (status == TW_OK) {
                const tw_view place = tw__view_part(&to[k]->view, start, shape);
                tw__view_copy(&place, &source);
                free(copy);
            }
        }
    }
    return status;
}
