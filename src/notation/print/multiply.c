/* multiply.c - the functions of a reduction that is computed for blocks of rows and columns. c<node> is a part of the
 * columns, for a leaf's k and all columns; r<node> one of the rows, for 4 rows and the leaf's k. */
#include "notation/print/multiply.h"

#include <assert.h>
#include <stdio.h>

#include "grid/fold.h"
#include "notation/print/element.h"
#include "notation/print/helper.h"
#include "notation/print/settled.h"
#include "notation/print/strip.h"

enum { LEAF = TW__FOLD_LEAF, ROWS = TW__PRODUCT_ROWS };
static_assert(TW__FOLD_LANES == 8, "the printed leaves have 8 lanes");

static const char *type_of(const struct tw__emitter *e, int node)
{
    return tw__emit_type(e->program->nodes[node].dtype);
}

/* "const double *restrict r5, ..." or the same as arguments, `at` added to each. */
static void emit_arrays(struct tw__emitter *e, const struct tw__product_plan *plan, int declare, const char *row_at,
                        const char *column_at)
{
    for (int k = 0; k < 2; k++) {
        for (int p = 0; p < plan->nparts[k]; p++) {
            const int n = plan->parts[k][p];
            tw__emit_text(e, ", ");
            if (declare) {
                tw__emit_text(e, "const %s *restrict ", type_of(e, n));
            }
            tw__emit_text(e, "%s%d%s", k == TW__OF_ROW ? "r" : "c", n, k == TW__OF_ROW ? row_at : column_at);
        }
    }
}

/* ---- the innermost loops ---- */

/* The body for ROWS rows and all columns at element `k` of the arrays; the first one begins the totals. */
static void emit_core(struct tw__emitter *e, const struct tw__product_plan *plan, const char *k, const char *total,
                      int begins)
{
    for (int p = 0; p < plan->nparts[TW__OF_COLUMN]; p++) {
        const int n = plan->parts[TW__OF_COLUMN][p];
        tw__emit_line(e, "const %s *restrict w%d = c%d + %s * %d;", type_of(e, n), n, n, k, plan->core.length);
    }
    /* Clang keeps the totals in registers only if it sees the rows apart. */
    tw__emit_text(e, "#pragma GCC unroll %d\n", ROWS);
    tw__emit_open(e, "for (int p = 0; p < %d; p++)", ROWS);
    for (int p = 0; p < plan->nparts[TW__OF_ROW]; p++) {
        const int n = plan->parts[TW__OF_ROW][p];
        tw__emit_line(e, "const %s v%d = r%d[p * %d + %s];", type_of(e, n), n, n, LEAF, k);
    }
    tw__strip_combine(e, &plan->core, total, begins ? NULL : tw__combine_name(&plan->of), plan->of.type);
    tw__emit_close(e);
}

static void emit_lane(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    const char *type = tw__emit_type(plan->of.type);
    tw__emit_text(e, "static void reduce%d_lane(const tw_tile *tile, int64_t count", plan->of.node);
    emit_arrays(e, plan, 1, "", "");
    tw__emit_function(e, ", %s *restrict total)", type);
    tw__emit_line(e, "%s sum[%d * %d] __attribute__((aligned(64)));", type, ROWS, plan->core.length);
    tw__emit_line(e, "(void)tile;");
    tw__strip_scalars(e, &plan->core, 0);
    tw__emit_line(e, "{");
    e->indent++;
    emit_core(e, plan, "0", "sum", 1);
    tw__emit_close(e);
    tw__emit_open(e, "for (int64_t k = 8; k < count; k += 8)");
    emit_core(e, plan, "k", "sum", 0);
    tw__emit_close(e);
    tw__emit_open(e, "for (int q = 0; q < %d * %d; q++)", ROWS, plan->core.length);
    tw__emit_line(e, "total[q] = sum[q];");
    tw__emit_close(e);
    tw__emit_function_end(e);
}

/* The 8 lanes of a leaf in pairs, as they come: no more than 4 lanes' totals are kept. */
static void emit_lanes(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    static const struct {
        int lane, to; /* lane < 0: totals `to` take those after it */
    } steps[] = {{0, 0}, {1, 1},  {-1, 0}, {2, 1}, {3, 2},  {-1, 1}, {-1, 0}, {4, 1},
                 {5, 2}, {-1, 1}, {6, 2},  {7, 3}, {-1, 2}, {-1, 1}, {-1, 0}};
    const int size = ROWS * plan->core.length;
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        if (steps[s].lane < 0) {
            tw__emit_line(e, "tw_row_%s_%s(part + %d, part + %d, %d);", tw__combine_name(&plan->of),
                          tw__emit_suffix(plan->of.type), steps[s].to * size, (steps[s].to + 1) * size, size);
            continue;
        }
        char row_at[16], column_at[16];
        snprintf(row_at, sizeof row_at, " + %d", steps[s].lane);
        snprintf(column_at, sizeof column_at, " + %d", steps[s].lane * plan->core.length);
        tw__emit_begin(e);
        tw__emit_text(e, "reduce%d_lane(tile, even - %d", plan->of.node, steps[s].lane);
        emit_arrays(e, plan, 0, row_at, column_at);
        tw__emit_text(e, ", part + %d);", steps[s].to * size);
        tw__emit_end(e);
    }
}

