/* partial.c - the access of what a tile contributes to a reduction. Its slot is found by arithmetic, when the views are
 * moved to the tile; here it gets the value that changes nothing, again for each attempt. */
#include "array/combine.h"
#include "job/access/access.h"

static size_t partial_room(const struct tw__access *access, const tw_grid *grid)
{
    (void)access;
    (void)grid;
    return 0;
}

static tw_status partial_take(const struct tw__access *access, const struct tw__desk *desk, tw_view *view)
{
    (void)desk;
    if (access->fill != TW_FOLD_NONE) {
        tw__combine_begin(access->fill, view);
    }
    return TW_OK;
}

static tw_status partial_give(const struct tw__access *access, const struct tw__desk *desk)
{
    (void)access;
    (void)desk;
    return TW_OK;
}

const struct tw__access_ops tw__partial = {.room = partial_room, .take = partial_take, .give = partial_give};
