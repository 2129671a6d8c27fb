/* typing.c - from syntax and the operands' dtypes to the typed tree: operands, numbers, reductions, statements. The
 * dtypes of operations are in operation.c. */
#include "notation/type/typing.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/type/lift.h"
#include "notation/type/resolve.h"
#include "os/stack.h"

/* ---- nodes ---- */

static tw_status complain(struct tw__typer *typer, size_t at, const char *what)
{
    return tw__complain(typer->error, &typer->syntax->source, at, "%s", what);
}

/* Room for one more thing of `size` bytes. 0: out of memory. */
static int grow(void **things, int used, int *room, size_t size)
{
    if (used < *room) {
        return 1;
    }
    const int more = *room == 0 ? 64 : 2 * *room;
    void *longer = realloc(*things, (size_t)more * size);
    if (longer == NULL) {
        return 0;
    }
    *things = longer;
    *room = more;
    return 1;
}

static int same_indices(const struct tw__program *program, const struct tw__node *a, const struct tw__node *b)
{
    const int ndim = program->operands[a->u.read.operand].ndim;
    for (int d = 0; d < ndim; d++) {
        if (memcmp(&program->indices[a->u.read.indices + d], &program->indices[b->u.read.indices + d],
                   sizeof program->indices[0]) != 0) {
            return 0;
        }
    }
    return 1;
}

static int same_node(const struct tw__program *program, const struct tw__node *a, const struct tw__node *b)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->scope != b->scope || a->nchildren != b->nchildren ||
        memcmp(a->child, b->child, sizeof a->child) != 0 || a->kind == TW__NODE_REDUCE) {
        return 0;
    }
    switch (a->kind) {
    case TW__NODE_CONSTANT:
        return memcmp(&a->u.constant, &b->u.constant, sizeof a->u.constant) == 0;
    case TW__NODE_SCALAR:
        return a->u.offset == b->u.offset;
    case TW__NODE_INDEX:
        return a->u.axis == b->u.axis;
    case TW__NODE_READ:
        return a->u.read.operand == b->u.read.operand && same_indices(program, a, b);
    case TW__NODE_OPERATION:
        return a->u.op.code == b->u.op.code && a->u.op.operation == b->u.op.operation;
    default:
        return 1;
    }
}

/* What an element of an output was before it is written again is another value than after it. */
static int may_share(const struct tw__typer *typer, const struct tw__node *node)
{
    return node->kind != TW__NODE_READ || typer->typed->program.operands[node->u.read.operand].role == TW_IN;
}

tw_status tw__typer_add(struct tw__typer *typer, struct tw__node *node, size_t at, int *number)
{
    enum { LOOKED_BACK = 256 };
    struct tw__program *program = &typer->typed->program;
    node->scope = typer->scope;
    node->column = (int)at + 1;
    for (int k = 0; k < node->nchildren; k++) {
        node->axes |= program->nodes[node->child[k]].axes;
    }
    for (int n = program->nnodes - 1; n >= 0 && n >= program->nnodes - LOOKED_BACK && may_share(typer, node); n--) {
        if (same_node(program, &program->nodes[n], node)) {
            *number = n;
            return TW_OK;
        }
    }
    if (program->nnodes == TW__EXPR_NODES) {
        return complain(typer, at, "too many operations");
    }
    void *nodes = program->nodes;
    const int grown = grow(&nodes, program->nnodes, &typer->typed->room, sizeof *node);
    program->nodes = nodes;
    if (!grown) {
        return tw__fail_memory(typer->error, sizeof *node, "a statement");
    }
    program->nodes[program->nnodes] = *node;
    *number = program->nnodes++;
    return TW_OK;
}

tw_status tw__typer_operate(struct tw__typer *typer, enum tw__operation code, tw_kind dtype, const int *children,
                            int nchildren, size_t at, int *number)
{
    struct tw__node node = {.kind = TW__NODE_OPERATION, .dtype = dtype, .nchildren = nchildren};
    memcpy(node.child, children, (size_t)nchildren * sizeof *children);
    node.u.op.code = code;
    node.u.op.operation = typer->typed->program.nodes[children[code == TW__OP_SELECT ? 1 : 0]].dtype;
    return tw__typer_add(typer, &node, at, number);
}

