/* sequence.c - the function that computes a range of a reduction to one value, if it needs no order: strips along the
 * last reduced axis, or along all of them if they are one. */
#include "notation/print/sequence.h"

#include "notation/print/element.h"
#include "notation/print/helper.h"
#include "notation/print/strip.h"

/* The helper that makes one value of a strip. */
static const char *run_name(const struct tw__reduction_plan *r)
{
    static const char *const names[] = {
        [TW__REDUCE_SUM] = "run_add",       [TW__REDUCE_PROD] = "run_multiply", [TW__REDUCE_MIN] = "run_minimum",
        [TW__REDUCE_MAX] = "run_maximum",   [TW__REDUCE_FMIN] = "run_fmin",     [TW__REDUCE_FMAX] = "run_fmax",
        [TW__REDUCE_ANY] = "run_any",       [TW__REDUCE_ALL] = "run_all",       [TW__REDUCE_ARGMIN] = "run_minimum",
        [TW__REDUCE_ARGMAX] = "run_maximum"};
    return names[r->of.code];
}

/* The first place of the value that a strip has become, if it comes before all that were seen. */
static void emit_place(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *value)
{
    const char *suffix = tw__emit_suffix(r->of.type), *name = tw__combine_name(&r->of);
    (void)tw__helper_need(e, name, r->of.type);
    (void)tw__helper_need(e, "find", r->of.type);
    tw__emit_line(e, "const %s found = tw_%s_%s(%s, m);", tw__emit_type(r->of.type), run_name(r), suffix, value);
    tw__emit_open(e, "if (total < 0 || tw_%s_%s(found, *best))", name, suffix);
    tw__emit_line(e, "const int64_t q = tw_find_%s(%s, found);", suffix, value);
    tw__emit_line(e, "*best = %s[q];", value);
    tw__emit_line(e, "total = first + done + q;");
    tw__emit_close(e);
}

/* The strip's m elements, whose first has place first + done. */
static void emit_step(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *value)
{
    const char *run = run_name(r), *name = tw__combine_name(&r->of), *suffix = tw__emit_suffix(r->of.type);
    (void)tw__helper_need(e, run, r->element);
    if (r->of.is_place) {
        emit_place(e, r, value);
    } else if (r->of.is_value) {
        (void)tw__helper_need(e, name, r->of.type);
        tw__emit_line(e, "total = tw_%s_%s(total, (%s)tw_%s_%s(%s, m));", name, suffix, tw__emit_type(r->of.type), run,
                      tw__emit_suffix(r->element), value);
    } else {
        tw__emit_line(e, "total %s= tw_%s_%s(%s, m);", r->of.code == TW__REDUCE_ALL ? "&" : "|", run, suffix, value);
        if (!e->plan->can_fail) {
            tw__emit_open(e, r->of.code == TW__REDUCE_ALL ? "if (!total)" : "if (total)");
            tw__emit_line(e, "break;");
            tw__emit_close(e);
        }
    }
}

static void emit_start(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    if (r->of.is_place) {
        tw__emit_line(e, "int64_t total = -1;");
    } else if (r->of.is_value) {
        tw__emit_begin(e);
        tw__emit_text(e, "%s total = ", tw__emit_type(r->of.type));
        tw__emit_identity(e, &r->of);
        tw__emit_text(e, ";");
        tw__emit_end(e);
    } else {
        tw__emit_line(e, "uint8_t total = %d;", r->of.code == TW__REDUCE_ALL);
    }
}

/* The first m elements from x<axis> on, and what they do. */
static void emit_strip(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__loop *body = &r->body;
    char value[24] = "value";
    tw__strip_scalars(e, body, 0);
    tw__strip_items(e, body);
    if (r->direct) {
        snprintf(value, sizeof value, "p%d", body->roots[0]);
    } else {
        tw__strip_loops(e, body);
    }
    emit_step(e, r, value);
}

void tw__emit_sequence(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->of.node);
    const int last = node->u.reduce.axis[node->u.reduce.naxes - 1], single = node->u.reduce.naxes == 1;
    tw__emit_open_reduction(e, r, "TW_SLOW ", "_part", 1);
    tw__strip_rooms(e, &r->body);
    if (!r->direct) {
        tw__emit_line(e, "%s value[%d] __attribute__((aligned(64)));", tw__emit_type(r->element), r->body.length);
    }
    if (!single) {
        tw__emit_flat_lengths(e, r);
    }
    emit_start(e, r);
    tw__emit_position(e, &r->of);
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_open(e, "for (int64_t done = 0, m; done < count; done += m)");
    tw__emit_line(e, "m = tw_least(count - done, %d);", r->body.length);
    if (!single) {
        tw__emit_line(e, "m = tw_least(m, n%d - x%d);", last, last);
    }
    emit_strip(e, r);
    tw__emit_advance(e, &r->of, "m");
    tw__emit_close(e);
    tw__emit_line(e, "return total;");
    tw__emit_function_end(e);
}
