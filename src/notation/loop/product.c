/* product.c - reductions over k of what is made of a[i,k] and b[k,j]: which they are, and what is computed where. */
#include "notation/loop/product.h"

#include <stdlib.h>

#include "grid/fold.h"
#include "notation/value/kind.h"

static int depends(const struct tw__program *program, int node, int axis)
{
    return (int)(program->nodes[node].axes >> axis & 1);
}

static int64_t size_of(const struct tw__program *program, int node)
{
    return tw_dtype_of(program->nodes[node].dtype).itemsize;
}

/* ---- which reductions ---- */

/* The last axis of the target, but for the strip's, along which the reduction changes. */
static int row_axis_of(const struct tw__loop *loop, const struct tw__expr_operand *target, int number)
{
    for (int d = target->ndim - 2; d >= 0; d--) {
        if (target->axis[d] != loop->axis && depends(loop->program, number, target->axis[d])) {
            return target->axis[d];
        }
    }
    return -1;
}

static int fits(const struct tw__loop *loop, int number, int row_axis)
{
    const struct tw__program *program = loop->program;
    const int body = program->nodes[number].child[0];
    int rows = 0, columns = 0;
    if (!tw__reduced_of(program, number).is_value || size_of(program, body) < 4 ||
        tw__kind_is_complex(program->nodes[body].dtype)) {
        return 0;
    }
    for (int n = 0; n < number; n++) {
        const struct tw__node *part = &program->nodes[n];
        if (part->scope != number) {
            continue;
        }
        const int on_row = depends(program, n, row_axis), on_column = depends(program, n, loop->axis);
        if (part->kind == TW__NODE_REDUCE || (part->kind == TW__NODE_READ && on_row && on_column) ||
            (on_row && on_column && tw__node_is_fast(part))) {
            return 0;
        }
        rows += part->kind == TW__NODE_READ && on_row;
        columns += part->kind == TW__NODE_READ && on_column;
    }
    return rows > 0 && columns > 0;
}

int tw__product_find(struct tw__loop *loop, const struct tw__expr_operand *target, int *width)
{
    int row_axis = -1;
    *width = 0;
    for (int k = 0; k < loop->ncalls; k++) {
        struct tw__call *call = &loop->calls[k];
        const int n = call->node, axis = row_axis_of(loop, target, n);
        const int columns = (int)(TW__PRODUCT_COLUMN_BYTES / size_of(loop->program, loop->program->nodes[n].child[0]));
        if (axis >= 0 && (row_axis < 0 || (axis == row_axis && columns == *width)) && fits(loop, n, axis)) {
            call->how = TW__CALL_PRODUCT;
            tw__loop_item(loop, n)->room = TW__ROOM_NONE;
            row_axis = axis;
            *width = columns;
        }
    }
    return row_axis;
}

/* ---- parts of a body ---- */

/* Gives 0 if out of memory. */
static int find_parts(struct tw__product_plan *p, const struct tw__sheet *sheet, int column)
{
    const struct tw__program *program = sheet->program;
    const int number = p->of.node;
    unsigned char *needed = calloc((size_t)number + 1, 1);
    for (int k = 0; k < 2; k++) {
        p->parts[k] = calloc((size_t)number + 1, sizeof *p->parts[k]);
    }
    if (needed == NULL || p->parts[0] == NULL || p->parts[1] == NULL) {
        free(needed);
        return 0;
    }
    needed[sheet->same[program->nodes[number].child[0]]] = 1;
    for (int n = number - 1; n >= 0; n--) {
        const struct tw__node *part = &program->nodes[n];
        if (part->scope != number || !needed[n] || part->kind == TW__NODE_CONSTANT || part->kind == TW__NODE_SCALAR) {
            continue;
        }
        const int on_row = depends(program, n, p->row_axis), on_column = depends(program, n, column);
        if (!on_row || !on_column) {
            const enum tw__part_of kind = on_column ? TW__OF_COLUMN : TW__OF_ROW;
            p->parts[kind][p->nparts[kind]++] = n;
            continue;
        }
        const int is_inner = part->kind == TW__NODE_CAST || part->kind == TW__NODE_OPERATION;
        for (int k = 0; k < part->nchildren && is_inner; k++) {
            needed[sheet->same[part->child[k]]] = 1;
        }
    }
    free(needed);
    for (int k = 0; k < 2; k++) {
        for (int a = 0, b = p->nparts[k] - 1; a < b; a++, b--) {
            const int other = p->parts[k][a];
            p->parts[k][a] = p->parts[k][b];
            p->parts[k][b] = other;
        }
    }
    return 1;
}

/* The parts as the core has them: nodes in ascending order. */
static int make_given(const struct tw__product_plan *p, int **given)
{
    const int count = p->nparts[0] + p->nparts[1];
    *given = calloc((size_t)count + 1, sizeof **given);
    if (*given == NULL) {
        return -1;
    }
    int *next = *given;
    for (int k = 0; k < 2; k++) {
        for (int part = 0; part < p->nparts[k]; part++) {
            *next++ = p->parts[k][part];
        }
    }
    return count;
}

/* ---- its loops ---- */

static int init_core(struct tw__product_plan *p, const struct tw__sheet *sheet, int column, int width)
{
    int *given;
    const int ngiven = make_given(p, &given);
    const struct tw__loop_task core = {.scope = p->of.node,
                                       .axis = column,
                                       .target = -1,
                                       .to = TW__TO_VALUE,
                                       .nroots = 1,
                                       .roots = &sheet->program->nodes[p->of.node].child[0],
                                       .ngiven = ngiven,
                                       .given = given,
                                       .length = width};
    const int good = ngiven >= 0 && tw__loop_init(&p->core, sheet, &core);
    free(given);
    return good;
}

static int init_part(struct tw__product_plan *p, const struct tw__sheet *sheet, enum tw__part_of kind, int axis,
                     int length)
{
    const struct tw__loop_task task = {.scope = p->of.node,
                                       .axis = axis,
                                       .target = -1,
                                       .to = TW__TO_ARRAYS,
                                       .nroots = p->nparts[kind],
                                       .roots = p->parts[kind],
                                       .length = length};
    return tw__loop_init(kind == TW__OF_ROW ? &p->rows : &p->columns, sheet, &task);
}

int tw__product_init(struct tw__product_plan *p, const struct tw__sheet *sheet, int number, int row_axis, int column,
                     int width)
{
    const struct tw__node *node = &sheet->program->nodes[number];
    *p = (struct tw__product_plan){.of = tw__reduced_of(sheet->program, number), .row_axis = row_axis};
    if (!find_parts(p, sheet, column) || !init_core(p, sheet, column, width) ||
        !init_part(p, sheet, TW__OF_COLUMN, column, width) ||
        !init_part(p, sheet, TW__OF_ROW, node->u.reduce.axis[node->u.reduce.naxes - 1], TW__FOLD_LEAF)) {
        return 0;
    }
    p->stack = 2 * p->core.stack + p->columns.stack + p->rows.stack;
    for (int k = 0; k < 2; k++) {
        for (int part = 0; part < p->nparts[k]; part++) {
            p->stack += size_of(sheet->program, p->parts[k][part]) * TW__FOLD_LEAF *
                        (k == TW__OF_ROW ? TW__PRODUCT_ROWS : width);
        }
    }
    return 1;
}

void tw__product_fini(struct tw__product_plan *p)
{
    tw__loop_fini(&p->core);
    tw__loop_fini(&p->columns);
    tw__loop_fini(&p->rows);
    free(p->parts[0]);
    free(p->parts[1]);
    p->parts[0] = p->parts[1] = NULL;
}