static tw_status add_slot(struct tw__typer *typer, const struct tw__slot *slot, size_t at, int *offset)
{
    struct tw__typed *typed = typer->typed;
    const int first = TW__CONTEXT_SCALARS(typed->program.naxes);
    for (int k = 0; k < typed->program.nscalars; k++) {
        const struct tw__slot *other = &typed->slots[k];
        if (other->source == slot->source && other->index == slot->index && other->dtype == slot->dtype &&
            other->saturate == slot->saturate && other->test == slot->test && other->range == slot->range) {
            *offset = first + 16 * k;
            return TW_OK;
        }
    }
    if (typed->program.nscalars == TW__EXPR_SCALARS) {
        return complain(typer, at, "too many parameters and lengths");
    }
    void *slots = typed->slots;
    const int grown = grow(&slots, typed->program.nscalars, &typed->slot_room, sizeof *slot);
    typed->slots = slots;
    if (!grown) {
        return tw__fail_memory(typer->error, sizeof *slot, "a statement");
    }
    typed->slots[typed->program.nscalars] = *slot;
    *offset = first + 16 * typed->program.nscalars++;
    return TW_OK;
}

/* ---- numbers and conversions ---- */

static tw_status convert_weak(struct tw__typer *typer, const struct tw__argument *type, tw_kind dtype,
                              enum tw__saturate saturate, int *node)
{
    const struct tw__syntax_node *source = &typer->syntax->nodes[type->syntax];
    struct tw__node made = {.kind = TW__NODE_CONSTANT, .dtype = dtype};
    if (!source->is_literal) {
        const struct tw__slot slot = {.source = type->syntax, .index = -1, .dtype = dtype, .saturate = saturate};
        made.kind = TW__NODE_SCALAR;
        const tw_status status = add_slot(typer, &slot, source->at, &made.u.offset);
        return status == TW_OK ? tw__typer_add(typer, &made, source->at, node) : status;
    }
    if (!tw__scalar_convert(&made.u.constant, dtype, &source->number, saturate)) {
        char text[TW__SCALAR_TEXT];
        tw__scalar_text(text, &source->number);
        return tw__complain(typer->error, &typer->syntax->source, source->at, "%s does not fit %s", text,
                            tw__kind_name(dtype));
    }
    return tw__typer_add(typer, &made, source->at, node);
}

tw_status tw__typer_test(struct tw__typer *typer, int syntax, enum tw__slot_test test, tw_kind range, int *node)
{
    const struct tw__slot slot = {.source = syntax, .index = -1, .dtype = TW_BOOL, .test = test, .range = range};
    struct tw__node made = {.kind = TW__NODE_SCALAR, .dtype = TW_BOOL};
    const size_t at = typer->syntax->nodes[syntax].at;
    const tw_status status = add_slot(typer, &slot, at, &made.u.offset);
    return status == TW_OK ? tw__typer_add(typer, &made, at, node) : status;
}

static tw_status cast(struct tw__typer *typer, int from, tw_kind dtype, size_t at, int *node)
{
    if (typer->typed->program.nodes[from].dtype == dtype) {
        *node = from;
        return TW_OK;
    }
    struct tw__node made = {.kind = TW__NODE_CAST, .dtype = dtype, .child = {from}, .nchildren = 1};
    return tw__typer_add(typer, &made, at, node);
}

tw_status tw__typer_convert(struct tw__typer *typer, const struct tw__argument *type, tw_kind dtype,
                            enum tw__saturate saturate, int *node)
{
    const size_t at = typer->syntax->nodes[type->syntax].at;
    int from = type->node;
    if (type->is_weak) {
        /* A float that is to be whole, or any number a bool, gets the dtype that it has by itself first. */
        const int is_direct =
            type->class <= tw__class_of(dtype) && !(dtype == TW_BOOL && type->class != TW__CLASS_BOOL);
        const tw_status status = convert_weak(typer, type, is_direct ? dtype : type->dtype, saturate, &from);
        if (status != TW_OK) {
            return status;
        }
    }
    return cast(typer, from, dtype, at, node);
}

/* ---- leaves ---- */

