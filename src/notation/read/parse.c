/* parse.c - reads statements: targets, `=`, separators between statements. Expressions are read in expression.c.
 *
 *     statements = [statement] {(";" | line end) [statement]}
 *     statement  = name "[" [axis {"," axis}] "]" [":" dtype] ("=" | "+=" | "-=" | ...) expression
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "notation/read/hint.h"
#include "notation/read/parser.h"
#include "os/stack.h"

static tw_status read_target_axes(struct tw__parser *parser, struct tw__syntax_operand *target, int *ndim,
                                  int axes[TW_MAX_DIMS])
{
    const struct tw__source *source = &parser->syntax->source;
    char name[TW__EXPR_NAME];
    size_t at;
    tw_status status = TW_OK;
    *ndim = 0;
    if (tw__parser_sees(parser, "]")) {
        return tw__parser_next(parser);
    }
    for (;;) {
        status = tw__parser_name(parser,
                                 *ndim == 0 ? "an axis's name or ']' (all elements of a result are written: r[i])"
                                            : "an axis's name (all elements of a result are written: r[i,j])",
                                 name, &at);
        if (status != TW_OK) {
            return status;
        }
        static const char *const shifts[] = {"+", "-", "*", "/", "//", "%", ":"};
        int is_shifted = 0;
        for (size_t k = 0; k < sizeof shifts / sizeof shifts[0]; k++) {
            is_shifted |= tw__parser_sees(parser, shifts[k]);
        }
        if (is_shifted) {
            return tw__complain(
                parser->error, source, parser->token.at,
                "expected ']' or ',': a result is written at its axes alone, %s[%s]; shift what is read, "
                "x[%s-1]",
                target->name, name, name);
        }
        int axis;
        status = tw__parser_add_axis(parser, name, at, &axis);
        if (status != TW_OK) {
            return status;
        }
        for (int d = 0; d < *ndim; d++) {
            if (axes[d] == axis) {
                return tw__complain(parser->error, source, at,
                                    "axis %s stands twice in %s (a diagonal: %s[i,j] = x[i] if i == j else 0)", name,
                                    target->name, target->name);
            }
        }
        if (*ndim == TW_MAX_DIMS) {
            return tw__complain(parser->error, source, at, "%s has more than %d axes", target->name, TW_MAX_DIMS);
        }
        axes[(*ndim)++] = axis;
        parser->syntax->axes[axis].is_output = 1;
        parser->scope |= UINT64_C(1) << axis;
        if (!tw__parser_sees(parser, ",")) {
            return tw__parser_expect(parser, "]", "']' or ','");
        }
        status = tw__parser_next(parser);
        if (status != TW_OK) {
            return status;
        }
    }
}

/* An output that has been written, or read, before must have the axes that it had. */
static tw_status settle_target(struct tw__parser *parser, struct tw__syntax_operand *target, size_t at, int ndim,
                               const int *axes)
{
    const int is_new = target->role == TW_IN;
    if (!is_new && (ndim != target->ndim || memcmp(axes, target->axis, (size_t)ndim * sizeof *axes) != 0)) {
        return tw__complain(parser->error, &parser->syntax->source, at, "%s had other axes in an earlier statement",
                            target->name);
    }
    if (is_new && target->ndim >= 0 && target->ndim != ndim) {
        return tw__complain(parser->error, &parser->syntax->source, at,
                            "%s has %d ind%s here but was read with %d before", target->name, ndim,
                            ndim == 1 ? "ex" : "ices", target->ndim);
    }
    if (is_new) {
        target->role = target->ndim >= 0 ? TW_INOUT : TW_OUT; /* read before it is written: it has values already */
        target->ndim = ndim;
        memcpy(target->axis, axes, (size_t)ndim * sizeof *axes);
    }
    return TW_OK;
}

static tw_status read_dtype(struct tw__parser *parser, struct tw__syntax_operand *target)
{
    size_t at;
    tw_status status = tw__parser_next(parser);
    char name[TW__EXPR_NAME], storage[TW_DTYPE_TEXT];
    if (status == TW_OK) {
        status = tw__parser_name(parser, "a dtype such as float32", name, &at);
    }
    tw_dtype dtype;
    if (status != TW_OK) {
        return status;
    }
    if (tw_dtype_parse(&dtype, name, storage, NULL) != TW_OK || dtype.kind == TW_OPAQUE) {
        return tw__complain(parser->error, &parser->syntax->source, at,
                            "'%s' is no dtype to compute with; one is float64, float32, int32, uint8, bool, complex128",
                            name);
    }
    if (target->dtype[0] != '\0' && strcmp(target->dtype, name) != 0) {
        return tw__complain(parser->error, &parser->syntax->source, at, "%s was given another dtype, %s, before",
                            target->name, target->dtype);
    }
    strcpy(target->dtype, name);
    return TW_OK;
}

