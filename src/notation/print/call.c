/* call.c - calls of the functions that compute reductions. */
#include "notation/print/call.h"

#include "notation/loop/reduction.h"
#include "notation/print/helper.h"

void tw__emit_outside(struct tw__emitter *e, int node, const char *type)
{
    const uint64_t axes = e->program->nodes[node].axes;
    tw__emit_text(e, type[0] != '\0' ? "const tw_tile *tile" : "tile");
    for (int a = 0; a < e->program->naxes; a++) {
        if (axes >> a & 1) {
            tw__emit_text(e, ", %sx%d", type, a);
        }
    }
}

void tw__emit_call(struct tw__emitter *e, int node)
{
    tw__emit_text(e, "reduce%d(", node);
    tw__emit_outside(e, node, "");
    tw__emit_text(e, ")");
}

void tw__emit_call_strip(struct tw__emitter *e, const struct tw__loop *loop, const struct tw__call *call,
                         const char *name)
{
    const uint64_t axes = e->program->nodes[call->node].axes;
    const int width = tw__reduction_width(e->program, call->node);
    tw__emit_open(e, call->is_row ? "for (int64_t q = 0; q < m; q += %d)" : "for (int64_t q = 0; q < m; q++)", width);
    tw__emit_begin(e);
    if (!call->is_row) {
        tw__emit_text(e, "%s%d[q] = ", name, call->node);
    }
    tw__emit_text(e, "reduce%d%s(tile", call->node, call->is_row ? "_row" : "");
    for (int a = 0; a < e->program->naxes; a++) {
        if (axes >> a & 1) {
            tw__emit_text(e, a == loop->axis ? ", x%d + q" : ", x%d", a);
        }
    }
    if (call->is_row) {
        (void)tw__helper_need(e, "least", TW_OPAQUE);
        tw__emit_text(e, ", tw_least(m - q, %d), %s%d + q", width, name, call->node);
    }
    tw__emit_text(e, ");");
    tw__emit_end(e);
    tw__emit_close(e);
}
