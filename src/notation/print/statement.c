/* statement.c - the loops of one statement over the tile: strips along one axis of the target, rows in order. */
#include "notation/print/statement.h"

#include "notation/print/address.h"
#include "notation/print/helper.h"
#include "notation/print/multiply.h"
#include "notation/print/strip.h"
#include "notation/print/value.h"

static const struct tw__expr_operand *target_of(const struct tw__emitter *e, const struct tw__variant *v)
{
    return &e->program->operands[v->loop.target];
}

static int tile_axis(const struct tw__emitter *e, int axis)
{
    return e->program->axes[axis].tile;
}

/* ---- no axes: one element ---- */

static void emit_element(struct tw__emitter *e, const struct tw__variant *v)
{
    const struct tw__scope in = {.loop = &v->loop};
    tw__strip_scalars(e, &v->loop, 0);
    tw__emit_begin(e);
    tw__emit_text(e, "*(%s *)(void *)DATA(%d) = ", tw__emit_storage(target_of(e, v)->dtype), v->loop.target);
    tw__emit_result(e, &in, v->loop.roots[0]);
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

/* ---- panels ---- */

static void open_panel_loop(struct tw__emitter *e, int axis)
{
    tw__emit_open(e, "for (int64_t begin = tile->start[%d]; begin < tile->stop[%d]; begin += panel)", axis, axis);
    tw__emit_line(e, "const int64_t end = tw_least(tile->stop[%d], begin + panel);", axis);
}

/* Whether all that is read and written lies side by side along the strip. */
static void emit_near(struct tw__emitter *e, const struct tw__variant *v)
{
    const struct tw__loop *loop = &v->loop;
    int count = 0;
    tw__emit_begin(e);
    tw__emit_text(e, "const int near = ");
    for (int k = 0; k < loop->nreads; k++) {
        count += tw__loop_item(loop, loop->reads[k])->found == TW__FORM_ITEM &&
                 tw__emit_near(e, loop->reads[k], loop->axis, count > 0 ? " && " : "");
    }
    tw__emit_text(e, count > 0 ? " && " : "");
    tw__emit_place_step(e, loop->target, loop->axis);
    tw__emit_text(e, " == %d;", tw__emit_size(target_of(e, v)->dtype));
    tw__emit_end(e);
}

static void open_panels(struct tw__emitter *e, const struct tw__variant *v)
{
    const int axis = tile_axis(e, v->loop.axis);
    if (v->panels == TW__PANELS_NONE) {
        return;
    }
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    if (v->panels == TW__PANELS_HOISTED) {
        tw__emit_line(e, "const int64_t panel = %d;", v->panel);
    } else {
        emit_near(e, v);
        tw__emit_line(e, "const int64_t panel = near ? tw_most(tile->stop[%d] - tile->start[%d], 1) : %d;", axis, axis,
                      v->panel);
        (void)tw__helper_need(e, "most", TW_OPAQUE);
    }
    open_panel_loop(e, axis);
}

/* ---- strips ---- */

/* One strip: `to` is where its results belong, `out` where the loop puts them. */
static void emit_strip(struct tw__emitter *e, const struct tw__variant *v)
{
    const struct tw__loop *loop = &v->loop;
    const tw_kind kind = target_of(e, v)->dtype;
    const char *suffix = tw__emit_suffix(kind), *storage = tw__emit_storage(kind);
    tw__strip_items(e, loop);
    tw__emit_begin(e);
    tw__emit_text(e, "char *const to = ");
    tw__emit_place(e, loop->target);
    tw__emit_text(e, ";");
    tw__emit_end(e);
    (void)tw__helper_need(e, "place", kind);
    (void)tw__helper_need(e, "scatter", kind);
    tw__emit_begin(e);
    tw__emit_text(e, "%s *restrict out = tw_place_%s(room, to, ", storage, suffix);
    tw__emit_place_step(e, loop->target, loop->axis);
    tw__emit_text(e, ");");
    tw__emit_end(e);
    if (v->has_own) {
        (void)tw__helper_need(e, "gather", kind);
        tw__emit_open(e, "if (out == room)");
        tw__emit_begin(e);
        tw__emit_text(e, "tw_gather_%s(room, to, ", suffix);
        tw__emit_place_step(e, loop->target, loop->axis);
        tw__emit_text(e, ", m);");
        tw__emit_end(e);
        tw__emit_close(e);
    }
    tw__strip_loops(e, loop);
    tw__emit_open(e, "if (out == room)");
    tw__emit_begin(e);
    tw__emit_text(e, "tw_scatter_%s(to, ", suffix);
    tw__emit_place_step(e, loop->target, loop->axis);
    tw__emit_text(e, ", room, m);");
    tw__emit_end(e);
    tw__emit_close(e);
}

/* The rooms of the function, and its own for results that do not go where they belong at once. */
static void emit_rooms(struct tw__emitter *e, const struct tw__variant *v)
{
    tw__strip_rooms(e, &v->loop);
    tw__product_rooms(e, v);
    tw__emit_line(e, "%s room[%d] __attribute__((aligned(64)));", tw__emit_storage(target_of(e, v)->dtype),
                  v->loop.length);
}

/* A loop over all indices that the tile has on an axis. */
static void open_axis(struct tw__emitter *e, int axis)
{
    const int t = tile_axis(e, axis);
    tw__emit_open(e, "for (int64_t x%d = tile->start[%d]; x%d < tile->stop[%d]; x%d++)", axis, t, axis, t, axis);
}

static void open_strips(struct tw__emitter *e, const struct tw__variant *v)
{
    const int along = v->loop.axis, tile = tile_axis(e, along);
    if (v->has_limits) {
        tw__emit_line(e, "int64_t low = INT64_MIN, high = INT64_MAX;");
        for (int k = 0; k < v->loop.nreads; k++) {
            tw__emit_limits(e, v->loop.reads[k], along);
        }
    }
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    if (v->panels != TW__PANELS_NONE) {
        tw__emit_open(e, "for (int64_t x%d = begin, m; x%d < end; x%d += m)", along, along, along);
        tw__emit_line(e, "m = tw_least(end - x%d, %d);", along, v->loop.length);
    } else {
        tw__emit_open(e, "for (int64_t x%d = tile->start[%d], m; x%d < tile->stop[%d]; x%d += m)", along, tile, along,
                      tile, along);
        tw__emit_line(e, "m = tw_least(tile->stop[%d] - x%d, %d);", tile, along, v->loop.length);
    }
    if (v->has_limits) {
        tw__emit_line(e, "m = x%d < low ? tw_least(m, low - x%d) : x%d < high ? tw_least(m, high - x%d) : m;", along,
                      along, along, along);
    }
}

static void emit_rows(struct tw__emitter *e, const struct tw__variant *v)
{
    const struct tw__expr_operand *target = target_of(e, v);
    int level = 0;
    emit_rooms(e, v);
    tw__strip_scalars(e, &v->loop, level);
    open_panels(e, v);
    tw__strip_hoisted(e, &v->loop, level);
    for (int d = 0; d < target->ndim; d++) {
        if (target->axis[d] != v->loop.axis) {
            open_axis(e, target->axis[d]);
            level++;
            tw__strip_scalars(e, &v->loop, level);
            tw__strip_hoisted(e, &v->loop, level);
        }
    }
    open_strips(e, v);
    emit_strip(e, v);
    while (e->indent > 1) {
        tw__emit_close(e);
    }
}

/* ---- blocks ---- */

/* Columns in blocks, rows in blocks, and in each of them the rows. */
static void emit_blocks(struct tw__emitter *e, const struct tw__variant *v)
{
    const struct tw__expr_operand *target = target_of(e, v);
    const int last = v->loop.axis, tile = tile_axis(e, last), row = v->row_axis, row_tile = tile_axis(e, row);
    int level = 0;
    emit_rooms(e, v);
    tw__strip_scalars(e, &v->loop, level);
    for (int d = 0; d + 1 < target->ndim; d++) {
        if (target->axis[d] != row) {
            open_axis(e, target->axis[d]);
            level++;
            tw__strip_scalars(e, &v->loop, level);
        }
    }
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_open(e, "for (int64_t x%d = tile->start[%d], m; x%d < tile->stop[%d]; x%d += m)", last, tile, last, tile,
                  last);
    tw__emit_line(e, "m = tw_least(tile->stop[%d] - x%d, %d);", tile, last, v->loop.length);
    tw__emit_line(e, "const int64_t begin = x%d, end = begin + m;", last);
    level++;
    tw__strip_hoisted(e, &v->loop, level);
    tw__emit_open(e, "for (int64_t top = tile->start[%d], rows; top < tile->stop[%d]; top += rows)", row_tile,
                  row_tile);
    tw__emit_line(e, "rows = tw_least(tile->stop[%d] - top, %d);", row_tile, TW__BLOCK_ROWS);
    tw__product_calls(e, v);
    tw__emit_open(e, "for (int64_t x%d = top; x%d < top + rows; x%d++)", row, row, row);
    level++;
    tw__strip_scalars(e, &v->loop, level);
    tw__product_rows(e, v);
    emit_strip(e, v);
    while (e->indent > 1) {
        tw__emit_close(e);
    }
}

/* ---- one statement ---- */

/* statement1, or statement1_along0 if there are several. */
static void emit_name(struct tw__emitter *e, const struct tw__statement_plan *plan, int number, int variant)
{
    tw__emit_text(e, "statement%d", number + 1);
    if (plan->nvariants > 1) {
        tw__emit_text(e, "_along%d", plan->variant[variant].loop.axis);
    }
}

static void emit_variant(struct tw__emitter *e, const struct tw__statement_plan *plan, int number, int variant)
{
    const struct tw__variant *v = &plan->variant[variant];
    tw__emit_text(e, "TW_SLOW void ");
    emit_name(e, plan, number, variant);
    tw__emit_function(e, "(const tw_tile *tile)");
    if (v->shape == TW__SHAPE_ELEMENT) {
        emit_element(e, v);
    } else if (v->shape == TW__SHAPE_BLOCKS) {
        emit_blocks(e, v);
    } else {
        emit_rows(e, v);
    }
    tw__emit_function_end(e);
}

/* What a strip along the axis costs an element, in tenths of nanoseconds: its own cost, spread over its elements, and
 * what is gathered or scattered because it does not lie side by side. */
static void emit_cost(struct tw__emitter *e, const struct tw__variant *v)
{
    const struct tw__expr_operand *target = target_of(e, v);
    const int along = v->loop.axis, tile = tile_axis(e, along);
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

/* Takes the variant that costs least for the tile; of equal ones the first. */
static void emit_choice(struct tw__emitter *e, const struct tw__statement_plan *plan, int number)
{
    tw__emit_function(e, "static void statement%d(const tw_tile *tile)", number + 1);
    for (int k = 0; k < plan->nvariants; k++) {
        emit_cost(e, &plan->variant[k]);
    }
    for (int k = plan->nvariants - 1; k >= 0; k--) {
        if (k > 0) {
            tw__emit_begin(e);
            tw__emit_text(e, "if (");
            for (int other = 0; other < k; other++) {
                tw__emit_text(e, "%scost%d < cost%d", other > 0 ? " && " : "", plan->variant[k].loop.axis,
                              plan->variant[other].loop.axis);
            }
            tw__emit_text(e, ") {");
            tw__emit_end(e);
            e->indent++;
        }
        tw__emit_begin(e);
        emit_name(e, plan, number, k);
        tw__emit_text(e, "(tile);");
        tw__emit_end(e);
        if (k > 0) {
            tw__emit_line(e, "return;");
            tw__emit_close(e);
        }
    }
    tw__emit_function_end(e);
}

void tw__emit_statement(struct tw__emitter *e, const struct tw__statement_plan *plan, int number)
{
    for (int k = 0; k < plan->nvariants; k++) {
        emit_variant(e, plan, number, k);
    }
    if (plan->nvariants > 1) {
        emit_choice(e, plan, number);
    }
}