/* ---- a leaf ---- */

/* The tile, the indices outside of the reduction (of the rows the first one, `top`), how many rows and columns. */
static void emit_parameters(struct tw__emitter *e, int node, int row_axis, int declare)
{
    const uint64_t axes = e->program->nodes[node].axes;
    tw__emit_text(e, declare ? "const tw_tile *tile" : "tile");
    for (int a = 0; a < e->program->naxes; a++) {
        if ((axes >> a & 1) && a != row_axis) {
            tw__emit_text(e, declare ? ", int64_t x%d" : ", x%d", a);
        }
    }
    tw__emit_text(e, declare ? ", int64_t top, int64_t rows, int64_t m" : ", top, rows, m");
}

static void open_function(struct tw__emitter *e, const struct tw__product_plan *plan, const char *head,
                          const char *name, const char *more)
{
    tw__emit_text(e, "%s void reduce%d_%s(", head, plan->of.node, name);
    emit_parameters(e, plan->of.node, plan->row_axis, 1);
    tw__emit_function(e, "%s, %s *restrict total)", more, tw__emit_type(plan->of.type));
}

static void emit_columns(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    const struct tw__loop *columns = &plan->columns;
    tw__emit_line(e, "{");
    e->indent++;
    tw__emit_position(e, &plan->of);
    tw__emit_open(e, "for (int64_t k = 0; k < count; k++)");
    for (int p = 0; p < columns->nroots; p++) {
        const int n = columns->roots[p];
        tw__emit_line(e, "%s *restrict w%d = c%d + k * %d;", type_of(e, n), n, n, columns->length);
    }
    tw__strip_scalars(e, columns, 0);
    tw__strip_items(e, columns);
    tw__strip_loops(e, columns);
    tw__emit_open(e, "for (int64_t q = m; q < %d; q++)", columns->length);
    for (int p = 0; p < columns->nroots; p++) {
        tw__emit_line(e, "w%d[q] = (%s){0};", columns->roots[p], type_of(e, columns->roots[p]));
    }
    tw__emit_close(e);
    tw__emit_advance(e, &plan->of, "1");
    tw__emit_close(e);
    tw__emit_close(e);
}

/* r<node> for ROWS rows from p on; past the last row that one again, whose results nobody reads. */
static void emit_row_values(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    const struct tw__loop *rows = &plan->rows;
    const int last = rows->axis, single = e->program->nodes[plan->of.node].u.reduce.naxes == 1;
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_open(e, "for (int64_t s = 0; s < %d; s++)", ROWS);
    tw__emit_line(e, "const int64_t x%d = top + tw_least(p + s, rows - 1);", plan->row_axis);
    if (single) {
        tw__emit_line(e, "const int64_t x%d = first, m = count;", last);
    } else {
        tw__emit_position(e, &plan->of);
        tw__emit_open(e, "for (int64_t done = 0, m; done < count; done += m)");
        tw__emit_line(e, "m = tw_least(count - done, n%d - x%d);", last, last);
    }
    for (int k = 0; k < rows->nroots; k++) {
        const int n = rows->roots[k];
        tw__emit_line(e, "%s *restrict w%d = r%d + s * %d%s;", type_of(e, n), n, n, LEAF, single ? "" : " + done");
    }
    tw__strip_scalars(e, rows, 0);
    tw__strip_items(e, rows);
    tw__strip_loops(e, rows);
    if (!single) {
        tw__emit_advance(e, &plan->of, "m");
        tw__emit_close(e);
    }
    tw__emit_close(e);
}

static void emit_leaf_rooms(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    const int width = plan->core.length;
    for (int k = 0; k < 2; k++) {
        for (int p = 0; p < plan->nparts[k]; p++) {
            const int n = plan->parts[k][p], is_row = k == TW__OF_ROW;
            tw__emit_line(e, "%s %s%d[%d * %d] __attribute__((aligned(64)));", type_of(e, n), is_row ? "r" : "c", n,
                          is_row ? ROWS : LEAF, is_row ? LEAF : width);
        }
    }
    tw__emit_line(e, "%s part[4 * %d * %d] __attribute__((aligned(64)));", tw__emit_type(plan->of.type), ROWS, width);
}

