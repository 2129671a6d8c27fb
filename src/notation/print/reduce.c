/* reduce.c - the functions that compute a reduction. Sums, products, minima and maxima go in the order of grid/fold.h:
 * a function that halves, and one for a leaf, whose elements go in 8 lanes. The others take one element after the
 * other. */
#include "notation/print/reduce.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "grid/fold.h"
#include "notation/print/call.h"
#include "notation/print/element.h"
#include "notation/print/helper.h"
#include "notation/print/strip.h"

enum { LEAF = TW__FOLD_LEAF, WIDTH = TW__REDUCTION_WIDTH };
static_assert(TW__FOLD_LANES == 8, "the printed leaves have 8 lanes");

/* ---- functions ---- */

/* What follows the tile and the indices: values that have been computed, a variable each, or one for each element of
 * the strip. */
static void emit_given(struct tw__emitter *e, const struct tw__reduction_plan *r, int declare)
{
    for (int k = 0; k < r->ngiven; k++) {
        const int n = r->given[k], is_cell = tw__loop_item(&r->body, n)->form == TW__FORM_CELL;
        tw__emit_text(e, ", ");
        if (declare) {
            tw__emit_text(e, "const %s %s", tw__emit_type(tw__node_at(e->program, n)->dtype),
                          is_cell ? "*restrict " : "");
        }
        tw__emit_text(e, "%s%d", is_cell ? "w" : "v", n);
    }
}

/* A call of the function that computes `count` elements from `first` on; count NULL: all there are. */
static void emit_call_part(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *first,
                           const char *count, const char *total)
{
    tw__emit_text(e, "reduce%d_part(", r->of.node);
    tw__emit_outside(e, r->of.node, "");
    tw__emit_text(e, r->is_row ? ", m" : "");
    emit_given(e, r, 0);
    tw__emit_text(e, ", %s, ", first);
    if (count != NULL) {
        tw__emit_text(e, "%s", count);
    } else {
        tw__emit_count(e, &r->of);
    }
    tw__emit_text(e, "%s%s)", r->is_row ? ", " : "", r->is_row ? total : "");
}

static void open_function(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *head, const char *name,
                          int is_part)
{
    const char *type = tw__emit_type(r->of.is_tree ? r->of.type : tw__node_at(e->program, r->of.node)->dtype);
    tw__emit_text(e, "%s%s reduce%d%s(", head, r->is_row ? "void" : type, r->of.node, name);
    tw__emit_outside(e, r->of.node, "int64_t ");
    tw__emit_text(e, r->is_row ? ", int64_t m" : "");
    if (is_part) {
        emit_given(e, r, 1);
        tw__emit_text(e, ", int64_t first, int64_t count");
    }
    if (r->is_row) {
        tw__emit_text(e, ", %s *restrict total", type);
    }
    tw__emit_function(e, ")");
}

/* ---- trees, point shape ---- */

/* Up to 128 elements, `first` and those after it. */
static void emit_point_leaf(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->of.node);
    const int naxes = node->u.reduce.naxes, last = node->u.reduce.axis[naxes - 1];
    const char *suffix = tw__emit_suffix(r->of.type);
    const struct tw__loop *body = &r->body;
    char tree[32];
    snprintf(tree, sizeof tree, "tree_%s", tw__combine_name(&r->of));
    (void)tw__helper_need(e, tree, r->of.type);
    open_function(e, r, "TW_SLOW ", "_leaf", 1);
    tw__strip_rooms(e, body);
    if (!r->direct) {
        tw__emit_line(e, "%s all[%d] __attribute__((aligned(64)));", tw__emit_type(r->of.type), LEAF);
    }
    if (naxes == 1) {
        tw__emit_line(e, "const int64_t x%d = first, m = count;", last);
    } else {
        tw__emit_lengths(e, &r->of);
        tw__emit_position(e, &r->of);
        (void)tw__helper_need(e, "least", TW_OPAQUE);
        tw__emit_open(e, "for (int64_t done = 0, m; done < count; done += m)");
        tw__emit_line(e, "m = tw_least(count - done, n%d - x%d);", last, last);
    }
    tw__strip_scalars(e, body, 0);
    tw__strip_items(e, body);
    if (!r->direct) {
        tw__emit_line(e, "%s *restrict value = all%s;", tw__emit_type(r->of.type), naxes == 1 ? "" : " + done");
        tw__strip_loops(e, body);
    }
    if (naxes > 1) {
        tw__emit_advance(e, &r->of, "m");
        tw__emit_close(e);
    }
    tw__emit_begin(e);
    if (r->direct) {
        tw__emit_text(e, "return tw_%s_%s(p%d, count, ", tree, suffix, body->roots[0]);
    } else {
        tw__emit_text(e, "return tw_%s_%s(all, count, ", tree, suffix);
    }
    tw__emit_identity(e, &r->of);
    tw__emit_text(e, ");");
    tw__emit_end(e);
    tw__emit_function_end(e);
}

