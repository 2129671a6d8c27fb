/* entry.c - what a kernel does in the steps of a job: partials of its reductions, their merging, and reductions that
 * are read where an earlier step has left them. */
#include "notation/print/entry.h"

#include "notation/print/call.h"
#include "notation/print/helper.h"
#include "notation/print/merge.h"
#include "notation/type/settle.h"

enum { STACK = 64 /* more than the levels of any tree */, WIDTH = 32 /* values that are merged at once */ };

/* What is known of a reduction that may be settled. */
struct entry {
    struct tw__reduced of;
    int number;                /* among those that may be; -1: it may not */
    int along;                 /* axis of the program along which its functions take several values at once; -1: none */
    int row;                   /* of a product: the axis of its rows; -1: it is none */
    int width;                 /* most values at once */
    const char *type, *result; /* of a partial and of the value */
};

static struct entry look_at(const struct tw__emitter *e, const struct tw__function *function)
{
    struct entry entry = {.along = -1, .row = -1, .width = 1};
    if (function->is_product) {
        entry.of = function->u.product.of;
        entry.along = function->u.product.core.axis;
        entry.row = function->u.product.row_axis;
        entry.width = function->u.product.core.length;
    } else {
        entry.of = function->u.reduction.of;
        entry.along = function->u.reduction.is_row ? function->u.reduction.body.axis : -1;
        entry.width = function->u.reduction.is_row ? function->u.reduction.width : 1;
    }
    entry.number = tw__settle_number(e->program, entry.of.node);
    entry.type = tw__emit_type(entry.of.type);
    entry.result = tw__emit_type(tw__node_at(e->program, entry.of.node)->dtype);
    return entry;
}

static int has_axis(const struct tw__emitter *e, const struct entry *entry, int axis)
{
    return (int)(tw__node_at(e->program, entry->of.node)->axes >> axis & 1);
}

/* ---- the step's words ---- */

static void emit_facts(struct tw__emitter *e, const struct entry *entry)
{
    tw__emit_line(e, "const int64_t *const step = (const int64_t *)(const void *)((const char *)tile->context + %d);",
                  tw__settle_offset(e->program));
    tw__emit_line(e, "const int64_t *const fact = step + %d;", TW__STEP_REDUCTIONS + TW__SETTLE_FACTS * entry->number);
}

/* The number that an axis has in the grid of a step. */
static void emit_axis(struct tw__emitter *e, int axis)
{
    const int place = tw__settle_axis(e->program, axis);
    if (place < 0) {
        tw__emit_text(e, "%d", e->program->axes[axis].tile);
    } else {
        tw__emit_text(e, "step[%d] + %d", TW__STEP_AXES, place);
    }
}

/* " + (x0 - tile->start[0]) * from->strides[1] ...": of an array whose dimensions from `first` on are the axes outside
 * of the reduction. */
static void emit_offset(struct tw__emitter *e, const struct entry *entry, const char *array, int first)
{
    for (int a = 0, d = first; a < e->program->naxes; a++) {
        if (has_axis(e, entry, a)) {
            tw__emit_text(e, " + (x%d - tile->start[", a);
            emit_axis(e, a);
            tw__emit_text(e, "]) * %s->strides[%d]", array, d++);
        }
    }
}

/* "const char *const NAME = ..." and the bytes from one value to the next, NAME_next. */
static void emit_place(struct tw__emitter *e, const struct entry *entry, const char *name, const char *array, int first)
{
    tw__emit_begin(e);
    tw__emit_text(e, "char *const %s = (char *)%s->data", name, array);
    emit_offset(e, entry, array, first);
    tw__emit_text(e, ";");
    tw__emit_end(e);
    int dimension = first;
    for (int a = 0; a < entry->along; a++) {
        dimension += has_axis(e, entry, a);
    }
    if (entry->along >= 0) {
        tw__emit_line(e, "const int64_t %s_next = %s->strides[%d];", name, array, dimension);
    } else {
        tw__emit_line(e, "const int64_t %s_next = 0;", name);
    }
}

