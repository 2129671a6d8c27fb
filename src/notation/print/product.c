/* product.c - reductions over k of what is made of a[i,k] and b[k,j], for blocks of rows i and columns j.
 *
 *     what depends on j and not on i is computed once for a leaf of up to 128 k and the block's columns: c<node>
 *     what does not depend on j is computed once for 4 rows and the leaf's k: r<node>
 *     the rest is computed for 4 rows and all columns, one of the tree's 8 lanes after the other: the totals of a lane
 *     stay in registers
 *
 * Measured for a[i,k] * b[k,j] of float64, 1000^3, two processors, AVX-512: 14 ms, OpenBLAS 14 ms, a loop over i, j, k
 * 340 ms. */
#include "notation/print/product.h"

#include <stdlib.h>
#include <string.h>

#include "grid/fold.h"
#include "notation/loop/reduction.h"
#include "notation/print/address.h"
#include "notation/print/helper.h"
#include "notation/print/value.h"

enum {
    LEAF = TW__FOLD_LEAF,
    ROWS = 4,          /* at once: with 256 bytes of columns, 16 vectors of totals of AVX-512 */
    COLUMN_BYTES = 256 /* of the columns of a block */
};

static const struct tw__node *node_at(const struct tw__emitter *e, int node)
{
    return &e->program->nodes[node];
}

static int depends(const struct tw__emitter *e, int node, int axis)
{
    return (int)(node_at(e, node)->axes >> axis & 1);
}

static int is_inner(const struct tw__node *node)
{
    return node->kind == TW__NODE_CAST || node->kind == TW__NODE_OPERATION;
}

/* ---- which reductions ---- */

/* The last axis of the target, but for the strip's, along which the reduction changes. */
static int row_axis_of(const struct tw__emitter *e, int number)
{
    const struct tw__expr_operand *target = &e->program->operands[e->target];
    for (int d = target->ndim - 2; d >= 0; d--) {
        if (target->axis[d] != e->strip && depends(e, number, target->axis[d])) {
            return target->axis[d];
        }
    }
    return -1;
}

static int fits(const struct tw__emitter *e, int number, int row)
{
    const struct tw__node *node = node_at(e, number);
    const tw_kind kind = node_at(e, node->child[0])->dtype;
    int rows = 0, columns = 0;
    if (node->u.reduce.code > TW__REDUCE_MAX || tw__emit_size(kind) < 4 || tw__kind_is_complex(kind)) {
        return 0;
    }
    for (int n = 0; n < number; n++) {
        const struct tw__node *part = node_at(e, n);
        if (part->scope != number) {
            continue;
        }
        const int on_row = depends(e, n, row), on_column = depends(e, n, e->strip);
        if (part->kind == TW__NODE_REDUCE || (part->kind == TW__NODE_READ && on_row && on_column) ||
            (on_row && on_column && tw__has_fast(part))) {
            return 0;
        }
        rows += part->kind == TW__NODE_READ && on_row;
        columns += part->kind == TW__NODE_READ && on_column;
    }
    return rows > 0 && columns > 0;
}

int tw__product_find(struct tw__emitter *e, const struct tw__strip *strip, int *width)
{
    int row_axis = -1;
    *width = 0;
    for (int n = 0; n <= strip->roots[0]; n++) {
        const struct tw__node *node = node_at(e, n);
        if (node->kind != TW__NODE_REDUCE || node->scope != strip->scope || e->form[n] != TW__FORM_CELL ||
            e->level[n] == 0) { /* it is another statement's */
            continue;
        }
        const int axis = row_axis_of(e, n), columns = COLUMN_BYTES / tw__emit_size(node_at(e, node->child[0])->dtype);
        if (axis >= 0 && (row_axis < 0 || (axis == row_axis && columns == *width)) && fits(e, n, axis)) {
            e->blocked[n] = 1;
            row_axis = axis;
            *width = columns;
        }
    }
    return row_axis;
}

/* ---- parts of a body ---- */

enum part { ROW_PART, COLUMN_PART };

struct parts {
    int count[2];
    int *node[2]; /* ascending */
};

static void parts_fini(struct parts *parts)
{
    free(parts->node[ROW_PART]);
    free(parts->node[COLUMN_PART]);
}