static void emit_point_part(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *suffix = tw__emit_suffix(r->of.type);
    (void)tw__helper_need(e, tw__combine_name(&r->of), r->of.type);
    open_function(e, r, "static ", "_part", 1);
    tw__emit_open(e, "if (count > %d)", LEAF);
    tw__emit_half(e);
    tw__emit_begin(e);
    tw__emit_text(e, "const %s left = ", tw__emit_type(r->of.type));
    emit_call_part(e, r, "first", "half", "");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_begin(e);
    tw__emit_text(e, "return tw_%s_%s(left, ", tw__combine_name(&r->of), suffix);
    emit_call_part(e, r, "first + half", "count - half", "");
    tw__emit_text(e, ");");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__emit_begin(e);
    tw__emit_text(e, "return reduce%d_leaf(", r->of.node);
    tw__emit_outside(e, r->of.node, "");
    emit_given(e, r, 0);
    tw__emit_text(e, ", first, count);");
    tw__emit_end(e);
    tw__emit_function_end(e);
}

/* ---- trees, row shape ---- */

static void emit_row_leaf(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->of.node);
    const int single = node->u.reduce.naxes == 1;
    const char *type = tw__emit_type(r->of.type), *suffix = tw__emit_suffix(r->of.type);
    const struct tw__loop *body = &r->body;
    char lanes[32], row[32];
    snprintf(lanes, sizeof lanes, "lanes_%s", tw__combine_name(&r->of));
    snprintf(row, sizeof row, "row_%s", tw__combine_name(&r->of));
    (void)tw__helper_need(e, lanes, r->of.type);
    (void)tw__helper_need(e, row, r->of.type);
    open_function(e, r, "TW_SLOW ", "_leaf", 1);
    tw__strip_rooms(e, body);
    tw__emit_line(e, "%s value[%d] __attribute__((aligned(64))), lane[8 * %d] __attribute__((aligned(64)));", type,
                  body->length, body->length);
    if (!single) {
        tw__emit_lengths(e, &r->of);
    }
    tw__emit_position(e, &r->of);
    tw__emit_line(e, "const int64_t even = count - count %% 8;");
    tw__emit_open(e, "for (int64_t q = 0; q < 8 * %d; q++)", body->length);
    tw__emit_begin(e);
    tw__emit_text(e, "lane[q] = ");
    tw__emit_identity(e, &r->of);
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__emit_open(e, "for (int64_t done = 0; done < count; done++)");
    tw__emit_open(e, "if (done == even)");
    tw__emit_line(e, "tw_%s_%s(total, lane, %d, m);", lanes, suffix, body->length);
    tw__emit_close(e);
    tw__strip_scalars(e, body, 0);
    tw__strip_items(e, body);
    tw__strip_loops(e, body);
    tw__emit_line(e, "tw_%s_%s(done < even ? lane + done %% 8 * %d : total, value, m);", row, suffix, body->length);
    tw__emit_advance(e, &r->of, "1");
    tw__emit_close(e);
    tw__emit_open(e, "if (count == even)");
    tw__emit_line(e, "tw_%s_%s(total, lane, %d, m);", lanes, suffix, body->length);
    tw__emit_close(e);
    tw__emit_function_end(e);
}

