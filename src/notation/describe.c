/* describe.c - what a statement does, in words: signature, dtypes of its parts, what it reads, writes and computes. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/notation.h"
#include "notation/value/kind.h"

enum { SHOWN = 48, MOST_TERMS = 32 };

/* ---- operands ---- */

static void print_signature(const tw_signature *signature, FILE *file)
{
    char text[TW__SYNTAX_TEXT];
    tw_signature_text(signature, NULL, text, sizeof text);
    fputs(text, file);
}

static void print_operand(const struct tw__syntax *syntax, const struct tw__expr_operand *operand, FILE *file)
{
    static const char *const roles[] = {"read", "written", "read and written"};
    int whole = 0;
    fprintf(file, "  %-12s %-12s %s", operand->name, tw__kind_name(operand->dtype), roles[operand->role]);
    for (int d = 0; d < operand->ndim; d++) {
        whole += operand->axis[d] < 0;
    }
    if (operand->ndim > 0 && whole == operand->ndim) {
        fputs(", whole for every tile", file);
    } else {
        for (int d = 0; d < operand->ndim; d++) {
            if (operand->axis[d] >= 0) {
                fprintf(file, "%s%s", d == 0 ? ", cut along " : " ", syntax->axes[operand->axis[d]].name);
            } else {
                fprintf(file, "%sdimension %d whole", d == 0 ? ", " : " ", d);
            }
            fputs(d + 1 < operand->ndim ? "," : "", file);
        }
    }
    fputc('\n', file);
}

/* ---- parts ---- */

/* A part's text on one line, blanks drawn together. */
static void print_part(const struct tw__syntax *syntax, const struct tw__syntax_node *node, FILE *file)
{
    char text[SHOWN + 1];
    int used = 0, blank = 0;
    for (size_t k = node->from; k < node->to && used < SHOWN; k++) {
        const char c = syntax->source.text[k];
        if (tw__is_blank(c)) {
            blank = used > 0;
            continue;
        }
        if (blank && used < SHOWN - 1) {
            text[used++] = ' ';
        }
        blank = 0;
        text[used++] = c;
    }
    if (used == SHOWN) {
        memcpy(text + SHOWN - 3, "...", 3);
    }
    text[used] = '\0';
    fprintf(file, "  %-48s ", text);
}

static void mark(const struct tw__syntax *syntax, int number, unsigned char *marked)
{
    const struct tw__syntax_node *node = &syntax->nodes[number];
    if (marked[number]) {
        return;
    }
    marked[number] = 1;
    for (int k = 0; k < node->nchildren && !node->is_weak; k++) {
        mark(syntax, node->child[k], marked);
    }
}

static void print_parts(const tw_statement *statement, const struct tw__syntax_statement *one, unsigned char *marked,
                        FILE *file)
{
    static const char *const classes[] = {"Python bool", "Python int", "Python float", "Python complex"};
    const struct tw__syntax *syntax = &statement->syntax;
    memset(marked, 0, (size_t)syntax->nnodes);
    mark(syntax, one->value, marked);
    for (int n = 0; n < syntax->nnodes; n++) {
        const struct tw__syntax_node *node = &syntax->nodes[n];
        if (!marked[n]) {
            continue;
        }
        print_part(syntax, node, file);
        if (node->is_weak) {
            fprintf(file, "%s\n", classes[node->class]);
        } else {
            fprintf(file, "%s\n", tw__kind_name(statement->typed.program.nodes[statement->typed.node_of[n]].dtype));
        }
    }
}

/* ---- counts ---- */

/* A number for each set of reduced axes: 2 len(k) + 1. */
struct count {
    int nterms;
    uint64_t axes[MOST_TERMS];
    int64_t number[MOST_TERMS];
};

static void add_count(struct count *count, uint64_t axes, int64_t number)
{
    int t = 0;
    while (t < count->nterms && count->axes[t] != axes) {
        t++;
    }
    if (t == MOST_TERMS || number == 0) {
        return;
    }
    if (t == count->nterms) {
        count->axes[t] = axes;
        count->number[t] = 0;
        count->nterms++;
    }
    count->number[t] += number;
}

static void print_count(const struct tw__syntax *syntax, const struct count *count, FILE *file)
{
    for (int t = 0; t < count->nterms; t++) {
        const int bare = count->number[t] == 1 && count->axes[t] != 0; /* len(k), not 1 * len(k) */
        const char *times = bare ? "" : " * ";
        fputs(t > 0 ? " + " : "", file);
        if (!bare) {
            fprintf(file, "%lld", (long long)count->number[t]);
        }
        for (int a = 0; a < syntax->naxes; a++) {
            if (count->axes[t] >> a & 1) {
                fprintf(file, "%slen(%s)", times, syntax->axes[a].name);
                times = " * ";
            }
        }
    }
    if (count->nterms == 0) {
        fputs("0", file);
    }
}

/* Axes of all reductions around a node: how often it is computed for one element. */
static uint64_t repeated(const struct tw__program *program, int number)
{
    uint64_t axes = 0;
    for (int scope = program->nodes[number].scope; scope >= 0; scope = program->nodes[scope].scope) {
        for (int k = 0; k < program->nodes[scope].u.reduce.naxes; k++) {
            axes |= UINT64_C(1) << program->nodes[scope].u.reduce.axis[k];
        }
    }
    return axes;
}

struct work {
    struct count reads, bytes, flops, others; /* others: operations of integers and bools */
    struct count calls[TW__OPERATIONS];
};

/* Machine operations of one arithmetic operation; 0: it is a function. */
static int64_t operations_of(const struct tw__node *node)
{
    const struct tw__operation_row *row = tw__operation_row(node->u.op.code);
    return tw__kind_is_complex(node->u.op.operation) ? row->complex_flops : row->flops;
}

