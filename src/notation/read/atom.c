/* atom.c - reads what stands between operators: numbers, names, elements of operands, calls, parentheses. Knows which
 * names mean what. */
#include <math.h>
#include <string.h>

#include "notation/read/function.h"
#include "notation/read/hint.h"
#include "notation/read/parser.h"

enum { NAMES = 256, SHOWN = 8 };

static const struct {
    const char *name;
    double value;
} constants[] = {{"pi", 3.14159265358979323846}, {"e", 2.71828182845904523536}, {"inf", INFINITY}, {"nan", NAN}};

/* What a bare name may be here, the most similar first. */
static tw_status unknown_name(struct tw__parser *parser, const char *name, size_t at)
{
    const struct tw__syntax *syntax = parser->syntax;
    const char *names[NAMES];
    size_t count = 0;
    char known[256];
    for (int a = 0; a < syntax->naxes; a++) {
        if (parser->scope >> a & 1) {
            names[count++] = syntax->axes[a].name;
        }
    }
    for (int k = 0; k < syntax->nparameters && count < NAMES / 2; k++) {
        names[count++] = syntax->parameters[k].name;
    }
    for (size_t k = 0; k < sizeof constants / sizeof constants[0]; k++) {
        names[count++] = constants[k].name;
    }
    names[count++] = "True";
    names[count++] = "False";
    struct tw__text text;
    tw__text_init(&text, known, sizeof known);
    tw__add_nearest(&text, name, names, count, SHOWN);
    for (int k = 0; k < syntax->noperands; k++) {
        if (strcmp(syntax->operands[k].name, name) == 0) {
            return tw__complain(parser->error, &syntax->source, at,
                                "%s is an array: its elements are %s[...], with an index for each dimension", name,
                                name);
        }
    }
    if (tw__hint_name(name) != NULL) {
        return tw__complain(parser->error, &syntax->source, at, "there is no '%s': write %s", name,
                            tw__hint_name(name));
    }
    const struct tw__function *function = tw__find_function(name, strlen(name));
    if (function != NULL) {
        return tw__complain(parser->error, &syntax->source, at,
                            "%s is a function, whose argument stands in parentheses: %s", name, function->usage);
    }
    if (tw__parser_find_axis(parser, name) >= 0) {
        return tw__complain(parser->error, &syntax->source, at,
                            "axis %s is neither one of %s nor reduced here, as in sum(%s: ...)", name, parser->target,
                            name);
    }
    return tw__complain(
        parser->error, &syntax->source, at,
        "'%s' is no axis of %s, parameter or constant: there are %s (an array is read with its indices, "
        "%s[i]; a parameter is given its number, --param %s=0.5 or in Python %s=0.5; an axis that %s lacks is reduced, "
        "sum(%s: ...))",
        name, parser->target, known, name, name, name, parser->target, name);
}

/* Whether a name is a parameter from now on. */
static int open_name(struct tw__parser *parser, const char *name, size_t at)
{
    struct tw__syntax *syntax = parser->syntax;
    struct tw__open_names *open = parser->open;
    if (open == NULL || open->count == TW_MAX_OPERANDS || tw__parser_find_axis(parser, name) >= 0 ||
        tw__hint_name(name) != NULL || tw__find_function(name, strlen(name)) != NULL) {
        return 0;
    }
    for (int k = 0; k < syntax->noperands; k++) {
        if (strcmp(syntax->operands[k].name, name) == 0) {
            return 0;
        }
    }
    strcpy(open->names[open->count], name);
    open->at[open->count] = at;
    open->parameters[open->count] = (tw_parameter){.name = open->names[open->count], .kind = TW_INT64};
    syntax->nparameters = ++open->count;
    return 1;
}

static tw_status read_bare_name(struct tw__parser *parser, const char *name, size_t at, int *node)
{
    const struct tw__syntax *syntax = parser->syntax;
    struct tw__syntax_node made = {.at = at, .from = at, .to = parser->behind, .is_weak = 1};
    const int axis = tw__parser_find_axis(parser, name);
    if (axis >= 0 && parser->scope >> axis & 1) {
        made.kind = TW__SYNTAX_INDEX;
        made.which = axis;
        made.is_weak = 0;
        return tw__parser_add(parser, &made, node);
    }
    for (int k = 0; k < syntax->nparameters; k++) {
        if (strcmp(syntax->parameters[k].name, name) == 0) {
            const tw_kind kind = syntax->parameters[k].kind;
            made.kind = TW__SYNTAX_PARAMETER;
            made.which = k;
            made.is_weak = !syntax->parameters[k].is_typed;
            made.class = tw__class_of(kind);
            return tw__parser_add(parser, &made, node);
        }
    }
    made.kind = TW__SYNTAX_NUMBER;
    made.is_literal = 1;
    for (size_t k = 0; k < sizeof constants / sizeof constants[0]; k++) {
        if (strcmp(constants[k].name, name) == 0) {
            made.number = tw__scalar_real(constants[k].value);
            made.class = TW__CLASS_REAL;
            return tw__parser_add(parser, &made, node);
        }
    }
    if (strcmp(name, "True") == 0 || strcmp(name, "False") == 0) {
        made.number = tw__scalar_bool(name[0] == 'T');
        made.class = TW__CLASS_BOOL;
        return tw__parser_add(parser, &made, node);
    }
    return open_name(parser, name, at) ? read_bare_name(parser, name, at, node) : unknown_name(parser, name, at);
}

