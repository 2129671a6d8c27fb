/* expression.c - reads expressions with Python's precedence. Knows operators, not what stands between them.
 *
 *     expression = or ["if" or "else" expression]
 *     or         = and {"or" and}              and = not {"and" not}          not = "not" not | comparison
 *     comparison = bits {("<" | "==" | ...) bits}                             a < b < c is a < b and b < c
 *     bits       = "|", "^", "&", "<<" ">>", "+" "-", "*" "/" "//" "%", each binding tighter than the one before
 *     factor     = ("-" | "+" | "~") factor | atom ["**" factor]
 */
#include <string.h>

#include "notation/read/parser.h"

static const char *const class_names[] = {"a bool", "a whole number", "a float", "a complex number"};

/* A Python number is made by operators from Python numbers. */
static tw_status settle_weak(struct tw__parser *parser, struct tw__syntax_node *node)
{
    const struct tw__syntax_node *nodes = parser->syntax->nodes;
    const struct tw__syntax_node *last = &nodes[node->child[node->nchildren - 1]], *first = &nodes[node->child[0]];
    const int is_select = node->kind == TW__SYNTAX_OPERATION && node->which == TW__OP_SELECT;
    if (node->kind != TW__SYNTAX_OPERATION) { /* and, or */
        node->class = TW__CLASS_BOOL;
    } else if (is_select) {
        const enum tw__class other = nodes[node->child[1]].class;
        node->class = other > last->class ? other : last->class;
    } else {
        node->class = tw__scalar_class((enum tw__operation)node->which, first->class, last->class);
    }
    if (node->class > TW__CLASS_COMPLEX) {
        const char *sign = tw__operation_name((enum tw__operation)node->which);
        return node->nchildren == 1
                   ? tw__complain(parser->error, &parser->syntax->source, node->at, "'%s' of %s", sign,
                                  class_names[first->class])
                   : tw__complain(parser->error, &parser->syntax->source, node->at, "'%s' of %s and %s", sign,
                                  class_names[first->class], class_names[last->class]);
    }
    if (!node->is_literal) {
        return TW_OK;
    }
    const tw_status status = tw__syntax_fold(parser->syntax, node, &node->number, parser->error);
    node->class = node->number.class;
    return status;
}

tw_status tw__parser_add(struct tw__parser *parser, struct tw__syntax_node *node, int *number)
{
    const struct tw__syntax_node *nodes = parser->syntax->nodes;
    const int can_be_weak = (node->kind == TW__SYNTAX_OPERATION && !node->is_function) ||
                            node->kind == TW__SYNTAX_AND || node->kind == TW__SYNTAX_OR;
    if (node->nchildren > 0) {
        node->is_weak = can_be_weak;
        node->is_literal = can_be_weak;
    }
    node->scope = parser->scope;
    node->uses_length = node->kind == TW__SYNTAX_LENGTH;
    for (int k = 0; k < node->nchildren; k++) {
        const struct tw__syntax_node *child = &nodes[node->child[k]];
        node->uses_length |= child->uses_length;
        node->height = child->height >= node->height ? child->height + 1 : node->height;
        node->is_weak = node->is_weak && child->is_weak;
        node->is_literal = node->is_literal && child->is_literal;
    }
    if (node->height > TW__SYNTAX_HEIGHT) {
        return tw__complain(parser->error, &parser->syntax->source, node->at,
                            "more than %d operations on top of each other (write it as several statements)",
                            TW__SYNTAX_HEIGHT);
    }
    if (node->nchildren > 0 && node->is_weak) {
        const tw_status status = settle_weak(parser, node);
        if (status != TW_OK) {
            return status;
        }
    }
    return tw__syntax_add(parser->syntax, node, number, parser->error);
}

static size_t begin_of(const struct tw__parser *parser, int node)
{
    return parser->syntax->nodes[node].from;
}