static tw_status add_index(struct tw__typer *typer, int number, int cut_axis, uint64_t *axes)
{
    const struct tw__syntax_index *from = &typer->syntax->indices[number];
    struct tw__program *program = &typer->typed->program;
    void *indices = program->indices;
    const int grown = grow(&indices, program->nindices, &typer->typed->index_room, sizeof program->indices[0]);
    program->indices = indices;
    if (!grown) {
        return tw__fail_memory(typer->error, sizeof program->indices[0], "a statement");
    }
    struct tw__index *index = &program->indices[program->nindices++];
    memset(index, 0, sizeof *index);
    index->tiled = cut_axis >= 0;
    index->edge = index->tiled ? TW_EDGE_ERROR : tw__index_edge(typer->syntax, from);
    index->nterms = from->nterms;
    for (int k = 0; k < from->nterms; k++) {
        index->term[k].axis = from->term[k].which;
        index->term[k].factor = from->term[k].factor;
        *axes |= UINT64_C(1) << from->term[k].which;
    }
    index->constant = from->constant;
    index->offset = -1;
    if (from->nhosts > 0) {
        const struct tw__slot slot = {.source = -1, .index = number, .dtype = TW_INT64};
        return add_slot(typer, &slot, from->at, &index->offset);
    }
    return TW_OK;
}

static tw_status type_read(struct tw__typer *typer, const struct tw__syntax_node *node, int *number)
{
    const struct tw__syntax_operand *operand = &typer->syntax->operands[node->which];
    struct tw__node made = {.kind = TW__NODE_READ, .dtype = typer->dtype[node->which]};
    if (made.dtype == TW_OPAQUE) {
        return tw__complain(typer->error, &typer->syntax->source, node->at, "%s has no dtype yet", operand->name);
    }
    made.u.read.operand = typer->order[node->which];
    made.u.read.indices = typer->typed->program.nindices;
    for (int d = 0; d < operand->ndim; d++) {
        const tw_status status = add_index(typer, node->indices + d, operand->axis[d], &made.axes);
        if (status != TW_OK) {
            return status;
        }
    }
    return tw__typer_add(typer, &made, node->at, number);
}

static tw_status type_parameter(struct tw__typer *typer, const struct tw__syntax_node *node, int *number)
{
    const int source = (int)(node - typer->syntax->nodes);
    const struct tw__slot slot = {.source = source, .index = -1, .dtype = typer->syntax->parameters[node->which].kind};
    struct tw__node made = {.kind = TW__NODE_SCALAR, .dtype = slot.dtype};
    const tw_status status = add_slot(typer, &slot, node->at, &made.u.offset);
    return status == TW_OK ? tw__typer_add(typer, &made, node->at, number) : status;
}

/* ---- casts and reductions ---- */

