/* address.c - where the elements of a READ lie, as C text. */
#include "notation/print/address.h"

#include <inttypes.h>
#include <stdio.h>

#include "notation/loop/movement.h"
#include "notation/print/helper.h"

/* ---- indices ---- */

/* "2 * x0 + x3 + 5", in the view's own indices. q is added to the axis `with`; -1: to none. */
static void emit_index(struct tw__emitter *e, const struct tw__index *index, int with)
{
    int first = 1;
    for (int t = 0; t < index->nterms; t++) {
        const int64_t factor = index->term[t].factor;
        const int axis = index->term[t].axis;
        const char *sign = first ? (factor < 0 ? "-" : "") : factor < 0 ? " - " : " + ";
        tw__emit_text(e, "%s", sign);
        if (factor != 1 && factor != -1) {
            const uint64_t size = factor < 0 ? 0 - (uint64_t)factor : (uint64_t)factor;
            tw__emit_text(e, "INT64_C(%" PRIu64 ") * ", size);
        }
        tw__emit_text(e, axis == with ? "(x%d + q)" : "x%d", axis);
        first = 0;
    }
    if (index->constant != 0 || (first && index->offset < 0)) {
        const int negative = index->constant < 0 && index->constant != INT64_MIN;
        tw__emit_text(e, "%s", first ? (negative ? "-" : "") : negative ? " - " : " + ");
        if (index->constant == INT64_MIN) {
            tw__emit_text(e, "INT64_MIN");
        } else {
            tw__emit_text(e, "%" PRId64, negative ? -index->constant : index->constant);
        }
        first = 0;
    }
    if (index->offset >= 0) {
        (void)tw__helper_need(e, "item", TW_INT64);
        tw__emit_text(e, "%stw_item_i64((const char *)tile->context + %d)", first ? "" : " + ", index->offset);
    }
    if (index->tiled) {
        tw__emit_text(e, " - tile->start[%d]", e->program->axes[index->term[0].axis].tile);
    }
}

/* The helper that finds the place of an index by its edge; NULL: it is read as it is, or asked about beforehand. */
static const char *rule_of(tw_edge edge)
{
    switch (edge) {
    case TW_EDGE_CLAMP:
        return "clamp";
    case TW_EDGE_WRAP:
        return "wrap";
    case TW_EDGE_REFLECT:
        return "reflect";
    case TW_EDGE_MIRROR:
        return "mirror";
    default:
        return NULL;
    }
}

/* The index as it is read: the place that its edge finds. */
static void emit_inner_index(struct tw__emitter *e, int node, int d, int with)
{
    const struct tw__index *index = tw__read_index(e->program, node, d);
    const char *rule = rule_of(index->edge);
    if (rule != NULL) {
        (void)tw__helper_need(e, rule, TW_OPAQUE);
        tw__emit_text(e, "tw_%s(", rule);
    } else {
        tw__emit_text(e, "(");
    }
    emit_index(e, index, with);
    if (rule != NULL) {
        tw__emit_text(e, ", SHAPE(%d, %d)", tw__node_at(e->program, node)->u.read.operand, d);
    }
    tw__emit_text(e, ")");
}

/* The address for x0, x1 ...; dimension `without` is left at index 0. */
static void emit_address(struct tw__emitter *e, int node, int without, int with)
{
    const int operand = tw__node_at(e->program, node)->u.read.operand;
    tw__emit_text(e, "DATA(%d)", operand);
    for (int d = 0; d < tw__read_ndim(e->program, node); d++) {
        if (d != without) {
            tw__emit_text(e, " + ");
            emit_inner_index(e, node, d, with);
            tw__emit_text(e, " * STRIDE(%d, %d)", operand, d);
        }
    }
}

/* ---- numbers outside ---- */

static int has_number(const struct tw__index *index)
{
    return index->edge == TW_EDGE_ZERO || index->edge == TW_EDGE_CONSTANT;
}

/* The number that stands for what is outside, as it is stored. */
static void emit_number(struct tw__emitter *e, int node, const struct tw__index *index)
{
    const tw_kind kind = tw__node_at(e->program, node)->dtype;
    if (index->edge == TW_EDGE_ZERO) {
        tw__emit_text(e, "(%s){0}", tw__emit_storage(kind));
        return;
    }
    (void)tw__helper_need(e, "item", kind);
    tw__emit_text(e, "tw_item_%s((const char *)tile->context + %d)", tw__emit_suffix(kind), index->outside);
}

static int same_number(const struct tw__index *x, const struct tw__index *y)
{
    return x->edge == y->edge && x->outside == y->outside;
}

static void emit_other(struct tw__emitter *e, int node, const struct tw__index *index, const char *before,
                       const char *after)
{
    tw__emit_text(e, " : %s", before);
    emit_number(e, node, index);
    tw__emit_text(e, "%s", after);
}

/* The next dimension before `before` that has a number, but `without`; -1: none. */
static int next_number(const struct tw__emitter *e, int node, int before, int without)
{
    int d = before - 1;
    while (d >= 0 && (d == without || !has_number(tw__read_index(e->program, node, d)))) {
        d--;
    }
    return d;
}

