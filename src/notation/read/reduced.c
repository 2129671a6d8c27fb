/* reduced.c - reads reductions: the axes, the expression, what is said of the number of elements. */
#include "notation/read/function.h"
#include "notation/read/parser.h"

/* max(i - 1, 0) as an index: a value is meant, and no reduction. */
static tw_status refuse_extreme_index(struct tw__parser *parser, const struct tw__function *function, size_t at)
{
    return tw__complain(
        parser->error, &parser->syntax->source, at,
        "an index has no %s(): write the index of %s alone and give its axis the edge clamp, which takes "
        "the nearest element",
        function->name, parser->indexed);
}

/* min and max, which people also write for minimum and maximum. */
static int is_extreme_of(int reducer)
{
    return reducer == TW__REDUCER_MIN || reducer == TW__REDUCER_MAX;
}

/* A reduction that is being read: sum(k, l: ...). */
struct reduction {
    const struct tw__function *function;
    size_t at;          /* of its name */
    uint64_t outside;   /* axes that have a meaning around it */
    int is_of_an_index; /* min or max within an index, for which most people mean minimum or maximum */
    struct tw__syntax_node made;
};

/* The axis is there already: it is reduced around this place, or it is no axis to reduce but a value. */
static tw_status refuse_axis(struct tw__parser *parser, const struct reduction *reduction, const char *name,
                             size_t where, int axis)
{
    const struct tw__source *source = &parser->syntax->source;
    const char *function = reduction->function->name;
    const int is_extreme = is_extreme_of(reduction->made.which);
    if (is_extreme && tw__parser_sees(parser, ",")) {
        return parser->indexed != NULL
                   ? tw__complain(parser->error, source, reduction->at,
                                  "an index has no %s(): read %s[%s] and give axis %s the edge clamp, which takes the "
                                  "nearest element",
                                  function, parser->indexed, name, name)
                   : tw__complain(parser->error, source, reduction->at,
                                  "%s reduces axes; of two values write %simum(a, b)", function, function);
    }
    return reduction->outside >> axis & 1
               ? tw__complain(parser->error, source, where,
                              "axis %s cannot be reduced here: %s has it or it is reduced already; take another name",
                              name, parser->target)
               : tw__complain(parser->error, source, where, "axis %s is reduced twice", name);
}

static tw_status read_reduced_axis(struct tw__parser *parser, struct reduction *reduction)
{
    static const char expected[] = "expected the axes that are reduced, and ':', as in %s";
    const struct tw__source *source = &parser->syntax->source;
    const char *usage = reduction->function->usage;
    char name[TW__EXPR_NAME];
    size_t where;
    int axis;
    if (reduction->is_of_an_index && parser->token.kind != TW__TOKEN_NAME) {
        return refuse_extreme_index(parser, reduction->function, reduction->at);
    }
    if (parser->token.kind != TW__TOKEN_NAME || tw__parser_sees_keyword(parser)) {
        return tw__complain(parser->error, source, parser->token.at, expected, usage);
    }
    tw_status status = tw__parser_name(parser, "", name, &where);
    if (status == TW_OK && reduction->is_of_an_index && tw__parser_sees(parser, "(")) {
        return refuse_extreme_index(parser, reduction->function, reduction->at);
    }
    if (status == TW_OK && (tw__parser_sees(parser, "(") || tw__parser_sees(parser, "["))) {
        return tw__complain(parser->error, source, where, expected, usage);
    }
    if (status == TW_OK) {
        status = tw__parser_add_axis(parser, name, where, &axis);
    }
    if (status != TW_OK) {
        return status;
    }
    if (reduction->is_of_an_index && !tw__parser_sees(parser, ",") && !tw__parser_sees(parser, ":")) {
        return refuse_extreme_index(parser, reduction->function, reduction->at);
    }
    if (parser->scope >> axis & 1) {
        return refuse_axis(parser, reduction, name, where, axis);
    }
    if (reduction->made.naxes == TW__EXPR_REDUCED) {
        return tw__complain(parser->error, source, where, "more than %d axes in one reduction", TW__EXPR_REDUCED);
    }
    reduction->made.axes[reduction->made.naxes++] = axis;
    parser->scope |= UINT64_C(1) << axis;
    return TW_OK;
}

/* "k, l:", and the value behind it. */
static tw_status read_reduced(struct tw__parser *parser, struct reduction *reduction)
{
    tw_status status = read_reduced_axis(parser, reduction);
    while (status == TW_OK && tw__parser_sees(parser, ",")) {
        status = tw__parser_next(parser);
        if (status == TW_OK) {
            status = read_reduced_axis(parser, reduction);
        }
    }
    if (status == TW_OK && !tw__parser_sees(parser, ":")) {
        return tw__complain(parser->error, &parser->syntax->source,
                            parser->token.kind == TW__TOKEN_END ? parser->behind : parser->token.at,
                            "expected ':' after the axes that are reduced, as in %s", reduction->function->usage);
    }
    if (status == TW_OK) {
        status = tw__parser_next(parser);
    }
    reduction->made.body = parser->syntax->nnodes;
    return status == TW_OK ? tw__parse_expression(parser, &reduction->made.child[0]) : status;
}

/* ---- the number of elements ---- */