static tw_status type_cast(struct tw__typer *typer, const struct tw__syntax_node *node, int *number)
{
    const tw_kind dtype = (tw_kind)node->which;
    struct tw__argument type;
    const tw_status status = tw__typer_type(typer, node->child[0], &type);
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

/* In which dtype a reduction is computed, for elements of a dtype. */
static tw_kind accumulator(int code, tw_kind kind)
{
    switch (code) {
    case TW__REDUCE_SUM:
    case TW__REDUCE_PROD:
        return kind == TW_BOOL || tw__kind_is_signed(kind) ? TW_INT64
               : tw__kind_is_unsigned(kind)                ? TW_UINT64
               : kind == TW_FLOAT16                        ? TW_FLOAT32
                                                           : kind;
    case TW__SYNTAX_MEAN:
        return !tw__kind_is_inexact(kind) ? TW_FLOAT64 : kind == TW_FLOAT16 ? TW_FLOAT32 : kind;
    case TW__REDUCE_ANY:
    case TW__REDUCE_ALL:
        return TW_BOOL;
    default:
        return kind;
    }
}

static tw_status type_reduction(struct tw__typer *typer, const struct tw__syntax_node *node, int *number)
{
    const int outer = typer->scope;
    const int is_mean = node->which == TW__SYNTAX_MEAN;
    struct tw__node made = {.kind = TW__NODE_REDUCE, .nchildren = 1};
    struct tw__argument body, count;
    int children[2];
    typer->scope = ++typer->scopes;
    const int inner = typer->scope;
    tw_status status = tw__typer_type(typer, node->child[0], &body);
    const tw_kind kind = status == TW_OK ? accumulator(node->which, body.dtype) : TW_FLOAT64;
    if (status == TW_OK) {
        status = tw__typer_convert(typer, &body, kind, TW__SATURATE_NO, &made.child[0]);
    }
    typer->scope = outer;
    if (status != TW_OK) {
        return status;
    }
    made.u.reduce.code = is_mean ? TW__REDUCE_SUM : (enum tw__reduction)node->which;
    made.u.reduce.naxes = node->naxes;
    memcpy(made.u.reduce.axis, node->axes, sizeof node->axes);
    made.dtype = node->which == TW__REDUCE_ARGMIN || node->which == TW__REDUCE_ARGMAX ? TW_INT64 : kind;
    status = tw__typer_add(typer, &made, node->at, number);
    if (status != TW_OK) {
        return status;
    }
    /* Now that it has a number, its body gets it as its scope; its own axes are none of its value's. */
    struct tw__program *program = &typer->typed->program;
    for (int n = 0; n < *number; n++) {
        program->nodes[n].scope = program->nodes[n].scope == inner ? -*number - 2 : program->nodes[n].scope;
    }
    for (int k = 0; k < node->naxes; k++) {
        program->nodes[*number].axes &= ~(UINT64_C(1) << node->axes[k]);
    }
    if (is_mean) {
        status = tw__typer_type(typer, node->child[1], &count);
        children[0] = *number;
        if (status == TW_OK) {
            status = tw__typer_convert(typer, &count, kind, TW__SATURATE_NO, &children[1]);
        }
        if (status == TW_OK) {
            status = tw__typer_operate(typer, TW__OP_DIVIDE, kind, children, 2, node->at, number);
        }
    }
    const int is_half = status == TW_OK && body.dtype == TW_FLOAT16 && kind == TW_FLOAT32;
    return is_half ? cast(typer, *number, TW_FLOAT16, node->at, number) : status;
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
        status = type_reduction(typer, node, &type->node);
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

tw_status tw__typer_type(struct tw__typer *typer, int syntax, struct tw__argument *type)
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

/* NumPy's same_kind. A whole Python number has no sign of its own: whether it fits is seen when it is converted. */
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
    struct tw__argument type;
    tw_status status = tw__typer_type(typer, statement->value, &type);
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

/* No way from a value to a leaf may be longer than who prints it expects. */
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
            status = complain(typer, (size_t)program->nodes[n].column - 1,
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

/* What typing needs of a thread's stack, with some to spare. */
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

tw_status tw__type(struct tw__typed *typed, const struct tw__syntax *syntax, const tw_kind *dtypes, uint64_t said,
                   const int *tiles, const int *order, tw_error *error)
{
    struct tw__typer typer = {.typed = typed, .syntax = syntax, .order = order, .said = said, .error = error};
    memset(typed, 0, sizeof *typed);
    typed->node_of = malloc(((size_t)syntax->nnodes + 1) * sizeof *typed->node_of);
    if (typed->node_of == NULL) {
        return tw__fail_memory(error, (size_t)syntax->nnodes * sizeof *typed->node_of, "a statement");
    }
    memset(typed->node_of, -1, ((size_t)syntax->nnodes + 1) * sizeof *typed->node_of);
    memcpy(typer.dtype, dtypes, (size_t)syntax->noperands * sizeof dtypes[0]);
    copy_names(&typed->program, syntax, dtypes, tiles, order);
    struct typer_call call = {.typer = &typer, .status = TW_OK};
    if (tw__stack_run(TYPER_STACK, type_statements, &call) != 0) {
        return tw__fail_memory(error, TYPER_STACK, "a statement");
    }
    /* While typing, a scope is the number of a body, 0 for statements, and of a finished body -2 minus its REDUCE. */
    for (int n = 0; n < typed->program.nnodes; n++) {
        int *scope = &typed->program.nodes[n].scope;
        *scope = *scope <= -2 ? -*scope - 2 : -1;
    }
    typed->program.needs_context |= typed->program.nscalars > 0;
    tw__lift_mark(&typed->program);
    return call.status == TW_OK ? check_depth(&typer) : call.status;
}

void tw__typed_fini(struct tw__typed *typed)
{
    free(typed->program.nodes);
    free(typed->program.indices);
    free(typed->slots);
    free(typed->node_of);
    memset(typed, 0, sizeof *typed);
}
