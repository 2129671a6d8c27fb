/* settle.c - reductions that earlier steps of the job have computed: which ones may be, and where that is said. */
#include "notation/type/settle.h"

#include "notation/type/lift.h"

int tw__settle_nodes(const struct tw__program *program, int nodes[TW__SETTLE_MOST])
{
    int count = 0;
    for (int n = 0; n < program->nnodes && count < TW__SETTLE_MOST; n++) {
        if (program->nodes[n].kind == TW__NODE_REDUCE) {
            nodes[count++] = n;
        }
    }
    return count;
}

int tw__settle_number(const struct tw__program *program, int node)
{
    int nodes[TW__SETTLE_MOST];
    const int count = tw__settle_nodes(program, nodes);
    for (int k = 0; k < count; k++) {
        if (nodes[k] == node) {
            return k;
        }
    }
    return -1;
}

int tw__settle_offset(const struct tw__program *program)
{
    return TW__CONTEXT_SCALARS(program->naxes) + 16 * (program->nscalars + tw__lift_count(program));
}

int tw__settle_axis(const struct tw__program *program, int axis)
{
    int place = 0;
    for (int a = 0; a < axis; a++) {
        place += program->axes[a].tile < 0;
    }
    return program->axes[axis].tile < 0 ? place : -1;
}

int tw__settle_axes(const struct tw__program *program)
{
    int count = 0;
    for (int a = 0; a < program->naxes; a++) {
        count += program->axes[a].tile < 0;
    }
    return count;
}
