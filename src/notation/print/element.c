/* element.c - what the functions of all reductions share: the elements' number, their places, the value of none. */
#include "notation/print/element.h"

#include <math.h>

#include "grid/fold.h"
#include "notation/print/address.h"
#include "notation/print/call.h"

const char *tw__combine_name(const struct tw__reduced *r)
{
    return tw__reduction_row(r->code)->combine;
}

static int64_t largest(tw_kind kind)
{
    const int bits = tw__emit_size(kind) * 8;
    return kind == TW_BOOL             ? 1
           : kind == TW_UINT64         ? -1
           : !tw__kind_is_signed(kind) ? (int64_t)(UINT64_MAX >> (64 - bits))
                                       : (int64_t)(UINT64_MAX >> (65 - bits));
}

void tw__emit_identity(struct tw__emitter *e, const struct tw__reduced *r)
{
    const int is_whole = !tw__kind_is_inexact(r->type);
    const int64_t most = is_whole ? largest(r->type) : 0;
    const int64_t least = tw__kind_is_signed(r->type) ? -most - 1 : 0;
    union tw__value value = {0};
    switch (tw__reduction_row(r->code)->none) {
    case TW__NONE_ZERO:
        value = is_whole ? (union tw__value){.integer = 0} : (union tw__value){.number = {-0.0, -0.0}};
        break;
    case TW__NONE_ONE:
        value = is_whole ? (union tw__value){.integer = 1} : (union tw__value){.number = {1, 0}};
        break;
    case TW__NONE_MOST:
        value = is_whole ? (union tw__value){.integer = most} : (union tw__value){.number = {INFINITY, INFINITY}};
        break;
    case TW__NONE_LEAST:
        value = is_whole ? (union tw__value){.integer = least} : (union tw__value){.number = {-INFINITY, -INFINITY}};
        break;
    case TW__NONE_NOTHING:
        value.number.real = value.number.imag = NAN;
        break;
    case TW__NONE_TRUE:
        value.integer = 1;
        break;
    case TW__NONE_FALSE:
        break;
    }
    tw__emit_constant(e, r->type, &value);
}

void tw__emit_half(struct tw__emitter *e)
{
    tw__emit_line(e, "const int64_t half = count / 2 - count / 2 %% %d;", TW__FOLD_LANES);
}

/* ---- the loop over the elements ---- */

void tw__emit_lengths(struct tw__emitter *e, const struct tw__reduced *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->node);
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        tw__emit_begin(e);
        tw__emit_text(e, "const int64_t n%d = ", node->u.reduce.axis[k]);
        tw__emit_length(e, node->u.reduce.axis[k]);
        tw__emit_text(e, ";");
        tw__emit_end(e);
    }
}

/* x<axis> of the reduced axes for element `first` in their C order. */
void tw__emit_position(struct tw__emitter *e, const struct tw__reduced *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->node);
    const int naxes = node->u.reduce.naxes;
    if (naxes == 1) {
        tw__emit_line(e, "int64_t x%d = first;", node->u.reduce.axis[0]);
        return;
    }
    for (int k = 0; k < naxes; k++) {
        tw__emit_line(e, "int64_t x%d = %s;", node->u.reduce.axis[k], k + 1 == naxes ? "first" : "0");
    }
    for (int k = naxes - 1; k > 0; k--) {
        const int a = node->u.reduce.axis[k];
        tw__emit_open(e, "if (n%d > 0 && x%d >= n%d)", a, a, a); /* of no elements too */
        tw__emit_line(e, "x%d = x%d / n%d;", node->u.reduce.axis[k - 1], a, a);
        tw__emit_line(e, "x%d %%= n%d;", a, a);
    }
    for (int k = naxes - 1; k > 0; k--) {
        tw__emit_close(e);
    }
}

/* x<axis> moved on by `step` along the last one, which is no longer than `step` from its end. */
void tw__emit_advance(struct tw__emitter *e, const struct tw__reduced *r, const char *step)
{
    const struct tw__node *node = tw__node_at(e->program, r->node);
    const int naxes = node->u.reduce.naxes;
    tw__emit_line(e, "x%d += %s;", node->u.reduce.axis[naxes - 1], step);
    for (int k = naxes - 1; k > 0; k--) {
        const int a = node->u.reduce.axis[k];
        tw__emit_open(e, "if (x%d == n%d)", a, a);
        tw__emit_line(e, "x%d = 0;", a);
        tw__emit_line(e, "x%d++;", node->u.reduce.axis[k - 1]);
    }
    for (int k = naxes - 1; k > 0; k--) {
        tw__emit_close(e);
    }
}

