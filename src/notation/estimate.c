/* estimate.c - how long statements take on one core, about, and what they read, write and compute in all. */
#include "notation/estimate.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid/signature.h"
#include "notation/notation.h"
#include "notation/value/kind.h"

/* Nanoseconds, measured on one core of an AMD EPYC with AVX-512 (operations by bench/costs.py). Of 27 statements 19
 * take between 0.5 and 2 times as long as estimated; nothing is asked of the numbers but how small tiles may be. */
#define BYTE 0.0135      /* read or written, within a core's own cache */
#define OUT_OF_ORDER 0.6 /* an element that does not lie beside the one before */
#define FOLDED 0.05      /* an element that a reduction takes */
#define REDUCED 1.0      /* the end of a reduction */
#define EDGE 1.0         /* an index that an edge may move */
#define CONVERTED 0.04   /* an element that gets another dtype */
#define HUNDREDTHS(cost) ((double)(cost) / 100)

static double product_of(uint64_t axes, const int64_t *lengths)
{
    double product = 1;
    for (int a = 0; a < TW__EXPR_AXES; a++) {
        product *= axes >> a & 1 ? (double)lengths[a] : 1;
    }
    return product;
}

/* The axes along which a loop may run innermost, for a node: those of the reductions around it, and the target's last.
 */
static uint64_t inner_axes(const struct tw__program *program, int number, int target)
{
    uint64_t axes = 0;
    for (int scope = program->nodes[number].scope; scope >= 0; scope = program->nodes[scope].scope) {
        for (int k = 0; k < program->nodes[scope].u.reduce.naxes; k++) {
            axes |= UINT64_C(1) << program->nodes[scope].u.reduce.axis[k];
        }
    }
    const struct tw__expr_operand *written = target >= 0 ? &program->operands[target] : NULL;
    return written != NULL && written->ndim > 0 ? axes | UINT64_C(1) << written->axis[written->ndim - 1] : axes;
}

/* One element that is read. */
static double cost_of_read(const struct tw__program *program, int number, int target)
{
    const struct tw__node *node = &program->nodes[number];
    const int ndim = program->operands[node->u.read.operand].ndim;
    double cost = BYTE * (double)tw_dtype_of(node->dtype).itemsize;
    const uint64_t inner = inner_axes(program, number, target);
    int in_order = (node->axes & inner) == 0;
    for (int d = 0; d < ndim; d++) {
        const struct tw__index *index = &program->indices[node->u.read.indices + d];
        cost += index->edge != TW_EDGE_ERROR ? EDGE : 0;
        for (int t = 0; t < index->nterms && d == ndim - 1; t++) {
            const int64_t factor = index->term[t].factor;
            in_order |= (inner >> index->term[t].axis & 1) != 0 && (factor == 1 || factor == -1);
        }
    }
    return in_order ? cost : cost + OUT_OF_ORDER;
}

/* The operation that a power with a small constant exponent is printed as; else the node's own. */
static enum tw__operation operation_of(const struct tw__program *program, const struct tw__node *node)
{
    const enum tw__operation code = node->u.op.code;
    const struct tw__node *exponent = &program->nodes[node->child[code == TW__OP_POWER]];
    if (code != TW__OP_POWER || exponent->kind != TW__NODE_CONSTANT) {
        return code;
    }
    const double value = tw__kind_is_integer(node->u.op.operation) ? (double)exponent->u.constant.integer
                                                                   : exponent->u.constant.number.real;
    const int is_product = value == 2 || value == 3 || value == 4;
    return is_product ? TW__OP_MULTIPLY : value == 0.5 ? TW__OP_SQRT : value == -1 ? TW__OP_DIVIDE : code;
}

static double cost_of_operation(const struct tw__program *program, const struct tw__node *node)
{
    const struct tw__operation_row *row = tw__operation_row(operation_of(program, node));
    if (tw__kind_is_complex(node->u.op.operation)) {
        return HUNDREDTHS(row->complex_cost);
    }
    return HUNDREDTHS(row->cost) * (double)tw_dtype_of(node->u.op.operation).itemsize / 8;
}

/* All of one node, without its children. */
static double cost_of(const struct tw__program *program, int number, int target, const int64_t *lengths)
{
    const struct tw__node *node = &program->nodes[number];
    const double places = product_of(node->axes, lengths);
    switch (node->kind) {
    case TW__NODE_READ:
        return places * cost_of_read(program, number, target);
    case TW__NODE_CAST:
        return places * CONVERTED;
    case TW__NODE_OPERATION:
        return places * cost_of_operation(program, node);
    case TW__NODE_REDUCE: {
        uint64_t axes = program->nodes[node->child[0]].axes;
        for (int k = 0; k < node->u.reduce.naxes; k++) {
            axes |= UINT64_C(1) << node->u.reduce.axis[k];
        }
        return places * REDUCED + product_of(axes, lengths) * FOLDED;
    }
    default:
        return 0;
    }
}