/* The largest parts of the body that depend on the column and not on the row, or not on the column. */
static void parts_init(struct parts *parts, struct tw__emitter *e, int number, int row_axis)
{
    unsigned char *needed = calloc((size_t)number + 1, 1);
    *parts = (struct parts){0};
    for (int k = 0; k < 2; k++) {
        parts->node[k] = calloc((size_t)number + 1, sizeof *parts->node[k]);
        e->failed |= parts->node[k] == NULL;
    }
    if (needed == NULL || e->failed) {
        e->failed = 1;
        free(needed);
        return;
    }
    needed[e->same[node_at(e, number)->child[0]]] = 1;
    for (int n = number - 1; n >= 0; n--) {
        const struct tw__node *part = node_at(e, n);
        if (part->scope != number || !needed[n]) {
            continue;
        }
        const int on_row = depends(e, n, row_axis), on_column = depends(e, n, e->strip);
        if (part->kind == TW__NODE_CONSTANT || part->kind == TW__NODE_SCALAR) {
            continue;
        }
        if (!on_row || !on_column) {
            const enum part kind = on_column ? COLUMN_PART : ROW_PART;
            parts->node[kind][parts->count[kind]++] = n;
            continue;
        }
        for (int k = 0; k < part->nchildren && is_inner(part); k++) {
            needed[e->same[part->child[k]]] = 1;
        }
    }
    free(needed);
    for (int k = 0; k < 2; k++) {
        for (int a = 0, b = parts->count[k] - 1; a < b; a++, b--) {
            const int other = parts->node[k][a];
            parts->node[k][a] = parts->node[k][b];
            parts->node[k][b] = other;
        }
    }
}

static void set_given(struct tw__emitter *e, const struct parts *parts, int given)
{
    for (int k = 0; k < 2; k++) {
        for (int p = 0; p < parts->count[k]; p++) {
            const int n = parts->node[k][p];
            e->given[n] = (unsigned char)given;
            e->form[n] = k == ROW_PART ? TW__FORM_NAME : TW__FORM_CELL;
        }
    }
}

/* "const double *restrict r5, ..." or the same as arguments, `at` added to each. */
static void emit_arrays(struct tw__emitter *e, const struct parts *parts, int declare, const char *row_at,
                        const char *column_at)
{
    for (int k = 0; k < 2; k++) {
        for (int p = 0; p < parts->count[k]; p++) {
            const int n = parts->node[k][p];
            tw__emit_text(e, ", ");
            if (declare) {
                tw__emit_text(e, "const %s *restrict ", tw__emit_type(node_at(e, n)->dtype));
            }
            tw__emit_text(e, "%s%d%s", k == ROW_PART ? "r" : "c", n, k == ROW_PART ? row_at : column_at);
        }
    }
}

/* ---- the innermost loops ---- */

/* The body for ROWS rows and all columns at element `k` of the arrays; the first one begins the totals. */
static void emit_core(struct tw__emitter *e, const struct tw__reduction_plan *r, const struct tw__strip *strip,
                      const struct parts *parts, const char *k, const char *total, int begins)
{
    for (int p = 0; p < parts->count[COLUMN_PART]; p++) {
        const int n = parts->node[COLUMN_PART][p];
        tw__emit_line(e, "const %s *restrict w%d = c%d + %s * %d;", tw__emit_type(node_at(e, n)->dtype), n, n, k,
                      strip->length);
    }
    /* Clang keeps the totals in registers only if it sees the rows apart. */
    tw__emit_text(e, "#pragma GCC unroll %d\n", ROWS);
    tw__emit_open(e, "for (int p = 0; p < %d; p++)", ROWS);
    for (int p = 0; p < parts->count[ROW_PART]; p++) {
        const int n = parts->node[ROW_PART][p];
        tw__emit_line(e, "const %s v%d = r%d[p * %d + %s];", tw__emit_type(node_at(e, n)->dtype), n, n, LEAF, k);
    }
    tw__strip_combine(e, strip, total, begins ? NULL : r->combine, r->type);
    tw__emit_close(e);
}

static void emit_lane(struct tw__emitter *e, const struct tw__reduction_plan *r, const struct tw__strip *strip,
                      const struct parts *parts)
{
    const char *type = tw__emit_type(r->type);
    tw__emit_text(e, "static void reduce%d_lane(const tw_tile *tile, int64_t count", r->node);
    emit_arrays(e, parts, 1, "", "");
    tw__emit_text(e, ", %s *restrict total)\n{\n", type);
    e->indent = 1;
    tw__emit_line(e, "%s sum[%d * %d] __attribute__((aligned(64)));", type, ROWS, strip->length);
    tw__emit_line(e, "(void)tile;");
    tw__strip_scalars(e, strip, TW__ALL_AXES);
    tw__emit_line(e, "{");
    e->indent++;
    emit_core(e, r, strip, parts, "0", "sum", 1);
    tw__emit_close(e);
    tw__emit_open(e, "for (int64_t k = 8; k < count; k += 8)");
    emit_core(e, r, strip, parts, "k", "sum", 0);
    tw__emit_close(e);
    tw__emit_open(e, "for (int q = 0; q < %d * %d; q++)", ROWS, strip->length);
    tw__emit_line(e, "total[q] = sum[q];");
    tw__emit_close(e);
    tw__emit_text(e, "}\n\n");
    e->indent = 0;
}

