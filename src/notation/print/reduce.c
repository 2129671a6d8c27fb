/* reduce.c - reductions: the functions that compute them and the calls. Two shapes: "point", one value, a strip along
 * the last reduced axis; "row", the values for a strip of the axis that the caller's strip runs along.
 *
 * Sums, products, minima and maxima are built as a tree that depends on the number of elements alone, NumPy's: halves,
 * the first a multiple of 8, down to 128 elements, those in 8 lanes. Both shapes give the same bits. */
#include "notation/print/reduce.h"

#include <stdio.h>
#include <string.h>

#include "grid/fold.h"
#include "notation/loop/reduction.h"
#include "notation/print/address.h"
#include "notation/print/helper.h"
#include "notation/print/strip.h"
#include "notation/print/value.h"

enum { LEAF = TW__FOLD_LEAF, WIDTH = 256, RUN = 512 };

static const struct tw__node *node_at(const struct tw__emitter *e, int node)
{
    return &e->program->nodes[node];
}

/* ---- the shape ---- */

/* 1 where the index has the axis. */
static int has_axis(const struct tw__index *index, int axis)
{
    for (int t = 0; t < index->nterms; t++) {
        if (index->term[t].axis == axis) {
            return 1;
        }
    }
    return 0;
}

/* The shape that reads along rows of memory: the last dimension of what it reads is the last reduced axis (point) or
 * the axis of the caller's strip (row). */
static int is_row(const struct tw__emitter *e, int number)
{
    const struct tw__node *node = node_at(e, number);
    const int along = node->u.reduce.axis[node->u.reduce.naxes - 1];
    int point = 0, row = 0;
    for (int n = 0; n < number; n++) {
        const struct tw__node *read = node_at(e, n);
        if (read->kind != TW__NODE_READ || read->scope != number || !tw__strip_varies(e, n)) {
            continue;
        }
        const int ndim = e->program->operands[read->u.read.operand].ndim;
        const struct tw__index *last = &e->program->indices[read->u.read.indices + ndim - 1];
        row += has_axis(last, e->strip);
        point += has_axis(last, along);
    }
    return row > 0 && row >= point;
}

/* ---- functions ---- */

/* The parameters that all functions of a reduction have: the tile, and the indices outside of it. `type` is "" for the
 * arguments. */
static void emit_parameters(struct tw__emitter *e, int number, const char *type)
{
    const uint64_t axes = tw__reduction_outside(e, number);
    tw__emit_text(e, type[0] != '\0' ? "const tw_tile *tile" : "tile");
    for (int a = 0; a < e->program->naxes; a++) {
        if (axes >> a & 1) {
            tw__emit_text(e, ", %sx%d", type, a);
        }
    }
}

/* The same, and values that have been computed: a variable, or one for each element of the strip. */
static void emit_given(struct tw__emitter *e, const struct tw__reduction_plan *r, int declare)
{
    for (int k = 0; k < r->ngiven; k++) {
        const int n = r->given[k], is_cell = e->form[n] == TW__FORM_CELL;
        tw__emit_text(e, ", ");
        if (declare) {
            tw__emit_text(e, "const %s %s", tw__emit_type(node_at(e, n)->dtype), is_cell ? "*restrict " : "");
        }
        tw__emit_text(e, "%s%d", is_cell ? "w" : "v", n);
    }
}

static void emit_call_parts(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *first,
                            const char *count, const char *total)
{
    tw__emit_text(e, "reduce%d_part(", r->node);
    emit_parameters(e, r->node, "");
    tw__emit_text(e, r->row ? ", m" : "");
    emit_given(e, r, 0);
    tw__emit_text(e, ", %s, %s%s%s)", first, count, r->row ? ", " : "", r->row ? total : "");
}

