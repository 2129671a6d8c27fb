/* inner.c - reductions that read an operand which their own statement list writes, elsewhere than where it is written.
 */
#include "notation/type/inner.h"

#include <stdlib.h>

#include "base/error.h"

static int is_own(const struct tw__index *index, int axis)
{
    return index->nterms == 1 && index->term[0].axis == axis && index->term[0].factor == 1 && index->constant == 0 &&
           index->offset < 0;
}

uint64_t tw__inner_bound(const struct tw__program *program, int read)
{
    const struct tw__node *node = &program->nodes[read];
    const struct tw__expr_operand *operand = &program->operands[node->u.read.operand];
    uint64_t axes = 0;
    for (int d = 0; operand->role != TW_IN && d < operand->ndim; d++) {
        if (!is_own(&program->indices[node->u.read.indices + d], operand->axis[d])) {
            axes |= UINT64_C(1) << operand->axis[d];
        }
    }
    return axes;
}

/* Whether the values of a reduction over these axes outside are known before an element that they read is written: the
 * loops go over the target's dimensions in order, and of two dimensions over the first one inside of a strip. */
static int is_before(const struct tw__expr_operand *target, uint64_t outside)
{
    int first = 0;
    while (first < target->ndim && (outside >> target->axis[first] & 1) != 0) {
        outside &= ~(UINT64_C(1) << target->axis[first++]);
    }
    if (outside == 0) {
        return first < target->ndim;
    }
    return target->ndim == 2 && outside == UINT64_C(1) << target->axis[1];
}

/* Whether a reduction of the statement changes along the strip: columns may then be done in panels, one after the
 * other, and a row is written in pieces. */
static int has_panels(const struct tw__program *program, const struct tw__assignment *statement,
                      const unsigned char *used)
{
    const struct tw__expr_operand *target = &program->operands[statement->target];
    for (int n = 0; n <= statement->value && target->ndim > 0; n++) {
        const struct tw__node *node = &program->nodes[n];
        if (used[n] && node->kind == TW__NODE_REDUCE && node->scope < 0 &&
            (node->axes >> target->axis[target->ndim - 1] & 1) != 0) {
            return 1;
        }
    }
    return 0;
}

/* Whether a READ in the body of reduction `outer` of a statement is right. */
static int is_right(const struct tw__program *program, int read, int outer, const struct tw__assignment *statement,
                    const unsigned char *used)
{
    const int operand = program->nodes[read].u.read.operand;
    const struct tw__expr_operand *target = &program->operands[operand];
    const uint64_t bound = tw__inner_bound(program, read), outside = program->nodes[outer].axes;
    if (statement->target != operand || outside == 0) {
        return 1;
    }
    const int in_strip = (int)(outside >> target->axis[target->ndim - 1] & 1);
    return (bound & outside) == 0 && is_before(target, outside) && (in_strip || !has_panels(program, statement, used));
}

static int outermost(const struct tw__program *program, int node)
{
    int outer = program->nodes[node].scope;
    while (outer >= 0 && program->nodes[outer].scope >= 0) {
        outer = program->nodes[outer].scope;
    }
    return outer;
}

/* Marks all that a statement needs. */
static void reach(const struct tw__program *program, int value, unsigned char *used)
{
    for (int n = 0; n <= value; n++) {
        used[n] = n == value;
    }
    for (int n = value; n >= 0; n--) {
        for (int k = 0; used[n] && k < program->nodes[n].nchildren; k++) {
            used[program->nodes[n].child[k]] = 1;
        }
    }
}

static tw_status refuse(const struct tw__typed *typed, const struct tw__syntax *syntax, int read, tw_error *error)
{
    const char *name = typed->program.operands[typed->program.nodes[read].u.read.operand].name;
    size_t at = 0;
    for (int n = 0; n < syntax->nnodes; n++) {
        at = typed->node_of[n] == read ? syntax->nodes[n].at : at;
    }
    return tw__complain(error, &syntax->source, at,
                        "%s is written before this reduction has all that it needs of it: write to another operand, "
                        "not to the one that is reduced here",
                        name);
}

tw_status tw__inner_check(const struct tw__typed *typed, const struct tw__syntax *syntax, tw_error *error)
{
    const struct tw__program *program = &typed->program;
    unsigned char *used = calloc((size_t)program->nnodes + 1, 1);
    tw_status status = TW_OK;
    if (used == NULL) {
        return tw__fail_memory(error, (size_t)program->nnodes, "a statement");
    }
    for (int s = 0; s < program->nstatements && status == TW_OK; s++) {
        const struct tw__assignment *statement = &program->statements[s];
        reach(program, statement->value, used);
        for (int n = 0; n <= statement->value && status == TW_OK; n++) {
            if (used[n] && program->nodes[n].kind == TW__NODE_READ && tw__inner_bound(program, n) != 0 &&
                !is_right(program, n, outermost(program, n), statement, used)) {
                status = refuse(typed, syntax, n, error);
            }
        }
    }
    free(used);
    return status;
}
