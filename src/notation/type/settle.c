/* settle.c - reductions that earlier steps of the job have computed: which ones may be, and where that is said. */
#include "notation/type/settle.h"

#include "base/text.h"
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

void tw__settle_text(char *text, size_t size, const struct tw__program *program, int node)
{
    static const char *const names[] = {
        [TW__REDUCE_SUM] = "sum",       [TW__REDUCE_PROD] = "prod",    [TW__REDUCE_MIN] = "min",
        [TW__REDUCE_MAX] = "max",       [TW__REDUCE_ANY] = "any",      [TW__REDUCE_ALL] = "all",
        [TW__REDUCE_ARGMIN] = "argmin", [TW__REDUCE_ARGMAX] = "argmax"};
    const struct tw__node *reduce = &program->nodes[node];
    struct tw__text made;
    tw__text_init(&made, text, size);
    tw__text_add(&made, "%s(", names[reduce->u.reduce.code]);
    for (int k = 0; k < reduce->u.reduce.naxes; k++) {
        tw__text_add(&made, "%s%s", k > 0 ? "," : "", program->axes[reduce->u.reduce.axis[k]].name);
    }
    tw__text_add(&made, ")");
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
