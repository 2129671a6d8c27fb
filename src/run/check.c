/* check.c - a run's result against the same job computed as one serial tile, bit by bit. */
#include "run/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/view.h"
#include "base/error.h"
#include "grid/halo.h"
#include "grid/signature.h"
#include "job/bind.h"
#include "job/here.h"
#include "run/again.h"
#include "run/explain.h"
#include "store/store.h"

tw_status tw__check_begin(struct tw__check *check, const tw_kernel *kernel, const tw_grid *grid,
                          tw_array *const *arrays, tw_error *error)
{
    *check = (struct tw__check){.kernel = kernel, .grid = grid, .arrays = arrays};
    for (int k = 0; k < grid->signature->noperands; k++) {
        const tw_role role = grid->signature->operands[k].role;
        if (role == TW_IN) {
            continue;
        }
        const tw_view *view = &arrays[k]->view;
        tw_status status = tw__array_create(&check->again[k], NULL, &view->dtype, view->ndim, view->shape, error);
        if (status == TW_OK && role == TW_INOUT) {
            status = tw_array_copy(check->again[k], arrays[k], error);
        }
        if (status == TW_OK && tw__is_delivered(arrays[k])) {
            status = tw__array_create(&check->shown[k], NULL, &view->dtype, view->ndim, view->shape, error);
        }
        if (status != TW_OK) {
            tw__check_fini(check);
            return status;
        }
    }
    return TW_OK;
}

void tw__check_fini(struct tw__check *check)
{
    for (int k = 0; k < TW_MAX_OPERANDS; k++) {
        tw_array_destroy(check->again[k]);
        tw_array_destroy(check->shown[k]);
        check->again[k] = check->shown[k] = NULL;
    }
}

static double item_difference(const tw_dtype *dtype, const void *a, const void *b)
{
    if (dtype->kind == TW_OPAQUE) {
        return 0;
    }
    double worst = 0;
    const int parts = dtype->kind == TW_COMPLEX64 || dtype->kind == TW_COMPLEX128 ? 2 : 1;
    const tw_dtype part = parts == 1 ? *dtype : tw_dtype_of(dtype->kind == TW_COMPLEX64 ? TW_FLOAT32 : TW_FLOAT64);
    for (int k = 0; k < parts; k++) {
        const double x = tw_item_to_double(&part, (const char *)a + k * part.itemsize);
        const double y = tw_item_to_double(&part, (const char *)b + k * part.itemsize);
        const double difference = isnan(x) && isnan(y) ? 0 : x == y ? 0 : fabs(x - y);
        worst = isnan(difference) ? INFINITY : difference > worst ? difference : worst;
    }
    return worst;
}

/* Compares one operand; `first` gets the flat index of the first item that differs, -1 none. Rows that are alike cost
 * one memcmp. */
static void compare(const tw_view *a, const tw_view *b, int64_t *first, double *worst)
{
    const int64_t itemsize = a->dtype.itemsize;
    const int64_t row = a->ndim > 0 ? a->shape[a->ndim - 1] : 1;
    const int64_t step_a = a->ndim > 0 ? a->strides[a->ndim - 1] : 0,
                  step_b = a->ndim > 0 ? b->strides[a->ndim - 1] : 0;
    const int plain = row == 1 || (step_a == itemsize && step_b == itemsize);
    struct tw__rows rows;
    int64_t flat = 0;
    *first = -1;
    if (tw_view_size(a) == 0) {
        return;
    }
    tw__rows_first(&rows, a->ndim > 0 ? a->ndim - 1 : 0, a->shape, a->strides, b->strides);
    do {
        const char *at_a = (const char *)a->data + rows.offset[0], *at_b = (const char *)b->data + rows.offset[1];
        if (!plain || memcmp(at_a, at_b, (size_t)(row * itemsize)) != 0) {
            for (int64_t j = 0; j < row; j++) {
                const char *x = at_a + j * step_a, *y = at_b + j * step_b;
                if (memcmp(x, y, (size_t)itemsize) == 0) {
                    continue;
                }
                *first = *first < 0 ? flat + j : *first;
                const double difference = item_difference(&a->dtype, x, y);
                *worst = difference > *worst ? difference : *worst;
            }
        }
        flat += row;
    } while (tw__rows_next(&rows));
}

static int is_reduced(const tw_grid *grid)
{
    for (int k = 0; grid->stages != NULL && k < grid->signature->noperands; k++) {
        if (grid->stages->folds[k] != TW_FOLD_NONE) {
            return 1;
        }
    }
    return 0;
}

static tw_status report_difference(const struct tw__check *check, const tw_report_totals *totals, tw_error *error)
{
    const tw_operand *operand = &check->grid->signature->operands[totals->differing_operand];
    const tw_view *view = &check->arrays[totals->differing_operand]->view;
    char place[512];
    size_t length = 0;
    int64_t flat = totals->differing_index;
    int64_t index[TW_MAX_DIMS];
    for (int d = view->ndim - 1; d >= 0; d--) {
        index[d] = flat % view->shape[d];
        flat /= view->shape[d];
    }
    place[0] = '\0';
    for (int d = 0; d < view->ndim && length < sizeof place; d++) {
        length +=
            (size_t)snprintf(place + length, sizeof place - length, d == 0 ? "%lld" : ",%lld", (long long)index[d]);
    }
    const int reduced = is_reduced(check->grid);
    char box[512];
    tw_grid_tile_text(check->grid, (uint64_t)totals->differing_tile, box, sizeof box);
    tw__fail(
        error, TW_ERROR_CHECK,
        "%s[%s] differs from what %s there; the element belongs to tile %lld, %s; the kernel's result depends on %s",
        operand->name, place, reduced ? "the same tiles give serially" : "one serial tile gives",
        (long long)totals->differing_tile, box,
        reduced ? "more than its tile, or the function that folds gives another value each time" : "the tile");
    if (error != NULL) {
        error->tile = totals->differing_tile;
    }
    return TW_ERROR_CHECK;
}

