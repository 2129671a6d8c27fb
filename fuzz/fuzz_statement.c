/* fuzz_statement.c - any text as a statement list: refused with its place, or typed for some dtypes, whose tree must
 * keep the promises of tree.h, and printed as C that has no byte of the text in it but for its numbers' values. Input:
 * 2 bytes that choose dtypes and edges, then the text; `p` and `q` are parameters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tilework/tilework.h>

#include "notation/notation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static void check_refusal(const tw_error *error, tw_status status, size_t length)
{
    MUST(error->status == status);
    MUST(status == TW_ERROR_SYNTAX || status == TW_ERROR_ARGUMENT);
    MUST(error->message[0] != '\0');
    MUST(status != TW_ERROR_SYNTAX || (error->column >= 1 && (size_t)error->column <= length + 1));
}

/* The arguments of an operation have the dtype that it says, whatever it is. */
static void check_operation(const struct tw__program *program, const struct tw__node *node)
{
    const tw_kind operation = node->u.op.operation;
    for (int k = 0; k < node->nchildren; k++) {
        const tw_kind kind = program->nodes[node->child[k]].dtype;
        const int is_condition = node->u.op.code == TW__OP_SELECT && k == 0;
        const int is_mixed = tw__operation_is_comparison(node->u.op.code) && (kind == TW_INT64 || kind == TW_UINT64) &&
                             (operation == TW_INT64 || operation == TW_UINT64);
        MUST(is_condition ? kind == TW_BOOL : kind == operation || is_mixed);
    }
}

static void check_node(const struct tw__program *program, int n)
{
    const struct tw__node *node = &program->nodes[n];
    MUST(node->dtype > TW_OPAQUE && node->dtype <= TW_COMPLEX128);
    MUST(node->scope >= -1 && node->scope < program->nnodes);
    MUST(node->scope < 0 || (program->nodes[node->scope].kind == TW__NODE_REDUCE && node->scope > n));
    for (int k = 0; k < node->nchildren; k++) {
        const struct tw__node *child = &program->nodes[node->child[k]];
        MUST(node->child[k] >= 0 && node->child[k] < n);
        MUST(child->scope == (node->kind == TW__NODE_REDUCE ? n : node->scope));
    }
    switch (node->kind) {
    case TW__NODE_CAST:
        MUST(node->nchildren == 1 && program->nodes[node->child[0]].dtype != node->dtype);
        break;
    case TW__NODE_OPERATION:
        MUST(node->nchildren >= 1);
        check_operation(program, node);
        break;
    case TW__NODE_READ:
        MUST(node->u.read.operand >= 0 && node->u.read.operand < program->noperands);
        MUST(program->operands[node->u.read.operand].dtype == node->dtype);
        MUST(node->u.read.indices + program->operands[node->u.read.operand].ndim <= program->nindices);
        break;
    case TW__NODE_SCALAR:
        MUST(node->u.offset >= TW__CONTEXT_SCALARS(program->naxes));
        MUST(node->u.offset < TW__CONTEXT_SCALARS(program->naxes) + 16 * program->nscalars);
        break;
    case TW__NODE_INDEX:
        MUST(node->u.axis >= 0 && node->u.axis < program->naxes);
        break;
    default:
        break;
    }
}

static void check_program(const struct tw__program *program)
{
    for (int n = 0; n < program->nnodes; n++) {
        check_node(program, n);
    }
    MUST(program->nstatements >= 1);
    for (int s = 0; s < program->nstatements; s++) {
        const struct tw__node *value = &program->nodes[program->statements[s].value];
        const struct tw__expr_operand *target = &program->operands[program->statements[s].target];
        MUST(value->scope == -1 && value->dtype == target->dtype && target->role != TW_IN);
        uint64_t axes = 0;
        for (int d = 0; d < target->ndim; d++) {
            MUST(target->axis[d] >= 0 && program->axes[target->axis[d]].tile >= 0);
            axes |= UINT64_C(1) << target->axis[d];
        }
        MUST((value->axes & ~axes) == 0);
    }
}

