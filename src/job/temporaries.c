/* temporaries.c - the arrays between the steps of a job as memory. Knows no pool: whoever has the memory says where it
 * is.
 */
#include "job/temporaries.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"

static tw_dtype dtype_of(const struct tw__temporary *temporary, tw_array *const *arrays)
{
    return temporary->like >= 0 ? arrays[temporary->like]->view.dtype : tw_dtype_of(temporary->kind);
}

int tw__temporary_bytes(const struct tw__temporary *temporary, tw_array *const *arrays, int64_t *bytes)
{
    int64_t factors[TW_MAX_DIMS + 1];
    memcpy(factors, temporary->shape, (size_t)temporary->ndim * sizeof factors[0]);
    factors[temporary->ndim] = dtype_of(temporary, arrays).itemsize;
    return tw__product(factors, temporary->ndim + 1, bytes);
}

void tw__temporary_view(tw_view *view, const struct tw__temporary *temporary, tw_array *const *arrays, void *data)
{
    view->data = data;
    view->dtype = dtype_of(temporary, arrays);
    view->ndim = temporary->ndim;
    int64_t stride = view->dtype.itemsize;
    for (int d = view->ndim - 1; d >= 0; d--) {
        view->shape[d] = temporary->shape[d];
        view->strides[d] = stride;
        stride *= view->shape[d] > 0 ? view->shape[d] : 1; /* of an empty array it leads nowhere */
    }
}

/* Its bytes, rounded up. 0: they do not fit int64. */
static int room_of(const struct tw__temporary *temporary, tw_array *const *arrays, int64_t *bytes)
{
    return tw__temporary_bytes(temporary, arrays, bytes) && tw__round_up(*bytes, TW__TEMPORARY_ALIGNMENT, bytes);
}

tw_status tw__temporaries_measure(const struct tw__stages *stages, tw_array *const *arrays, int64_t *bytes,
                                  tw_error *error)
{
    int64_t all = 0, one;
    for (int t = 0; t < stages->ntemporaries; t++) {
        if (!room_of(&stages->temporary[t], arrays, &one) || !tw__add(all, one, &all)) {
            return tw__fail(error, TW_ERROR_MEMORY, "the partials of %s are more than memory can have; cut fewer tiles",
                            stages->temporary[t].name);
        }
    }
    *bytes = all;
    return TW_OK;
}

void tw__temporaries_place(tw_view *views, const struct tw__stages *stages, tw_array *const *arrays, void *memory)
{
    uintptr_t at = (uintptr_t)memory;
    for (int t = 0; t < stages->ntemporaries; t++) {
        int64_t bytes;
        room_of(&stages->temporary[t], arrays, &bytes);
        tw__temporary_view(&views[t], &stages->temporary[t], arrays, (void *)at);
        at += (uintptr_t)bytes;
    }
}
