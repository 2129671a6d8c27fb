/* typing.c - from syntax and the operands' dtypes to the typed tree: operands, numbers, statements. The dtypes of
 * operations are in ufunc.c, the trees of reductions in recipe.c. */
#include "notation/type/typing.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/type/lift.h"
#include "notation/type/outside.h"
#include "notation/type/recipe.h"
#include "notation/type/resolve.h"
#include "notation/type/rounding.h"
#include "notation/type/typer.h"
#include "notation/type/ufunc.h"
#include "notation/value/kind.h"
#include "notation/value/promote.h"
#include "os/stack.h"

static tw_status type_expression(struct tw__typer *typer, int syntax, struct tw__argument *type);

/* ---- leaves ---- */

static tw_status add_index(struct tw__typer *typer, const struct tw__syntax_node *read, int d)
{
    const struct tw__syntax_operand *operand = &typer->syntax->operands[read->which];
    const int number = read->indices + d, cut_axis = operand->axis[d];
    const struct tw__syntax_index *from = &typer->syntax->indices[number];
    struct tw__index *index;
    const tw_status status = tw__typer_add_index(typer, &index);
    if (status != TW_OK) {
        return status;
    }
    index->tiled = cut_axis >= 0 && tw__index_is_axis(from, cut_axis);
    index->edge = index->tiled ? TW_EDGE_ERROR : tw__index_edge(typer->syntax, from);
    index->nterms = from->nterms;
    for (int k = 0; k < from->nterms; k++) {
        index->term[k].axis = from->term[k].which;
        index->term[k].factor = from->term[k].factor;
    }
    index->constant = from->constant;
    index->offset = index->outside = -1;
    if (index->edge == TW_EDGE_CONSTANT) {
        const struct tw__slot slot = {.source = -1,
                                      .index = -1,
                                      .axis = tw__index_edge_axis(typer->syntax, from),
                                      .dtype = typer->dtype[read->which]};
        union tw__value value;
        if (!tw__outside_value(&value, slot.dtype, &typer->syntax->axes[slot.axis])) {
            return tw__outside_refuse(operand->name, slot.dtype, &typer->syntax->axes[slot.axis], typer->error);
        }
        const tw_status given = tw__typer_add_slot(typer, &slot, from->at, &index->outside);
        if (given != TW_OK) {
            return given;
        }
    }
    if (from->nhosts > 0) {
        const struct tw__slot slot = {.source = -1, .index = number, .dtype = TW_INT64};
        return tw__typer_add_slot(typer, &slot, from->at, &index->offset);
    }
    return TW_OK;
}

static uint64_t axes_of(const struct tw__index *index)
{
    uint64_t axes = 0;
    for (int k = 0; k < index->nterms; k++) {
        axes |= UINT64_C(1) << index->term[k].axis;
    }
    return axes;
}

/* A read has one list of indices, however often it is typed: see settle_repeats of notation.c. */
static tw_status type_read(struct tw__typer *typer, const struct tw__syntax_node *node, int *number)
{
    const struct tw__syntax_operand *operand = &typer->syntax->operands[node->which];
    struct tw__node made = {.kind = TW__NODE_READ, .dtype = typer->dtype[node->which]};
    if (made.dtype == TW_OPAQUE) {
        return tw__complain(typer->error, &typer->syntax->source, node->at, "%s has no dtype yet", operand->name);
    }
    int *indices = &typer->indices_of[node - typer->syntax->nodes];
    const int is_new = *indices < 0;
    *indices = is_new ? typer->typed->program.nindices : *indices;
    made.u.read.operand = typer->order[node->which];
    made.u.read.indices = *indices;
    for (int d = 0; d < operand->ndim; d++) {
        const tw_status status = is_new ? add_index(typer, node, d) : TW_OK;
        if (status != TW_OK) {
            return status;
        }
        made.axes |= axes_of(&typer->typed->program.indices[*indices + d]);
    }
    return tw__typer_add(typer, &made, node->at, number);
}

