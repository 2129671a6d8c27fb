/* sequence.c - the function that computes a range of any, all, argmin or argmax: one element after the other, in strips
 * along the last reduced axis (point), or all of a row (row). */
#include "notation/print/sequence.h"

#include "notation/print/element.h"
#include "notation/print/helper.h"
#include "notation/print/strip.h"

static void emit_start(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    if (r->is_row) {
        tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
        tw__emit_line(e, r->of.is_place ? "total[q] = -1;" : "total[q] = %d;", r->of.code == TW__REDUCE_ALL);
        tw__emit_close(e);
    } else if (r->of.is_place) {
        tw__emit_line(e, "int64_t total = -1;");
    } else {
        tw__emit_line(e, "uint8_t total = %d;", r->of.code == TW__REDUCE_ALL);
    }
}

/* value[q] of the strip, whose first element has place first + done. */
static void emit_step(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *q = r->is_row ? "[q]" : "", *best = r->is_row ? "best[q]" : "*best";
    tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
    if (r->of.is_place) {
        (void)tw__helper_need(e, tw__combine_name(&r->of), r->of.type);
        tw__emit_open(e, "if (total%s < 0 || tw_%s_%s(value[q], %s))", q, tw__combine_name(&r->of),
                      tw__emit_suffix(r->of.type), best);
        tw__emit_line(e, "%s = value[q];", best);
        tw__emit_line(e, r->is_row ? "total[q] = first + done;" : "total = first + done + q;");
        tw__emit_close(e);
    } else {
        tw__emit_line(e, "total%s %s= value[q];", q, r->of.code == TW__REDUCE_ALL ? "&" : "|");
    }
    tw__emit_close(e);
}

void tw__emit_sequence(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->of.node);
    const int last = node->u.reduce.axis[node->u.reduce.naxes - 1], single = node->u.reduce.naxes == 1;
    const struct tw__loop *body = &r->body;
    tw__emit_open_reduction(e, r, "TW_SLOW ", "_part", 1);
    tw__strip_rooms(e, body);
    tw__emit_line(e, "%s value[%d] __attribute__((aligned(64)));", tw__emit_type(r->of.type), body->length);
    if (!single) {
        tw__emit_lengths(e, &r->of);
    }
    emit_start(e, r);
    tw__emit_position(e, &r->of);
    if (r->is_row) {
        tw__emit_open(e, "for (int64_t done = 0; done < count; done++)");
    } else {
        (void)tw__helper_need(e, "least", TW_OPAQUE);
        tw__emit_open(e, "for (int64_t done = 0, m; done < count; done += m)");
        tw__emit_line(e, "m = tw_least(count - done, %d);", body->length);
        if (!single) {
            tw__emit_line(e, "m = tw_least(m, n%d - x%d);", last, last);
        }
    }
    tw__strip_scalars(e, body, 0);
    tw__strip_items(e, body);
    tw__strip_loops(e, body);
    emit_step(e, r);
    tw__emit_advance(e, &r->of, r->is_row ? "1" : "m");
    tw__emit_close(e);
    if (!r->is_row) {
        tw__emit_line(e, "return total;");
    }
    tw__emit_function_end(e);
}