/* ---- elements ---- */

static tw_status read_element(struct tw__parser *parser, const char *name, size_t at, int *node)
{
    struct tw__syntax *syntax = parser->syntax;
    struct tw__syntax_index indices[TW_MAX_DIMS];
    int operand, ndim = 0;
    tw_status status = tw__parser_operand(parser, name, at, &operand);
    if (status == TW_OK) {
        status = tw__parser_next(parser);
    }
    const char *around = parser->indexed;
    parser->indexed = name;
    while (status == TW_OK && !(ndim == 0 && tw__parser_sees(parser, "]"))) {
        if (ndim == TW_MAX_DIMS) {
            return tw__complain(parser->error, &syntax->source, parser->token.at, "%s has more than %d indices", name,
                                TW_MAX_DIMS);
        }
        status = tw__parse_index(parser, &indices[ndim++]);
        if (status != TW_OK || !tw__parser_sees(parser, ",")) {
            break;
        }
        status = tw__parser_next(parser);
    }
    parser->indexed = around;
    if (status == TW_OK) {
        status = tw__parser_expect(parser, "]", ndim == 0 ? "an index or ']'" : "']' or ','");
    }
    if (status == TW_OK && tw__parser_sees(parser, "[")) {
        return tw__complain(parser->error, &syntax->source, parser->token.at,
                            "one pair of brackets has the indices of all dimensions: %s[i,j]", name);
    }
    if (status != TW_OK) {
        return status;
    }
    struct tw__syntax_operand *found = &syntax->operands[operand];
    if (found->ndim >= 0 && found->ndim != ndim) {
        return tw__complain(parser->error, &syntax->source, at, "%s has %d ind%s here but %d elsewhere", name, ndim,
                            ndim == 1 ? "ex" : "ices", found->ndim);
    }
    found->ndim = ndim;
    struct tw__syntax_node made = {.kind = TW__SYNTAX_READ,
                                   .which = operand,
                                   .at = at,
                                   .from = at,
                                   .to = parser->behind,
                                   .indices = syntax->nindices};
    for (int d = 0; d < ndim && status == TW_OK; d++) {
        status = tw__syntax_add_index(syntax, &indices[d], parser->error);
    }
    return status == TW_OK ? tw__parser_add(parser, &made, node) : status;
}

/* ---- calls ---- */

static tw_status unknown_function(struct tw__parser *parser, const char *name, size_t at)
{
    const char *names[NAMES];
    char known[256];
    const struct tw__syntax *syntax = parser->syntax;
    for (int k = 0; k < syntax->noperands; k++) {
        if (strcmp(syntax->operands[k].name, name) == 0) {
            return tw__complain(parser->error, &syntax->source, at,
                                "%s is an array: its elements stand in square brackets, %s[i]", name, name);
        }
    }
    if (tw__hint_function(name) != NULL) {
        return tw__complain(parser->error, &syntax->source, at, "there is no function '%s': write %s", name,
                            tw__hint_function(name));
    }
    const size_t count = tw__function_names(names, NAMES);
    struct tw__text text;
    tw__text_init(&text, known, sizeof known);
    tw__add_nearest(&text, name, names, count, SHOWN);
    return tw__complain(
        parser->error, &parser->syntax->source, at,
        "there is no function '%s'; there are %s (an element of an array stands in square brackets: %s[i])", name,
        known, name);
}

/* len(i) */
static tw_status read_length(struct tw__parser *parser, size_t at, int *node)
{
    char name[TW__EXPR_NAME];
    size_t where;
    tw_status status = tw__parser_name(parser, "an axis's name", name, &where);
    if (status != TW_OK) {
        return status;
    }
    const int axis = tw__parser_find_axis(parser, name);
    if (axis < 0) {
        char known[256];
        const char *names[TW__EXPR_AXES];
        for (int a = 0; a < parser->syntax->naxes; a++) {
            names[a] = parser->syntax->axes[a].name;
        }
        struct tw__text text;
        tw__text_init(&text, known, sizeof known);
        tw__add_nearest(&text, name, names, (size_t)parser->syntax->naxes, SHOWN);
        return tw__complain(parser->error, &parser->syntax->source, where,
                            "'%s' is no axis (len(i) is the length of an axis): %s%s", name,
                            known[0] != '\0' ? "there are " : "there is none yet", known);
    }
    status = tw__parser_expect(parser, ")", "')'");
    struct tw__syntax_node made = {.kind = TW__SYNTAX_LENGTH,
                                   .which = axis,
                                   .at = at,
                                   .from = at,
                                   .to = parser->behind,
                                   .is_weak = 1,
                                   .class = TW__CLASS_WHOLE};
    return status == TW_OK ? tw__parser_add(parser, &made, node) : status;
}