static tw_status type_parameter(struct tw__typer *typer, const struct tw__syntax_node *node, int *number)
{
    const int source = (int)(node - typer->syntax->nodes);
    const struct tw__slot slot = {.source = source, .index = -1, .dtype = typer->syntax->parameters[node->which].kind};
    struct tw__node made = {.kind = TW__NODE_SCALAR, .dtype = slot.dtype};
    const tw_status status = tw__typer_add_slot(typer, &slot, node->at, &made.u.offset);
    return status == TW_OK ? tw__typer_add(typer, &made, node->at, number) : status;
}

/* ---- casts ---- */

static tw_status type_cast(struct tw__typer *typer, const struct tw__syntax_node *node, int *number)
{
    const tw_kind dtype = (tw_kind)node->which;
    struct tw__argument type;
    const tw_status status = type_expression(typer, node->child[0], &type);
    if (status != TW_OK) {
        return status;
    }
    if (tw__kind_is_complex(type.dtype) && !tw__kind_is_complex(dtype) && dtype != TW_BOOL) {
        return tw__complain(typer->error, &typer->syntax->source, node->at,
                            "%s of %s would lose the imaginary part: write real(), imag() or abs()",
                            tw__kind_name(dtype), tw__kind_name(type.dtype));
    }
    return tw__typer_convert(typer, &type, dtype, TW__SATURATE_NO, number);
}

/* ---- expressions ---- */

static tw_status type_strong(struct tw__typer *typer, const struct tw__syntax_node *node, struct tw__argument *type)
{
    struct tw__node index = {.kind = TW__NODE_INDEX, .dtype = TW_INT64};
    tw_status status;
    switch (node->kind) {
    case TW__SYNTAX_INDEX:
        index.u.axis = node->which;
        index.axes = UINT64_C(1) << node->which;
        status = tw__typer_add(typer, &index, node->at, &type->node);
        break;
    case TW__SYNTAX_READ:
        status = type_read(typer, node, &type->node);
        break;
    case TW__SYNTAX_PARAMETER: /* a typed one: others are weak */
        status = type_parameter(typer, node, &type->node);
        break;
    case TW__SYNTAX_CAST:
        status = type_cast(typer, node, &type->node);
        break;
    case TW__SYNTAX_REDUCE:
        status = tw__type_reduction(typer, node, &type->node);
        break;
    case TW__SYNTAX_ROUND:
        status = tw__type_round(typer, node, type);
        break;
    case TW__SYNTAX_CLIP:
        status = tw__type_clip(typer, node, type);
        break;
    default:
        status = tw__type_operation(typer, node, type);
    }
    if (status == TW_OK) {
        type->dtype = typer->typed->program.nodes[type->node].dtype;
    }
    return status;
}

static tw_status type_expression(struct tw__typer *typer, int syntax, struct tw__argument *type)
{
    static const tw_kind own[] = {TW_BOOL, TW_INT64, TW_FLOAT64, TW_COMPLEX128};
    const struct tw__syntax_node *node = &typer->syntax->nodes[syntax];
    int *known = &typer->typed->node_of[syntax];
    memset(type, 0, sizeof *type);
    type->syntax = syntax;
    if (node->is_weak) {
        type->is_weak = 1;
        type->class = node->class;
        type->dtype =
            node->is_literal && node->class == TW__CLASS_WHOLE ? tw__scalar_kind(&node->number) : own[node->class];
        return TW_OK;
    }
    tw_status status = TW_OK;
    if (*known < 0) {
        status = type_strong(typer, node, type);
        *known = status == TW_OK ? type->node : -1;
    }
    if (status == TW_OK) {
        type->node = *known;
        type->dtype = typer->typed->program.nodes[*known].dtype;
    }
    return status;
}

/* ---- statements ---- */

