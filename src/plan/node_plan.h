/* node_plan.h - what a job takes on several nodes: bytes, memory, whether the cuts suit the file system. */
#ifndef TW_PLAN_NODE_PLAN_H
#define TW_PLAN_NODE_PLAN_H

#include <tilework/tilework.h>

struct tw__nodes_asked {
    const tw_grid *grid;
    tw_array *const *operands; /* NULL where there is no array */
    const tw_dtype *dtypes;
    const char *folder; /* of the outputs; NULL: the current one */
    int64_t nodes;
    int workers; /* of each */
    size_t scratch_size;
};

/* Fills in plan->on_nodes. The plan has its forecasts. */
void tw__plan_nodes(tw_plan *plan, const struct tw__nodes_asked *asked);

#endif