/* The decimals of round(x, decimals): a whole number that is known. */
static tw_status read_decimals(struct tw__parser *parser, const struct tw__function *function, int *decimals)
{
    enum { MOST = 400 }; /* 10^400 is more than a float64 has */
    int node = -1;
    int64_t value = 0;
    tw_status status = tw__parser_next(parser);
    if (status == TW_OK) {
        status = tw__parse_expression(parser, &node);
    }
    const struct tw__syntax_node *number = status == TW_OK ? &parser->syntax->nodes[node] : NULL;
    if (status == TW_OK && (!number->is_literal || !tw__scalar_to_int64(&number->number, &value))) {
        return tw__complain(parser->error, &parser->syntax->source, number->at,
                            "the decimals are a whole number that is written out: %s", function->usage);
    }
    *decimals = (int)(value > MOST ? MOST : value < -MOST ? -MOST : value);
    return status;
}

static tw_status read_call(struct tw__parser *parser, const char *name, size_t at, int *node)
{
    const struct tw__function *function = tw__find_function(name, strlen(name));
    if (function == NULL) {
        return unknown_function(parser, name, at);
    }
    tw_status status = tw__parser_next(parser);
    if (status != TW_OK) {
        return status;
    }
    if (function->kind == TW__FUNCTION_LENGTH) {
        return read_length(parser, at, node);
    }
    if (function->kind == TW__FUNCTION_REDUCTION) {
        return tw__parse_reduction(parser, function, at, node);
    }
    struct tw__syntax_node made = {.kind = function->kind == TW__FUNCTION_OPERATION ? TW__SYNTAX_OPERATION
                                           : function->kind == TW__FUNCTION_CLIP    ? TW__SYNTAX_CLIP
                                           : function->kind == TW__FUNCTION_ROUND   ? TW__SYNTAX_ROUND
                                                                                    : TW__SYNTAX_CAST,
                                   .which = function->which,
                                   .at = at,
                                   .from = at,
                                   .is_function = 1};
    while (made.nchildren < function->arity) {
        if (made.nchildren > 0) {
            if (!tw__parser_sees(parser, ",")) {
                return tw__complain(parser->error, &parser->syntax->source,
                                    parser->token.kind == TW__TOKEN_END ? parser->behind : parser->token.at,
                                    "expected ',' and another argument: %s", function->usage);
            }
            status = tw__parser_next(parser);
        }
        if (status == TW_OK) {
            status = tw__parse_expression(parser, &made.child[made.nchildren++]);
        }
        if (status != TW_OK) {
            return status;
        }
    }
    if (function->kind == TW__FUNCTION_ROUND && tw__parser_sees(parser, ",")) {
        status = read_decimals(parser, function, &made.which);
        if (status != TW_OK) {
            return status;
        }
    }
    if (tw__parser_sees(parser, ",")) {
        return tw__complain(parser->error, &parser->syntax->source, parser->token.at, "expected ')': %s",
                            function->usage);
    }
    status = tw__parser_expect(parser, ")", "an operator or ')'");
    made.to = parser->behind;
    return status == TW_OK ? tw__parser_add(parser, &made, node) : status;
}

/* ---- atoms ---- */

tw_status tw__parse_atom(struct tw__parser *parser, int *node)
{
    const struct tw__token token = parser->token;
    char name[TW__EXPR_NAME];
    size_t at;
    tw_status status;
    if (token.kind == TW__TOKEN_NUMBER) {
        struct tw__syntax_node made = {.kind = TW__SYNTAX_NUMBER,
                                       .at = token.at,
                                       .from = token.at,
                                       .to = token.at + token.length,
                                       .number = token.value,
                                       .is_weak = 1,
                                       .is_literal = 1,
                                       .class = token.value.class};
        status = tw__parser_next(parser);
        return status == TW_OK ? tw__parser_add(parser, &made, node) : status;
    }
    if (token.kind == TW__TOKEN_NAME && !tw__parser_sees_keyword(parser)) {
        status = tw__parser_name(parser, "", name, &at);
        return status != TW_OK                ? status
               : tw__parser_sees(parser, "(") ? read_call(parser, name, at, node)
               : tw__parser_sees(parser, "[") ? read_element(parser, name, at, node)
                                              : read_bare_name(parser, name, at, node);
    }
    if (tw__parser_sees(parser, "(")) {
        status = tw__parser_next(parser);
        if (status == TW_OK) {
            status = tw__parse_expression(parser, node);
        }
        if (status == TW_OK) {
            status = tw__parser_expect(parser, ")", "an operator or ')'");
        }
        if (status == TW_OK) { /* what belongs to it begins and ends with its parentheses */
            parser->syntax->nodes[*node].from = token.at;
            parser->syntax->nodes[*node].to = parser->behind;
        }
        return status;
    }
    const char *word = tw__parser_sees_name(parser, "if") ? " (a choice is x if c else y)" : "";
    return tw__complain(parser->error, &parser->syntax->source,
                        token.kind == TW__TOKEN_END || tw__parser_sees(parser, ";") ? parser->behind : token.at,
                        "expected a number, a name or '('%s", word);
}