/* NumPy's same_kind. A whole Python number has no sign of its own: whether it fits is checked when it is converted. */
static int goes_into(const struct tw__argument *type, tw_kind to)
{
    const int is_whole = type->is_weak && type->class == TW__CLASS_WHOLE;
    return tw__is_same_kind(is_whole ? TW_UINT64 : type->dtype, to);
}

static tw_status check_assignment(struct tw__typer *typer, const struct tw__syntax_statement *statement,
                                  const struct tw__argument *type, tw_kind to)
{
    const struct tw__syntax_operand *target = &typer->syntax->operands[statement->target];
    const tw_kind from = type->dtype;
    if (tw__kind_is_complex(from) && !tw__kind_is_complex(to) && to != TW_BOOL) {
        return tw__complain(typer->error, &typer->syntax->source, statement->sign,
                            "%s is %s, but the result is %s: write real(), imag() or abs() of it", target->name,
                            tw__kind_name(to), tw__kind_name(from));
    }
    if (statement->augmented >= 0 && !tw__is_same_kind(from, to)) {
        return tw__complain(typer->error, &typer->syntax->source, statement->sign,
                            "%s is %s, but the result is %s, which %s cannot hold: write %s[...] = %s(%s[...] %s ...)",
                            target->name, tw__kind_name(to), tw__kind_name(from), tw__kind_name(to), target->name,
                            tw__kind_name(to), target->name,
                            tw__operation_name((enum tw__operation)statement->augmented));
    }
    if (statement->augmented < 0 && (typer->said >> statement->target & 1) == 0 && !goes_into(type, to)) {
        return tw__complain(typer->error, &typer->syntax->source, statement->sign,
                            "%s is %s, but the result is %s, which %s cannot hold: write %s[...] = %s(...), or give %s "
                            "another dtype",
                            target->name, tw__kind_name(to), tw__kind_name(from), tw__kind_name(to), target->name,
                            tw__kind_name(to), target->name);
    }
    return TW_OK;
}

static tw_status type_statement(struct tw__typer *typer, const struct tw__syntax_statement *statement)
{
    struct tw__program *program = &typer->typed->program;
    const struct tw__syntax_operand *target = &typer->syntax->operands[statement->target];
    struct tw__argument type;
    typer->target = statement->target;
    typer->naround = target->ndim;
    memcpy(typer->around, target->axis, (size_t)target->ndim * sizeof target->axis[0]);
    tw_status status = type_expression(typer, statement->value, &type);
    if (status != TW_OK) {
        return status;
    }
    tw_kind *dtype = &typer->dtype[statement->target];
    *dtype = *dtype != TW_OPAQUE ? *dtype : type.dtype;
    struct tw__assignment *made = &program->statements[program->nstatements];
    made->target = typer->order[statement->target];
    program->operands[made->target].dtype = *dtype;
    status = check_assignment(typer, statement, &type, *dtype);
    if (status == TW_OK) {
        status = tw__typer_convert(typer, &type, *dtype, TW__SATURATE_NO, &made->value);
    }
    program->nstatements += status == TW_OK;
    return status;
}

/* No way from a value to a leaf may be longer than the printer expects. */
static tw_status check_depth(struct tw__typer *typer)
{
    const struct tw__program *program = &typer->typed->program;
    int *depth = calloc((size_t)program->nnodes + 1, sizeof *depth);
    if (depth == NULL) {
        return tw__fail_memory(typer->error, (size_t)program->nnodes * sizeof *depth, "a statement");
    }
    tw_status status = TW_OK;
    for (int n = 0; n < program->nnodes && status == TW_OK; n++) {
        for (int k = 0; k < program->nodes[n].nchildren; k++) {
            const int below = depth[program->nodes[n].child[k]];
            depth[n] = below >= depth[n] ? below + 1 : depth[n];
        }
        if (depth[n] >= TW__EXPR_DEPTH) {
            status = tw__complain(typer->error, &typer->syntax->source, (size_t)program->nodes[n].column - 1,
                                  "too many operations on top of each other (write it as several statements)");
        }
    }
    free(depth);
    return status;
}