/* The operation of `+=` and the like; -1: `=`, -2: neither. */
static int augmented_operation(const char *sign)
{
    const size_t length = strlen(sign);
    if (length == 0 || sign[length - 1] != '=') {
        return -2;
    }
    const int code = tw__operation_find(TW__WRITTEN_INFIX, -1, sign, length - 1);
    return length == 1 ? -1 : code >= 0 ? code : -2;
}

/* The element that `+=` adds to, as a node. */
static tw_status add_self(struct tw__parser *parser, int operand, size_t at, size_t to, int *node)
{
    struct tw__syntax *syntax = parser->syntax;
    struct tw__syntax_operand *target = &syntax->operands[operand];
    struct tw__syntax_node read = {
        .kind = TW__SYNTAX_READ, .which = operand, .at = at, .from = at, .to = to, .indices = syntax->nindices};
    for (int d = 0; d < target->ndim; d++) {
        struct tw__syntax_index index = {.at = at, .nterms = 1};
        index.term[0].which = target->axis[d];
        index.term[0].factor = 1;
        const tw_status status = tw__syntax_add_index(syntax, &index, parser->error);
        if (status != TW_OK) {
            return status;
        }
    }
    return tw__parser_add(parser, &read, node);
}

/* What stands behind a target is no '='. */
static tw_status missing_sign(struct tw__parser *parser, const char *name)
{
    const struct tw__source *source = &parser->syntax->source;
    const size_t at =
        parser->token.kind == TW__TOKEN_SIGN && !tw__parser_sees(parser, ";") ? parser->token.at : parser->behind;
    if (tw__parser_sees(parser, "==")) {
        return tw__complain(parser->error, source, at, "expected '=' (not '==') or '+='");
    }
    if (tw__parser_sees(parser, "[")) {
        return tw__complain(parser->error, source, at, "one pair of brackets has all axes: %s[i,j] = ...", name);
    }
    if (tw__parser_sees(parser, ",")) {
        return strstr(source->text, "->") != NULL
                   ? tw__complain(
                         parser->error, source, at,
                         "this is a signature, which goes with a kernel; a statement has an '=': r[i] = 2 * x[i]")
                   : tw__complain(parser->error, source, at,
                                  "expected '=': several results are several statements, r[i] = x[i]; s[i] = 2 * x[i]");
    }
    return tw__complain(parser->error, source, at,
                        "expected '=' or '+=': a statement says which result its value is, as in r[i] = %s[i] + 1",
                        name);
}

/* A text that begins with no name: 2*y + 1. */
static int begins_with_value(const struct tw__parser *parser)
{
    return parser->token.kind == TW__TOKEN_NUMBER || tw__parser_sees(parser, "(") || tw__parser_sees(parser, "-") ||
           tw__parser_sees(parser, "+") || tw__parser_sees(parser, "~") || tw__parser_sees_name(parser, "not");
}

/* What stands behind a statement is no end. */
static tw_status missing_end(struct tw__parser *parser)
{
    const struct tw__source *source = &parser->syntax->source;
    const char *what = "expected an operator, ';' or the end", *instead = NULL;
    char name[TW__EXPR_NAME];
    size_t at = parser->token.at;
    if (tw__parser_sees(parser, ")") || tw__parser_sees(parser, "]")) {
        what = "this closes no bracket that is open";
    } else if (tw__parser_sees(parser, "=")) {
        what = "expected an operator, ';' or the end: a statement has one '=', a comparison is '=='";
    } else if (tw__parser_sees(parser, ",")) {
        what =
            "expected an operator, ';' or the end: several statements are separated by ';', and a decimal point is '.'";
    } else if (tw__parser_sees(parser, "(") || tw__parser_sees(parser, "[") || parser->token.kind == TW__TOKEN_NUMBER) {
        what = "expected an operator, ';' or the end: a product is written x * y";
    } else if (parser->token.kind == TW__TOKEN_NAME && !tw__parser_sees_keyword(parser)) {
        const tw_status status = tw__parser_name(parser, "", name, &at);
        if (status != TW_OK) {
            return status;
        }
        instead = tw__hint_name(name);
        what = instead != NULL ? "there is no such operator: write "
                               : "expected an operator, ';' or the end: a product is written x * y";
    }
    return tw__complain(parser->error, source, at, "%s%s", what, instead != NULL ? instead : "");
}

