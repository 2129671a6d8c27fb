/* typer.c - a typed tree while it is made: nodes are added, values converted, slots of the context given out. */
#include "notation/type/typer.h"

#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "notation/value/kind.h"

/* ---- nodes ---- */

static tw_status complain(struct tw__typer *typer, size_t at, const char *what)
{
    return tw__complain(typer->error, &typer->syntax->source, at, "%s", what);
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
        return tw__tree_same_element(program, a, b);
    case TW__NODE_OPERATION:
        return a->u.op.code == b->u.op.code && a->u.op.operation == b->u.op.operation;
    default:
        return 1;
    }
}

/* An element of an output has another value before it is written again than after. */
static int may_share(const struct tw__typer *typer, const struct tw__node *node)
{
    return node->kind != TW__NODE_READ || typer->typed->program.operands[node->u.read.operand].role == TW_IN;
}

tw_status tw__typer_add(struct tw__typer *typer, struct tw__node *node, size_t at, int *number)
{
    enum { LOOKED_BACK = 256 };
    struct tw__program *program = &typer->typed->program;
    node->scope = typer->body;
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
    struct tw__node *nodes = tw__grow(program->nodes, program->nnodes, &typer->typed->room, sizeof *node);
    if (nodes == NULL) {
        return tw__fail_memory(typer->error, sizeof *node, "a statement");
    }
    program->nodes = nodes;
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

tw_status tw__typer_add_slot(struct tw__typer *typer, const struct tw__slot *slot, size_t at, int *offset)
{
    struct tw__typed *typed = typer->typed;
    const int first = TW__CONTEXT_SCALARS(typed->program.naxes);
    for (int k = 0; k < typed->program.nscalars; k++) {
        const struct tw__slot *other = &typed->slots[k];
        if (other->source == slot->source && other->index == slot->index && other->axis == slot->axis &&
            other->dtype == slot->dtype && other->saturate == slot->saturate && other->test == slot->test &&
            other->range == slot->range) {
            *offset = first + 16 * k;
            return TW_OK;
        }
    }
    if (typed->program.nscalars == TW__EXPR_SCALARS) {
        return complain(typer, at, "too many parameters and lengths");
    }
    struct tw__slot *slots = tw__grow(typed->slots, typed->program.nscalars, &typed->slot_room, sizeof *slot);
    if (slots == NULL) {
        return tw__fail_memory(typer->error, sizeof *slot, "a statement");
    }
    typed->slots = slots;
    typed->slots[typed->program.nscalars] = *slot;
    *offset = first + 16 * typed->program.nscalars++;
    return TW_OK;
}

tw_status tw__typer_open_body(struct tw__typer *typer, int *body)
{
    int *reduce_of = tw__grow(typer->reduce_of, typer->bodies, &typer->body_room, sizeof *reduce_of);
    if (reduce_of == NULL) {
        return tw__fail_memory(typer->error, sizeof *reduce_of, "a statement");
    }
    typer->reduce_of = reduce_of;
    reduce_of[typer->bodies++] = -1;
    *body = typer->bodies;
    return TW_OK;
}

tw_status tw__typer_add_index(struct tw__typer *typer, struct tw__index **index)
{
    struct tw__program *program = &typer->typed->program;
    struct tw__index *indices =
        tw__grow(program->indices, program->nindices, &typer->typed->index_room, sizeof *indices);
    if (indices == NULL) {
        return tw__fail_memory(typer->error, sizeof *indices, "a statement");
    }
    program->indices = indices;
    *index = &indices[program->nindices++];
    memset(*index, 0, sizeof **index);
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
        const tw_status status = tw__typer_add_slot(typer, &slot, source->at, &made.u.offset);
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
    const tw_status status = tw__typer_add_slot(typer, &slot, at, &made.u.offset);
    return status == TW_OK ? tw__typer_add(typer, &made, at, node) : status;
}

/* A random number of float64, which as float32 is drawn so: cut off and not rounded, so that no uniform one is 1. */
static int is_random(const struct tw__node *node)
{
    return node->kind == TW__NODE_OPERATION && node->dtype == TW_FLOAT64 &&
           tw__operation_row(node->u.op.code)->rule == TW__RULE_RANDOM;
}

tw_status tw__typer_cast(struct tw__typer *typer, int from, tw_kind dtype, size_t at, int *node)
{
    if (typer->typed->program.nodes[from].dtype == dtype) {
        *node = from;
        return TW_OK;
    }
    const struct tw__node *random = &typer->typed->program.nodes[from];
    if (dtype == TW_FLOAT32 && is_random(random)) {
        const int children[3] = {random->child[0], random->child[1], random->child[2]};
        return tw__typer_operate(typer, random->u.op.code, dtype, children, 3, at, node);
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
        /* A float that becomes an integer, or any number that becomes a bool, has its own dtype first. */
        const int is_direct =
            type->class <= tw__class_of(dtype) && !(dtype == TW_BOOL && type->class != TW__CLASS_BOOL);
        const tw_status status = convert_weak(typer, type, is_direct ? dtype : type->dtype, saturate, &from);
        if (status != TW_OK) {
            return status;
        }
    }
    return tw__typer_cast(typer, from, dtype, at, node);
}