static void copy_names(struct tw__program *program, const struct tw__syntax *syntax, const tw_kind *dtypes,
                       const int *tiles, const int *order)
{
    program->naxes = syntax->naxes;
    program->noperands = syntax->noperands;
    for (int a = 0; a < syntax->naxes; a++) {
        memcpy(program->axes[a].name, syntax->axes[a].name, sizeof program->axes[a].name);
        program->axes[a].tile = tiles[a];
        program->needs_context |= tiles[a] < 0;
    }
    for (int k = 0; k < syntax->noperands; k++) {
        const struct tw__syntax_operand *from = &syntax->operands[k];
        struct tw__expr_operand *to = &program->operands[order[k]];
        memcpy(to->name, from->name, sizeof to->name);
        to->dtype = dtypes[k];
        to->role = from->role;
        to->ndim = from->ndim;
        for (int d = 0; d < from->ndim; d++) {
            to->axis[d] = from->axis[d];
            program->needs_context |= from->axis[d] < 0; /* nobody else proves that reads stay inside */
        }
    }
}

/* The stack that typing needs, with some to spare. */
#define TYPER_STACK ((size_t)1 << 20)

struct typer_call {
    struct tw__typer *typer;
    tw_status status;
};

static void type_statements(void *argument)
{
    struct typer_call *call = argument;
    const struct tw__syntax *syntax = call->typer->syntax;
    for (int s = 0; s < syntax->nstatements && call->status == TW_OK; s++) {
        call->status = type_statement(call->typer, &syntax->statements[s]);
    }
}

/* The bodies that nodes are in become the reductions that these bodies belong to. */
static void settle_scopes(struct tw__program *program, const int *reduce_of)
{
    for (int n = 0; n < program->nnodes; n++) {
        const int body = program->nodes[n].scope;
        program->nodes[n].scope = body == 0 ? -1 : reduce_of[body - 1];
    }
}

static tw_status type_all(struct tw__typer *typer)
{
    struct tw__program *program = &typer->typed->program;
    struct typer_call call = {.typer = typer, .status = TW_OK};
    if (tw__stack_run(TYPER_STACK, type_statements, &call) != 0) {
        return tw__fail_memory(typer->error, TYPER_STACK, "a statement");
    }
    settle_scopes(program, typer->reduce_of);
    program->needs_context |= program->nscalars > 0;
    tw__lift_mark(program);
    return call.status == TW_OK ? check_depth(typer) : call.status;
}

tw_status tw__type(struct tw__typed *typed, const struct tw__syntax *syntax, const tw_kind *dtypes, uint64_t said,
                   const int *tiles, const int *order, tw_error *error)
{
    const size_t size = ((size_t)syntax->nnodes + 1) * sizeof(int);
    struct tw__typer typer = {
        .typed = typed, .syntax = syntax, .order = order, .said = said, .type = type_expression, .error = error};
    memset(typed, 0, sizeof *typed);
    typed->node_of = malloc(size);
    typer.indices_of = malloc(size);
    if (typed->node_of == NULL || typer.indices_of == NULL) {
        free(typer.indices_of);
        return tw__fail_memory(error, size, "a statement");
    }
    memset(typed->node_of, -1, size);
    memset(typer.indices_of, -1, size);
    memcpy(typer.dtype, dtypes, (size_t)syntax->noperands * sizeof dtypes[0]);
    copy_names(&typed->program, syntax, dtypes, tiles, order);
    const tw_status status = type_all(&typer);
    free(typer.reduce_of);
    free(typer.indices_of);
    return status;
}

void tw__typed_fini(struct tw__typed *typed)
{
    free(typed->program.nodes);
    free(typed->program.indices);
    free(typed->slots);
    free(typed->node_of);
    memset(typed, 0, sizeof *typed);
}