static void open_function(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *head, const char *name,
                          int is_part)
{
    const char *type = tw__emit_type(r->is_tree ? r->type : node_at(e, r->node)->dtype);
    tw__emit_text(e, "%s%s reduce%d%s(", head, r->row ? "void" : type, r->node, name);
    emit_parameters(e, r->node, "int64_t ");
    tw__emit_text(e, r->row ? ", int64_t m" : "");
    if (is_part) {
        emit_given(e, r, 1);
        tw__emit_text(e, ", int64_t first, int64_t count");
    }
    if (r->row) {
        tw__emit_text(e, ", %s *restrict total", type);
    }
    tw__emit_text(e, ")\n{\n");
    e->indent = 1;
}

static void close_function(struct tw__emitter *e)
{
    e->indent = 0;
    tw__emit_text(e, "}\n\n");
}

/* ---- trees, point shape ---- */

/* Up to 128 elements, `first` and those after it. */
static void emit_point_leaf(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = node_at(e, r->node);
    const int body = e->same[node->child[0]], naxes = node->u.reduce.naxes, last = node->u.reduce.axis[naxes - 1];
    const char *suffix = tw__emit_suffix(r->type);
    struct tw__strip strip = {.scope = r->node, .nroots = 1, .roots = &body, .to = TW__TO_VALUE, .length = LEAF};
    char tree[32];
    snprintf(tree, sizeof tree, "tree_%s", r->combine);
    (void)tw__helper_need(e, tree, r->type);
    e->strip = last;
    tw__strip_plan(e, &strip);
    open_function(e, r, "TW_SLOW ", "_leaf", 1);
    tw__strip_rooms(e, &strip);
    const int direct = naxes == 1 && e->form[body] == TW__FORM_ITEM && r->type != TW_BOOL &&
                       node_at(e, body)->dtype == r->type && !e->given[body];
    if (!direct) {
        tw__emit_line(e, "%s all[%d] __attribute__((aligned(64)));", tw__emit_type(r->type), LEAF);
    }
    if (naxes == 1) {
        tw__emit_line(e, "const int64_t x%d = first, m = count;", last);
    } else {
        tw__reduction_lengths(e, r);
        tw__reduction_position(e, r);
        (void)tw__helper_need(e, "least", TW_OPAQUE);
        tw__emit_open(e, "for (int64_t done = 0, m; done < count; done += m)");
        tw__emit_line(e, "m = tw_least(count - done, n%d - x%d);", last, last);
    }
    tw__strip_scalars(e, &strip, TW__ALL_AXES);
    tw__strip_items(e, &strip);
    if (!direct) {
        tw__emit_line(e, "%s *restrict value = all%s;", tw__emit_type(r->type), naxes == 1 ? "" : " + done");
        tw__strip_loops(e, &strip);
    }
    if (naxes > 1) {
        tw__reduction_advance(e, r, "m");
        tw__emit_close(e);
    }
    tw__emit_begin(e);
    if (direct) {
        tw__emit_text(e, "return tw_%s_%s(p%d, count, ", tree, suffix, body);
    } else {
        tw__emit_text(e, "return tw_%s_%s(all, count, ", tree, suffix);
    }
    tw__emit_identity(e, r);
    tw__emit_text(e, ");");
    tw__emit_end(e);
    close_function(e);
}

static void emit_point_part(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *suffix = tw__emit_suffix(r->type);
    (void)tw__helper_need(e, r->combine, r->type);
    open_function(e, r, "static ", "_part", 1);
    tw__emit_open(e, "if (count > %d)", LEAF);
    tw__reduction_half(e);
    tw__emit_begin(e);
    tw__emit_text(e, "const %s left = ", tw__emit_type(r->type));
    emit_call_parts(e, r, "first", "half", "");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_begin(e);
    tw__emit_text(e, "return tw_%s_%s(left, ", r->combine, suffix);
    emit_call_parts(e, r, "first + half", "count - half", "");
    tw__emit_text(e, ");");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__emit_begin(e);
    tw__emit_text(e, "return reduce%d_leaf(", r->node);
    emit_parameters(e, r->node, "");
    emit_given(e, r, 0);
    tw__emit_text(e, ", first, count);");
    tw__emit_end(e);
    close_function(e);
}

/* ---- trees, row shape ---- */

