/* address.c - where the elements of a READ lie, as C text. */
#include "notation/print/address.h"

#include <inttypes.h>

#include "notation/print/helper.h"

static const struct tw__node *node_at(const struct tw__emitter *e, int node)
{
    return &e->program->nodes[node];
}

static const struct tw__index *index_at(const struct tw__emitter *e, int node, int dimension)
{
    return &e->program->indices[node_at(e, node)->u.read.indices + dimension];
}

static int ndim_of(const struct tw__emitter *e, int node)
{
    return e->program->operands[node_at(e, node)->u.read.operand].ndim;
}

/* What one step along the strip adds to the index. */
static int64_t factor_of(const struct tw__emitter *e, const struct tw__index *index)
{
    int64_t factor = 0;
    for (int t = 0; t < index->nterms; t++) {
        factor += index->term[t].axis == e->strip ? index->term[t].factor : 0;
    }
    return factor;
}

/* The dimension that moves along the strip and has an edge, -1: none; *count: how many dimensions move at all. */
static int moving_edge(const struct tw__emitter *e, int node, int *count)
{
    int edge = -1;
    *count = 0;
    for (int d = 0; d < ndim_of(e, node); d++) {
        const struct tw__index *index = index_at(e, node, d);
        if (factor_of(e, index) != 0) {
            ++*count;
            edge = index->edge != TW_EDGE_ERROR ? d : edge;
        }
    }
    return edge;
}

enum tw__movement tw__read_movement(const struct tw__emitter *e, int node)
{
    int count;
    const int edge = moving_edge(e, node, &count);
    return edge < 0 ? TW__MOVE_LINEAR : count == 1 ? TW__MOVE_EDGE : TW__MOVE_ANY;
}

/* ---- indices ---- */

/* "2 * x0 + x3 + 5", in the view's own indices. `q` is added to the strip's axis where it is asked for. */
static void emit_index(struct tw__emitter *e, const struct tw__index *index, int with_q)
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
        tw__emit_text(e, with_q && axis == e->strip ? "(x%d + q)" : "x%d", axis);
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

/* The index as it is read: an edge's rule applied, but for ZERO, which is asked about beforehand. */
static void emit_inner_index(struct tw__emitter *e, int node, int d, int with_q)
{
    const struct tw__index *index = index_at(e, node, d);
    const char *rule = index->edge == TW_EDGE_CLAMP ? "clamp" : index->edge == TW_EDGE_WRAP ? "wrap" : NULL;
    if (rule != NULL) {
        (void)tw__helper_need(e, rule, TW_OPAQUE);
        tw__emit_text(e, "tw_%s(", rule);
    } else {
        tw__emit_text(e, "(");
    }
    emit_index(e, index, with_q);
    if (rule != NULL) {
        tw__emit_text(e, ", SHAPE(%d, %d)", node_at(e, node)->u.read.operand, d);
    }
    tw__emit_text(e, ")");
}

/* The address for x0, x1 ...; dimension `without` is left at index 0. */
static void emit_address(struct tw__emitter *e, int node, int without, int with_q)
{
    const int operand = node_at(e, node)->u.read.operand;
    tw__emit_text(e, "DATA(%d)", operand);
    for (int d = 0; d < ndim_of(e, node); d++) {
        if (d != without) {
            tw__emit_text(e, " + ");
            emit_inner_index(e, node, d, with_q);
            tw__emit_text(e, " * STRIDE(%d, %d)", operand, d);
        }
    }
}

/* "tw_inside(x0 - 1, SHAPE(0, 0)) && ..." of the ZERO dimensions but `without`. Gives 0, and prints nothing, where
 * there is none; `before` and `after` go around what is printed. */
