/* copies.c - large copies between arrays in memory, by all cores. */
#include "array/copies.h"

#include "array/slabs.h"
#include "array/view.h"
#include "os/cores.h"

#define LEAST_BYTES                                                                                                    \
    (INT64_C(2) * TW__SLAB_BYTES) /* of a copy that is worth threads: a core takes 1 ms or more for it */

struct copy {
    const tw_view *destination, *source;
    struct tw__slabs slabs;
};

static void copy_slab(void *user, int64_t number)
{
    const struct copy *copy = user;
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    tw__slabs_place(&copy->slabs, number, start, shape);
    const tw_view to = tw__view_part(copy->destination, start, shape);
    const tw_view from = tw__view_part(copy->source, start, shape);
    tw__view_copy(&to, &from);
}

void tw__copy(const tw_view *destination, const tw_view *source)
{
    if (tw_view_size(source) * source->dtype.itemsize < LEAST_BYTES) {
        tw__view_copy(destination, source);
        return;
    }
    struct copy copy = {.destination = destination, .source = source};
    tw__slabs_cut(&copy.slabs, destination);
    tw__by_all_cores(copy.slabs.count, copy_slab, &copy);
}