/* The 8 lanes of a leaf in pairs, as they come: no more than 4 lanes' totals are kept. */
static void emit_lanes(struct tw__emitter *e, const struct tw__reduction_plan *r, const struct tw__strip *strip,
                       const struct parts *parts)
{
    static const struct {
        int lane, to; /* lane < 0: totals `to` take those after it */
    } steps[] = {{0, 0}, {1, 1},  {-1, 0}, {2, 1}, {3, 2},  {-1, 1}, {-1, 0}, {4, 1},
                 {5, 2}, {-1, 1}, {6, 2},  {7, 3}, {-1, 2}, {-1, 1}, {-1, 0}};
    const int size = ROWS * strip->length;
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        if (steps[s].lane < 0) {
            tw__emit_line(e, "tw_row_%s_%s(part + %d, part + %d, %d);", r->combine, tw__emit_suffix(r->type),
                          steps[s].to * size, (steps[s].to + 1) * size, size);
            continue;
        }
        char row_at[16], column_at[16];
        snprintf(row_at, sizeof row_at, " + %d", steps[s].lane);
        snprintf(column_at, sizeof column_at, " + %d", steps[s].lane * strip->length);
        tw__emit_begin(e);
        tw__emit_text(e, "reduce%d_lane(tile, even - %d", r->node, steps[s].lane);
        emit_arrays(e, parts, 0, row_at, column_at);
        tw__emit_text(e, ", part + %d);", steps[s].to * size);
        tw__emit_end(e);
    }
}

/* ---- a leaf ---- */

/* The tile, the indices outside of the reduction (of the rows the first one, `top`), how many rows and columns. */
static void emit_parameters(struct tw__emitter *e, const struct tw__reduction_plan *r, int row_axis, int declare)
{
    const uint64_t axes = tw__reduction_outside(e, r->node);
    tw__emit_text(e, declare ? "const tw_tile *tile" : "tile");
    for (int a = 0; a < e->program->naxes; a++) {
        if ((axes >> a & 1) && a != row_axis) {
            tw__emit_text(e, declare ? ", int64_t x%d" : ", x%d", a);
        }
    }
    tw__emit_text(e, declare ? ", int64_t top, int64_t rows, int64_t m" : ", top, rows, m");
}

static void open_function(struct tw__emitter *e, const struct tw__reduction_plan *r, int row_axis, const char *head,
                          const char *name, const char *more)
{
    tw__emit_text(e, "%s void reduce%d_%s(", head, r->node, name);
    emit_parameters(e, r, row_axis, 1);
    tw__emit_text(e, "%s, %s *restrict total)\n{\n", more, tw__emit_type(r->type));
    e->indent = 1;
}

static void close_function(struct tw__emitter *e)
{
    tw__emit_text(e, "}\n\n");
    e->indent = 0;
}

static void emit_columns(struct tw__emitter *e, const struct tw__reduction_plan *r, const struct tw__strip *columns)
{
    tw__emit_line(e, "{");
    e->indent++;
    tw__reduction_position(e, r);
    tw__emit_open(e, "for (int64_t k = 0; k < count; k++)");
    for (int p = 0; p < columns->nroots; p++) {
        const int n = columns->roots[p];
        tw__emit_line(e, "%s *restrict w%d = c%d + k * %d;", tw__emit_type(node_at(e, n)->dtype), n, n,
                      columns->length);
    }
    tw__strip_scalars(e, columns, TW__ALL_AXES);
    tw__strip_items(e, columns);
    tw__strip_loops(e, columns);
    tw__emit_open(e, "for (int64_t q = m; q < %d; q++)", columns->length);
    for (int p = 0; p < columns->nroots; p++) {
        const int n = columns->roots[p];
        tw__emit_line(e, "w%d[q] = (%s){0};", n, tw__emit_type(node_at(e, n)->dtype));
    }
    tw__emit_close(e);
    tw__reduction_advance(e, r, "1");
    tw__emit_close(e);
    tw__emit_close(e);
}

