/* rows.c - the functions that compute a reduction for the columns of a row at once. 8 rows at a time go down a chunk of
 * the columns, so that memory is read in as many streams, each from its beginning to its end. Sums of floats go in the
 * order of grid/fold.h: rows that are 8 apart become a lane. */
#include "notation/print/rows.h"

#include <assert.h>

#include "grid/fold.h"
#include "notation/print/call.h"
#include "notation/print/element.h"
#include "notation/print/helper.h"
#include "notation/print/strip.h"

enum { LEAF = TW__FOLD_LEAF, ROWS = TW__REDUCTION_ROWS, BLOCK = TW__REDUCTION_BLOCK };
static_assert(TW__FOLD_LANES == 8, "the printed leaves have 8 lanes");
static_assert(BLOCK % ROWS == 0 && BLOCK <= 128, "places in a block fit 8 bits, sums of 8 bits fit 16");

/* Totals of a block of rows stand by themselves: of small integers, which are added as such; and of argmin and argmax,
 * with small places. */
static int has_blocks(const struct tw__reduction_plan *r)
{
    return r->of.is_place || (r->of.is_value && r->element != r->of.type && tw__emit_size(r->element) < 4);
}

/* What the rows of a block become. */
static const char *block_type(const struct tw__reduction_plan *r)
{
    if (!has_blocks(r) || r->of.is_place) {
        return tw__emit_type(r->of.type);
    }
    const int is_signed = tw__kind_is_integer(r->element) && tw__kind_is_signed(r->element);
    return tw__emit_size(r->element) == 1 ? (is_signed ? "int16_t" : "uint16_t") : is_signed ? "int32_t" : "uint32_t";
}

/* Of a place in a block: as wide as an element, so that both go into vectors of as many. */
static const char *place_type(const struct tw__reduction_plan *r)
{
    const int size = tw__emit_size(r->of.type);
    return size == 1 ? "uint8_t" : size == 2 ? "uint16_t" : size == 4 ? "uint32_t" : "uint64_t";
}

/* ---- some rows, a chunk of the columns ---- */

/* One element more for a total. */
static void emit_step(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *name = tw__combine_name(&r->of), *suffix = tw__emit_suffix(r->of.type);
    if (r->of.is_place) {
        (void)tw__helper_need(e, name, r->of.type);
        tw__emit_line(e, "const int comes = tw_%s_%s(v, total[q]);", name, suffix);
        tw__emit_line(e, "total[q] = comes ? v : total[q];");
        tw__emit_line(e, "at[q] = comes ? place : at[q];");
    } else if (!r->of.is_value) {
        tw__emit_line(e, "total[q] %s= v;", r->of.code == TW__REDUCE_ALL ? "&" : "|");
    } else if (has_blocks(r)) {
        tw__emit_line(e, "total[q] = (%s)(total[q] + v);", block_type(r));
    } else {
        (void)tw__helper_need(e, name, r->of.type);
        tw__emit_line(e, "total[q] = tw_%s_%s(total[q], v);", name, suffix);
    }
}

/* Takes `count` rows, `first` and those `step`, 2 * `step` ... after it, to the totals of m columns, a chunk at most.
 */
static void emit_some(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const struct tw__loop *body = &r->body;
    tw__emit_text(e, "TW_ALONE void reduce%d_rows(", r->of.node);
    tw__emit_outside(e, r->of.node, "int64_t ");
    tw__emit_text(e, ", int64_t m");
    tw__emit_given(e, r, 1, "");
    tw__emit_text(e, ", int64_t first, int64_t step, int64_t count, %s *restrict total", block_type(r));
    if (r->of.is_place) {
        tw__emit_text(e, ", %s *restrict at, %s place", place_type(r), place_type(r));
    }
    tw__emit_function(e, ")");
    tw__strip_rooms(e, body);
    if (body->fast != 0) {
        tw__emit_line(e, "%s value[%d] __attribute__((aligned(64)));", tw__emit_type(r->element), body->length);
    }
    if (tw__node_at(e->program, r->of.node)->u.reduce.naxes > 1) {
        tw__emit_lengths(e, &r->of);
    }
    tw__emit_position(e, &r->of);
    tw__emit_open(e, "for (int64_t row = 0; row < count; row++)");
    tw__strip_scalars(e, body, 0);
    tw__strip_items(e, body);
    tw__strip_open_values(e, body, tw__emit_type(r->element));
    emit_step(e, r);
    tw__emit_close(e);
    if (r->of.is_place) {
        tw__emit_line(e, "place++;");
    }
    tw__emit_move(e, &r->of, "step");
    tw__emit_close(e);
    tw__emit_function_end(e);
}

