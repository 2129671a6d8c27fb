/* units.c - cuts and the units in which stores write outputs: a unit belongs to one tile, as an element does; and cuts
 * whose tiles a store would write in too many pieces. */
#include "job/units.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/error.h"
#include "grid/cells.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/split.h"
#include "grid/stages.h"
#include "store/store.h"

/* The unit of an operand along its dimension d, if it is an output; else 1. */
static int64_t unit_of(const tw_operand *operand, const tw_array *array, int d)
{
    const int has = operand->role != TW_IN && array->store != NULL && array->store->unit != NULL;
    return has ? array->store->unit[d] : 1;
}

/* The least common multiple; INT64_MAX, which no axis reaches, if there is no such number. */
static int64_t common_multiple(int64_t a, int64_t b)
{
    int64_t x = a, y = b, product;
    while (y != 0) {
        const int64_t rest = x % y;
        x = y;
        y = rest;
    }
    return tw__mul(a / x, b, &product) ? product : INT64_MAX;
}

void tw__units(const tw_signature *signature, tw_array *const *arrays, int64_t *units)
{
    for (int a = 0; a < signature->naxes; a++) {
        units[a] = 1;
    }
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        for (int d = 0; arrays[k] != NULL && d < operand->ndim; d++) {
            int64_t *unit = &units[operand->axes[d]];
            *unit = common_multiple(*unit, unit_of(operand, arrays[k], d));
        }
    }
}

/* "cut at 5 or 10", "cut at 5", "it must stay whole". */
static void advise(char *text, size_t size, int64_t cut, int64_t unit, int64_t length)
{
    const int64_t below = cut / unit * unit;
    const int64_t above = unit < length - below ? below + unit : 0;
    if (below > 0 && above > 0) {
        snprintf(text, size, "cut at %" PRId64 " or %" PRId64, below, above);
    } else if (below > 0 || above > 0) {
        snprintf(text, size, "cut at %" PRId64, below > 0 ? below : above);
    } else {
        snprintf(text, size, "leave the axis whole");
    }
}

/* The last dimension along which tiles of the output are shorter than the array; -1: none. A tile is one run of
 * elements if it has one index along each dimension before that: then *is_one. */
static int last_cut(const tw_grid *grid, const tw_operand *operand, int *is_one)
{
    int last = operand->ndim - 1;
    while (last >= 0 && grid->axes[operand->axes[last]].count <= 1) {
        last--;
    }
    *is_one = 1;
    for (int d = 0; d < last; d++) {
        *is_one &= tw__axis_longest(&grid->axes[operand->axes[d]]) <= 1;
    }
    return last;
}

/* Refuses tiles that a store would have to write in many short pieces. */
static tw_status check_pieces(const tw_grid *grid, const tw_operand *operand, const tw_array *array, int64_t least,
                              tw_error *error)
{
    int is_one;
    const int last = last_cut(grid, operand, &is_one);
    if (is_one || tw_view_size(&array->view) == 0) {
        return TW_OK;
    }
    int64_t behind = array->view.dtype.itemsize; /* bytes of one index along it: no more than the array has */
    for (int d = last + 1; d < operand->ndim; d++) {
        behind *= array->view.shape[d];
    }
    const tw_signature *signature = grid->signature;
    const int axis = operand->axes[last];
    const int64_t bytes = behind * tw__axis_longest(&grid->axes[axis]);
    if (bytes >= least || bytes == 0) {
        return TW_OK;
    }
    char advice[120];
    const int64_t tile = (least + behind - 1) / behind;
    if (tile < grid->axes[axis].length) {
        snprintf(advice, sizeof advice, "tiles of %" PRId64 " or more along %.40s", tile, signature->axes[axis]);
    } else {
        snprintf(advice, sizeof advice, "leave %.40s whole", signature->axes[axis]);
    }
    return tw__fail(error, TW_ERROR_ARGUMENT,
                    "output %s would be written in pieces of %" PRId64 " bytes, on a file system where machines may "
                    "overwrite each other's bytes within a page of %" PRId64 ": cut along %.40s alone, or %s",
                    operand->name, bytes, least, signature->axes[operand->axes[0]], advice);
}

/* Cuts inside a unit of output k. */
static tw_status check_units(const tw_grid *grid, int k, tw_array *const *arrays, tw_error *error)
{
    const tw_signature *signature = grid->signature;
    const tw_operand *operand = &signature->operands[k];
    for (int d = 0; d < operand->ndim; d++) {
        const int a = operand->axes[d];
        const int64_t unit = unit_of(operand, arrays[k], d);
        const int64_t cut = unit > 1 ? tw__axis_misfit(&grid->axes[a], unit) : 0;
        if (cut > 0) {
            int64_t units[TW__MAX_AXES];
            char advice[80];
            tw__units(signature, arrays, units);
            advise(advice, sizeof advice, cut, units[a], grid->axes[a].length);
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "axis %s is cut at %" PRId64 ", inside a unit of output %s, which is written in units "
                            "of %" PRId64 " along %s: %s",
                            signature->axes[a], cut, operand->name, unit, signature->axes[a], advice);
        }
    }
    return TW_OK;
}

/* piece: of any output; 0: what its store wants, units too. */
static tw_status check_cells(const tw_grid *grid, tw_array *const *arrays, int64_t piece, tw_error *error)
{
    tw_status status = TW_OK;
    for (int k = 0; k < grid->signature->noperands && status == TW_OK; k++) {
        const tw_operand *operand = &grid->signature->operands[k];
        const struct tw__store *store = arrays[k] != NULL ? arrays[k]->store : NULL;
        const int64_t least = piece == 0 && store != NULL ? store->piece : piece;
        if (operand->role == TW_IN || arrays[k] == NULL) {
            continue;
        }
        status = least > 0 ? check_pieces(grid, operand, arrays[k], least, error) : TW_OK;
        status = status == TW_OK && store != NULL ? check_units(grid, k, arrays, error) : status;
    }
    return status;
}

static tw_status check_all(const tw_grid *grid, tw_array *const *arrays, int64_t piece, tw_error *error)
{
    tw_array *of_stage[TW_MAX_OPERANDS]; /* NULL: a temporary */
    tw_status status = grid->stages == NULL ? check_cells(grid, arrays, piece, error) : TW_OK;
    for (int s = 0; grid->stages != NULL && status == TW_OK && s < grid->stages->count; s++) {
        const struct tw__stage *stage = &grid->stages->stage[s];
        for (int k = 0; k < stage->grid->signature->noperands; k++) {
            const int operand = stage->operand[k];
            of_stage[k] = operand >= 0 && operand < TW__TEMPORARY ? arrays[operand] : NULL;
        }
        status = check_cells(stage->grid, of_stage, piece, error);
    }
    return status;
}

tw_status tw__units_check(const tw_grid *grid, tw_array *const *arrays, tw_error *error)
{
    return check_all(grid, arrays, 0, error);
}

tw_status tw__pieces_check(const tw_grid *grid, tw_array *const *arrays, int64_t piece, tw_error *error)
{
    return piece > 0 ? check_all(grid, arrays, piece, error) : TW_OK;
}