/* Reads the name of a statement's target and finds its `[`. */
static tw_status read_target_name(struct tw__parser *parser, char *name, size_t *at)
{
    const struct tw__syntax *syntax = parser->syntax;
    const tw_status status = tw__parser_name(
        parser,
        begins_with_value(parser) ? "a result such as r[i], and '=': a statement says which result its value is, as in "
                                    "r[i] = 2 * y[i] + 1"
                                  : "a result such as r[i]",
        name, at);
    if (status != TW_OK) {
        return status;
    }
    if (syntax->nstatements == TW__EXPR_STATEMENTS) {
        return tw__complain(parser->error, &syntax->source, *at, "more than %d statements", TW__EXPR_STATEMENTS);
    }
    if (tw__parser_sees(parser, "[")) {
        return TW_OK;
    }
    const char *instead = tw__hint_name(name);
    return instead != NULL
               ? tw__complain(parser->error, &syntax->source, *at, "there is no '%s': write %s", name, instead)
               : tw__complain(parser->error, &syntax->source, parser->behind,
                              "expected '[' after %s: a result and the arrays that it is made of have "
                              "their indices, %s[i] = x[i] + y[i] (a single number is %s[])",
                              name, name, name);
}

static tw_status read_statement(struct tw__parser *parser)
{
    struct tw__syntax *syntax = parser->syntax;
    struct tw__syntax_statement statement = {.augmented = -1};
    char name[TW__EXPR_NAME];
    int axes[TW_MAX_DIMS], ndim, self = -1;
    tw_status status = read_target_name(parser, name, &statement.at);
    if (status != TW_OK) {
        return status;
    }
    parser->scope = 0;
    status = tw__parser_operand(parser, name, statement.at, &statement.target);
    if (status == TW_OK) {
        status = tw__parser_next(parser);
    }
    struct tw__syntax_operand *target = status == TW_OK ? &syntax->operands[statement.target] : NULL;
    if (status == TW_OK) {
        status = read_target_axes(parser, target, &ndim, axes);
    }
    const size_t end = parser->behind;
    if (status == TW_OK && tw__parser_sees(parser, ":")) {
        status = read_dtype(parser, target);
    }
    if (status != TW_OK) {
        return status;
    }
    statement.augmented = parser->token.kind == TW__TOKEN_SIGN ? augmented_operation(parser->token.sign) : -2;
    if (statement.augmented == -2) {
        return missing_sign(parser, name);
    }
    statement.sign = parser->token.at;
    parser->target = target->name;
    parser->target_axes = ndim;
    status = tw__parser_next(parser);
    if (status == TW_OK) {
        status = tw__parse_expression(parser, &statement.value);
    }
    if (status == TW_OK && statement.augmented >= 0 && target->role == TW_IN && target->ndim < 0) {
        target->ndim = ndim; /* it is read: an inout operand */
    }
    if (status == TW_OK) {
        status = settle_target(parser, target, statement.at, ndim, axes);
    }
    if (status == TW_OK && statement.augmented >= 0) {
        status = add_self(parser, statement.target, statement.at, end, &self);
        struct tw__syntax_node sum = {.kind = TW__SYNTAX_OPERATION,
                                      .which = statement.augmented,
                                      .at = statement.sign,
                                      .from = statement.at,
                                      .to = parser->behind,
                                      .child = {self, statement.value},
                                      .nchildren = 2};
        if (status == TW_OK) {
            status = tw__parser_add(parser, &sum, &statement.value);
        }
    }
    if (status == TW_OK) {
        syntax->statements[syntax->nstatements++] = statement;
    }
    return status;
}

static tw_status read_statements(struct tw__parser *parser)
{
    tw_status status = tw__parser_next(parser);
    while (status == TW_OK && parser->token.kind != TW__TOKEN_END) {
        if (tw__parser_sees(parser, ";")) {
            status = tw__parser_next(parser);
            continue;
        }
        status = read_statement(parser);
        if (status == TW_OK && parser->token.kind != TW__TOKEN_END && !tw__parser_sees(parser, ";")) {
            status = missing_end(parser);
        }
    }
    if (status == TW_OK && parser->syntax->nstatements == 0) {
        status =
            tw__complain(parser->error, &parser->syntax->source, 0, "expected a statement such as r[i] = 2 * x[i]");
    }
    return status;
}

/* Marks the nodes in bodies of reductions: a node has a larger number than its children. */
static void find_reduced(const struct tw__syntax *syntax, unsigned char *is_reduced)
{
    for (int n = syntax->nnodes - 1; n >= 0; n--) {
        const struct tw__syntax_node *node = &syntax->nodes[n];
        for (int k = 0; k < node->nchildren; k++) {
            is_reduced[node->child[k]] |= (unsigned char)(is_reduced[n] || node->kind == TW__SYNTAX_REDUCE);
        }
    }
}