/* "tw_inside(x1, SHAPE(0, 1)) && tw_inside(x0, SHAPE(0, 0)) ? ": the last dimension comes first, one with another
 * number begins another question, to which emit_others has the answers. Gives how many dimensions there are. */
static int emit_inside(struct tw__emitter *e, int node, int without, int with)
{
    int count = 0, last = -1;
    for (int d = next_number(e, node, tw__read_ndim(e->program, node), without); d >= 0;
         d = next_number(e, node, d, without)) {
        const struct tw__index *index = tw__read_index(e->program, node, d);
        const int is_other = last >= 0 && !same_number(index, tw__read_index(e->program, node, last));
        (void)tw__helper_need(e, "inside", TW_OPAQUE);
        tw__emit_text(e, "%stw_inside(", is_other ? " ? " : count > 0 ? " && " : "");
        emit_index(e, index, with);
        tw__emit_text(e, ", SHAPE(%d, %d))", tw__node_at(e->program, node)->u.read.operand, d);
        last = d;
        count++;
    }
    tw__emit_text(e, "%s", count > 0 ? " ? " : "");
    return count;
}

/* What is read instead, from the innermost question outwards: `before`, the number, `after` for each. */
static void emit_others(struct tw__emitter *e, int node, int without, const char *before, const char *after)
{
    const int ndim = tw__read_ndim(e->program, node);
    const struct tw__index *last = NULL;
    for (int d = 0; d < ndim; d++) {
        const struct tw__index *index = tw__read_index(e->program, node, d);
        if (d == without || !has_number(index)) {
            continue;
        }
        if (last != NULL && !same_number(last, index)) {
            emit_other(e, node, last, before, after);
        }
        last = index;
    }
    emit_other(e, node, last, before, after);
}

/* ---- items ---- */

static void emit_stored_item(struct tw__emitter *e, int node, int with)
{
    const tw_kind kind = tw__node_at(e->program, node)->dtype;
    const int guarded = next_number(e, node, tw__read_ndim(e->program, node), -1) >= 0;
    tw__emit_text(e, "%s", guarded ? "(" : "");
    emit_inside(e, node, -1, with);
    (void)tw__helper_need(e, "item", kind);
    tw__emit_text(e, "tw_item_%s(", tw__emit_suffix(kind));
    emit_address(e, node, -1, with);
    tw__emit_text(e, ")");
    if (guarded) {
        emit_others(e, node, -1, "", "");
        tw__emit_text(e, ")");
    }
}

void tw__emit_item(struct tw__emitter *e, int node)
{
    const tw_kind kind = tw__node_at(e->program, node)->dtype;
    if (kind == TW_FLOAT16) {
        (void)tw__helper_need(e, "value", kind);
        tw__emit_text(e, "tw_value_f16(");
    } else if (kind == TW_BOOL) {
        tw__emit_text(e, "(");
    }
    emit_stored_item(e, node, -1);
    tw__emit_text(e, kind == TW_FLOAT16 ? ")" : kind == TW_BOOL ? " != 0)" : "");
}

void tw__emit_step(struct tw__emitter *e, int node, int along)
{
    int count = 0;
    for (int d = 0; d < tw__read_ndim(e->program, node); d++) {
        const int64_t factor = tw__index_factor(tw__read_index(e->program, node, d), along);
        if (factor != 0) {
            tw__emit_text(e, count++ > 0 ? " + " : "");
            if (factor != 1) {
                tw__emit_text(e, "%" PRId64 " * ", factor);
            }
            tw__emit_text(e, "STRIDE(%d, %d)", tw__node_at(e->program, node)->u.read.operand, d);
        }
    }
    tw__emit_text(e, count == 0 ? "0" : "");
}

static void emit_edge_call(struct tw__emitter *e, int node, int along)
{
    const int d = tw__read_edge(e->program, node, along), operand = tw__node_at(e->program, node)->u.read.operand;
    const struct tw__index *index = tw__read_index(e->program, node, d);
    const char *rule = rule_of(index->edge);
    char name[32];
    snprintf(name, sizeof name, "strip_%s", rule != NULL ? rule : "number");
    (void)tw__helper_need(e, name, tw__node_at(e->program, node)->dtype);
    tw__emit_text(e, "tw_%s_%s(room%d, ", name, tw__emit_suffix(tw__node_at(e->program, node)->dtype), node);
    emit_address(e, node, d, -1);
    tw__emit_text(e, ", STRIDE(%d, %d), SHAPE(%d, %d), ", operand, d, operand, d);
    emit_index(e, index, -1);
    tw__emit_text(e, ", %" PRId64 ", m", tw__index_factor(index, along));
    if (rule == NULL) {
        tw__emit_text(e, ", ");
        emit_number(e, node, index);
    }
    tw__emit_text(e, ")");
}