static void count_node(const struct tw__program *program, int number, struct work *work)
{
    const struct tw__node *node = &program->nodes[number];
    const uint64_t axes = repeated(program, number);
    if (node->kind == TW__NODE_READ) {
        add_count(&work->reads, axes, 1);
        add_count(&work->bytes, axes, tw_dtype_of(node->dtype).itemsize);
    } else if (node->kind == TW__NODE_OPERATION) {
        const int64_t operations = operations_of(node);
        struct count *count = tw__kind_is_inexact(node->u.op.operation) ? &work->flops : &work->others;
        add_count(operations > 0 ? count : &work->calls[node->u.op.code], axes, operations > 0 ? operations : 1);
    } else if (node->kind == TW__NODE_REDUCE) {
        const tw_kind kind = program->nodes[node->child[0]].dtype;
        add_count(tw__kind_is_inexact(kind) ? &work->flops : &work->others, repeated(program, node->child[0]),
                  tw__kind_is_complex(kind) ? 2 : 1);
    }
}

static void mark_typed(const struct tw__program *program, int number, unsigned char *marked)
{
    if (marked[number]) {
        return;
    }
    marked[number] = 1;
    for (int k = 0; k < program->nodes[number].nchildren; k++) {
        mark_typed(program, program->nodes[number].child[k], marked);
    }
}

static void print_work(const tw_statement *statement, const struct tw__assignment *one, unsigned char *marked,
                       struct work *work, FILE *file)
{
    const struct tw__program *program = &statement->typed.program;
    const struct tw__expr_operand *target = &program->operands[one->target];
    memset(work, 0, sizeof *work);
    memset(marked, 0, (size_t)program->nnodes);
    mark_typed(program, one->value, marked);
    for (int n = 0; n < program->nnodes; n++) {
        if (marked[n]) {
            count_node(program, n, work);
        }
    }
    fprintf(file, "for each element of %s\n  reads        ", target->name);
    print_count(&statement->syntax, &work->reads, file);
    fputs(" (", file);
    print_count(&statement->syntax, &work->bytes, file);
    fprintf(file, " bytes)\n  writes       1 (%lld bytes)\n  flops        ",
            (long long)tw_dtype_of(target->dtype).itemsize);
    print_count(&statement->syntax, &work->flops, file);
    fputc('\n', file);
    if (work->others.nterms > 0) {
        fputs("  other ops    ", file);
        print_count(&statement->syntax, &work->others, file);
        fputc('\n', file);
    }
    for (int code = 0; code < TW__OPERATIONS; code++) {
        if (work->calls[code].nterms > 0) {
            fprintf(file, "  %-12s ", tw__operation_name((enum tw__operation)code));
            print_count(&statement->syntax, &work->calls[code], file);
            fputc('\n', file);
        }
    }
}

/* int8 * int8 is int8, as in NumPy, and wraps around before a sum of int64 sees it: what numpy.matmul does too, and few
 * mean. */
static void print_wrapping(const tw_statement *statement, FILE *file)
{
    const struct tw__program *program = &statement->typed.program;
    for (int n = 0; n < program->nnodes; n++) {
        const struct tw__node *reduce = &program->nodes[n];
        const struct tw__node *cast = reduce->kind == TW__NODE_REDUCE ? &program->nodes[reduce->child[0]] : reduce;
        const struct tw__node *body = cast->kind == TW__NODE_CAST ? &program->nodes[cast->child[0]] : cast;
        const int is_sum = reduce->kind == TW__NODE_REDUCE &&
                           (reduce->u.reduce.code == TW__REDUCE_SUM || reduce->u.reduce.code == TW__REDUCE_PROD);
        const int grows = body->kind == TW__NODE_OPERATION && tw__operation_has(body->u.op.code, TW__TRAIT_GROWS);
        if (!is_sum || !grows || body == cast || !tw__kind_is_integer(body->dtype)) {
            continue;
        }
        fprintf(file,
                "note\n  '%s' at column %d is %s and wraps around before it is summed: convert first, int64(a[i,k]) * "
                "b[k,j]\n",
                tw__operation_name(body->u.op.code), body->column, tw__kind_name(body->dtype));
    }
}

tw_status tw_statement_explain(const tw_statement *statement, FILE *file, tw_error *error)
{
    if (!statement->is_typed) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the statement's dtypes are not settled yet");
    }
    const struct tw__program *program = &statement->typed.program;
    const size_t most =
        (size_t)(program->nnodes > statement->syntax.nnodes ? program->nnodes : statement->syntax.nnodes);
    unsigned char *marked = malloc(most + 1);
    struct work *work = malloc(sizeof *work);
    if (marked == NULL || work == NULL) {
        free(marked);
        free(work);
        return tw__fail_memory(error, most + sizeof *work, "what is said about a statement");
    }
    fputs("signature\n  ", file);
    print_signature(statement->signature, file);
    fputs("\noperands\n", file);
    for (int k = 0; k < program->noperands; k++) {
        print_operand(&statement->syntax, &program->operands[k], file);
    }
    for (int s = 0; s < program->nstatements; s++) {
        const struct tw__syntax_statement *one = &statement->syntax.statements[s];
        fprintf(file, "parts of %s\n", program->operands[program->statements[s].target].name);
        print_parts(statement, one, marked, file);
        print_work(statement, &program->statements[s], marked, work, file);
    }
    print_wrapping(statement, file);
    free(marked);
    free(work);
    return ferror(file) ? tw__fail(error, TW_ERROR_FILE, "what is said about the statement cannot be written") : TW_OK;
}