static void emit_row_leaf(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = node_at(e, r->node);
    const int body = e->same[node->child[0]], single = node->u.reduce.naxes == 1;
    const char *type = tw__emit_type(r->type), *suffix = tw__emit_suffix(r->type);
    struct tw__strip strip = {.scope = r->node, .nroots = 1, .roots = &body, .to = TW__TO_VALUE, .length = WIDTH};
    char lanes[32], row[32];
    snprintf(lanes, sizeof lanes, "lanes_%s", r->combine);
    snprintf(row, sizeof row, "row_%s", r->combine);
    (void)tw__helper_need(e, lanes, r->type);
    (void)tw__helper_need(e, row, r->type);
    tw__strip_plan(e, &strip);
    open_function(e, r, "TW_SLOW ", "_leaf", 1);
    tw__strip_rooms(e, &strip);
    tw__emit_line(e, "%s value[%d] __attribute__((aligned(64))), lane[8 * %d] __attribute__((aligned(64)));", type,
                  strip.length, strip.length);
    if (!single) {
        tw__reduction_lengths(e, r);
    }
    tw__reduction_position(e, r);
    tw__emit_line(e, "const int64_t even = count - count %% 8;");
    tw__emit_open(e, "for (int64_t q = 0; q < 8 * %d; q++)", strip.length);
    tw__emit_begin(e);
    tw__emit_text(e, "lane[q] = ");
    tw__emit_identity(e, r);
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__emit_open(e, "for (int64_t done = 0; done < count; done++)");
    tw__emit_open(e, "if (done == even)");
    tw__emit_line(e, "tw_%s_%s(total, lane, %d, m);", lanes, suffix, strip.length);
    tw__emit_close(e);
    tw__strip_scalars(e, &strip, TW__ALL_AXES);
    tw__strip_items(e, &strip);
    tw__strip_loops(e, &strip);
    tw__emit_line(e, "tw_%s_%s(done < even ? lane + done %% 8 * %d : total, value, m);", row, suffix, strip.length);
    tw__reduction_advance(e, r, "1");
    tw__emit_close(e);
    tw__emit_open(e, "if (count == even)");
    tw__emit_line(e, "tw_%s_%s(total, lane, %d, m);", lanes, suffix, strip.length);
    tw__emit_close(e);
    close_function(e);
}