static tw_status add_binary(struct tw__parser *parser, enum tw__syntax_kind kind, int code, size_t at, int a, int b,
                            int *node)
{
    struct tw__syntax_node made = {.kind = kind,
                                   .which = code,
                                   .at = at,
                                   .from = begin_of(parser, a),
                                   .to = parser->behind,
                                   .child = {a, b},
                                   .nchildren = 2};
    return tw__parser_add(parser, &made, node);
}

static tw_status enter(struct tw__parser *parser)
{
    if (++parser->nesting > TW__SYNTAX_NESTING + 1) { /* the outermost expression is in nothing */
        return tw__complain(parser->error, &parser->syntax->source, parser->token.at, "nested more than %d deep",
                            TW__SYNTAX_NESTING);
    }
    return TW_OK;
}

static tw_status read_factor(struct tw__parser *parser, int *node);

/* What stands behind a sign or a "**": one deeper. */
static tw_status read_operand(struct tw__parser *parser, int *node)
{
    tw_status status = enter(parser);
    if (status == TW_OK) {
        status = tw__parser_next(parser);
    }
    if (status == TW_OK) {
        status = read_factor(parser, node);
    }
    parser->nesting--;
    return status;
}

static int operator_at(const struct tw__parser *parser, enum tw__written written, int level)
{
    const struct tw__token *token = &parser->token;
    return token->kind == TW__TOKEN_SIGN ? tw__operation_find(written, level, token->sign, strlen(token->sign)) : -1;
}

/* A sign, then a factor. */
static tw_status read_signed(struct tw__parser *parser, int code, int *node)
{
    const size_t at = parser->token.at;
    tw_status status = read_operand(parser, node);
    /* +x is x, but for a bool of Python's, of which it makes a whole number: ~~x of it. */
    const struct tw__syntax_node *operand = status == TW_OK ? &parser->syntax->nodes[*node] : NULL;
    const int twice = status == TW_OK && code < 0 && operand->is_weak && operand->class == TW__CLASS_BOOL;
    for (int times = twice ? 2 : code >= 0; times > 0 && status == TW_OK; times--) {
        struct tw__syntax_node made = {.kind = TW__SYNTAX_OPERATION,
                                       .which = twice ? TW__OP_INVERT : code,
                                       .at = at,
                                       .from = at,
                                       .to = parser->behind,
                                       .child = {*node},
                                       .nchildren = 1};
        status = tw__parser_add(parser, &made, node);
    }
    return status;
}

static tw_status read_factor(struct tw__parser *parser, int *node)
{
    const int code = operator_at(parser, TW__WRITTEN_PREFIX, -1);
    if (code >= 0 || tw__parser_sees(parser, "+")) {
        return read_signed(parser, code, node);
    }
    int base = -1, exponent;
    tw_status status = tw__parse_atom(parser, &base);
    *node = base;
    if (status == TW_OK && tw__parser_sees(parser, "**")) {
        const size_t sign = parser->token.at;
        status = read_operand(parser, &exponent);
        if (status == TW_OK) {
            status = add_binary(parser, TW__SYNTAX_OPERATION, TW__OP_POWER, sign, base, exponent, node);
        }
    }
    return status;
}

enum { LEVELS = 6 }; /* of "|" up to "*"; "**" binds tighter and is read by read_factor */

static tw_status read_bits(struct tw__parser *parser, int level, int *node)
{
    if (level == LEVELS) {
        return read_factor(parser, node);
    }
    tw_status status = read_bits(parser, level + 1, node);
    int code;
    while (status == TW_OK && (code = operator_at(parser, TW__WRITTEN_INFIX, level)) >= 0) {
        const size_t at = parser->token.at;
        int right;
        status = tw__parser_next(parser);
        if (status == TW_OK) {
            status = read_bits(parser, level + 1, &right);
        }
        if (status == TW_OK) {
            status = add_binary(parser, TW__SYNTAX_OPERATION, code, at, *node, right, node);
        }
    }
    return status;
}

