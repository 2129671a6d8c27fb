/* statement.c - the loops of one statement over the tile: strips along one axis of the target, rows in order. */
#include "notation/print/statement.h"

#include <stdio.h>

#include "notation/print/address.h"
#include "notation/print/helper.h"
#include "notation/print/product.h"
#include "notation/print/strip.h"
#include "notation/print/value.h"

enum { PANEL = 256 }; /* elements: as many lines of memory, one a column, stay in the nearest cache */

static const struct tw__expr_operand *target_of(const struct tw__emitter *e)
{
    return &e->program->operands[e->target];
}

static int tile_axis(const struct tw__emitter *e, int axis)
{
    return e->program->axes[axis].tile;
}

/* ---- no axes: one element ---- */

static void emit_element(struct tw__emitter *e, struct tw__strip *strip)
{
    const tw_kind kind = target_of(e)->dtype;
    tw__strip_scalars(e, strip, TW__ALL_AXES);
    tw__emit_begin(e);
    tw__emit_text(e, "*(%s *)(void *)DATA(%d) = ", tw__emit_storage(kind), e->target);
    tw__emit_result(e, strip->roots[0]);
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

/* ---- panels ---- */

struct near {
    int count;
};

static void emit_near(struct tw__emitter *e, int node, void *user)
{
    struct near *near = user;
    near->count += e->form[node] == TW__FORM_ITEM && tw__emit_near(e, node, near->count > 0 ? " && " : "");
}

static void count_node(struct tw__emitter *e, int node, void *user)
{
    (void)e;
    (void)node;
    ++*(int *)user;
}

static int count_scalar_reductions(const struct tw__emitter *e, const struct tw__strip *strip)
{
    int count = 0;
    for (int n = 0; n <= strip->roots[0]; n++) {
        const struct tw__node *node = &e->program->nodes[n];
        count += node->scope == strip->scope && node->kind == TW__NODE_REDUCE && !tw__strip_varies(e, n);
    }
    return count;
}

static void open_panel_loop(struct tw__emitter *e, int axis)
{
    tw__emit_open(e, "for (int64_t begin = tile->start[%d]; begin < tile->stop[%d]; begin += panel)", axis, axis);
    tw__emit_line(e, "const int64_t end = tw_least(tile->stop[%d], begin + panel);", axis);
}

/* Where items do not lie side by side along the strip, a column of strips is done for all rows before the next: the
 * lines of memory that one row has brought along serve the rows after it. Gives 1 where panels are printed. */
static int open_panels(struct tw__emitter *e, const struct tw__strip *strip, int along, int hoisted)
{
    int reads = 0;
    tw__strip_each(e, strip, TW__NODE_READ, count_node, &reads);
    if (target_of(e)->ndim < 2 || ((reads == 0 || count_scalar_reductions(e, strip) > 0) && hoisted == 0)) {
        return 0;
    }
    const int axis = tile_axis(e, along);
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    if (hoisted > 0) {
        tw__emit_line(e, "const int64_t panel = %d;", strip->length);
        open_panel_loop(e, axis);
        return 1;
    }
    struct near near = {0};
    tw__emit_begin(e);
    tw__emit_text(e, "const int near = ");
    tw__strip_each(e, strip, TW__NODE_READ, emit_near, &near);
    tw__emit_text(e, near.count > 0 ? " && " : "");
    tw__emit_place_step(e, e->target);
    tw__emit_text(e, " == %d;", tw__emit_size(target_of(e)->dtype));
    tw__emit_end(e);
    tw__emit_line(e, "const int64_t panel = near ? tw_most(tile->stop[%d] - tile->start[%d], 1) : %d;", axis, axis,
                  strip->length < PANEL ? strip->length : PANEL);
    (void)tw__helper_need(e, "most", TW_OPAQUE);
    open_panel_loop(e, axis);
    return 1;
}

/* ---- strips ---- */

static void emit_limits(struct tw__emitter *e, int node, void *user)
{
    (void)user;
    tw__emit_limits(e, node);
}

static void count_limits(struct tw__emitter *e, int node, void *user)
{
    *(int *)user += tw__has_limits(e, node);
}

static void count_own(struct tw__emitter *e, int node, void *user)
{
    *(int *)user += e->form[node] == TW__FORM_OWN;
}

/* One strip: `to` is where its results belong, `out` where the loop puts them. */
static void emit_strip(struct tw__emitter *e, const struct tw__strip *strip, int own)
{
    const tw_kind kind = target_of(e)->dtype;
    const char *suffix = tw__emit_suffix(kind), *storage = tw__emit_storage(kind);
    tw__strip_items(e, strip);
    tw__emit_begin(e);
    tw__emit_text(e, "char *const to = ");
    tw__emit_place(e, e->target);
    tw__emit_text(e, ";");
    tw__emit_end(e);
    (void)tw__helper_need(e, "place", kind);
    (void)tw__helper_need(e, "scatter", kind);
    tw__emit_begin(e);
    tw__emit_text(e, "%s *restrict out = tw_place_%s(room, to, ", storage, suffix);
    tw__emit_place_step(e, e->target);
    tw__emit_text(e, ");");
    tw__emit_end(e);
    if (own) {
        (void)tw__helper_need(e, "gather", kind);
        tw__emit_open(e, "if (out == room)");
        tw__emit_begin(e);
        tw__emit_text(e, "tw_gather_%s(room, to, ", suffix);
        tw__emit_place_step(e, e->target);
        tw__emit_text(e, ", m);");
        tw__emit_end(e);
        tw__emit_close(e);
    }
    tw__strip_loops(e, strip);
    tw__emit_open(e, "if (out == room)");
    tw__emit_begin(e);
    tw__emit_text(e, "tw_scatter_%s(to, ", suffix);
    tw__emit_place_step(e, e->target);
    tw__emit_text(e, ", room, m);");
    tw__emit_end(e);
    tw__emit_close(e);
}

/* The axis of the loop around the strip; -1: there is none. */
static int inner_axis(const struct tw__emitter *e)
{
    const struct tw__expr_operand *target = target_of(e);
    for (int d = target->ndim - 1; d >= 0; d--) {
        if (target->axis[d] != e->strip) {
            return target->axis[d];
        }
    }
    return -1;
}

static void emit_rows(struct tw__emitter *e, struct tw__strip *strip)
{
    const struct tw__expr_operand *target = target_of(e);
    const int along = e->strip, tile = tile_axis(e, along);
    const int inner = inner_axis(e);
    const int hoisted = inner >= 0 ? tw__strip_hoist(e, strip, inner) : 0;
    int limits = 0, own = 0;
    uint64_t open = 0;
    tw__strip_rooms(e, strip);
    tw__emit_line(e, "%s room[%d] __attribute__((aligned(64)));", tw__emit_storage(target->dtype), strip->length);
    tw__strip_scalars(e, strip, open);
    const int panels = open_panels(e, strip, along, hoisted);
    tw__strip_hoisted(e, strip, open);
    for (int d = 0; d < target->ndim; d++) {
        const int axis = target->axis[d], t = tile_axis(e, axis);
        if (axis != along) {
            tw__emit_open(e, "for (int64_t x%d = tile->start[%d]; x%d < tile->stop[%d]; x%d++)", axis, t, axis, t,
                          axis);
            open |= (uint64_t)1 << axis;
            tw__strip_scalars(e, strip, open);
            tw__strip_hoisted(e, strip, open);
        }
    }
    tw__strip_each(e, strip, TW__NODE_READ, count_limits, &limits);
    tw__strip_each(e, strip, TW__NODE_READ, count_own, &own);
    if (limits > 0) {
        tw__emit_line(e, "int64_t low = INT64_MIN, high = INT64_MAX;");
        tw__strip_each(e, strip, TW__NODE_READ, emit_limits, NULL);
    }
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    if (panels) {
        tw__emit_open(e, "for (int64_t x%d = begin, m; x%d < end; x%d += m)", along, along, along);
        tw__emit_line(e, "m = tw_least(end - x%d, %d);", along, strip->length);
    } else {
        tw__emit_open(e, "for (int64_t x%d = tile->start[%d], m; x%d < tile->stop[%d]; x%d += m)", along, tile, along,
                      tile, along);
        tw__emit_line(e, "m = tw_least(tile->stop[%d] - x%d, %d);", tile, along, strip->length);
    }
    if (limits > 0) {
        tw__emit_line(e, "m = x%d < low ? tw_least(m, low - x%d) : x%d < high ? tw_least(m, high - x%d) : m;", along,
                      along, along, along);
    }
    emit_strip(e, strip, own > 0);
    for (int d = 0; d < target->ndim + panels; d++) {
        tw__emit_close(e);
    }
}

/* ---- blocks ---- */

static void emit_block_row(struct tw__emitter *e, int node, int row_axis, int width)
{
    if (e->blocked[node]) {
        tw__product_row(e, node, row_axis, width);
    }
}

/* Columns in blocks, rows in blocks, and in each of them the rows. */
static void emit_blocks(struct tw__emitter *e, struct tw__strip *strip, int row)
{
    const struct tw__expr_operand *target = target_of(e);
    const int last = e->strip, tile = tile_axis(e, last), row_tile = tile_axis(e, row);
    int own = 0;
    uint64_t open = 0;
    (void)tw__strip_hoist(e, strip, row);
    tw__strip_rooms(e, strip);
    tw__product_rooms(e, strip->length);
    tw__emit_line(e, "%s room[%d] __attribute__((aligned(64)));", tw__emit_storage(target->dtype), strip->length);
    tw__strip_scalars(e, strip, open);
    for (int d = 0; d + 1 < target->ndim; d++) {
        const int axis = target->axis[d], t = tile_axis(e, axis);
        if (axis != row) {
            tw__emit_open(e, "for (int64_t x%d = tile->start[%d]; x%d < tile->stop[%d]; x%d++)", axis, t, axis, t,
                          axis);
            open |= (uint64_t)1 << axis;
            tw__strip_scalars(e, strip, open);
        }
    }
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_open(e, "for (int64_t x%d = tile->start[%d], m; x%d < tile->stop[%d]; x%d += m)", last, tile, last, tile,
                  last);
    tw__emit_line(e, "m = tw_least(tile->stop[%d] - x%d, %d);", tile, last, strip->length);
    tw__emit_line(e, "const int64_t begin = x%d, end = begin + m;", last);
    tw__strip_hoisted(e, strip, open);
    tw__emit_open(e, "for (int64_t top = tile->start[%d], rows; top < tile->stop[%d]; top += rows)", row_tile,
                  row_tile);
    tw__emit_line(e, "rows = tw_least(tile->stop[%d] - top, %d);", row_tile, TW__BLOCK_ROWS);
    tw__product_calls(e, row, strip->length);
    tw__emit_open(e, "for (int64_t x%d = top; x%d < top + rows; x%d++)", row, row, row);
    tw__strip_scalars(e, strip, TW__ALL_AXES);
    for (int n = 0; n < e->program->nnodes; n++) {
        emit_block_row(e, n, row, strip->length);
    }
    tw__strip_each(e, strip, TW__NODE_READ, count_own, &own);
    emit_strip(e, strip, own > 0);
    for (int d = 0; d < target->ndim + 1; d++) {
        tw__emit_close(e);
    }
    for (int n = 0; n < e->program->nnodes; n++) {
        e->blocked[n] = 0;
    }
}

/* ---- one statement ---- */

/* Whether the value has a reduction; the number of the statement's nodes is not large. */
static int has_reduction(const struct tw__emitter *e, int value)
{
    for (int n = 0; n <= value; n++) {
        if (e->program->nodes[n].kind == TW__NODE_REDUCE && e->program->nodes[n].scope < 0) {
            return 1;
        }
    }
    return 0;
}

/* Whether the compiler has much to do for the value: exp, sin and the like, whose own time hides that of gathering. */
static int is_long(const struct tw__emitter *e, int value)
{
    for (int n = 0; n <= value; n++) {
        const struct tw__node *node = &e->program->nodes[n];
        if (node->kind == TW__NODE_OPERATION && tw__operation_has(node->u.op.code, TW__TRAIT_LONG)) {
            return 1;
        }
    }
    return 0;
}

/* The loops with strips along one axis of the target, as a function. */
static void emit_variant(struct tw__emitter *e, int number, int along, const char *name)
{
    const struct tw__assignment *statement = &e->program->statements[number];
    struct tw__emit_mark mark;
    tw__emit_function_begin(e, &mark);
    e->target = statement->target;
    e->strip = along;
    e->rooms = 0;
    struct tw__strip strip = {.scope = -1, .nroots = 1, .roots = &statement->value, .to = TW__TO_OUT};
    tw__strip_plan(e, &strip);
    tw__emit_text(e, "TW_SLOW void %s(const tw_tile *tile)\n{\n", name);
    e->indent = 1;
    int width;
    const int row = along < 0 ? -1 : tw__product_find(e, &strip, &width);
    if (along < 0) {
        emit_element(e, &strip);
    } else if (row >= 0) {
        strip.length = width;
        emit_blocks(e, &strip, row);
    } else {
        emit_rows(e, &strip);
    }
    tw__emit_text(e, "}\n\n");
    tw__emit_function_end(e, &mark);
    e->most_rooms = e->rooms > e->most_rooms ? e->rooms : e->most_rooms;
}

/* What a strip along the axis costs an element, in tenths of nanoseconds: its own cost, spread over its elements, and
 * what is gathered or scattered because it does not lie side by side. */
static void emit_cost(struct tw__emitter *e, int number, int along)
{
    const struct tw__assignment *statement = &e->program->statements[number];
    const struct tw__expr_operand *target = &e->program->operands[statement->target];
    const int tile = tile_axis(e, along);
    (void)tw__helper_need(e, "most", TW_OPAQUE);
    tw__emit_begin(e);
    tw__emit_text(e, "const int64_t cost%d = 300 / tw_most(tile->stop[%d] - tile->start[%d], 1)", along, tile, tile);
    for (int k = 0; k < e->program->noperands; k++) {
        const struct tw__expr_operand *operand = &e->program->operands[k];
        for (int d = 0; d < operand->ndim; d++) {
            if (operand->axis[d] == along && (operand->role == TW_IN || operand == target)) {
                tw__emit_text(e, " + (STRIDE(%d, %d) == %d ? 2 : 10)", k, d, tw__emit_size(operand->dtype));
            }
        }
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

/* Strips along the target's last axis, along the one before it, along its first one: the kernel takes what suits the
 * tile's lengths and strides. A reduction's functions are made for the last one alone. */
void tw__emit_statement(struct tw__emitter *e, int number)
{
    const struct tw__assignment *statement = &e->program->statements[number];
    const struct tw__expr_operand *target = &e->program->operands[statement->target];
    const int ndim = target->ndim, last = ndim > 0 ? target->axis[ndim - 1] : -1;
    char name[48];
    if (ndim < 2 || has_reduction(e, statement->value) || (ndim == 2 && is_long(e, statement->value))) {
        snprintf(name, sizeof name, "statement%d", number + 1);
        emit_variant(e, number, last, name);
        return;
    }
    const int choice[] = {ndim - 1, ndim - 2, 0}, count = ndim > 2 ? 3 : 2;
    for (int k = 0; k < count; k++) {
        snprintf(name, sizeof name, "statement%d_along%d", number + 1, target->axis[choice[k]]);
        emit_variant(e, number, target->axis[choice[k]], name);
    }
    struct tw__emit_mark mark;
    tw__emit_function_begin(e, &mark);
    tw__emit_text(e, "static void statement%d(const tw_tile *tile)\n{\n", number + 1);
    e->indent = 1;
    for (int k = 0; k < count; k++) {
        emit_cost(e, number, target->axis[choice[k]]);
    }
    for (int k = count - 1; k > 0; k--) {
        const int axis = target->axis[choice[k]];
        tw__emit_begin(e);
        tw__emit_text(e, "if (");
        for (int other = 0; other < k; other++) {
            tw__emit_text(e, "%scost%d < cost%d", other > 0 ? " && " : "", axis, target->axis[choice[other]]);
        }
        tw__emit_text(e, ") {");
        tw__emit_end(e);
        tw__emit_line(e, "    statement%d_along%d(tile);", number + 1, axis);
        tw__emit_line(e, "    return;");
        tw__emit_line(e, "}");
    }
    tw__emit_line(e, "statement%d_along%d(tile);", number + 1, last);
    tw__emit_text(e, "}\n\n");
    tw__emit_function_end(e, &mark);
}