double tw__estimate(const struct tw__program *program, int value, int target, const int64_t *lengths,
                    unsigned char *done)
{
    double all = 0;
    if (!done[value]) {
        done[value] = 1;
        all = cost_of(program, value, target, lengths);
        for (int k = 0; k < program->nodes[value].nchildren; k++) {
            all += tw__estimate(program, program->nodes[value].child[k], target, lengths, done);
        }
    }
    return all;
}

/* ---- the public face ---- */

/* Machine operations of all nodes that done[] marks; a function such as exp counts as one. */
static double operations(const struct tw__program *program, const int64_t *lengths, const unsigned char *done)
{
    double all = 0;
    for (int n = 0; n < program->nnodes; n++) {
        const struct tw__node *node = &program->nodes[n];
        if (!done[n]) {
            continue;
        }
        if (node->kind == TW__NODE_OPERATION) {
            const struct tw__operation_row *row = tw__operation_row(node->u.op.code);
            const int count = tw__kind_is_complex(node->u.op.operation) ? row->complex_flops : row->flops;
            all += product_of(node->axes, lengths) * (count > 0 ? count : 1);
        } else if (node->kind == TW__NODE_REDUCE) {
            uint64_t axes = program->nodes[node->child[0]].axes;
            for (int k = 0; k < node->u.reduce.naxes; k++) {
                axes |= UINT64_C(1) << node->u.reduce.axis[k];
            }
            all += product_of(axes, lengths) * (tw__kind_is_complex(program->nodes[node->child[0]].dtype) ? 2 : 1);
        }
    }
    return all;
}

static double operand_bytes(const tw_statement *statement, int operand, const int64_t *lengths)
{
    double bytes = (double)tw_statement_dtype(statement, operand).itemsize;
    for (int d = 0; d < statement->signature->operands[operand].ndim; d++) {
        bytes *= (double)lengths[statement->signature->operands[operand].axes[d]];
    }
    return bytes;
}

static void add_bytes(struct tw_work *work, const tw_statement *statement, const int64_t *lengths)
{
    for (int k = 0; k < statement->signature->noperands; k++) {
        const double bytes = operand_bytes(statement, k, lengths);
        const tw_role role = statement->signature->operands[k].role;
        work->bytes_read += role != TW_OUT ? bytes : 0;
        work->bytes_written += role != TW_IN ? bytes : 0;
    }
}

/* Lengths of the program's axes: those of the signature as they are given, others as the statement was bound. */
static void own_lengths(const tw_statement *statement, const int64_t *lengths, int64_t *own)
{
    memcpy(own, statement->context, (size_t)statement->typed.program.naxes * sizeof *own);
    for (int a = 0; a < statement->typed.program.naxes; a++) {
        own[a] = statement->tiles[a] >= 0 ? lengths[statement->tiles[a]] : own[a];
    }
}

static double elements_of_first_output(const tw_signature *signature, const int64_t *lengths)
{
    double elements = 1;
    const int k = tw__signature_first_output(signature);
    for (int d = 0; k >= 0 && d < signature->operands[k].ndim; d++) {
        elements *= (double)lengths[signature->operands[k].axes[d]];
    }
    return elements;
}

tw_status tw_statement_work(const tw_statement *statement, const int64_t *lengths, tw_work *work, tw_error *error)
{
    if (statement->context == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the statement is not bound: its lengths are not known yet");
    }
    const struct tw__program *program = &statement->typed.program;
    int64_t own[TW__EXPR_AXES] = {0};
    unsigned char *done = calloc((size_t)program->nnodes + 1, 1);
    if (done == NULL) {
        return tw__fail_memory(error, (size_t)program->nnodes, "the work of a statement");
    }
    tw_work made = {.elements = elements_of_first_output(statement->signature, lengths)};
    own_lengths(statement, lengths, own);
    for (int s = 0; s < program->nstatements; s++) {
        const struct tw__assignment *one = &program->statements[s];
        made.nanoseconds += tw__estimate(program, one->value, one->target, own, done);
    }
    made.operations = operations(program, own, done);
    free(done);
    add_bytes(&made, statement, lengths);
    made.nanoseconds += BYTE * made.bytes_written;
    made.work = made.elements > 0 ? made.nanoseconds / made.elements : 0;
    *work = made;
    return TW_OK;
}