static tw_status read_comparison(struct tw__parser *parser, int *node)
{
    int left, right, code, all = -1;
    tw_status status = read_bits(parser, 0, &left);
    *node = left;
    while (status == TW_OK && (code = operator_at(parser, TW__WRITTEN_COMPARES, -1)) >= 0) {
        const size_t at = parser->token.at;
        int one;
        status = tw__parser_next(parser);
        if (status == TW_OK && tw__parser_sees_name(parser, "not")) {
            return tw__complain(parser->error, &parser->syntax->source, parser->token.at,
                                "'not' binds less than a comparison: put it in parentheses");
        }
        if (status == TW_OK) {
            status = read_bits(parser, 0, &right);
        }
        if (status == TW_OK) {
            status = add_binary(parser, TW__SYNTAX_OPERATION, code, at, left, right, &one);
        }
        if (status == TW_OK && all >= 0) {
            status = add_binary(parser, TW__SYNTAX_AND, 0, at, all, one, &one);
        }
        all = *node = one;
        left = right;
    }
    return status;
}

static tw_status read_not(struct tw__parser *parser, int *node)
{
    if (!tw__parser_sees_name(parser, "not")) {
        return read_comparison(parser, node);
    }
    const size_t at = parser->token.at;
    tw_status status = enter(parser);
    if (status == TW_OK) {
        status = tw__parser_next(parser);
    }
    if (status == TW_OK) {
        status = read_not(parser, node);
    }
    parser->nesting--;
    if (status != TW_OK) {
        return status;
    }
    struct tw__syntax_node made = {.kind = TW__SYNTAX_OPERATION,
                                   .which = TW__OP_NOT,
                                   .at = at,
                                   .from = at,
                                   .to = parser->behind,
                                   .child = {*node},
                                   .nchildren = 1};
    return tw__parser_add(parser, &made, node);
}

/* "and" binds tighter than "or". */
static tw_status read_logic(struct tw__parser *parser, int is_or, int *node)
{
    tw_status status = is_or ? read_logic(parser, 0, node) : read_not(parser, node);
    while (status == TW_OK && tw__parser_sees_name(parser, is_or ? "or" : "and")) {
        const size_t at = parser->token.at;
        int right;
        status = tw__parser_next(parser);
        if (status == TW_OK) {
            status = is_or ? read_logic(parser, 0, &right) : read_not(parser, &right);
        }
        if (status == TW_OK) {
            status = add_binary(parser, is_or ? TW__SYNTAX_OR : TW__SYNTAX_AND, 0, at, *node, right, node);
        }
    }
    return status;
}

static tw_status read_choice(struct tw__parser *parser, int *node)
{
    int value, condition, other;
    tw_status status = read_logic(parser, 1, &value);
    *node = value;
    if (status != TW_OK || !tw__parser_sees_name(parser, "if")) {
        return status;
    }
    const size_t at = parser->token.at;
    status = tw__parser_next(parser);
    if (status == TW_OK) {
        status = read_logic(parser, 1, &condition);
    }
    if (status == TW_OK && !tw__parser_sees_name(parser, "else")) {
        status = tw__parser_missing(parser, "'else' (x if c else y)");
    }
    if (status == TW_OK) {
        status = tw__parser_next(parser);
    }
    if (status == TW_OK) {
        status = tw__parse_expression(parser, &other);
    }
    if (status != TW_OK) {
        return status;
    }
    struct tw__syntax_node made = {.kind = TW__SYNTAX_OPERATION,
                                   .which = TW__OP_SELECT,
                                   .at = at,
                                   .from = begin_of(parser, value),
                                   .to = parser->behind,
                                   .child = {condition, value, other},
                                   .nchildren = 3};
    return tw__parser_add(parser, &made, node);
}

tw_status tw__parse_expression(struct tw__parser *parser, int *node)
{
    tw_status status = enter(parser);
    if (status == TW_OK) {
        status = read_choice(parser, node);
    }
    parser->nesting--;
    return status;
}