static void emit_row_part(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    open_function(e, r, "static ", "_part", 1);
    tw__emit_open(e, "if (count > %d)", LEAF);
    tw__emit_line(e, "%s other[%d] __attribute__((aligned(64)));", tw__emit_type(r->of.type), WIDTH);
    tw__emit_half(e);
    tw__emit_begin(e);
    emit_call_part(e, r, "first", "half", "total");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_begin(e);
    emit_call_part(e, r, "first + half", "count - half", "other");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_line(e, "tw_row_%s_%s(total, other, m);", tw__combine_name(&r->of), tw__emit_suffix(r->of.type));
    tw__emit_line(e, "return;");
    tw__emit_close(e);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_leaf(", r->of.node);
    tw__emit_outside(e, r->of.node, "");
    tw__emit_text(e, ", m");
    emit_given(e, r, 0);
    tw__emit_text(e, ", first, count, total);");
    tw__emit_end(e);
    tw__emit_function_end(e);
}

/* ---- runs: any, all, argmin, argmax ---- */

static void emit_run_start(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *type = tw__emit_type(r->of.type);
    if (r->of.is_place) {
        tw__emit_line(e, r->is_row ? "%s best[%d] __attribute__((aligned(64)));" : "%s best;", type, WIDTH);
        tw__emit_line(e, "int64_t at = 0;");
    }
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

static void emit_run_step(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *q = r->is_row ? "[q]" : "";
    tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
    if (r->of.is_place) {
        (void)tw__helper_need(e, tw__combine_name(&r->of), r->of.type);
        tw__emit_open(e, "if (total%s < 0 || tw_%s_%s(value[q], best%s))", q, tw__combine_name(&r->of),
                      tw__emit_suffix(r->of.type), q);
        tw__emit_line(e, "best%s = value[q];", q);
        tw__emit_line(e, r->is_row ? "total[q] = at;" : "total = at + q;");
        tw__emit_close(e);
    } else {
        tw__emit_line(e, "total%s %s= value[q];", q, r->of.code == TW__REDUCE_ALL ? "&" : "|");
    }
    tw__emit_close(e);
    if (r->of.is_place) {
        tw__emit_line(e, r->is_row ? "at++;" : "at += m;");
    }
}

/* One function, with a loop for each reduced axis; of the point shape the last one goes in strips. */
static void emit_run(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->of.node);
    const int naxes = node->u.reduce.naxes;
    const struct tw__loop *body = &r->body;
    open_function(e, r, "TW_SLOW ", "_part", 1);
    tw__strip_rooms(e, body);
    tw__emit_line(e, "%s value[%d] __attribute__((aligned(64)));", tw__emit_type(r->of.type), body->length);
    tw__emit_lengths(e, &r->of);
    emit_run_start(e, r);
    tw__emit_line(e, "(void)first;");
    tw__emit_line(e, "(void)count;");
    for (int k = 0; k < naxes; k++) {
        const int a = node->u.reduce.axis[k];
        if (k + 1 == naxes && !r->is_row) {
            (void)tw__helper_need(e, "least", TW_OPAQUE);
            tw__emit_open(e, "for (int64_t x%d = 0, m; x%d < n%d; x%d += m)", a, a, a, a);
            tw__emit_line(e, "m = tw_least(n%d - x%d, %d);", a, a, body->length);
        } else {
            tw__emit_open(e, "for (int64_t x%d = 0; x%d < n%d; x%d++)", a, a, a, a);
        }
    }
    tw__strip_scalars(e, body, 0);
    tw__strip_items(e, body);
    tw__strip_loops(e, body);
    emit_run_step(e, r);
    for (int k = 0; k < naxes; k++) {
        tw__emit_close(e);
    }
    if (!r->is_row) {
        tw__emit_line(e, "return total;");
    }
    tw__emit_function_end(e);
}

/* ---- the function that is called ---- */

static void emit_zero(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    tw__emit_constant(e, r->of.type, &(union tw__value){.number = {0, 0}});
}

/* All parts; of sums of floats that and 0.0, so that there is no sum -0.0. */
static void emit_total(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const int adds = r->of.code == TW__REDUCE_SUM && !tw__kind_is_integer(r->of.type);
    if (adds) {
        (void)tw__helper_need(e, "add", r->of.type);
    }
    tw__emit_begin(e);
    if (!r->is_row) {
        tw__emit_text(e, "return ");
        if (adds) {
            tw__emit_text(e, "tw_add_%s(", tw__emit_suffix(r->of.type));
            emit_zero(e, r);
            tw__emit_text(e, ", ");
        }
    }
    emit_call_part(e, r, "0", NULL, "total");
    tw__emit_text(e, adds && !r->is_row ? ");" : ";");
    tw__emit_end(e);
    if (adds && r->is_row) {
        tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
        tw__emit_begin(e);
        tw__emit_text(e, "total[q] = tw_add_%s(", tw__emit_suffix(r->of.type));
        emit_zero(e, r);
        tw__emit_text(e, ", total[q]);");
        tw__emit_end(e);
        tw__emit_close(e);
    }
}

/* The functions of a reduction: its parts, and the one that is called, which computes what is given to the others. */
void tw__emit_reduction(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const int number = r->of.node;
    const char *type = tw__emit_type(tw__node_at(e->program, number)->dtype);
    if (!r->of.is_tree) {
        emit_run(e, r);
    } else if (r->is_row) {
        emit_row_leaf(e, r);
        emit_row_part(e, r);
    } else {
        emit_point_leaf(e, r);
        emit_point_part(e, r);
    }
    tw__emit_text(e, "static %s reduce%d%s(", r->is_row ? "void" : type, number, r->is_row ? "_row" : "");
    tw__emit_outside(e, number, "int64_t ");
    if (r->is_row) {
        tw__emit_text(e, ", int64_t m, %s *restrict total", type);
    }
    tw__emit_function(e, ")");
    tw__emit_lengths(e, &r->of);
    if (r->ngiven > 0) {
        tw__strip_rooms(e, &r->head);
        tw__strip_scalars(e, &r->head, 0);
        tw__strip_items(e, &r->head);
        tw__strip_loops(e, &r->head);
    }
    emit_total(e, r);
    tw__emit_function_end(e);
}
