/* parser.c - what the parts of the parser share: taking tokens, names, and which names mean what. */
#include "notation/read/parser.h"

#include <string.h>

/* ---- tokens and names ---- */

tw_status tw__parser_next(struct tw__parser *parser)
{
    parser->behind = parser->token.at + parser->token.length;
    return tw__next_token(&parser->lexer, &parser->token);
}

int tw__parser_sees(const struct tw__parser *parser, const char *sign)
{
    return parser->token.kind == TW__TOKEN_SIGN && strcmp(parser->token.sign, sign) == 0;
}

int tw__parser_sees_name(const struct tw__parser *parser, const char *name)
{
    return parser->token.kind == TW__TOKEN_NAME && strlen(name) == parser->token.length &&
           memcmp(parser->syntax->source.text + parser->token.at, name, parser->token.length) == 0;
}

int tw__parser_sees_keyword(const struct tw__parser *parser)
{
    static const char *const words[] = {"and", "or", "not", "if", "else"};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        if (tw__parser_sees_name(parser, words[k])) {
            return 1;
        }
    }
    return 0;
}

tw_status tw__parser_missing(struct tw__parser *parser, const char *what)
{
    const struct tw__token *token = &parser->token;
    const int missing = token->kind != TW__TOKEN_SIGN || token->sign[0] == ';';
    return tw__complain(parser->error, &parser->syntax->source, missing ? parser->behind : token->at, "expected %s",
                        what);
}

tw_status tw__parser_expect(struct tw__parser *parser, const char *sign, const char *what)
{
    return tw__parser_sees(parser, sign) ? tw__parser_next(parser) : tw__parser_missing(parser, what);
}

tw_status tw__parser_name(struct tw__parser *parser, const char *what, char name[TW__EXPR_NAME], size_t *at)
{
    const struct tw__token *token = &parser->token;
    *at = token->at;
    if (token->kind != TW__TOKEN_NAME) {
        return tw__complain(parser->error, &parser->syntax->source,
                            token->kind == TW__TOKEN_END ? parser->behind : token->at, "expected %s", what);
    }
    if (tw__parser_sees_keyword(parser)) {
        return tw__complain(parser->error, &parser->syntax->source, token->at, "expected %s: '%.*s' is an operator",
                            what, (int)token->length, parser->syntax->source.text + token->at);
    }
    if (token->length >= TW__EXPR_NAME) {
        return tw__complain(parser->error, &parser->syntax->source, token->at, "a name longer than %d characters",
                            TW__EXPR_NAME - 1);
    }
    memcpy(name, parser->syntax->source.text + token->at, token->length);
    name[token->length] = '\0';
    return tw__parser_next(parser);
}

int tw__parser_find_axis(const struct tw__parser *parser, const char *name)
{
    for (int a = 0; a < parser->syntax->naxes; a++) {
        if (strcmp(parser->syntax->axes[a].name, name) == 0) {
            return a;
        }
    }
    return -1;
}

tw_status tw__parser_add_axis(struct tw__parser *parser, const char *name, size_t at, int *axis)
{
    struct tw__syntax *syntax = parser->syntax;
    *axis = tw__parser_find_axis(parser, name);
    if (*axis >= 0) {
        return TW_OK;
    }
    if (syntax->naxes == TW__EXPR_AXES) {
        return tw__complain(parser->error, &syntax->source, at, "more than %d axes", TW__EXPR_AXES);
    }
    *axis = syntax->naxes++;
    strcpy(syntax->axes[*axis].name, name);
    syntax->axes[*axis].at = at;
    return TW_OK;
}

tw_status tw__parser_operand(struct tw__parser *parser, const char *name, size_t at, int *operand)
{
    struct tw__syntax *syntax = parser->syntax;
    for (int k = 0; k < syntax->noperands; k++) {
        if (strcmp(syntax->operands[k].name, name) == 0) {
            *operand = k;
            return TW_OK;
        }
    }
    if (syntax->noperands == TW_MAX_OPERANDS) {
        return tw__complain(parser->error, &syntax->source, at, "more than %d operands", TW_MAX_OPERANDS);
    }
    *operand = syntax->noperands++;
    struct tw__syntax_operand *made = &syntax->operands[*operand];
    strcpy(made->name, name);
    made->at = at;
    made->ndim = -1; /* not seen with its indices yet */
    made->role = TW_IN;
    return TW_OK;
}