static int emit_inside(struct tw__emitter *e, int node, int without, int with_q, const char *before, const char *after)
{
    int count = 0;
    for (int d = 0; d < ndim_of(e, node); d++) {
        const struct tw__index *index = index_at(e, node, d);
        if (index->edge == TW_EDGE_ZERO && d != without) {
            (void)tw__helper_need(e, "inside", TW_OPAQUE);
            tw__emit_text(e, "%stw_inside(", count > 0 ? " && " : before);
            emit_index(e, index, with_q);
            tw__emit_text(e, ", SHAPE(%d, %d))", node_at(e, node)->u.read.operand, d);
            count++;
        }
    }
    tw__emit_text(e, "%s", count > 0 ? after : "");
    return count > 0;
}

/* ---- items ---- */

static void emit_stored_item(struct tw__emitter *e, int node, int with_q)
{
    const tw_kind kind = node_at(e, node)->dtype;
    const int guarded = emit_inside(e, node, -1, with_q, "(", " ? ");
    (void)tw__helper_need(e, "item", kind);
    tw__emit_text(e, "tw_item_%s(", tw__emit_suffix(kind));
    emit_address(e, node, -1, with_q);
    tw__emit_text(e, ")");
    if (guarded) {
        tw__emit_text(e, " : (%s){0})", tw__emit_storage(kind));
    }
}

void tw__emit_item(struct tw__emitter *e, int node)
{
    const tw_kind kind = node_at(e, node)->dtype;
    if (kind == TW_FLOAT16) {
        (void)tw__helper_need(e, "value", kind);
        tw__emit_text(e, "tw_value_f16(");
    } else if (kind == TW_BOOL) {
        tw__emit_text(e, "(");
    }
    emit_stored_item(e, node, 0);
    tw__emit_text(e, kind == TW_FLOAT16 ? ")" : kind == TW_BOOL ? " != 0)" : "");
}

/* Bytes from one element of the strip to the next. */
static void emit_step(struct tw__emitter *e, int node)
{
    int count = 0;
    for (int d = 0; d < ndim_of(e, node); d++) {
        const int64_t factor = factor_of(e, index_at(e, node, d));
        if (factor != 0) {
            tw__emit_text(e, count++ > 0 ? " + " : "");
            if (factor != 1) {
                tw__emit_text(e, "%" PRId64 " * ", factor);
            }
            tw__emit_text(e, "STRIDE(%d, %d)", node_at(e, node)->u.read.operand, d);
        }
    }
    tw__emit_text(e, count == 0 ? "0" : "");
}

static void emit_edge_call(struct tw__emitter *e, int node)
{
    int count;
    const int d = moving_edge(e, node, &count), operand = node_at(e, node)->u.read.operand;
    const struct tw__index *index = index_at(e, node, d);
    const char *rule = index->edge == TW_EDGE_CLAMP  ? "strip_clamp"
                       : index->edge == TW_EDGE_WRAP ? "strip_wrap"
                                                     : "strip_zero";
    (void)tw__helper_need(e, rule, node_at(e, node)->dtype);
    tw__emit_text(e, "tw_%s_%s(room%d, ", rule, tw__emit_suffix(node_at(e, node)->dtype), node);
    emit_address(e, node, d, 0);
    tw__emit_text(e, ", STRIDE(%d, %d), SHAPE(%d, %d), ", operand, d, operand, d);
    emit_index(e, index, 0);
    tw__emit_text(e, ", %" PRId64 ", m)", factor_of(e, index));
}

