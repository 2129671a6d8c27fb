/* hoist.c - the levels of a loop's variables and calls. */
#include "notation/loop/hoist.h"

/* The first level from `first` on at which all of the axes have a value; the last level if there is none. */
static int level_of(uint64_t axes, int first, int nlevels, const uint64_t *open)
{
    int level = first;
    while (level + 1 < nlevels && (axes & ~open[level]) != 0) {
        level++;
    }
    return level;
}

void tw__hoist_scalars(struct tw__loop *loop, int nlevels, const uint64_t *open)
{
    loop->nlevels = nlevels;
    for (int k = 0; k < loop->nscalars; k++) {
        const struct tw__name name = {.node = loop->scalars[k].node,
                                      .level =
                                          level_of(loop->program->nodes[loop->scalars[k].node].axes, 0, nlevels, open)};
        int at = k; /* by level, and within a level as they were: a scalar needs others of its own level or before */
        for (; at > 0 && loop->scalars[at - 1].level > name.level; at--) {
            loop->scalars[at] = loop->scalars[at - 1];
        }
        loop->scalars[at] = name;
    }
}

int tw__hoist_calls(struct tw__loop *loop, int inner, int first, int nlevels, const uint64_t *open)
{
    const uint64_t strip = (uint64_t)1 << loop->axis;
    int count = 0;
    for (int k = 0; k < loop->ncalls; k++) {
        struct tw__call *call = &loop->calls[k];
        const uint64_t axes = loop->program->nodes[call->node].axes;
        if (call->how == TW__CALL_STRIP && (axes >> inner & 1) == 0) {
            call->how = TW__CALL_HOISTED;
            call->level = level_of(axes & ~strip, first, nlevels, open);
            tw__loop_item(loop, call->node)->room = TW__ROOM_ALL;
            count++;
        }
    }
    return count;
}