void tw__emit_items(struct tw__emitter *e, int node, int along, int copied)
{
    const tw_kind kind = tw__node_at(e->program, node)->dtype;
    const char *suffix = tw__emit_suffix(kind), *storage = tw__emit_storage(kind);
    const enum tw__movement movement = tw__read_movement(e->program, node, along);
    if (movement == TW__MOVE_ANY) {
        tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
        tw__emit_begin(e);
        tw__emit_text(e, "room%d[q] = ", node);
        emit_stored_item(e, node, along);
        tw__emit_text(e, ";");
        tw__emit_end(e);
        tw__emit_close(e);
        tw__emit_line(e, "const %s *restrict p%d = room%d;", storage, node, node);
        return;
    }
    const int edge = tw__read_edge(e->program, node, along);
    tw__emit_begin(e);
    tw__emit_text(e, "const %s *restrict p%d = ", storage, node);
    const int guarded = emit_inside(e, node, edge, -1);
    if (movement == TW__MOVE_EDGE) {
        emit_edge_call(e, node, along);
    } else {
        const char *name = copied ? "gather" : "strip";
        (void)tw__helper_need(e, name, kind);
        tw__emit_text(e, "tw_%s_%s(room%d, ", name, suffix, node);
        emit_address(e, node, -1, -1);
        tw__emit_text(e, ", ");
        tw__emit_step(e, node, along);
        tw__emit_text(e, ", m)");
    }
    if (guarded) {
        char before[64];
        (void)tw__helper_need(e, "fill", kind);
        snprintf(before, sizeof before, "tw_fill_%s(room%d, m, ", suffix, node);
        emit_others(e, node, edge, before, ")");
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

/* ---- limits ---- */

void tw__emit_limits(struct tw__emitter *e, int node, int along)
{
    if (!tw__read_has_limits(e->program, node, along)) {
        return;
    }
    const int d = tw__read_edge(e->program, node, along);
    struct tw__index rest = *tw__read_index(e->program, node, d); /* the index without the strip's axis */
    rest.nterms = 0;
    for (int t = 0; t < tw__read_index(e->program, node, d)->nterms; t++) {
        if (tw__read_index(e->program, node, d)->term[t].axis != along) {
            rest.term[rest.nterms++] = tw__read_index(e->program, node, d)->term[t];
        }
    }
    (void)tw__helper_need(e, "most", TW_OPAQUE);
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_begin(e);
    if (rest.nterms == 0 && rest.offset < 0 && rest.constant != INT64_MIN) {
        tw__emit_text(e, "low = tw_most(low, INT64_C(%" PRId64 "));", -rest.constant);
        tw__emit_end(e);
        tw__emit_line(e, "high = tw_least(high, SHAPE(%d, %d) + INT64_C(%" PRId64 "));",
                      tw__node_at(e->program, node)->u.read.operand, d, -rest.constant);
        return;
    }
    tw__emit_text(e, "low = tw_most(low, -(");
    emit_index(e, &rest, -1);
    tw__emit_text(e, "));");
    tw__emit_end(e);
    tw__emit_begin(e);
    tw__emit_text(e, "high = tw_least(high, SHAPE(%d, %d) - (", tw__node_at(e->program, node)->u.read.operand, d);
    emit_index(e, &rest, -1);
    tw__emit_text(e, "));");
    tw__emit_end(e);
}

void tw__emit_length(struct tw__emitter *e, int axis)
{
    const int tile = e->program->axes[axis].tile;
    if (tile >= 0) {
        tw__emit_text(e, "tile->stop[%d] - tile->start[%d]", tile, tile);
    } else {
        (void)tw__helper_need(e, "item", TW_INT64);
        tw__emit_text(e, "tw_item_i64((const char *)tile->context + %d)", 8 * axis);
    }
}

/* ---- outputs ---- */

void tw__emit_place(struct tw__emitter *e, int operand)
{
    const struct tw__expr_operand *target = &e->program->operands[operand];
    tw__emit_text(e, "DATA(%d)", operand);
    for (int d = 0; d < target->ndim; d++) {
        const int axis = target->axis[d];
        tw__emit_text(e, " + (x%d - tile->start[%d]) * STRIDE(%d, %d)", axis, e->program->axes[axis].tile, operand, d);
    }
}

void tw__emit_place_step(struct tw__emitter *e, int operand, int along)
{
    const struct tw__expr_operand *target = &e->program->operands[operand];
    int count = 0;
    for (int d = 0; d < target->ndim; d++) {
        if (target->axis[d] == along) {
            tw__emit_text(e, "%sSTRIDE(%d, %d)", count++ > 0 ? " + " : "", operand, d);
        }
    }
}

int tw__emit_near(struct tw__emitter *e, int node, int along, const char *before)
{
    const int d = tw__read_near(e->program, node, along);
    if (d < 0) {
        return 0;
    }
    tw__emit_text(e, "%sSTRIDE(%d, %d) == %d", before, tw__node_at(e->program, node)->u.read.operand, d,
                  tw__emit_size(tw__node_at(e->program, node)->dtype));
    return 1;
}