void tw__emit_items(struct tw__emitter *e, int node, int copied)
{
    const tw_kind kind = node_at(e, node)->dtype;
    const char *suffix = tw__emit_suffix(kind), *storage = tw__emit_storage(kind);
    const enum tw__movement movement = tw__read_movement(e, node);
    if (movement == TW__MOVE_ANY) {
        tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
        tw__emit_begin(e);
        tw__emit_text(e, "room%d[q] = ", node);
        emit_stored_item(e, node, 1);
        tw__emit_text(e, ";");
        tw__emit_end(e);
        tw__emit_close(e);
        tw__emit_line(e, "const %s *restrict p%d = room%d;", storage, node, node);
        return;
    }
    int count;
    const int edge = moving_edge(e, node, &count);
    tw__emit_begin(e);
    tw__emit_text(e, "const %s *restrict p%d = ", storage, node);
    const int guarded = emit_inside(e, node, edge, 0, "", " ? ");
    if (movement == TW__MOVE_EDGE) {
        emit_edge_call(e, node);
    } else {
        const char *name = copied ? "gather" : "strip";
        (void)tw__helper_need(e, name, kind);
        tw__emit_text(e, "tw_%s_%s(room%d, ", name, suffix, node);
        emit_address(e, node, -1, 0);
        tw__emit_text(e, ", ");
        emit_step(e, node);
        tw__emit_text(e, ", m)");
    }
    if (guarded) {
        (void)tw__helper_need(e, "nothing", kind);
        tw__emit_text(e, " : tw_nothing_%s(room%d, m)", suffix, node);
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

/* ---- limits ---- */

/* Strips are cut where a shifted READ begins and ceases to be inside, so that few elements need its edge's rule. */
int tw__has_limits(const struct tw__emitter *e, int node)
{
    int count;
    const int edge = moving_edge(e, node, &count);
    return edge >= 0 && count == 1 && factor_of(e, index_at(e, node, edge)) == 1;
}

void tw__emit_limits(struct tw__emitter *e, int node)
{
    int count;
    if (!tw__has_limits(e, node)) {
        return;
    }
    const int d = moving_edge(e, node, &count);
    struct tw__index rest = *index_at(e, node, d); /* the index without the strip's axis */
    rest.nterms = 0;
    for (int t = 0; t < index_at(e, node, d)->nterms; t++) {
        if (index_at(e, node, d)->term[t].axis != e->strip) {
            rest.term[rest.nterms++] = index_at(e, node, d)->term[t];
        }
    }
    (void)tw__helper_need(e, "most", TW_OPAQUE);
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_begin(e);
    if (rest.nterms == 0 && rest.offset < 0 && rest.constant != INT64_MIN) {
        tw__emit_text(e, "low = tw_most(low, INT64_C(%" PRId64 "));", -rest.constant);
        tw__emit_end(e);
        tw__emit_line(e, "high = tw_least(high, SHAPE(%d, %d) + INT64_C(%" PRId64 "));",
                      node_at(e, node)->u.read.operand, d, -rest.constant);
        return;
    }
    tw__emit_text(e, "low = tw_most(low, -(");
    emit_index(e, &rest, 0);
    tw__emit_text(e, "));");
    tw__emit_end(e);
    tw__emit_begin(e);
    tw__emit_text(e, "high = tw_least(high, SHAPE(%d, %d) - (", node_at(e, node)->u.read.operand, d);
    emit_index(e, &rest, 0);
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

void tw__emit_place_step(struct tw__emitter *e, int operand)
{
    const struct tw__expr_operand *target = &e->program->operands[operand];
    int count = 0;
    for (int d = 0; d < target->ndim; d++) {
        if (target->axis[d] == e->strip) {
            tw__emit_text(e, "%sSTRIDE(%d, %d)", count++ > 0 ? " + " : "", operand, d);
        }
    }
}

int tw__emit_near(struct tw__emitter *e, int node, const char *before)
{
    int moving = -1;
    for (int d = 0; d < ndim_of(e, node); d++) {
        const int64_t factor = factor_of(e, index_at(e, node, d));
        if (factor != 0) {
            if (moving >= 0 || factor != 1) {
                return 0;
            }
            moving = d;
        }
    }
    if (moving < 0) {
        return 0;
    }
    tw__emit_text(e, "%sSTRIDE(%d, %d) == %d", before, node_at(e, node)->u.read.operand, moving,
                  tw__emit_size(node_at(e, node)->dtype));
    return 1;
}
