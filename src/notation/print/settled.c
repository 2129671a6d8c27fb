/* settled.c - the lines with which the function of a reduction returns if an earlier step has computed its values. */
#include "notation/print/settled.h"

#include "notation/print/call.h"
#include "notation/type/settle.h"

/* "if (...) {": in a step the tile has more operands than the list has. Gives 0 if the reduction is never settled. */
static int open(struct tw__emitter *e, int node)
{
    const int number = tw__settle_number(e->program, node);
    if (number < 0) {
        return 0;
    }
    tw__emit_open(e, "if (tile->noperands > %d && reduce%d_is_settled(tile))", e->program->noperands, node);
    return 1;
}

static void emit_call(struct tw__emitter *e, int node, const char *count, const char *to)
{
    tw__emit_begin(e);
    tw__emit_text(e, "reduce%d_settled(", node);
    tw__emit_outside(e, node, "");
    tw__emit_text(e, ", %s, %s);", count, to);
    tw__emit_end(e);
}

void tw__settled_value(struct tw__emitter *e, int node)
{
    if (open(e, node)) {
        tw__emit_line(e, "%s settled;", tw__emit_type(tw__node_at(e->program, node)->dtype));
        emit_call(e, node, "1", "&settled");
        tw__emit_line(e, "return settled;");
        tw__emit_close(e);
    }
}

void tw__settled_row(struct tw__emitter *e, int node)
{
    if (open(e, node)) {
        emit_call(e, node, "m", "total");
        tw__emit_line(e, "return;");
        tw__emit_close(e);
    }
}

void tw__settled_block(struct tw__emitter *e, int node, int row_axis, int width)
{
    char to[48];
    if (open(e, node)) {
        tw__emit_open(e, "for (int64_t x%d = top; x%d < top + rows; x%d++)", row_axis, row_axis, row_axis);
        snprintf(to, sizeof to, "total + (x%d - top) * %d", row_axis, width);
        emit_call(e, node, "m", to);
        tw__emit_close(e);
        tw__emit_line(e, "return;");
        tw__emit_close(e);
    }
}