/* Lengths are proven, or refused, for small shapes of every kind. */
static void check_lengths(tw_statement *statement, unsigned choice)
{
    const tw_signature *signature = tw_statement_signature(statement);
    tw_view views[TW_MAX_OPERANDS];
    const tw_view *operands[TW_MAX_OPERANDS];
    int64_t lengths[128];
    tw_error error;
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        memset(&views[k], 0, sizeof views[k]);
        views[k].dtype = tw_statement_dtype(statement, k);
        views[k].ndim = tw_signature_ndim(signature, k);
        for (int d = 0; d < views[k].ndim; d++) {
            views[k].shape[d] = (int64_t)((choice >> ((k + d) % 8)) % 4);
        }
        operands[k] = tw_signature_role(signature, k) == TW_OUT ? NULL : &views[k];
    }
    const tw_status status = tw_statement_bind(statement, operands, NULL, 0, lengths, &error);
    MUST(status == TW_OK || status == TW_ERROR_ARGUMENT || status == TW_ERROR_SYNTAX);
    for (int a = 0; status == TW_OK && a < tw_signature_naxes(signature); a++) {
        MUST(lengths[a] >= 0);
    }
}

static void check_types(tw_statement *statement, unsigned choice, size_t length)
{
    const tw_signature *signature = tw_statement_signature(statement);
    tw_dtype dtypes[TW_MAX_OPERANDS] = {{0}};
    tw_error error;
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        if (tw_signature_role(signature, k) != TW_OUT) {
            dtypes[k] = tw_dtype_of((tw_kind)(TW_BOOL + (choice + 5 * (unsigned)k) % 14));
        }
    }
    const tw_status status = tw_statement_types(statement, dtypes, &error);
    if (status != TW_OK) {
        check_refusal(&error, status, length);
        return;
    }
    check_program(&statement->typed.program);
    char *text;
    if (tw_statement_source(statement, &text, &error) == TW_OK) {
        MUST(strstr(text, "zq_") == NULL); /* names that the corpus has, and the generated C has not */
        free(text);
    }
    FILE *nowhere = fopen("/dev/null", "w");
    MUST(nowhere != NULL && tw_statement_explain(statement, nowhere, &error) == TW_OK);
    fclose(nowhere);
    check_lengths(statement, choice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const tw_parameter parameters[] = {{.name = "p", .kind = TW_INT64, .integer = 3},
                                       {.name = "q", .kind = TW_FLOAT64, .real = 0.5}};
    const tw_axis_edge edge = {.axis = "i", .edge = (tw_edge)(data[1] % 7), .constant = data[1] % 3};
    char *text = malloc(size - 1);
    tw_statement *statement = NULL;
    tw_error error;
    MUST(text != NULL);
    memcpy(text, data + 2, size - 2);
    text[size - 2] = '\0';
    const size_t length = strlen(text);
    /* Parameters that do not occur are refused, and so is an edge of no axis: those that may be there are looked for.
     */
    tw_parameter given[2];
    size_t ngiven = 0;
    for (size_t k = 0; k < 2; k++) {
        if (strchr(text, parameters[k].name[0]) != NULL) {
            given[ngiven++] = parameters[k];
        }
    }
    for (int tries = 0; tries < 2; tries++) {
        const tw_statement_options options = {
            .parameters = given, .nparameters = tries == 0 ? ngiven : 0, .edges = &edge, .nedges = tries == 0};
        const tw_status status = tw_statement_parse(&statement, text, &options, &error);
        if (status == TW_OK) {
            check_types(statement, data[0] + 256u * data[1], length);
            tw_statement_destroy(statement);
        } else {
            check_refusal(&error, status, length);
        }
    }
    free(text);
    return 0;
}