static tw_status add_operation(struct tw__parser *parser, const struct tw__syntax_node *reduction, int code, int a,
                               int b, int *node)
{
    struct tw__syntax_node made = {.kind = TW__SYNTAX_OPERATION,
                                   .which = code,
                                   .at = reduction->at,
                                   .from = reduction->from,
                                   .to = reduction->to,
                                   .child = {a, b},
                                   .nchildren = 2};
    return tw__parser_add(parser, &made, node);
}

/* len(k) * len(l) */
static tw_status add_count(struct tw__parser *parser, struct tw__syntax_node *reduction)
{
    tw_status status = TW_OK;
    for (int k = 0; k < reduction->naxes && status == TW_OK; k++) {
        struct tw__syntax_node length = {.kind = TW__SYNTAX_LENGTH,
                                         .which = reduction->axes[k],
                                         .at = reduction->at,
                                         .from = reduction->from,
                                         .to = reduction->to,
                                         .is_weak = 1,
                                         .class = TW__CLASS_WHOLE};
        const int before = reduction->count;
        status = tw__parser_add(parser, &length, &reduction->count);
        if (status == TW_OK && k > 0) {
            status = add_operation(parser, reduction, TW__OP_MULTIPLY, before, reduction->count, &reduction->count);
        }
    }
    return status;
}

/* n - ddof if n > ddof else 0 */
static tw_status add_freedom(struct tw__parser *parser, struct tw__syntax_node *reduction)
{
    struct tw__syntax_node zero = {.kind = TW__SYNTAX_NUMBER,
                                   .at = reduction->at,
                                   .from = reduction->from,
                                   .to = reduction->to,
                                   .number = tw__scalar_int64(0),
                                   .is_weak = 1,
                                   .is_literal = 1,
                                   .class = TW__CLASS_WHOLE};
    struct tw__syntax_node choice = {.kind = TW__SYNTAX_OPERATION,
                                     .which = TW__OP_SELECT,
                                     .at = reduction->at,
                                     .from = reduction->from,
                                     .to = reduction->to,
                                     .nchildren = 3};
    reduction->freedom = reduction->count;
    if (reduction->ddof < 0) {
        return TW_OK;
    }
    tw_status status =
        add_operation(parser, reduction, TW__OP_GREATER, reduction->count, reduction->ddof, &choice.child[0]);
    if (status == TW_OK) {
        status = add_operation(parser, reduction, TW__OP_SUBTRACT, reduction->count, reduction->ddof, &choice.child[1]);
    }
    if (status == TW_OK) {
        status = tw__parser_add(parser, &zero, &choice.child[2]);
    }
    return status == TW_OK ? tw__parser_add(parser, &choice, &reduction->freedom) : status;
}

/* ", ddof=1" */
static tw_status read_ddof(struct tw__parser *parser, struct reduction *reduction)
{
    const struct tw__source *source = &parser->syntax->source;
    const char *usage = reduction->function->usage;
    tw_status status = tw__parser_next(parser);
    if (status == TW_OK && !tw__parser_sees_name(parser, "ddof")) {
        return tw__complain(parser->error, source,
                            parser->token.kind == TW__TOKEN_END ? parser->behind : parser->token.at,
                            "expected ddof=1, the degrees of freedom that are lost, behind ',': %s", usage);
    }
    if (status == TW_OK) {
        status = tw__parser_next(parser);
    }
    if (status == TW_OK) {
        status = tw__parser_expect(parser, "=", "'=' behind ddof");
    }
    if (status == TW_OK) {
        status = tw__parse_expression(parser, &reduction->made.ddof);
    }
    if (status != TW_OK) {
        return status;
    }
    const struct tw__syntax_node *ddof = &parser->syntax->nodes[reduction->made.ddof];
    if (!ddof->is_weak || ddof->class > TW__CLASS_REAL) {
        return tw__complain(parser->error, source, ddof->at,
                            "ddof is a real number, the same for all elements, such as 1 or a parameter: %s", usage);
    }
    return TW_OK;
}

/* ---- all of it ---- */

tw_status tw__parse_reduction(struct tw__parser *parser, const struct tw__function *function, size_t at, int *node)
{
    struct reduction reduction = {.function = function,
                                  .at = at,
                                  .outside = parser->scope,
                                  .is_of_an_index = parser->indexed != NULL && is_extreme_of(function->which),
                                  .made = {.kind = TW__SYNTAX_REDUCE,
                                           .which = function->which,
                                           .at = at,
                                           .from = at,
                                           .nchildren = 1,
                                           .count = -1,
                                           .ddof = -1,
                                           .freedom = -1}};
    const int divides = tw__reducer_row((enum tw__reducer)function->which)->recipe == TW__RECIPE_MEAN ||
                        tw__reducer_row((enum tw__reducer)function->which)->recipe == TW__RECIPE_SPREAD;
    tw_status status = read_reduced(parser, &reduction);
    parser->scope = reduction.outside;
    if (status == TW_OK && tw__reducer_has((enum tw__reducer)function->which, TW__REDUCER_DDOF) &&
        tw__parser_sees(parser, ",")) {
        status = read_ddof(parser, &reduction);
    }
    if (status == TW_OK) {
        status = tw__parser_expect(parser, ")", "an operator or ')'");
    }
    reduction.made.to = parser->behind;
    if (status == TW_OK && divides) {
        status = add_count(parser, &reduction.made);
    }
    if (status == TW_OK && divides) {
        status = add_freedom(parser, &reduction.made);
    }
    return status == TW_OK ? tw__parser_add(parser, &reduction.made, node) : status;
}
