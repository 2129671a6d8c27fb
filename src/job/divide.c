/* divide.c - the grid of given arrays: their shapes are the lengths of its axes, and its tiles keep to their units. */
#include "array/array.h"
#include "base/error.h"
#include "grid/signature.h"
#include "job/units.h"

tw_status tw_grid_for(tw_grid **grid, const tw_signature *signature, tw_array *const *operands, const tw_split *splits,
                      size_t nsplits, tw_error *error)
{
    const tw_view *views[TW_MAX_OPERANDS];
    int64_t itemsizes[TW_MAX_OPERANDS], lengths[TW__MAX_AXES], units[TW__MAX_AXES];
    for (int k = 0; k < signature->noperands; k++) {
        if (operands[k] == NULL) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "operand %s has no array", signature->operands[k].name);
        }
        views[k] = &operands[k]->view;
        itemsizes[k] = views[k]->dtype.itemsize;
    }
    for (int a = 0; a < signature->naxes; a++) {
        lengths[a] = -1;
    }
    const tw_status status = tw_signature_lengths(signature, views, lengths, error);
    if (status != TW_OK) {
        return status;
    }
    tw__units(signature, operands, units);
    const tw_grid_options options = {.splits = splits, .nsplits = nsplits, .itemsizes = itemsizes, .units = units};
    return tw_grid_create(grid, signature, lengths, &options, error);
}