static void open_values(struct tw__emitter *e, const struct entry *entry, const char *name)
{
    tw__emit_text(e, "TW_SLOW void reduce%d_%s(", entry->of.node, name);
    tw__emit_outside(e, entry->of.node, "int64_t ");
    tw__emit_function(e, ", int64_t m, %s *restrict total)", entry->result);
}

/* ---- values from partials ---- */

static void emit_loop(struct tw__emitter *e, const char *count, const char *line)
{
    tw__emit_open(e, "for (int64_t q = 0; q < %s; q++)", count);
    tw__emit_line(e, "%s", line);
    tw__emit_close(e);
}

/* A loop over `count` values that lie `step` bytes apart. Mostly they lie side by side, and the loop becomes one of
 * vectors. */
static void emit_sides(struct tw__emitter *e, const struct entry *entry, const char *type, const char *step,
                       const char *count, const char *side, const char *apart)
{
    if (entry->along < 0) {
        emit_loop(e, count, apart);
        return;
    }
    tw__emit_open(e, "if (%s == (int64_t)sizeof(%s))", step, type);
    emit_loop(e, count, side);
    tw__emit_close(e);
    tw__emit_open(e, "else");
    emit_loop(e, count, apart);
    tw__emit_close(e);
}

/* `width` values of part p onto a stack. */
static void emit_take(struct tw__emitter *e, const struct entry *entry, const char *stack, const char *type,
                      const char *place, const char *array)
{
    char step[24], side[96], apart[96];
    snprintf(step, sizeof step, "%s_next", place);
    snprintf(side, sizeof side, "%s[depth * %d + q] = ((const %s *)(const void *)part)[q];", stack, WIDTH, type);
    snprintf(apart, sizeof apart, "%s[depth * %d + q] = *(const %s *)(const void *)(part + q * %s);", stack, WIDTH,
             type, step);
    tw__emit_line(e, "{");
    e->indent++;
    tw__emit_line(e, "const char *const part = %s + p * %s->strides[0] + done * %s;", place, array, step);
    emit_sides(e, entry, type, step, "width", side, apart);
    tw__emit_close(e);
}