static void emit_row_part(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    open_function(e, r, "static ", "_part", 1);
    tw__emit_open(e, "if (count > %d)", LEAF);
    tw__emit_line(e, "%s other[%d] __attribute__((aligned(64)));", tw__emit_type(r->type), WIDTH);
    tw__reduction_half(e);
    tw__emit_begin(e);
    emit_call_parts(e, r, "first", "half", "total");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_begin(e);
    emit_call_parts(e, r, "first + half", "count - half", "other");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_line(e, "tw_row_%s_%s(total, other, m);", r->combine, tw__emit_suffix(r->type));
    tw__emit_line(e, "return;");
    tw__emit_close(e);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_leaf(", r->node);
    emit_parameters(e, r->node, "");
    tw__emit_text(e, ", m");
    emit_given(e, r, 0);
    tw__emit_text(e, ", first, count, total);");
    tw__emit_end(e);
    close_function(e);
}

/* ---- runs: any, all, argmin, argmax ---- */

static void emit_run_start(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *type = tw__emit_type(r->type);
    if (r->is_place) {
        tw__emit_line(e, r->row ? "%s best[%d] __attribute__((aligned(64)));" : "%s best;", type, WIDTH);
        tw__emit_line(e, "int64_t at = 0;");
    }
    if (r->row) {
        tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
        tw__emit_line(e, r->is_place ? "total[q] = -1;" : "total[q] = %d;", r->code == TW__REDUCE_ALL);
        tw__emit_close(e);
    } else if (r->is_place) {
        tw__emit_line(e, "int64_t total = -1;");
    } else {
        tw__emit_line(e, "uint8_t total = %d;", r->code == TW__REDUCE_ALL);
    }
}

static void emit_run_step(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *q = r->row ? "[q]" : "";
    tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
    if (r->is_place) {
        (void)tw__helper_need(e, r->combine, r->type);
        tw__emit_open(e, "if (total%s < 0 || tw_%s_%s(value[q], best%s))", q, r->combine, tw__emit_suffix(r->type), q);
        tw__emit_line(e, "best%s = value[q];", q);
        tw__emit_line(e, r->row ? "total[q] = at;" : "total = at + q;");
        tw__emit_close(e);
    } else {
        tw__emit_line(e, "total%s %s= value[q];", q, r->code == TW__REDUCE_ALL ? "&" : "|");
    }
    tw__emit_close(e);
    if (r->is_place) {
        tw__emit_line(e, r->row ? "at++;" : "at += m;");
    }
}

/* One function, with a loop for each reduced axis; of the point shape the last one goes in strips. */
static void emit_run(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = node_at(e, r->node);
    const int body = e->same[node->child[0]], naxes = node->u.reduce.naxes;
    struct tw__strip strip = {
        .scope = r->node, .nroots = 1, .roots = &body, .to = TW__TO_VALUE, .length = r->row ? WIDTH : RUN};
    if (!r->row) {
        e->strip = node->u.reduce.axis[naxes - 1];
    }
    tw__strip_plan(e, &strip);
    open_function(e, r, "TW_SLOW ", "_part", 1);
    tw__strip_rooms(e, &strip);
    tw__emit_line(e, "%s value[%d] __attribute__((aligned(64)));", tw__emit_type(r->type), strip.length);
    tw__reduction_lengths(e, r);
    emit_run_start(e, r);
    tw__emit_line(e, "(void)first;");
    tw__emit_line(e, "(void)count;");
    for (int k = 0; k < naxes; k++) {
        const int a = node->u.reduce.axis[k];
        if (k + 1 == naxes && !r->row) {
            (void)tw__helper_need(e, "least", TW_OPAQUE);
            tw__emit_open(e, "for (int64_t x%d = 0, m; x%d < n%d; x%d += m)", a, a, a, a);
            tw__emit_line(e, "m = tw_least(n%d - x%d, %d);", a, a, strip.length);
        } else {
            tw__emit_open(e, "for (int64_t x%d = 0; x%d < n%d; x%d++)", a, a, a, a);
        }
    }
    tw__strip_scalars(e, &strip, TW__ALL_AXES);
    tw__strip_items(e, &strip);
    tw__strip_loops(e, &strip);
    emit_run_step(e, r);
    for (int k = 0; k < naxes; k++) {
        tw__emit_close(e);
    }
    if (!r->row) {
        tw__emit_line(e, "return total;");
    }
    close_function(e);
}

/* ---- the function that is called ---- */

static void emit_zero(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    tw__emit_constant(e, r->type, &(union tw__value){.number = {0, 0}});
}

/* All parts; of sums of floats that and 0.0, so that there is no sum -0.0. */
static void emit_total(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const int adds = r->code == TW__REDUCE_SUM && !tw__kind_is_integer(r->type);
    const struct tw__node *node = node_at(e, r->node);
    char count[16 * TW__EXPR_REDUCED] = "";
    for (int k = 0; k < node->u.reduce.naxes; k++) {
        const size_t length = strlen(count);
        snprintf(count + length, sizeof count - length, "%sn%d", k > 0 ? " * " : "", node->u.reduce.axis[k]);
    }
    if (adds) {
        (void)tw__helper_need(e, "add", r->type);
    }
    tw__emit_begin(e);
    if (!r->row) {
        tw__emit_text(e, "return ");
        if (adds) {
            tw__emit_text(e, "tw_add_%s(", tw__emit_suffix(r->type));
            emit_zero(e, r);
            tw__emit_text(e, ", ");
        }
    }
    emit_call_parts(e, r, "0", count, "total");
    tw__emit_text(e, adds && !r->row ? ");" : ";");
    tw__emit_end(e);
    if (adds && r->row) {
        tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
        tw__emit_begin(e);
        tw__emit_text(e, "total[q] = tw_add_%s(", tw__emit_suffix(r->type));
        emit_zero(e, r);
        tw__emit_text(e, ", total[q]);");
        tw__emit_end(e);
        tw__emit_close(e);
    }
}

/* From here on, what is given are parameters. */
static void set_given(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    for (int k = 0; k < r->ngiven; k++) {
        const int n = r->given[k];
        e->form[n] = r->row && tw__strip_varies(e, n) ? TW__FORM_CELL : TW__FORM_NAME;
        e->given[n] = 1;
    }
}

static void emit_parts(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const int strip = e->strip;
    struct tw__emit_mark mark;
    tw__emit_function_begin(e, &mark);
    e->strip = strip;
    if (!r->is_tree) {
        emit_run(e, r);
    } else if (r->row) {
        emit_row_leaf(e, r);
        emit_row_part(e, r);
    } else {
        emit_point_leaf(e, r);
        emit_point_part(e, r);
    }
    tw__emit_function_end(e, &mark);
}

/* Prints the functions of a reduction: those that its body calls, its parts, the one that is called. The last one is
 * begun first, as it computes what is given to the others. */
static void emit_functions(struct tw__emitter *e, int number, int row)
{
    struct tw__reduction_plan r;
    struct tw__emit_mark mark;
    const int caller = e->strip;
    if (e->printed[number]) {
        return;
    }
    e->printed[number] = 1;
    tw__reduction_init(&r, e, number, row);
    tw__emit_function_begin(e, &mark);
    e->strip = row ? caller : -1;
    const char *type = tw__emit_type(node_at(e, number)->dtype);
    tw__emit_text(e, "static %s reduce%d%s(", row ? "void" : type, number, row ? "_row" : "");
    emit_parameters(e, number, "int64_t ");
    if (row) {
        tw__emit_text(e, ", int64_t m, %s *restrict total", type);
    }
    tw__emit_text(e, ")\n{\n");
    e->indent = 1;
    tw__reduction_lengths(e, &r);
    struct tw__strip strip = {
        .scope = number, .nroots = r.ngiven, .roots = r.given, .to = TW__TO_CELLS, .length = WIDTH};
    if (r.ngiven > 0) {
        tw__strip_plan(e, &strip);
        tw__strip_rooms(e, &strip);
        tw__strip_scalars(e, &strip, TW__ALL_AXES);
        tw__strip_items(e, &strip);
        tw__strip_loops(e, &strip);
    }
    set_given(e, &r);
    emit_parts(e, &r);
    emit_total(e, &r);
    close_function(e);
    tw__emit_function_end(e, &mark);
    tw__reduction_fini(&r);
}

void tw__reduce_call(struct tw__emitter *e, int number)
{
    emit_functions(e, number, 0);
    tw__emit_text(e, "reduce%d(", number);
    emit_parameters(e, number, "");
    tw__emit_text(e, ")");
}

void tw__reduce_strip(struct tw__emitter *e, int number, const char *name)
{
    const int row = is_row(e, number);
    emit_functions(e, number, row);
    tw__emit_open(e, row ? "for (int64_t q = 0; q < m; q += %d)" : "for (int64_t q = 0; q < m; q++)", WIDTH);
    tw__emit_begin(e);
    if (!row) {
        tw__emit_text(e, "%s%d[q] = ", name, number);
    }
    tw__emit_text(e, "reduce%d%s(tile", number, row ? "_row" : "");
    const uint64_t axes = tw__reduction_outside(e, number);
    for (int a = 0; a < e->program->naxes; a++) {
        if (axes >> a & 1) {
            tw__emit_text(e, a == e->strip ? ", x%d + q" : ", x%d", a);
        }
    }
    if (row) {
        (void)tw__helper_need(e, "least", TW_OPAQUE);
        tw__emit_text(e, ", tw_least(m - q, %d), %s%d + q", WIDTH, name, number);
    }
    tw__emit_text(e, ");");
    tw__emit_end(e);
    tw__emit_close(e);
}