static void emit_leaf(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    const int width = plan->core.length;
    open_function(e, plan, "TW_SLOW", "leaf", ", int64_t first, int64_t count");
    emit_leaf_rooms(e, plan);
    tw__emit_line(e, "const int64_t even = count - count %% 8;");
    if (e->program->nodes[plan->of.node].u.reduce.naxes > 1) {
        tw__emit_lengths(e, &plan->of);
    }
    tw__strip_rooms(e, &plan->columns);
    emit_columns(e, plan);
    tw__emit_open(e, "for (int64_t p = 0; p < rows; p += %d)", ROWS);
    tw__strip_rooms(e, &plan->rows);
    emit_row_values(e, plan);
    tw__emit_line(e, "%s *restrict into = total + p * %d;", tw__emit_type(plan->of.type), width);
    tw__emit_open(e, "if (even > 0)");
    emit_lanes(e, plan);
    tw__emit_close(e);
    tw__emit_open(e, "for (int q = 0; q < %d * %d; q++)", ROWS, width);
    tw__emit_begin(e);
    tw__emit_text(e, "into[q] = even > 0 ? part[q] : ");
    tw__emit_identity(e, &plan->of);
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__strip_scalars(e, &plan->core, 0);
    tw__emit_open(e, "for (int64_t k = even; k < count; k++)");
    emit_core(e, plan, "k", "into", 0);
    tw__emit_close(e);
    tw__emit_close(e);
    tw__emit_function_end(e);
}

/* ---- the tree ---- */

static void emit_tree(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    const int width = plan->core.length;
    open_function(e, plan, "static", "part", ", int64_t first, int64_t count");
    tw__emit_open(e, "if (count > %d)", LEAF);
    tw__emit_line(e, "%s other[%d * %d] __attribute__((aligned(64)));", tw__emit_type(plan->of.type), TW__BLOCK_ROWS,
                  width);
    tw__emit_half(e);
    for (int k = 0; k < 2; k++) {
        tw__emit_begin(e);
        tw__emit_text(e, "reduce%d_part(", plan->of.node);
        emit_parameters(e, plan->of.node, plan->row_axis, 0);
        tw__emit_text(e, k == 0 ? ", first, half, total);" : ", first + half, count - half, other);");
        tw__emit_end(e);
    }
    tw__emit_line(e, "tw_row_%s_%s(total, other, rows * %d);", tw__combine_name(&plan->of),
                  tw__emit_suffix(plan->of.type), width);
    tw__emit_line(e, "return;");
    tw__emit_close(e);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_leaf(", plan->of.node);
    emit_parameters(e, plan->of.node, plan->row_axis, 0);
    tw__emit_text(e, ", first, count, total);");
    tw__emit_end(e);
    tw__emit_function_end(e);
}

static void emit_whole(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    open_function(e, plan, "static", "block", "");
    tw__settled_block(e, plan->of.node, plan->row_axis, plan->core.length);
    tw__emit_lengths(e, &plan->of);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_part(", plan->of.node);
    emit_parameters(e, plan->of.node, plan->row_axis, 0);
    tw__emit_text(e, ", 0, ");
    tw__emit_count(e, &plan->of);
    tw__emit_text(e, ", total);");
    tw__emit_end(e);
    if (plan->of.code == TW__REDUCE_SUM && tw__kind_is_float(plan->of.type)) {
        tw__emit_open(e, "for (int64_t q = 0; q < rows * %d; q++)", plan->core.length);
        tw__emit_line(e, "total[q] = 0 + total[q];"); /* no sum is -0.0 */
        tw__emit_close(e);
    }
    tw__emit_function_end(e);
}

void tw__emit_product(struct tw__emitter *e, const struct tw__product_plan *plan)
{
    char row[32];
    snprintf(row, sizeof row, "row_%s", tw__combine_name(&plan->of));
    (void)tw__helper_need(e, row, plan->of.type);
    emit_lane(e, plan);
    emit_leaf(e, plan);
    emit_tree(e, plan);
    emit_whole(e, plan);
}

/* ---- what the statement's loops do ---- */

void tw__product_rooms(struct tw__emitter *e, const struct tw__variant *v)
{
    for (int k = 0; k < v->loop.ncalls; k++) {
        const int n = v->loop.calls[k].node;
        if (v->loop.calls[k].how == TW__CALL_PRODUCT) {
            tw__emit_line(e, "%s block%d[%d * %d] __attribute__((aligned(64)));", type_of(e, n), n, TW__BLOCK_ROWS,
                          v->loop.length);
        }
    }
}

void tw__product_calls(struct tw__emitter *e, const struct tw__variant *v)
{
    for (int k = 0; k < v->loop.ncalls; k++) {
        const int n = v->loop.calls[k].node;
        if (v->loop.calls[k].how == TW__CALL_PRODUCT) {
            tw__emit_begin(e);
            tw__emit_text(e, "reduce%d_block(", n);
            emit_parameters(e, n, v->row_axis, 0);
            tw__emit_text(e, ", block%d);", n);
            tw__emit_end(e);
        }
    }
}

void tw__product_rows(struct tw__emitter *e, const struct tw__variant *v)
{
    for (int k = 0; k < v->loop.ncalls; k++) {
        const int n = v->loop.calls[k].node;
        if (v->loop.calls[k].how == TW__CALL_PRODUCT) {
            tw__emit_line(e, "const %s *restrict w%d = block%d + (x%d - top) * %d;", type_of(e, n), n, n, v->row_axis,
                          v->loop.length);
        }
    }
}