/* x<axis> moved on by any number of elements. */
void tw__emit_move(struct tw__emitter *e, const struct tw__reduced *r, const char *step)
{
    const struct tw__node *node = tw__node_at(e->program, r->node);
    const int naxes = node->u.reduce.naxes;
    tw__emit_line(e, "x%d += %s;", node->u.reduce.axis[naxes - 1], step);
    for (int k = naxes - 1; k > 0; k--) {
        const int a = node->u.reduce.axis[k];
        tw__emit_open(e, "if (x%d >= n%d)", a, a);
        tw__emit_line(e, "x%d += x%d / n%d;", node->u.reduce.axis[k - 1], a, a);
        tw__emit_line(e, "x%d %%= n%d;", a, a);
    }
    for (int k = naxes - 1; k > 0; k--) {
        tw__emit_close(e);
    }
}

/* ---- reduced axes that are one ---- */

void tw__emit_flat(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->of.node);
    int count = 0;
    tw__emit_begin(e);
    tw__emit_text(e, "const int flat = ");
    for (int k = 0; k < r->body.nreads; k++) {
        for (int a = 0; a + 1 < node->u.reduce.naxes; a++) {
            tw__emit_text(e, "%s(", count++ > 0 ? " && " : "");
            tw__emit_step(e, r->body.reads[k], node->u.reduce.axis[a]);
            tw__emit_text(e, ") == n%d * (", node->u.reduce.axis[a + 1]);
            tw__emit_step(e, r->body.reads[k], node->u.reduce.axis[a + 1]);
            tw__emit_text(e, ")");
        }
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

void tw__emit_flat_lengths(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->of.node);
    const int naxes = node->u.reduce.naxes;
    for (int k = 0; k < naxes; k++) {
        tw__emit_begin(e);
        tw__emit_text(e, "const int64_t n%d = ", node->u.reduce.axis[k]);
        tw__emit_text(e, r->is_flat && k + 1 == naxes ? "flat ? INT64_MAX : " : "");
        tw__emit_length(e, node->u.reduce.axis[k]);
        tw__emit_text(e, ";");
        tw__emit_end(e);
    }
}

void tw__emit_count(struct tw__emitter *e, const struct tw__reduced *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->node);
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        tw__emit_text(e, "%sn%d", k > 0 ? " * " : "", node->u.reduce.axis[k]);
    }
}

/* ---- functions ---- */

void tw__emit_given(struct tw__emitter *e, const struct tw__reduction_plan *r, int declare, const char *at)
{
    for (int k = 0; k < r->ngiven; k++) {
        const int n = r->given[k], is_cell = tw__loop_item(&r->body, n)->form == TW__FORM_CELL;
        tw__emit_text(e, ", ");
        if (declare) {
            tw__emit_text(e, "const %s %s", tw__emit_type(tw__node_at(e->program, n)->dtype),
                          is_cell ? "*restrict " : "");
        }
        tw__emit_text(e, "%s%d%s", is_cell ? "w" : "v", n, is_cell && !declare ? at : "");
    }
}

void tw__emit_open_reduction(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *head,
                             const char *name, int given)
{
    const char *type = tw__emit_type(r->of.is_value ? r->of.type : tw__node_at(e->program, r->of.node)->dtype);
    tw__emit_text(e, "%s%s reduce%d%s(", head, r->is_row ? "void" : type, r->of.node, name);
    tw__emit_outside(e, r->of.node, "int64_t ");
    tw__emit_text(e, r->is_row ? ", int64_t m" : "");
    if (given) {
        tw__emit_given(e, r, 1, "");
        tw__emit_text(e, r->is_flat ? ", int flat" : "");
    }
    tw__emit_text(e, ", int64_t first, int64_t count");
    if (r->of.is_place) {
        tw__emit_text(e, ", %s *restrict best", tw__emit_type(r->of.type));
    }
    if (r->is_row) {
        tw__emit_text(e, ", %s *restrict total", type);
    }
    tw__emit_function(e, ")");
}