static int64_t owner(const struct tw__check *check, int k, int64_t flat)
{
    const tw_operand *operand = &check->grid->signature->operands[k];
    const tw_view *view = &check->arrays[k]->view;
    int64_t indices[TW__MAX_AXES] = {0};
    for (int d = view->ndim - 1; d >= 0; d--) {
        indices[operand->axes[d]] = flat % view->shape[d];
        flat /= view->shape[d];
    }
    return (int64_t)tw__grid_writer(check->grid, k, indices);
}

/* The kernel again, on a grid of one tile. */
static tw_status run_again(const struct tw__check *check, const tw_grid *one, tw_array *const *arrays,
                           const tw_run_options *options, tw_error *error)
{
    struct again {
        struct tw__binding binding;
        struct tw__outcome outcome;
    } *again = malloc(sizeof *again);
    if (again == NULL) {
        return tw__fail_memory(error, sizeof *again, "a check");
    }
    tw_status status = tw__bind(&again->binding, NULL, one, arrays, error);
    if (status == TW_OK) {
        const struct tw__step_request request = {.kernel = check->kernel,
                                                 .grid = one,
                                                 .accesses = again->binding.accesses,
                                                 .scratch_size = options->scratch_size};
        const struct tw__explanation explanation = {
            .kernel = check->kernel, .grid = one, .tiles = one->count, .outcome = &again->outcome};
        status = tw__step_run_here(&request, 0, one->count, options->stop, &again->outcome, error);
        status = status == again->outcome.status ? tw__explain(&explanation, error) : status;
        tw__unbind(&again->binding);
    }
    free(again);
    return status;
}

/* A reduction again, with the same cuts and folds: its bits depend on them. */
static tw_status run_stages(const struct tw__check *check, tw_array *const *arrays, const tw_run_options *options,
                            tw_error *error)
{
    struct tw__again *again = NULL;
    tw_status status = tw__again_create(&again, check->kernel, check->grid, arrays, NULL, error);
    if (status == TW_OK) {
        status = tw__again_run(again, check->grid->stages->count, options, error);
    }
    tw__again_destroy(again);
    return status;
}

/* The job again, its outputs in memory of the check's own. */
static tw_status compute_again(const struct tw__check *check, const tw_run_options *options, tw_error *error)
{
    const tw_grid *grid = check->grid;
    tw_array *arrays[TW_MAX_OPERANDS];
    int64_t lengths[TW__MAX_AXES];
    tw_split whole = {.axis = grid->naxes > 0 ? grid->signature->axes[0] : ""};
    for (int k = 0; k < grid->signature->noperands; k++) {
        arrays[k] = check->again[k] != NULL ? check->again[k] : check->arrays[k];
    }
    for (int a = 0; a < grid->naxes; a++) {
        lengths[a] = grid->axes[a].length;
    }
    if (is_reduced(grid)) {
        return run_stages(check, arrays, options, error);
    }
    tw_grid *one = NULL;
    tw_axis_edge edges[TW__MAX_AXES];
    const tw_grid_options one_tile = {
        .splits = &whole, .nsplits = grid->naxes > 0 ? 1 : 0, .edges = edges, .nedges = tw__halo_options(edges, grid)};
    tw_status status = tw_grid_create(&one, grid->signature, lengths, &one_tile, error);
    if (status == TW_OK) {
        status = run_again(check, one, arrays, options, error);
    }
    tw_grid_destroy(one);
    return status;
}

tw_status tw__check_end(struct tw__check *check, const tw_run_options *options, const struct tw__where *where,
                        tw_report_totals *totals, tw_error *error)
{
    tw_status status = compute_again(check, options, error);
    if (status == TW_OK) { /* what the run has left out is not compared */
        status = tw__where_copy(check->again, where, check->grid, check->arrays, error);
    }
    for (int k = 0; status == TW_OK && k < check->grid->signature->noperands; k++) {
        status = check->shown[k] != NULL ? tw_array_copy(check->shown[k], check->arrays[k], error) : TW_OK;
    }
    if (status != TW_OK) {
        return status;
    }
    totals->checked = 1;
    totals->identical = 1;
    totals->max_difference = 0;
    for (int k = 0; k < check->grid->signature->noperands; k++) {
        if (check->again[k] == NULL) {
            continue;
        }
        int64_t first;
        const tw_array *result = check->shown[k] != NULL ? check->shown[k] : check->arrays[k];
        compare(&result->view, &check->again[k]->view, &first, &totals->max_difference);
        if (first >= 0 && totals->identical) {
            totals->identical = 0;
            totals->differing_operand = k;
            totals->differing_index = first;
            totals->differing_tile = owner(check, k, first);
        }
    }
    return totals->identical ? TW_OK : report_difference(check, totals, error);
}
