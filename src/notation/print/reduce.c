/* reduce.c - the functions that compute a reduction to one value, if it goes in the order of grid/fold.h: a function
 * that halves, and one for a leaf, whose elements go in 8 lanes. sequence.c has the others, rows.c the values of a row.
 * And the functions that are called, of all of them. */
#include "notation/print/reduce.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "grid/fold.h"
#include "notation/print/call.h"
#include "notation/print/element.h"
#include "notation/print/helper.h"
#include "notation/print/rows.h"
#include "notation/print/sequence.h"
#include "notation/print/settled.h"
#include "notation/print/strip.h"

enum { LEAF = TW__FOLD_LEAF };
static_assert(TW__FOLD_LANES == 8, "the printed leaves have 8 lanes");

/* A call of the function that computes `count` elements from `first` on. */
static void emit_call_part(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *name,
                           const char *first, const char *count)
{
    tw__emit_text(e, "reduce%d_%s(", r->of.node, name);
    tw__emit_outside(e, r->of.node, "");
    tw__emit_text(e, r->is_row ? ", m" : "");
    tw__emit_given(e, r, 0, "");
    tw__emit_text(e, "%s, %s, %s%s%s)", r->is_flat ? ", flat" : "", first, count, r->of.is_place ? ", best" : "",
                  r->is_row ? ", total" : "");
}

/* ---- trees of one value ---- */

static void emit_values(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *values)
{
    tw__emit_begin(e);
    tw__emit_text(e, "return tw_tree_%s_%s(%s, count, ", tw__combine_name(&r->of), tw__emit_suffix(r->of.type), values);
    tw__emit_identity(e, &r->of);
    tw__emit_text(e, ");");
    tw__emit_end(e);
}

/* Adds the elements as they are computed. */
static void emit_fold(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const int adds = r->of.code == TW__REDUCE_SUM;
    tw__strip_fold(e, &r->body, tw__combine_name(&r->of), r->of.type, adds ? "-0.0" : "1");
}

/* The elements of one axis from x<axis> on, m of them: used where they lie or added as they are computed if these are
 * all, or computed into `all`. */
static void emit_elements(struct tw__emitter *e, const struct tw__reduction_plan *r, int single)
{
    tw__strip_scalars(e, &r->body, 0);
    tw__strip_items(e, &r->body);
    if (r->direct) {
        char items[24];
        snprintf(items, sizeof items, "p%d", r->body.roots[0]);
        if (single) {
            emit_values(e, r, items);
            return;
        }
        tw__emit_open(e, "if (m == count)");
        emit_values(e, r, items);
        tw__emit_close(e);
    }
    if (r->is_plain) {
        if (single) {
            emit_fold(e, r);
            return;
        }
        tw__emit_open(e, "if (m == count)");
        emit_fold(e, r);
        tw__emit_close(e);
    }
    tw__emit_line(e, "%s *restrict value = all%s;", tw__emit_type(r->of.type), single ? "" : " + done");
    tw__strip_loops(e, &r->body);
}

/* Up to 128 elements, `first` and those after it. */
static void emit_leaf(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__node *node = tw__node_at(e->program, r->of.node);
    const int naxes = node->u.reduce.naxes, last = node->u.reduce.axis[naxes - 1];
    char tree[32];
    snprintf(tree, sizeof tree, "tree_%s", tw__combine_name(&r->of));
    (void)tw__helper_need(e, tree, r->of.type);
    tw__emit_open_reduction(e, r, "TW_SLOW ", "_leaf", 1);
    tw__strip_rooms(e, &r->body);
    if (naxes > 1 || !(r->direct || r->is_plain)) {
        tw__emit_line(e, "%s all[%d] __attribute__((aligned(64)));", tw__emit_type(r->of.type), LEAF);
    }
    if (naxes == 1) {
        tw__emit_line(e, "const int64_t x%d = first, m = count;", last);
        emit_elements(e, r, 1);
    } else {
        tw__emit_flat_lengths(e, r);
        tw__emit_position(e, &r->of);
        (void)tw__helper_need(e, "least", TW_OPAQUE);
        tw__emit_open(e, "for (int64_t done = 0, m; done < count; done += m)");
        tw__emit_line(e, "m = tw_least(count - done, n%d - x%d);", last, last);
        emit_elements(e, r, 0);
        tw__emit_advance(e, &r->of, "m");
        tw__emit_close(e);
    }
    if (naxes > 1 || !(r->direct || r->is_plain)) {
        emit_values(e, r, "all");
    }
    tw__emit_function_end(e);
}

