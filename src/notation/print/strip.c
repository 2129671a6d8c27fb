/* strip.c - the lines of a loop over the elements of a strip. Knows neither statements nor how reductions are
 * computed. */
#include "notation/print/strip.h"

#include <assert.h>
#include <stdio.h>

#include "grid/fold.h"
#include "notation/print/address.h"
#include "notation/print/call.h"
#include "notation/print/helper.h"
#include "notation/print/value.h"

void tw__strip_rooms(struct tw__emitter *e, const struct tw__loop *loop)
{
    static const char *const names[] = {
        [TW__ROOM_NONE] = "", [TW__ROOM_ITEMS] = "room", [TW__ROOM_CELLS] = "w", [TW__ROOM_ALL] = "all"};
    for (int n = loop->first; n < loop->first + loop->count; n++) {
        const struct tw__item *item = tw__loop_item(loop, n);
        const tw_kind kind = tw__node_at(e->program, n)->dtype;
        if (item->room != TW__ROOM_NONE) {
            tw__emit_line(e, "%s %s%d[%d] __attribute__((aligned(64)));",
                          item->room == TW__ROOM_ITEMS ? tw__emit_storage(kind) : tw__emit_type(kind),
                          names[item->room], n, loop->length);
        }
        if (item->is_result) {
            tw__emit_line(e, "%s w%d[%d] __attribute__((aligned(64)));", tw__emit_type(kind), n, loop->length);
        }
    }
}

/* ---- variables ---- */

