/* variant.c - the loops of one statement over a tile: along which axes, in rows or in blocks, what is hoisted. */
#include "notation/loop/variant.h"

#include "notation/loop/hoist.h"
#include "notation/loop/movement.h"
#include "notation/loop/product.h"

enum { PANEL = 256 }; /* elements: as many lines of memory, one a column, stay in the nearest cache */

static const struct tw__expr_operand *target_of(const struct tw__variant *v)
{
    return &v->loop.program->operands[v->loop.target];
}

/* ---- along which axes ---- */

/* Whether this statement, or one before it, has a reduction. */
static int has_reduction(const struct tw__program *program, int value)
{
    for (int n = 0; n <= value; n++) {
        if (program->nodes[n].kind == TW__NODE_REDUCE && program->nodes[n].scope < 0) {
            return 1;
        }
    }
    return 0;
}

/* Whether the compiler has much to do for the value: exp, sin and the like, whose own time hides that of gathering. */
static int is_long(const struct tw__program *program, int value)
{
    for (int n = 0; n <= value; n++) {
        const struct tw__node *node = &program->nodes[n];
        if (node->kind == TW__NODE_OPERATION && tw__operation_has(node->u.op.code, TW__TRAIT_LONG)) {
            return 1;
        }
    }
    return 0;
}

/* The last axis, the one before it, the first one. A reduction's functions are made for the last one alone. */
int tw__variant_axes(int axis[3], const struct tw__program *program, const struct tw__assignment *statement)
{
    const struct tw__expr_operand *target = &program->operands[statement->target];
    const int ndim = target->ndim;
    axis[0] = ndim > 0 ? target->axis[ndim - 1] : -1;
    if (ndim < 2 || has_reduction(program, statement->value) || (ndim == 2 && is_long(program, statement->value))) {
        return 1;
    }
    axis[1] = target->axis[ndim - 2];
    axis[2] = target->axis[0];
    return ndim > 2 ? 3 : 2;
}

/* ---- rows ---- */

/* The axis of the loop around the strip; -1: there is none. */
static int inner_axis(const struct tw__variant *v)
{
    const struct tw__expr_operand *target = target_of(v);
    for (int d = target->ndim - 1; d >= 0; d--) {
        if (target->axis[d] != v->loop.axis) {
            return target->axis[d];
        }
    }
    return -1;
}

/* Reductions that do not change along the strip, of this statement and of those before it. */
static int has_scalar_reduction(const struct tw__loop *loop)
{
    for (int n = 0; n <= loop->roots[0]; n++) {
        const struct tw__node *node = &loop->program->nodes[n];
        if (node->scope == loop->scope && node->kind == TW__NODE_REDUCE && !tw__loop_varies(loop, n)) {
            return 1;
        }
    }
    return 0;
}

static void choose_panels(struct tw__variant *v, int hoisted)
{
    const struct tw__loop *loop = &v->loop;
    if (target_of(v)->ndim < 2) {
        return;
    }
    if (hoisted > 0) {
        v->panels = TW__PANELS_HOISTED;
        v->panel = loop->length;
    } else if (loop->nreads > 0 && !has_scalar_reduction(loop)) {
        v->panels = TW__PANELS_FAR;
        v->panel = loop->length < PANEL ? loop->length : PANEL;
    }
}

static void plan_rows(struct tw__variant *v)
{
    const struct tw__expr_operand *target = target_of(v);
    const int inner = inner_axis(v);
    uint64_t open[TW_MAX_DIMS + 1] = {0};
    int nlevels = 1;
    for (int d = 0; d < target->ndim; d++) {
        if (target->axis[d] != v->loop.axis) {
            open[nlevels] = open[nlevels - 1] | (uint64_t)1 << target->axis[d];
            nlevels++;
        }
    }
    tw__hoist_scalars(&v->loop, nlevels, open);
    choose_panels(v, inner >= 0 ? tw__hoist_calls(&v->loop, inner, 0, nlevels, open) : 0);
    for (int k = 0; k < v->loop.nreads; k++) {
        v->has_limits |= tw__read_has_limits(v->loop.program, v->loop.reads[k], v->loop.axis);
    }
}

/* ---- blocks ---- */

static void plan_blocks(struct tw__variant *v, int width)
{
    const struct tw__expr_operand *target = target_of(v);
    uint64_t open[TW_MAX_DIMS + 2] = {0};
    int nlevels = 1;
    v->loop.stack = v->loop.stack / v->loop.length * width;
    v->loop.length = width;
    v->stack = v->loop.stack;
    for (int d = 0; d + 1 < target->ndim; d++) {
        if (target->axis[d] != v->row_axis) {
            open[nlevels] = open[nlevels - 1] | (uint64_t)1 << target->axis[d];
            nlevels++;
        }
    }
    open[nlevels] = open[nlevels - 1]; /* the block of columns */
    open[nlevels + 1] = TW__ALL_AXES;  /* the row */
    tw__hoist_scalars(&v->loop, nlevels + 2, open);
    (void)tw__hoist_calls(&v->loop, v->row_axis, nlevels, nlevels + 1, open);
    for (int k = 0; k < v->loop.ncalls; k++) {
        if (v->loop.calls[k].how == TW__CALL_PRODUCT) {
            const int node = v->loop.calls[k].node;
            v->loop.calls[k].level = nlevels;
            v->stack += tw_dtype_of(v->loop.program->nodes[node].dtype).itemsize * TW__BLOCK_ROWS * width;
        }
    }
}

/* ---- both ---- */

int tw__variant_init(struct tw__variant *v, const struct tw__sheet *sheet, const struct tw__assignment *statement,
                     int along)
{
    const struct tw__loop_task task = {.scope = -1,
                                       .axis = along,
                                       .target = statement->target,
                                       .to = TW__TO_OUT,
                                       .nroots = 1,
                                       .roots = &statement->value};
    int width;
    *v = (struct tw__variant){.shape = TW__SHAPE_ELEMENT, .row_axis = -1};
    if (!tw__loop_init(&v->loop, sheet, &task)) {
        return 0;
    }
    v->stack = v->loop.stack;
    v->has_own = tw__loop_has_own(&v->loop);
    if (along < 0) {
        return 1;
    }
    v->row_axis = tw__product_find(&v->loop, target_of(v), &width);
    v->shape = v->row_axis >= 0 ? TW__SHAPE_BLOCKS : TW__SHAPE_ROWS;
    if (v->row_axis >= 0) {
        plan_blocks(v, width);
    } else {
        plan_rows(v);
    }
    return 1;
}

void tw__variant_fini(struct tw__variant *v)
{
    tw__loop_fini(&v->loop);
}