static void emit_part(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    (void)tw__helper_need(e, tw__combine_name(&r->of), r->of.type);
    tw__emit_open_reduction(e, r, "static ", "_part", 1);
    tw__emit_open(e, "if (count > %d)", LEAF);
    tw__emit_half(e);
    tw__emit_begin(e);
    tw__emit_text(e, "const %s left = ", tw__emit_type(r->of.type));
    emit_call_part(e, r, "part", "first", "half");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_begin(e);
    tw__emit_text(e, "return tw_%s_%s(left, ", tw__combine_name(&r->of), tw__emit_suffix(r->of.type));
    emit_call_part(e, r, "part", "first + half", "count - half");
    tw__emit_text(e, ");");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__emit_begin(e);
    tw__emit_text(e, "return ");
    emit_call_part(e, r, "leaf", "first", "count");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_function_end(e);
}

/* ---- the functions that are called ---- */

static void emit_zero(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    tw__emit_constant(e, r->of.type, &(union tw__value){.number = {0, 0}});
}

/* Some of the elements, in the order of the tree if they are a node: computes what is given to the parts. */
static void emit_range(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    tw__emit_open_reduction(e, r, "static ", "_range", 0);
    if (r->ngiven > 0) {
        tw__strip_rooms(e, &r->head);
        tw__strip_scalars(e, &r->head, 0);
        tw__strip_items(e, &r->head);
        tw__strip_loops(e, &r->head);
    }
    if (r->is_flat) {
        tw__emit_lengths(e, &r->of);
        tw__emit_flat(e, r);
    }
    tw__emit_begin(e);
    tw__emit_text(e, r->is_row ? "" : "return ");
    emit_call_part(e, r, "part", "first", "count");
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_function_end(e);
}

/* "reduce7_range(tile, x0, m, 0, n1, total)" */
static void emit_call_range(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    tw__emit_text(e, "reduce%d_range(", r->of.node);
    tw__emit_outside(e, r->of.node, "");
    tw__emit_text(e, "%s, 0, ", r->is_row ? ", m" : "");
    tw__emit_count(e, &r->of);
    tw__emit_text(e, "%s%s)", r->of.is_place ? (r->is_row ? ", best" : ", &best") : "", r->is_row ? ", total" : "");
}

/* All elements; of sums of floats that and 0.0, so that there is no sum -0.0. */
static void emit_total(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const int adds = tw__reduced_adds_zero(&r->of);
    if (r->of.is_place) {
        tw__emit_line(e, r->is_row ? "%s best[%d] __attribute__((aligned(64)));" : "%s best;",
                      tw__emit_type(r->of.type), r->width);
    }
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
    emit_call_range(e, r);
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

/* The functions of a reduction: its parts, a range of it, and the whole, which statements call. */
void tw__emit_reduction(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const int number = r->of.node;
    const char *type = tw__emit_type(tw__node_at(e->program, number)->dtype);
    if (r->is_row) {
        tw__emit_rows(e, r);
    } else if (r->of.is_tree) {
        emit_leaf(e, r);
        emit_part(e, r);
    } else {
        tw__emit_sequence(e, r);
    }
    emit_range(e, r);
    tw__emit_text(e, "static %s reduce%d%s(", r->is_row ? "void" : type, number, r->is_row ? "_row" : "");
    tw__emit_outside(e, number, "int64_t ");
    if (r->is_row) {
        tw__emit_text(e, ", int64_t m, %s *restrict total", type);
    }
    tw__emit_function(e, ")");
    if (r->is_row) {
        tw__settled_row(e, number);
    } else {
        tw__settled_value(e, number);
    }
    tw__emit_lengths(e, &r->of);
    emit_total(e, r);
    tw__emit_function_end(e);
}
