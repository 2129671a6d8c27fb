/* folding.c - one tile of a step that folds partials into an output. Knows neither pools nor where partials come from.
 */
#include "job/folding.h"

#include <string.h>

#include "array/combine.h"
#include "array/view.h"
#include "os/fault.h"

/* The first of the partials, as a view of its own. */
static void first_part(tw_view *part, const tw_view *partials)
{
    const size_t rest = (size_t)(partials->ndim - 1);
    part->data = partials->data;
    part->dtype = partials->dtype;
    part->ndim = partials->ndim - 1;
    memcpy(part->shape, partials->shape + 1, rest * sizeof part->shape[0]);
    memcpy(part->strides, partials->strides + 1, rest * sizeof part->strides[0]);
}

struct tw__result tw__fold_tile(tw_fold fold, const tw_tile *tile, tw_function function)
{
    enum { PART, INTO };
    const tw_view *partials = &tile->operand[0];
    tw_view pair[2];
    tw_tile one = *tile;
    first_part(&pair[PART], partials);
    pair[INTO] = tile->operand[1];
    one.naxes = tile->naxes - 1; /* but for that of the parts */
    one.start = tile->start + 1;
    one.stop = tile->stop + 1;
    one.operand = pair;
    if (pair[INTO].dtype.itemsize == 0) { /* a dtype that no tile has chosen: there is nothing to fold */
        return (struct tw__result){0};
    }
    tw__view_copy(&pair[INTO], &pair[PART]);
    for (int64_t p = 1; p < partials->shape[0]; p++) {
        pair[PART].data = (void *)((uintptr_t)pair[PART].data + (uintptr_t)partials->strides[0]);
        if (fold != TW_FOLD_KERNEL) {
            tw__combine(fold, &pair[INTO], &pair[PART]);
            (void)TW__POINT("fold.part");
            continue;
        }
        const struct tw__result result = tw__result_of(function(&one));
        if (result.status != TW_OK) {
            return result;
        }
    }
    return (struct tw__result){0};
}