/* r<node> for ROWS rows from p on; past the last row that one again, whose results nobody reads. */
static void emit_row_values(struct tw__emitter *e, const struct tw__reduction_plan *r, const struct tw__strip *rows,
                            int row_axis)
{
    const struct tw__node *node = node_at(e, r->node);
    const int single = node->u.reduce.naxes == 1, last = node->u.reduce.axis[node->u.reduce.naxes - 1];
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_open(e, "for (int64_t s = 0; s < %d; s++)", ROWS);
    tw__emit_line(e, "const int64_t x%d = top + tw_least(p + s, rows - 1);", row_axis);
    if (single) {
        tw__emit_line(e, "const int64_t x%d = first, m = count;", last);
    } else {
        tw__reduction_position(e, r);
        tw__emit_open(e, "for (int64_t done = 0, m; done < count; done += m)");
        tw__emit_line(e, "m = tw_least(count - done, n%d - x%d);", last, last);
    }
    for (int k = 0; k < rows->nroots; k++) {
        const int n = rows->roots[k];
        tw__emit_line(e, "%s *restrict w%d = r%d + s * %d%s;", tw__emit_type(node_at(e, n)->dtype), n, n, LEAF,
                      single ? "" : " + done");
    }
    tw__strip_scalars(e, rows, TW__ALL_AXES);
    tw__strip_items(e, rows);
    tw__strip_loops(e, rows);
    if (!single) {
        tw__reduction_advance(e, r, "m");
        tw__emit_close(e);
    }
    tw__emit_close(e);
}

static void emit_leaf(struct tw__emitter *e, const struct tw__reduction_plan *r, const struct tw__strip *core,
                      const struct parts *parts, int row_axis)
{
    const struct tw__node *node = node_at(e, r->node);
    const int column_axis = e->strip, width = core->length;
    const char *type = tw__emit_type(r->type);
    struct tw__strip columns = {.scope = r->node,
                                .nroots = parts->count[COLUMN_PART],
                                .roots = parts->node[COLUMN_PART],
                                .to = TW__TO_ARRAYS,
                                .length = width};
    struct tw__strip rows = {.scope = r->node,
                             .nroots = parts->count[ROW_PART],
                             .roots = parts->node[ROW_PART],
                             .to = TW__TO_ARRAYS,
                             .length = LEAF};
    open_function(e, r, row_axis, "TW_SLOW", "leaf", ", int64_t first, int64_t count");
    for (int k = 0; k < 2; k++) {
        for (int p = 0; p < parts->count[k]; p++) {
            const int n = parts->node[k][p];
            tw__emit_line(e, "%s %s%d[%d * %d] __attribute__((aligned(64)));", tw__emit_type(node_at(e, n)->dtype),
                          k == ROW_PART ? "r" : "c", n, k == ROW_PART ? ROWS : LEAF, k == ROW_PART ? LEAF : width);
            e->rooms += tw__emit_size(node_at(e, n)->dtype) * LEAF * (k == ROW_PART ? ROWS : width);
        }
    }
    tw__emit_line(e, "%s part[4 * %d * %d] __attribute__((aligned(64)));", type, ROWS, width);
    tw__emit_line(e, "const int64_t even = count - count %% 8;");
    if (node->u.reduce.naxes > 1) {
        tw__reduction_lengths(e, r);
    }
    set_given(e, parts, 0);
    tw__strip_plan(e, &columns);
    tw__strip_rooms(e, &columns);
    emit_columns(e, r, &columns);
    tw__emit_open(e, "for (int64_t p = 0; p < rows; p += %d)", ROWS);
    e->strip = node->u.reduce.axis[node->u.reduce.naxes - 1];
    tw__strip_plan(e, &rows);
    tw__strip_rooms(e, &rows);
    emit_row_values(e, r, &rows, row_axis);
    e->strip = column_axis;
    set_given(e, parts, 1);
    struct tw__strip again = *core;
    tw__strip_plan(e, &again);
    tw__emit_line(e, "%s *restrict into = total + p * %d;", type, width);
    tw__emit_open(e, "if (even > 0)");
    emit_lanes(e, r, core, parts);
    tw__emit_close(e);
    tw__emit_open(e, "for (int q = 0; q < %d * %d; q++)", ROWS, width);
    tw__emit_begin(e);
    tw__emit_text(e, "into[q] = even > 0 ? part[q] : ");
    tw__emit_identity(e, r);
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__strip_scalars(e, &again, TW__ALL_AXES);
    tw__emit_open(e, "for (int64_t k = even; k < count; k++)");
    emit_core(e, r, &again, parts, "k", "into", 0);
    tw__emit_close(e);
    tw__emit_close(e);
    close_function(e);
}

