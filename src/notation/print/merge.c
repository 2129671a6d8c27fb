/* merge.c - functions that bring partials of a reduction together. */
#include "notation/print/merge.h"

#include "notation/print/element.h"
#include "notation/print/helper.h"

static void emit_step(struct tw__emitter *e, const struct tw__reduced *r)
{
    const char *name = tw__combine_name(r), *suffix = tw__emit_suffix(r->type);
    if (name[0] == '\0') {
        tw__emit_line(e, "into[q] %s= value[q];", r->code == TW__REDUCE_ALL ? "&" : "|");
        return;
    }
    (void)tw__helper_need(e, name, r->type);
    if (!r->is_place) {
        tw__emit_line(e, "into[q] = tw_%s_%s(into[q], value[q]);", name, suffix);
        return;
    }
    tw__emit_open(e, "if (place[q] >= 0 && (into_place[q] < 0 || tw_%s_%s(value[q], into[q])))", name, suffix);
    tw__emit_line(e, "into[q] = value[q];");
    tw__emit_line(e, "into_place[q] = place[q];");
    tw__emit_close(e);
}

void tw__emit_merge(struct tw__emitter *e, const struct tw__reduced *r)
{
    const char *type = tw__emit_type(r->type);
    tw__emit_text(e, "TW_SLOW void reduce%d_merge(%s *restrict into, ", r->node, type);
    tw__emit_text(e, r->is_place ? "int64_t *restrict into_place, " : "");
    tw__emit_text(e, "const %s *restrict value, ", type);
    tw__emit_text(e, r->is_place ? "const int64_t *restrict place, " : "");
    tw__emit_function(e, "int64_t count)");
    tw__emit_open(e, "for (int64_t q = 0; q < count; q++)");
    emit_step(e, r);
    tw__emit_close(e);
    tw__emit_function_end(e);
    if (!tw__reduced_adds_zero(r)) {
        return;
    }
    (void)tw__helper_need(e, "add", r->type);
    tw__emit_text(e, "TW_SLOW void reduce%d_finish(%s *restrict total, ", r->node, type);
    tw__emit_function(e, "int64_t count)");
    tw__emit_open(e, "for (int64_t q = 0; q < count; q++)");
    tw__emit_begin(e);
    tw__emit_text(e, "total[q] = tw_add_%s(", tw__emit_suffix(r->type));
    tw__emit_constant(e, r->type, &(union tw__value){.number = {0, 0}});
    tw__emit_text(e, ", total[q]);");
    tw__emit_end(e);
    tw__emit_close(e);
    tw__emit_function_end(e);
}
