/* describe.c - what a statement does, in words: signature, dtypes of its parts, what it reads, writes and computes. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid/edge.h"
#include "notation/notation.h"
#include "notation/statement_work.h"
#include "notation/type/settle.h"
#include "notation/value/kind.h"

enum { SHOWN = 48 }; /* characters of a part */

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

/* What is read past the ends, axis by axis. */
static void print_edges(const struct tw__syntax *syntax, FILE *file)
{
    const char *title = "edges\n";
    for (int a = 0; a < syntax->naxes; a++) {
        const struct tw__syntax_axis *axis = &syntax->axes[a];
        const tw_axis_edge edge = {.edge = axis->edge, .constant = axis->constant, .imag = axis->imag};
        char name[64];
        struct tw__text text;
        if (axis->edge != TW_EDGE_ERROR) {
            tw__text_init(&text, name, sizeof name);
            tw__edge_add(&text, &edge);
            fprintf(file, "%s  %-12s %s\n", title, axis->name, name);
            title = "";
        }
    }
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

/* ---- work ---- */

static void print_term(const struct tw__syntax *syntax, const struct tw__work_term *term, FILE *file)
{
    const int bare = term->number == 1 && term->axes != 0; /* len(k), not 1 * len(k) */
    const char *times = bare ? "" : " * ";
    if (!bare) {
        fprintf(file, "%lld", (long long)term->number);
    }
    for (int a = 0; a < syntax->naxes; a++) {
        if (term->axes >> a & 1) {
            fprintf(file, "%slen(%s)", times, syntax->axes[a].name);
            times = " * ";
        }
    }
}

/* "2 * len(k) + 1": all terms of a kind, of CALLS those of one function. */
static void print_terms(const struct tw__syntax *syntax, const struct tw__work *work, enum tw__work_kind kind, int code,
                        FILE *file)
{
    const char *plus = "";
    for (int t = 0; t < work->nterms; t++) {
        if (work->terms[t].kind == kind && work->terms[t].code == code) {
            fputs(plus, file);
            print_term(syntax, &work->terms[t], file);
            plus = " + ";
        }
    }
    fputs(*plus == '\0' ? "0" : "", file);
}

static int has_terms(const struct tw__work *work, enum tw__work_kind kind, int code)
{
    for (int t = 0; t < work->nterms; t++) {
        if (work->terms[t].kind == kind && work->terms[t].code == code) {
            return 1;
        }
    }
    return 0;
}

static void print_work(const tw_statement *statement, int number, const struct tw__work *work, FILE *file)
{
    const struct tw__program *program = &statement->typed.program;
    const struct tw__syntax *syntax = &statement->syntax;
    fprintf(file, "for each element of %s\n  reads        ",
            program->operands[program->statements[number].target].name);
    print_terms(syntax, work, TW__WORK_READS, -1, file);
    fputs(" (", file);
    print_terms(syntax, work, TW__WORK_READ_BYTES, -1, file);
    fprintf(file, " bytes)\n  writes       1 (%lld bytes)\n  flops        ", (long long)work->write_bytes);
    print_terms(syntax, work, TW__WORK_FLOPS, -1, file);
    fputc('\n', file);
    if (has_terms(work, TW__WORK_OTHERS, -1)) {
        fputs("  other ops    ", file);
        print_terms(syntax, work, TW__WORK_OTHERS, -1, file);
        fputc('\n', file);
    }
    for (int code = 0; code < TW__OPERATIONS; code++) {
        if (has_terms(work, TW__WORK_CALLS, code)) {
            fprintf(file, "  %-12s ", tw__operation_name((enum tw__operation)code));
            print_terms(syntax, work, TW__WORK_CALLS, code, file);
            fputc('\n', file);
        }
    }
}

static tw_status describe_work(const tw_statement *statement, int number, FILE *file, tw_error *error)
{
    struct tw__work work;
    const tw_status status = tw__work_of(&work, &statement->typed.program, number, error);
    if (status == TW_OK) {
        print_work(statement, number, &work, file);
    }
    tw__work_fini(&work);
    return status;
}

/* ---- steps ---- */

/* The reductions that a run may compute in steps of their own: which, and along which axis they are cut then. */
static void print_steps(const struct tw__program *program, FILE *file)
{
    int nodes[TW__SETTLE_MOST];
    const int count = tw__settle_nodes(program, nodes);
    for (int r = 0; r < count; r++) {
        const struct tw__node *node = &program->nodes[nodes[r]];
        char text[SHOWN + 1];
        tw__settle_text(text, sizeof text, program, nodes[r]);
        fprintf(file, "%s  %-12s may be a step of its own, cut along %s\n", r == 0 ? "steps\n" : "", text,
                program->axes[node->u.reduce.axis[0]].name);
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
    unsigned char *marked = malloc((size_t)statement->syntax.nnodes + 1);
    if (marked == NULL) {
        return tw__fail_memory(error, (size_t)statement->syntax.nnodes, "the description of a statement");
    }
    fputs("signature\n  ", file);
    print_signature(statement->signature, file);
    fputs("\noperands\n", file);
    for (int k = 0; k < program->noperands; k++) {
        print_operand(&statement->syntax, &program->operands[k], file);
    }
    print_edges(&statement->syntax, file);
    tw_status status = TW_OK;
    for (int s = 0; s < program->nstatements && status == TW_OK; s++) {
        const struct tw__syntax_statement *one = &statement->syntax.statements[s];
        fprintf(file, "parts of %s\n", program->operands[program->statements[s].target].name);
        print_parts(statement, one, marked, file);
        status = describe_work(statement, s, file, error);
    }
    free(marked);
    if (status != TW_OK) {
        return status;
    }
    print_steps(program, file);
    print_wrapping(statement, file);
    return ferror(file) ? tw__fail(error, TW_ERROR_FILE, "the description of the statement cannot be written") : TW_OK;
}
