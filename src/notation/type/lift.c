/* lift.c - constants of a program that are values and not code, so that another constant is not another compilation.
 * Dtypes are settled before, so a lifted constant has the dtype, and an expression the bits, that it had. */
#include "notation/type/lift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/value/kind.h"

static int is_power_of_two(const struct tw__node *node)
{
    if (tw__kind_is_float(node->dtype)) {
        int exponent;
        return fabs(frexp(node->u.constant.number.real, &exponent)) == 0.5;
    }
    const uint64_t size = node->u.constant.integer < 0 && tw__kind_is_signed(node->dtype)
                              ? 0 - (uint64_t)node->u.constant.integer
                              : (uint64_t)node->u.constant.integer;
    return (size & (size - 1)) == 0;
}

/* Finite numbers but 0, for which some expressions are printed otherwise. */
static int is_number(const struct tw__node *node)
{
    if (node->kind != TW__NODE_CONSTANT) {
        return 0;
    }
    if (tw__kind_is_integer(node->dtype)) {
        return node->u.constant.integer != 0;
    }
    return (node->dtype == TW_FLOAT32 || node->dtype == TW_FLOAT64) && isfinite(node->u.constant.number.real) &&
           node->u.constant.number.real != 0;
}

/* Whether child k of the operation may be a value. Exponents, shifts, divisors of integers and whatever else compilers
 * or we make other code for stay as they are; so do powers of two that save a division or a multiplication.
 */
static int may_be_value(const struct tw__program *program, const struct tw__node *parent, int k)
{
    const struct tw__node *child = &program->nodes[parent->child[k]];
    if (parent->kind != TW__NODE_OPERATION) {
        return 0;
    }
    switch (parent->u.op.code) {
    case TW__OP_MULTIPLY:
        return tw__kind_is_float(child->dtype) || !is_power_of_two(child);
    case TW__OP_DIVIDE:
        return tw__kind_is_float(child->dtype) && (k == 0 || !is_power_of_two(child));
    default:
        return tw__operation_has(parent->u.op.code, TW__TRAIT_LIFTS);
    }
}

void tw__lift_mark(struct tw__program *program)
{
    for (int n = 0; n < program->nnodes; n++) {
        program->nodes[n].lifted = is_number(&program->nodes[n]);
    }
    for (int n = 0; n < program->nnodes; n++) {
        const struct tw__node *node = &program->nodes[n];
        for (int k = 0; k < node->nchildren; k++) {
            if (!may_be_value(program, node, k)) {
                program->nodes[node->child[k]].lifted = 0;
            }
        }
    }
    for (int k = 0; k < program->nstatements; k++) {
        program->nodes[program->statements[k].value].lifted =
            0; /* a constant that fills an array is part of no computation */
    }
}

int tw__lift_count(const struct tw__program *program)
{
    int count = 0;
    for (int n = 0; n < program->nnodes; n++) {
        count += program->nodes[n].lifted;
    }
    return count;
}

void tw__lift_values(const struct tw__program *program, unsigned char *place)
{
    for (int n = 0; n < program->nnodes; n++) {
        const struct tw__node *node = &program->nodes[n];
        if (node->lifted) {
            tw__value_bytes(place, node->dtype, &node->u.constant);
            place += 16;
        }
    }
}

tw_status tw__lift(struct tw__program *lifted, const struct tw__program *program, tw_error *error)
{
    const size_t size = ((size_t)program->nnodes + 1) * sizeof *program->nodes;
    int offset = TW__CONTEXT_SCALARS(program->naxes) + 16 * program->nscalars;
    *lifted = *program;
    lifted->nodes = malloc(size);
    if (lifted->nodes == NULL) {
        return tw__fail_memory(error, size, "a statement");
    }
    memcpy(lifted->nodes, program->nodes, (size_t)program->nnodes * sizeof *program->nodes);
    for (int n = 0; n < program->nnodes; n++) {
        struct tw__node *node = &lifted->nodes[n];
        if (node->lifted) {
            node->kind = TW__NODE_SCALAR;
            node->u.offset = offset;
            offset += 16;
            lifted->needs_context = 1;
        }
    }
    return TW_OK;
}