static void emit_variable(struct tw__emitter *e, const struct tw__scope *in, int n)
{
    const struct tw__node *node = tw__node_at(e->program, n);
    const int found = tw__loop_item(in->loop, n)->found;
    tw__emit_begin(e);
    tw__emit_text(e, "const %s v%d = ", tw__emit_type(node->dtype), n);
    if (found != TW__FORM_TEXT) {
        tw__emit_as(e, in, n, found);
    } else if (node->kind == TW__NODE_READ) {
        tw__emit_item(e, n);
    } else if (node->kind == TW__NODE_REDUCE) {
        tw__emit_call(e, n);
    } else {
        tw__emit_expression(e, in, n);
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

static void emit_variables(struct tw__emitter *e, const struct tw__scope *in)
{
    for (int k = 0; k < in->loop->nvariables; k++) {
        emit_variable(e, in, in->loop->variables[k]);
    }
}

void tw__strip_scalars(struct tw__emitter *e, const struct tw__loop *loop, int level)
{
    const struct tw__scope in = {.loop = loop};
    for (int k = 0; k < loop->nscalars; k++) {
        if (loop->scalars[k].level == level) {
            emit_variable(e, &in, loop->scalars[k].node);
        }
    }
}

void tw__strip_hoisted(struct tw__emitter *e, const struct tw__loop *loop, int level)
{
    for (int k = 0; k < loop->ncalls; k++) {
        if (loop->calls[k].how == TW__CALL_HOISTED && loop->calls[k].level == level) {
            tw__emit_line(e, "{");
            e->indent++;
            tw__emit_line(e, "const int64_t x%d = begin, m = end - begin;", loop->axis);
            tw__emit_call_strip(e, loop, &loop->calls[k], "all");
            tw__emit_close(e);
        }
    }
}

void tw__strip_items(struct tw__emitter *e, const struct tw__loop *loop)
{
    for (int k = 0; k < loop->nreads; k++) {
        const struct tw__item *item = tw__loop_item(loop, loop->reads[k]);
        if (item->found == TW__FORM_ITEM) {
            tw__emit_items(e, loop->reads[k], loop->axis, item->is_copied);
        }
    }
    for (int k = 0; k < loop->ncalls; k++) {
        const int n = loop->calls[k].node;
        if (loop->calls[k].how == TW__CALL_HOISTED) {
            tw__emit_line(e, "const %s *restrict w%d = all%d + (x%d - begin);",
                          tw__emit_type(tw__node_at(e->program, n)->dtype), n, n, loop->axis);
        } else if (loop->calls[k].how == TW__CALL_STRIP) {
            tw__emit_call_strip(e, loop, &loop->calls[k], "w");
        }
    }
}

/* ---- loops ---- */

static void emit_root(struct tw__emitter *e, const struct tw__scope *in, int root)
{
    if (!tw__loop_computes(in->loop, root)) {
        return;
    }
    tw__emit_begin(e);
    if (in->loop->to == TW__TO_OUT) {
        tw__emit_text(e, "out[q] = ");
        tw__emit_result(e, in, root);
    } else if (in->loop->to == TW__TO_VALUE) {
        tw__emit_text(e, "value[q] = ");
        tw__emit_value(e, in, root);
    } else {
        tw__emit_text(e, "w%d[q] = ", root);
        tw__emit_value(e, in, root);
    }
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

static void emit_loop(struct tw__emitter *e, const struct tw__scope *in)
{
    if (in->loop->fast == 0) {
        tw__emit_line(e, "TW_TWICE"); /* long bodies gain nothing and take longer to compile */
    }
    tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
    emit_variables(e, in);
    for (int k = 0; k < in->loop->nroots; k++) {
        emit_root(e, in, in->loop->roots[k]);
    }
    tw__emit_close(e);
}

void tw__strip_combine(struct tw__emitter *e, const struct tw__loop *loop, const char *into, const char *combine,
                       tw_kind kind)
{
    const struct tw__scope in = {.loop = loop};
    tw__emit_open(e, "for (int q = 0; q < %d; q++)", loop->length);
    emit_variables(e, &in);
    tw__emit_begin(e);
    tw__emit_text(e, "%s[p * %d + q] = ", into, loop->length);
    if (combine != NULL) {
        (void)tw__helper_need(e, combine, kind);
        tw__emit_text(e, "tw_%s_%s(%s[p * %d + q], ", combine, tw__emit_suffix(kind), into, loop->length);
    }
    tw__emit_value(e, &in, loop->roots[0]);
    tw__emit_text(e, combine != NULL ? ");" : ";");
    tw__emit_end(e);
    tw__emit_close(e);
}

static_assert(TW__FOLD_LANES == 8, "the text of tw__strip_fold has 8 lanes");

/* into = combine(into, element q); */
static void emit_fold_step(struct tw__emitter *e, const struct tw__scope *in, const char *into, const char *function)
{
    emit_variables(e, in);
    tw__emit_begin(e);
    tw__emit_text(e, "%s = %s(%s, ", into, function, into);
    tw__emit_value(e, in, in->loop->roots[0]);
    tw__emit_text(e, ");");
    tw__emit_end(e);
}

void tw__strip_fold(struct tw__emitter *e, const struct tw__loop *loop, const char *combine, tw_kind kind,
                    const char *none)
{
    const struct tw__scope in = {.loop = loop};
    const char *type = tw__emit_type(kind);
    char f[40];
    (void)tw__helper_need(e, combine, kind);
    snprintf(f, sizeof f, "tw_%s_%s", combine, tw__emit_suffix(kind));
    tw__emit_line(e, "%s lane[8] = {%s, %s, %s, %s, %s, %s, %s, %s};", type, none, none, none, none, none, none, none,
                  none);
    tw__emit_line(e, "int64_t p = 0;");
    tw__emit_open(e, "for (; p + 8 <= count; p += 8)");
    tw__emit_open(e, "for (int k = 0; k < 8; k++)");
    tw__emit_line(e, "const int64_t q = p + k;");
    emit_fold_step(e, &in, "lane[k]", f);
    tw__emit_close(e);
    tw__emit_close(e);
    tw__emit_line(e, "const %s low = %s(%s(lane[0], lane[1]), %s(lane[2], lane[3]));", type, f, f, f);
    tw__emit_line(e, "%s total = %s(low, %s(%s(lane[4], lane[5]), %s(lane[6], lane[7])));", type, f, f, f, f);
    tw__emit_open(e, "for (int64_t q = p; q < count; q++)");
    emit_fold_step(e, &in, "total", f);
    tw__emit_close(e);
    tw__emit_line(e, "return total;");
}

void tw__strip_open_values(struct tw__emitter *e, const struct tw__loop *loop, const char *type)
{
    const struct tw__scope in = {.loop = loop};
    if (loop->fast != 0) {
        tw__strip_loops(e, loop);
    } else {
        tw__emit_line(e, "TW_TWICE");
    }
    tw__emit_open(e, "for (int64_t q = 0; q < m; q++)");
    if (loop->fast != 0) {
        tw__emit_line(e, "const %s v = value[q];", type);
        return;
    }
    emit_variables(e, &in);
    tw__emit_begin(e);
    tw__emit_text(e, "const %s v = ", type);
    tw__emit_value(e, &in, loop->roots[0]);
    tw__emit_text(e, ";");
    tw__emit_end(e);
}

void tw__strip_loops(struct tw__emitter *e, const struct tw__loop *loop)
{
    const struct tw__scope fast = {.loop = loop, .fast = 1}, full = {.loop = loop};
    if (!tw__loop_has_results(loop)) {
        return;
    }
    if (loop->fast == 0) {
        emit_loop(e, &full);
        return;
    }
    if (loop->fast & 8) {
        tw__emit_line(e, "int64_t outside64 = 0;");
    }
    if (loop->fast & 4) {
        tw__emit_line(e, "int32_t outside32 = 0;");
    }
    emit_loop(e, &fast);
    tw__emit_open(e, loop->fast == 8   ? "if (outside64)"
                     : loop->fast == 4 ? "if (outside32)"
                                       : "if (outside32 || outside64)");
    emit_loop(e, &full);
    tw__emit_close(e);
}