/* Outputs are read where they are written, and nowhere else: other tiles have the rest. A reduction may read all of an
 * operand that is read before it is written: type/inner.h looks whether it can. */
static tw_status check_outputs(struct tw__parser *parser)
{
    const struct tw__syntax *syntax = parser->syntax;
    unsigned char is_reduced[TW__SYNTAX_NODES] = {0};
    find_reduced(syntax, is_reduced);
    for (int n = 0; n < syntax->nnodes; n++) {
        const struct tw__syntax_node *node = &syntax->nodes[n];
        if (node->kind != TW__SYNTAX_READ || syntax->operands[node->which].role == TW_IN ||
            (syntax->operands[node->which].role == TW_INOUT && is_reduced[n])) {
            continue;
        }
        const struct tw__syntax_operand *operand = &syntax->operands[node->which];
        for (int d = 0; d < operand->ndim; d++) {
            const struct tw__syntax_index *index = &syntax->indices[node->indices + d];
            if (index->constant != 0 || index->nhosts != 0 || index->nterms != 1 ||
                index->term[0].which != operand->axis[d] || index->term[0].factor != 1) {
                return tw__complain(parser->error, &syntax->source, index->at,
                                    "%s, which is written too, can be read at its own indices alone, here %s",
                                    operand->name, syntax->axes[operand->axis[d]].name);
            }
        }
    }
    return TW_OK;
}

/* The stack that the parser needs; brackets that are 100 deep took up to 500 KiB. */
#define PARSER_STACK ((size_t)1 << 20)

struct parse_call {
    struct tw__parser *parser;
    int *value; /* of a text that is one expression; NULL: it is a list of statements */
    tw_status status;
};

static tw_status read_value(struct tw__parser *parser, int *value)
{
    tw_status status = tw__parser_next(parser);
    if (status == TW_OK) {
        status = tw__parse_expression(parser, value);
    }
    while (status == TW_OK && tw__parser_sees(parser, ";")) { /* a line end */
        status = tw__parser_next(parser);
    }
    return status == TW_OK && parser->token.kind != TW__TOKEN_END ? tw__parser_missing(parser, "an operator") : status;
}

static void parse_all(void *argument)
{
    struct parse_call *call = argument;
    call->status = call->value != NULL ? read_value(call->parser, call->value) : read_statements(call->parser);
}

/* Reads a text that is copied into *syntax. */
static tw_status parse_text(struct tw__syntax *syntax, const char *text, struct tw__open_names *open, int *value,
                            tw_error *error)
{
    if (text == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "statement: no text is given");
    }
    const size_t length = strnlen(text, TW__SYNTAX_TEXT + 1);
    if (length > TW__SYNTAX_TEXT) {
        return tw__fail_syntax(error, TW__SYNTAX_TEXT + 1, "statement: more than %d characters", TW__SYNTAX_TEXT);
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return tw__fail_memory(error, length + 1, "a statement");
    }
    syntax->source.text = copy;
    syntax->source.length = length;
    struct tw__parser parser = {.syntax = syntax,
                                .lexer = {.source = syntax->source, .error = error},
                                .target = "a value",
                                .open = open,
                                .error = error};
    struct parse_call call = {.parser = &parser, .value = value};
    if (tw__stack_run(PARSER_STACK, parse_all, &call) != 0) {
        return tw__fail_memory(error, PARSER_STACK, "the parser's stack");
    }
    return call.status == TW_OK ? check_outputs(&parser) : call.status;
}

tw_status tw__parse(struct tw__syntax *syntax, const char *text, const tw_parameter *parameters, size_t nparameters,
                    tw_error *error)
{
    memset(syntax, 0, sizeof *syntax);
    syntax->parameters = parameters;
    syntax->nparameters = (int)nparameters;
    return parse_text(syntax, text, NULL, NULL, error);
}

tw_status tw__parse_open(struct tw__syntax *syntax, const char *text, struct tw__open_names *open, tw_error *error)
{
    memset(syntax, 0, sizeof *syntax);
    open->count = 0;
    syntax->parameters = open->parameters;
    return parse_text(syntax, text, open, NULL, error);
}

tw_status tw__parse_value(struct tw__syntax *syntax, const char *text, int *node, tw_error *error)
{
    memset(syntax, 0, sizeof *syntax);
    return parse_text(syntax, text, NULL, node, error);
}