/* The loop over the chunks, and the call for each. */
static void emit_chunks(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *first, const char *step,
                        const char *count, const char *total, const char *more)
{
    const uint64_t axes = tw__node_at(e->program, r->of.node)->axes;
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_open(e, "for (int64_t q = 0; q < m; q += %d)", r->body.length);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_rows(tile", r->of.node);
    for (int a = 0; a < e->program->naxes; a++) {
        if (axes >> a & 1) {
            tw__emit_text(e, a == r->body.axis ? ", x%d + q" : ", x%d", a);
        }
    }
    tw__emit_text(e, ", tw_least(m - q, %d)", r->body.length);
    tw__emit_given(e, r, 0, " + q");
    tw__emit_text(e, ", %s, %s, %s, %s + q%s);", first, step, count, total, more);
    tw__emit_end(e);
    tw__emit_close(e);
}

/* ---- trees ---- */

static void emit_fill(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *array, const char *count)
{
    tw__emit_open(e, "for (int64_t q = 0; q < %s; q++)", count);
    tw__emit_begin(e);
    tw__emit_text(e, "%s[q] = ", array);
    if (r->of.is_value || r->of.is_place) {
        tw__emit_identity(e, &r->of);
    } else {
        tw__emit_text(e, "%d", r->of.code == TW__REDUCE_ALL);
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_close(e);
}

static void emit_leaf(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const char *type = tw__emit_type(r->of.type), *suffix = tw__emit_suffix(r->of.type);
    char lanes[32];
    snprintf(lanes, sizeof lanes, "lanes_%s", tw__combine_name(&r->of));
    (void)tw__helper_need(e, lanes, r->of.type);
    tw__emit_open_reduction(e, r, "TW_ALONE ", "_leaf", 1);
    tw__emit_line(e, "const int64_t even = count - count %% 8;");
    tw__emit_open(e, "if (even > 0)");
    tw__emit_line(e, "%s lane[8 * m] __attribute__((aligned(64)));", type);
    emit_fill(e, r, "lane", "8 * m");
    tw__emit_open(e, "for (int64_t done = 0; done < even; done += %d)", 8 * ROWS);
    tw__emit_open(e, "for (int64_t k = 0; k < 8; k++)");
    char rows[48];
    snprintf(rows, sizeof rows, "tw_least((even - done) / 8, %d)", ROWS);
    emit_chunks(e, r, "first + done + k", "8", rows, "lane + k * m", "");
    tw__emit_close(e);
    tw__emit_close(e);
    tw__emit_line(e, "tw_%s_%s(total, lane, m, m);", lanes, suffix);
    tw__emit_close(e);
    tw__emit_open(e, "else");
    emit_fill(e, r, "total", "m");
    tw__emit_close(e);
    tw__emit_open(e, "if (even < count)");
    emit_chunks(e, r, "first + even", "1", "count - even", "total", "");
    tw__emit_close(e);
    tw__emit_function_end(e);
}

static void emit_call(struct tw__emitter *e, const struct tw__reduction_plan *r, const char *name, const char *range)
{
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_%s(", r->of.node, name);
    tw__emit_outside(e, r->of.node, "");
    tw__emit_text(e, ", m");
    tw__emit_given(e, r, 0, "");
    tw__emit_text(e, ", %s);", range);
    tw__emit_end(e);
}

static void emit_tree(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    char row[32];
    snprintf(row, sizeof row, "row_%s", tw__combine_name(&r->of));
    (void)tw__helper_need(e, row, r->of.type);
    tw__emit_open_reduction(e, r, "static ", "_part", 1);
    tw__emit_open(e, "if (count > %d)", LEAF);
    tw__emit_line(e, "%s other[m] __attribute__((aligned(64)));", tw__emit_type(r->of.type));
    tw__emit_half(e);
    emit_call(e, r, "part", "first, half, total");
    emit_call(e, r, "part", "first + half, count - half, other");
    tw__emit_line(e, "tw_%s_%s(total, other, m);", row, tw__emit_suffix(r->of.type));
    tw__emit_line(e, "return;");
    tw__emit_close(e);
    emit_call(e, r, "leaf", "first, count, total");
    tw__emit_function_end(e);
}

/* ---- blocks ---- */

/* What the block has become, taken to the totals. */
static void emit_block_end(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
    if (r->of.is_place) {
        tw__emit_open(e, "if (total[q] < 0 || tw_%s_%s(part[q], best[q]))", tw__combine_name(&r->of),
                      tw__emit_suffix(r->of.type));
        tw__emit_line(e, "best[q] = part[q];");
        tw__emit_line(e, "total[q] = first + done + (int64_t)at[q];");
        tw__emit_close(e);
    } else {
        (void)tw__helper_need(e, tw__combine_name(&r->of), r->of.type);
        tw__emit_line(e, "total[q] = tw_%s_%s(total[q], (%s)part[q]);", tw__combine_name(&r->of),
                      tw__emit_suffix(r->of.type), tw__emit_type(r->of.type));
    }
    tw__emit_close(e);
}

/* The rows in their order. */
static void emit_in_order(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    const int blocks = has_blocks(r);
    tw__emit_open_reduction(e, r, "static ", "_part", 1);
    if (r->of.is_place) {
        tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
        tw__emit_line(e, "total[q] = -1;");
        tw__emit_close(e);
        tw__emit_line(e, "%s at[m] __attribute__((aligned(64)));", place_type(r));
    } else {
        emit_fill(e, r, "total", "m");
    }
    if (blocks) {
        tw__emit_line(e, "%s part[m] __attribute__((aligned(64)));", block_type(r));
    }
    tw__emit_open(e, "for (int64_t done = 0; done < count; done += %d)", BLOCK);
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_line(e, "const int64_t rows = tw_least(count - done, %d);", BLOCK);
    if (blocks) {
        emit_fill(e, r, "part", "m");
    }
    if (r->of.is_place) {
        tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
        tw__emit_line(e, "at[q] = 0;");
        tw__emit_close(e);
    }
    tw__emit_open(e, "for (int64_t row = 0; row < rows; row += %d)", ROWS);
    char count[48], more[48] = "";
    snprintf(count, sizeof count, "tw_least(rows - row, %d)", ROWS);
    if (r->of.is_place) {
        snprintf(more, sizeof more, ", at + q, (%s)row", place_type(r));
    }
    emit_chunks(e, r, "first + done + row", "1", count, blocks ? "part" : "total", more);
    tw__emit_close(e);
    if (blocks) {
        emit_block_end(e, r);
    }
    tw__emit_close(e);
    tw__emit_function_end(e);
}

void tw__emit_rows(struct tw__emitter *e, const struct tw__reduction_plan *r)
{
    emit_some(e, r);
    if (r->of.is_tree) {
        emit_leaf(e, r);
        emit_tree(e, r);
    } else {
        emit_in_order(e, r);
    }
}
