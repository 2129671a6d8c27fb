/* parser.h - what the parts of the parser share: where it stands, and which names mean what. */
#ifndef TW_NOTATION_READ_PARSER_H
#define TW_NOTATION_READ_PARSER_H

#include "notation/read/syntax.h"
#include "notation/read/token.h"

struct tw__parser {
    struct tw__syntax *syntax;
    struct tw__lexer lexer;
    struct tw__token token; /* the next one */
    size_t behind;          /* one past the last token that was taken */
    int nesting;
    uint64_t scope;              /* axes that may be used here: the target's, and those reduced around this place */
    const char *target;          /* name of the statement's target */
    int target_axes;             /* how many axes it has */
    const char *indexed;         /* name of the operand whose index is read; NULL: none is */
    struct tw__open_names *open; /* parameters that are found; NULL: they were given */
    tw_error *error;
};

/* Takes the token and reads the next. */
tw_status tw__parser_next(struct tw__parser *parser);

int tw__parser_sees(const struct tw__parser *parser, const char *sign);
int tw__parser_sees_name(const struct tw__parser *parser, const char *name);

/* A name that is an operator: and, or, not, if, else. */
int tw__parser_sees_keyword(const struct tw__parser *parser);

/* Takes `sign`, or says that it was expected. */
tw_status tw__parser_expect(struct tw__parser *parser, const char *sign, const char *what);

/* "expected WHAT", if it is missing or something else stands in its place. */
tw_status tw__parser_missing(struct tw__parser *parser, const char *what);

/* Takes a name into name[]. */
tw_status tw__parser_name(struct tw__parser *parser, const char *what, char name[TW__EXPR_NAME], size_t *at);

/* The axis with a name; -1: none. */
int tw__parser_find_axis(const struct tw__parser *parser, const char *name);
tw_status tw__parser_add_axis(struct tw__parser *parser, const char *name, size_t at, int *axis);

/* The operand with a name; it is added, as an input, if there is none. */
tw_status tw__parser_operand(struct tw__parser *parser, const char *name, size_t at, int *operand);

/* expression.c: an expression, whose node is *node. */
tw_status tw__parse_expression(struct tw__parser *parser, int *node);

/* Adds a node: its weight, class and height follow from its children. */
tw_status tw__parser_add(struct tw__parser *parser, struct tw__syntax_node *node, int *number);

/* affine.c: an expression as an index. */
tw_status tw__parse_index(struct tw__parser *parser, struct tw__syntax_index *index);

/* reduced.c: sum(k, l: ...), from behind the parenthesis on. */
struct tw__function;
tw_status tw__parse_reduction(struct tw__parser *parser, const struct tw__function *function, size_t at, int *node);

/* atom.c: what stands between operators. */
tw_status tw__parse_atom(struct tw__parser *parser, int *node);

#endif
