/* statement_work.c - the work of one statement of a list, as numbers: what it reads, writes and computes for each
 * element of its target. */
#include "notation/statement_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "notation/value/kind.h"

/* Gives 0 if there is no memory. */
static int add(struct tw__work *work, enum tw__work_kind kind, int code, uint64_t axes, int64_t number)
{
    for (int t = 0; t < work->nterms; t++) {
        struct tw__work_term *term = &work->terms[t];
        if (term->kind == kind && term->code == code && term->axes == axes) {
            term->number += number;
            return 1;
        }
    }
    struct tw__work_term *terms = tw__grow(work->terms, work->nterms, &work->room, sizeof *terms);
    if (terms == NULL) {
        return 0;
    }
    work->terms = terms;
    terms[work->nterms++] = (struct tw__work_term){.kind = kind, .code = code, .axes = axes, .number = number};
    return 1;
}

static uint64_t reduced_axes(const struct tw__node *reduce)
{
    uint64_t axes = 0;
    for (int k = 0; k < reduce->u.reduce.naxes; k++) {
        axes |= UINT64_C(1) << reduce->u.reduce.axis[k];
    }
    return axes;
}

/* Axes of all reductions around a node: how often it is computed for one element. What changes along none of the axes
 * of the reduction around it is computed once for that: the mean in the variance of x. */
static uint64_t repeated(const struct tw__program *program, int number)
{
    uint64_t axes = 0;
    for (int inner = number, scope; (scope = program->nodes[inner].scope) >= 0; inner = scope) {
        const uint64_t around = reduced_axes(&program->nodes[scope]);
        axes |= (program->nodes[inner].axes & around) != 0 ? around : 0;
    }
    return axes;
}

static enum tw__work_kind computed_in(tw_kind kind)
{
    return tw__kind_is_inexact(kind) ? TW__WORK_FLOPS : TW__WORK_OTHERS;
}

static int add_operation(struct tw__work *work, const struct tw__node *node, uint64_t axes)
{
    const enum tw__operation code = node->u.op.code;
    const struct tw__operation_row *row = tw__operation_row(code);
    const int flops = tw__kind_is_complex(node->u.op.operation) ? row->complex_flops : row->flops;
    return flops > 0 ? add(work, computed_in(node->u.op.operation), -1, axes, flops)
                     : add(work, TW__WORK_CALLS, (int)code, axes, 1);
}

static int add_node(struct tw__work *work, const struct tw__program *program, int number)
{
    const struct tw__node *node = &program->nodes[number];
    const uint64_t axes = repeated(program, number);
    switch (node->kind) {
    case TW__NODE_READ:
        return add(work, TW__WORK_READS, -1, axes, 1) &&
               add(work, TW__WORK_READ_BYTES, -1, axes, tw_dtype_of(node->dtype).itemsize);
    case TW__NODE_OPERATION:
        return add_operation(work, node, axes);
    case TW__NODE_REDUCE: { /* an addition, or the like, for each element of its body */
        const tw_kind kind = program->nodes[node->child[0]].dtype;
        return add(work, computed_in(kind), -1, axes | reduced_axes(node), tw__kind_is_complex(kind) ? 2 : 1);
    }
    default:
        return 1;
    }
}

tw_status tw__work_of(struct tw__work *work, const struct tw__program *program, int number, tw_error *error)
{
    const struct tw__assignment *assignment = &program->statements[number];
    const struct tw__expr_operand *target = &program->operands[assignment->target];
    memset(work, 0, sizeof *work);
    work->write_bytes = tw_dtype_of(target->dtype).itemsize;
    for (int d = 0; d < target->ndim; d++) {
        work->element_axes |= UINT64_C(1) << target->axis[d];
    }
    unsigned char *used = calloc((size_t)program->nnodes + 1, 1);
    if (used == NULL) {
        return tw__fail_memory(error, (size_t)program->nnodes, "the work of a statement");
    }
    used[assignment->value] = 1;
    for (int n = assignment->value; n >= 0; n--) { /* children have smaller numbers */
        for (int k = 0; used[n] && k < program->nodes[n].nchildren; k++) {
            used[program->nodes[n].child[k]] = 1;
        }
    }
    int good = 1;
    for (int n = 0; n <= assignment->value && good; n++) {
        good = !used[n] || add_node(work, program, n);
    }
    free(used);
    return good ? TW_OK : tw__fail_memory(error, sizeof *work->terms, "the work of a statement");
}

void tw__work_fini(struct tw__work *work)
{
    free(work->terms);
    memset(work, 0, sizeof *work);
}

double tw__work_amount(const struct tw__work *work, enum tw__work_kind kind, int code, const int64_t *lengths)
{
    double amount = 0;
    for (int t = 0; t < work->nterms; t++) {
        const struct tw__work_term *term = &work->terms[t];
        if (term->kind != kind || term->code != code) {
            continue;
        }
        double number = (double)term->number;
        for (int a = 0; a < TW__EXPR_AXES; a++) {
            number *= term->axes >> a & 1 ? (double)lengths[a] : 1;
        }
        amount += number;
    }
    return amount;
}