static void emit_tree(struct tw__emitter *e, const struct tw__reduction_plan *r, int row_axis, int width)
{
    const char *type = tw__emit_type(r->type);
    open_function(e, r, row_axis, "static", "part", ", int64_t first, int64_t count");
    tw__emit_open(e, "if (count > %d)", LEAF);
    tw__emit_line(e, "%s other[%d * %d] __attribute__((aligned(64)));", type, TW__BLOCK_ROWS, width);
    tw__reduction_half(e);
    for (int k = 0; k < 2; k++) {
        tw__emit_begin(e);
        tw__emit_text(e, "reduce%d_part(", r->node);
        emit_parameters(e, r, row_axis, 0);
        tw__emit_text(e, k == 0 ? ", first, half, total);" : ", first + half, count - half, other);");
        tw__emit_end(e);
    }
    tw__emit_line(e, "tw_row_%s_%s(total, other, rows * %d);", r->combine, tw__emit_suffix(r->type), width);
    tw__emit_line(e, "return;");
    tw__emit_close(e);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_leaf(", r->node);
    emit_parameters(e, r, row_axis, 0);
    tw__emit_text(e, ", first, count, total);");
    tw__emit_end(e);
    close_function(e);
}

static void emit_whole(struct tw__emitter *e, const struct tw__reduction_plan *r, int row_axis, int width)
{
    open_function(e, r, row_axis, "static", "block", "");
    tw__reduction_lengths(e, r);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_part(", r->node);
    emit_parameters(e, r, row_axis, 0);
    tw__emit_text(e, ", 0, ");
    tw__reduction_count(e, r);
    tw__emit_text(e, ", total);");
    tw__emit_end(e);
    if (r->code == TW__REDUCE_SUM && tw__kind_is_float(r->type)) {
        tw__emit_open(e, "for (int64_t q = 0; q < rows * %d; q++)", width);
        tw__emit_line(e, "total[q] = 0 + total[q];");
        tw__emit_close(e);
    }
    close_function(e);
}

static void emit_functions(struct tw__emitter *e, int number, int row_axis, int width)
{
    struct tw__reduction_plan r;
    struct parts parts;
    struct tw__emit_mark mark;
    const int column_axis = e->strip;
    if (e->printed[number]) {
        return;
    }
    e->printed[number] = 1;
    char row[32];
    tw__reduction_init(&r, e, number, 1);
    parts_init(&parts, e, number, row_axis);
    snprintf(row, sizeof row, "row_%s", r.combine);
    (void)tw__helper_need(e, row, r.type);
    tw__emit_function_begin(e, &mark);
    e->strip = column_axis;
    set_given(e, &parts, 1);
    const struct tw__node *node = node_at(e, number);
    struct tw__strip core = {
        .scope = number, .nroots = 1, .roots = &node->child[0], .to = TW__TO_VALUE, .length = width};
    tw__strip_plan(e, &core);
    emit_lane(e, &r, &core, &parts);
    emit_leaf(e, &r, &core, &parts, row_axis);
    emit_tree(e, &r, row_axis, width);
    emit_whole(e, &r, row_axis, width);
    tw__emit_function_end(e, &mark);
    parts_fini(&parts);
    tw__reduction_fini(&r);
}

/* ---- what the statement's loops have ---- */

void tw__product_rooms(struct tw__emitter *e, int width)
{
    for (int n = 0; n < e->program->nnodes; n++) {
        if (e->blocked[n]) {
            const tw_kind kind = node_at(e, n)->dtype;
            tw__emit_line(e, "%s block%d[%d * %d] __attribute__((aligned(64)));", tw__emit_type(kind), n,
                          TW__BLOCK_ROWS, width);
            e->rooms += (int64_t)tw__emit_size(kind) * TW__BLOCK_ROWS * width;
        }
    }
}

void tw__product_calls(struct tw__emitter *e, int row_axis, int width)
{
    for (int n = 0; n < e->program->nnodes; n++) {
        if (e->blocked[n]) {
            emit_functions(e, n, row_axis, width);
            const struct tw__reduction_plan r = {.node = n};
            tw__emit_begin(e);
            tw__emit_text(e, "reduce%d_block(", n);
            emit_parameters(e, &r, row_axis, 0);
            tw__emit_text(e, ", block%d);", n);
            tw__emit_end(e);
        }
    }
}

void tw__product_row(struct tw__emitter *e, int n, int row_axis, int width)
{
    tw__emit_line(e, "const %s *restrict w%d = block%d + (x%d - top) * %d;", tw__emit_type(node_at(e, n)->dtype), n, n,
                  row_axis, width);
}