/* One part of `width` values onto the stack, and the merges behind it. */
static void emit_push(struct tw__emitter *e, const struct entry *entry)
{
    const int is_place = entry->of.is_place;
    tw__emit_open(e, "for (int64_t p = 0; p < fact[%d]; p++)", TW__SETTLE_PARTS);
    emit_take(e, entry, "stack", entry->type, "at", "from");
    if (is_place) {
        emit_take(e, entry, "places", "int64_t", "spot", "where");
    }
    tw__emit_line(e, "depth++;");
    tw__emit_open(e, "for (int k = merges[p]; k > 0; k--)");
    tw__emit_line(e, "depth--;");
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_merge(stack + (depth - 1) * %d, ", entry->of.node, WIDTH);
    tw__emit_text(
        e, is_place ? "places + (depth - 1) * %d, stack + depth * %d, places + depth * %d" : "stack + depth * %d",
        WIDTH, WIDTH, WIDTH);
    tw__emit_text(e, ", width);");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__emit_close(e);
}

static void emit_folded(struct tw__emitter *e, const struct entry *entry)
{
    const int is_place = entry->of.is_place;
    open_values(e, entry, "folded");
    emit_facts(e, entry);
    tw__emit_line(e, "const tw_view *const from = &tile->operand[fact[%d]];", TW__SETTLE_PART);
    emit_place(e, entry, "at", "from", 1);
    if (is_place) {
        tw__emit_line(e, "const tw_view *const where = &tile->operand[fact[%d]];", TW__SETTLE_PLACE);
        emit_place(e, entry, "spot", "where", 1);
        tw__emit_line(e, "int64_t places[%d * %d] __attribute__((aligned(64)));", STACK, WIDTH);
    }
    tw__emit_line(e, "const unsigned char *const merges = (const unsigned char *)tile->context + fact[%d];",
                  TW__SETTLE_MERGES);
    tw__emit_line(e, "%s stack[%d * %d] __attribute__((aligned(64)));", entry->type, STACK, WIDTH);
    tw__emit_open(e, "for (int64_t done = 0, width; done < m; done += width)");
    tw__emit_line(e, "int depth = 0;");
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_line(e, "width = tw_least(m - done, %d);", WIDTH);
    emit_push(e, entry);
    if (tw__reduced_adds_zero(&entry->of)) {
        tw__emit_line(e, "reduce%d_finish(stack, width);", entry->of.node);
    }
    tw__emit_open(e, "for (int64_t q = 0; q < width; q++)");
    tw__emit_line(e, "total[done + q] = %s[q];", is_place ? "places" : "stack");
    tw__emit_close(e);
    tw__emit_close(e);
    tw__emit_function_end(e);
}

static void emit_settled(struct tw__emitter *e, const struct entry *entry)
{
    tw__emit_function(e, "static int reduce%d_is_settled(const tw_tile *tile)", entry->of.node);
    emit_facts(e, entry);
    tw__emit_line(e, "return fact[%d] == %d || fact[%d] == %d;", TW__SETTLE_STATE, TW__SETTLE_TOTALS, TW__SETTLE_STATE,
                  TW__SETTLE_PARTS_READ);
    tw__emit_function_end(e);
    open_values(e, entry, "settled");
    emit_facts(e, entry);
    tw__emit_open(e, "if (fact[%d] == %d)", TW__SETTLE_STATE, TW__SETTLE_PARTS_READ);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_folded(", entry->of.node);
    tw__emit_outside(e, entry->of.node, "");
    tw__emit_text(e, ", m, total);");
    tw__emit_end(e);
    tw__emit_line(e, "return;");
    tw__emit_close(e);
    tw__emit_line(e, "const tw_view *const from = &tile->operand[fact[%d]];", TW__SETTLE_TOTAL);
    emit_place(e, entry, "at", "from", 0);
    char side[96], apart[96];
    snprintf(side, sizeof side, "total[q] = ((const %s *)(const void *)at)[q];", entry->result);
    snprintf(apart, sizeof apart, "total[q] = *(const %s *)(const void *)(at + q * at_next);", entry->result);
    emit_sides(e, entry, entry->result, "at_next", "m", side, apart);
    tw__emit_function_end(e);
}

void tw__entry_read(struct tw__emitter *e, const struct tw__function *function)
{
    const struct entry entry = look_at(e, function);
    if (entry.number >= 0) {
        tw__emit_merge(e, &entry.of);
        emit_folded(e, &entry);
        emit_settled(e, &entry);
    }
}

/* ---- partials, and values for others ---- */

/* Loops over all axes outside of the reduction but those that its function takes several of. */
static void open_loops(struct tw__emitter *e, const struct entry *entry)
{
    for (int a = 0; a < e->program->naxes; a++) {
        if (has_axis(e, entry, a) && a != entry->along && a != entry->row) {
            tw__emit_begin(e);
            tw__emit_text(e, "for (int64_t x%d = tile->start[", a);
            emit_axis(e, a);
            tw__emit_text(e, "]; x%d < tile->stop[", a);
            emit_axis(e, a);
            tw__emit_text(e, "]; x%d++) {", a);
            tw__emit_end(e);
            e->indent++;
        }
    }
}

/* for (x = start; x < stop; x += step) { step = at most `most`; */
static void open_strip(struct tw__emitter *e, int axis, const char *variable, const char *step, int most)
{
    (void)tw__helper_need(e, "least", TW_OPAQUE);
    tw__emit_begin(e);
    tw__emit_text(e, "for (int64_t %s = tile->start[", variable);
    emit_axis(e, axis);
    tw__emit_text(e, "], %s; %s < tile->stop[", step, variable);
    emit_axis(e, axis);
    tw__emit_text(e, "]; %s += %s) {", variable, step);
    tw__emit_end(e);
    e->indent++;
    tw__emit_begin(e);
    tw__emit_text(e, "%s = tw_least(tile->stop[", step);
    emit_axis(e, axis);
    tw__emit_text(e, "] - %s, %d);", variable, most);
    tw__emit_end(e);
}

static void close_loops(struct tw__emitter *e)
{
    while (e->indent > 1) {
        tw__emit_close(e);
    }
}

/* Puts m values where they belong. */
static void emit_store(struct tw__emitter *e, const struct entry *entry, const char *array, const char *values,
                       const char *type)
{
    tw__emit_line(e, "{");
    e->indent++;
    emit_place(e, entry, "to", array, 0);
    char side[96], apart[96];
    snprintf(side, sizeof side, "((%s *)(void *)to)[q] = %s[q];", type, values);
    snprintf(apart, sizeof apart, "*(%s *)(void *)(to + q * to_next) = %s[q];", type, values);
    emit_sides(e, entry, type, "to_next", entry->along >= 0 ? "m" : "1", side, apart);
    tw__emit_close(e);
}

/* first and count: the places that are the tile's. */
static void emit_places(struct tw__emitter *e, const struct entry *entry)
{
    const struct tw__node *node = tw__node_at(e->program, entry->of.node);
    tw__emit_begin(e);
    tw__emit_text(e, "const int64_t axis = ");
    if (node->u.reduce.naxes == 1) {
        emit_axis(e, node->u.reduce.axis[0]);
    } else {
        tw__emit_text(e, "step[%d] + %d", TW__STEP_AXES, tw__settle_axes(e->program));
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
    tw__emit_line(e, "const int64_t first = tile->start[axis], count = tile->stop[axis] - first;");
    tw__emit_line(e, "const tw_view *const into = &tile->operand[fact[%d]];", TW__SETTLE_PART);
    if (entry->of.is_place) {
        tw__emit_line(e, "const tw_view *const where = &tile->operand[fact[%d]];", TW__SETTLE_PLACE);
    }
}

/* One value, or a row of them. */
static void emit_partial(struct tw__emitter *e, const struct entry *entry)
{
    const int is_row = entry->along >= 0, is_place = entry->of.is_place;
    char variable[24];
    open_loops(e, entry);
    if (is_row) {
        snprintf(variable, sizeof variable, "x%d", entry->along);
        open_strip(e, entry->along, variable, "m", entry->width);
    }
    tw__emit_line(e, "%s part[%d] __attribute__((aligned(64)));", entry->type, entry->width);
    if (is_place) {
        tw__emit_line(e, "int64_t place[%d] __attribute__((aligned(64)));", entry->width);
    }
    tw__emit_begin(e);
    tw__emit_text(e, "%sreduce%d_range(", is_row ? "" : is_place ? "place[0] = " : "part[0] = ", entry->of.node);
    tw__emit_outside(e, entry->of.node, "");
    tw__emit_text(e, "%s, first, count%s%s);", is_row ? ", m" : "", is_place ? ", part" : "",
                  !is_row    ? ""
                  : is_place ? ", place"
                             : ", part");
    tw__emit_end(e);
    emit_store(e, entry, "into", "part", entry->type);
    if (is_place) {
        emit_store(e, entry, "where", "place", "int64_t");
    }
    close_loops(e);
}

/* Blocks of rows and columns. */
static void emit_blocks(struct tw__emitter *e, const struct entry *entry)
{
    char variable[24];
    open_loops(e, entry);
    snprintf(variable, sizeof variable, "x%d", entry->along);
    open_strip(e, entry->along, variable, "m", entry->width);
    open_strip(e, entry->row, "top", "rows", TW__BLOCK_ROWS);
    tw__emit_line(e, "%s block[%d * %d] __attribute__((aligned(64)));", entry->type, TW__BLOCK_ROWS, entry->width);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_part(tile", entry->of.node);
    for (int a = 0; a < e->program->naxes; a++) {
        if (has_axis(e, entry, a) && a != entry->row) {
            tw__emit_text(e, ", x%d", a);
        }
    }
    tw__emit_text(e, ", top, rows, m, first, count, block);");
    tw__emit_end(e);
    tw__emit_open(e, "for (int64_t x%d = top; x%d < top + rows; x%d++)", entry->row, entry->row, entry->row);
    tw__emit_line(e, "const %s *const part = block + (x%d - top) * %d;", entry->type, entry->row, entry->width);
    emit_store(e, entry, "into", "part", entry->type);
    close_loops(e);
}

static void emit_fold(struct tw__emitter *e, const struct entry *entry)
{
    struct entry own = *entry;
    char variable[24];
    own.row = -1;
    tw__emit_function(e, "TW_SLOW void reduce%d_fold(const tw_tile *tile)", entry->of.node);
    emit_facts(e, entry);
    tw__emit_line(e, "const tw_view *const into = &tile->operand[fact[%d]];", TW__SETTLE_TOTAL);
    open_loops(e, &own);
    if (own.along >= 0) {
        snprintf(variable, sizeof variable, "x%d", own.along);
        open_strip(e, own.along, variable, "m", own.width);
    }
    tw__emit_line(e, "%s value[%d] __attribute__((aligned(64)));", own.result, own.width);
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_folded(", own.of.node);
    tw__emit_outside(e, own.of.node, "");
    tw__emit_text(e, ", %s, value);", own.along >= 0 ? "m" : "1");
    tw__emit_end(e);
    emit_store(e, &own, "into", "value", own.result);
    close_loops(e);
    tw__emit_function_end(e);
}

void tw__entry_write(struct tw__emitter *e, const struct tw__function *function)
{
    const struct entry entry = look_at(e, function);
    if (entry.number < 0) {
        return;
    }
    tw__emit_function(e, "TW_SLOW void reduce%d_partial(const tw_tile *tile)", entry.of.node);
    emit_facts(e, &entry);
    emit_places(e, &entry);
    if (entry.row >= 0) {
        emit_blocks(e, &entry);
    } else {
        emit_partial(e, &entry);
    }
    tw__emit_function_end(e);
    emit_fold(e, &entry);
}

/* ---- the step ---- */

void tw__entry_steps(struct tw__emitter *e)
{
    const struct tw__plan *plan = e->plan;
    tw__emit_function(e, "TW_SLOW void run_step(const tw_tile *tile)");
    tw__emit_line(e, "const int64_t *const step = (const int64_t *)(const void *)((const char *)tile->context + %d);",
                  tw__settle_offset(e->program));
    for (int k = 0; k < plan->nfunctions; k++) {
        const struct entry entry = look_at(e, &plan->functions[k]);
        if (entry.number < 0) {
            continue;
        }
        const int fact = TW__STEP_REDUCTIONS + TW__SETTLE_FACTS * entry.number + TW__SETTLE_STATE;
        tw__emit_open(e, "if (step[%d] == %d)", fact, TW__SETTLE_PARTIAL);
        tw__emit_line(e, "reduce%d_partial(tile);", entry.of.node);
        tw__emit_close(e);
        tw__emit_open(e, "if (step[%d] == %d)", fact, TW__SETTLE_FOLD);
        tw__emit_line(e, "reduce%d_fold(tile);", entry.of.node);
        tw__emit_close(e);
    }
    for (int k = 0; k < plan->nstatements; k++) {
        tw__emit_open(e, "if (step[%d] <= %d && %d < step[%d])", TW__STEP_FIRST, k, k, TW__STEP_END);
        tw__emit_line(e, "statement%d(tile);", k + 1);
        tw__emit_close(e);
    }
    tw__emit_function_end(e);
}
