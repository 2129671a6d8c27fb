/* recipe.c - reductions as trees of REDUCE nodes, by the recipe that their row of value/reductions.h has. Knows neither
 * operands nor statements.
 *
 *     mean(k: x)          DIVIDE(SUM(x), count)
 *     var(k: x)           DIVIDE(SUM(d * d), count), d = SUBTRACT(x, mean(k: x)): the mean is in the body of the other
 * sum nansum(k: x)        SUM(SELECT(ISNAN(x), 0, x)) nanmean(k: x)       DIVIDE(nansum(k: x), SUM(CAST int64 of
 * NOT(ISNAN(x))))
 *
 * A reduced expression that stands in several bodies is typed once for each: a node is in one body alone. */
#include "notation/type/recipe.h"

#include <math.h>
#include <string.h>

#include "notation/type/argument.h"
#include "notation/value/kind.h"

struct recipe {
    struct tw__typer *typer;
    const struct tw__syntax_node *node;
    const struct tw__reducer_row *row;
    /* Known once the reduced expression has been typed. */
    tw_kind own, kind; /* its dtype, and the one in which elements are combined */
    int skips;         /* NaN is left out, and there may be some */
};

typedef tw_status element_function(struct recipe *recipe, int *number);

static tw_kind kind_of(const struct recipe *recipe, int node)
{
    return recipe->typer->typed->program.nodes[node].dtype;
}

static tw_status operate(struct recipe *recipe, enum tw__operation code, tw_kind dtype, int a, int b, int *number)
{
    const int children[2] = {a, b};
    return tw__typer_operate(recipe->typer, code, dtype, children, b < 0 ? 1 : 2, recipe->node->at, number);
}

static tw_status add_constant(struct recipe *recipe, tw_kind kind, double value, int *number)
{
    struct tw__node constant = {.kind = TW__NODE_CONSTANT, .dtype = kind};
    constant.u.constant.number.real = value;
    return tw__typer_add(recipe->typer, &constant, recipe->node->at, number);
}

/* `condition` ? value : x, for a value that is written out. */
static tw_status choose(struct recipe *recipe, int condition, double value, int x, int *number)
{
    int children[3] = {condition, -1, x};
    const tw_status status = add_constant(recipe, kind_of(recipe, x), value, &children[1]);
    return status == TW_OK ? tw__typer_operate(recipe->typer, TW__OP_SELECT, kind_of(recipe, x), children, 3,
                                               recipe->node->at, number)
                           : status;
}

/* ---- the elements ---- */

static void settle(struct recipe *recipe, tw_kind own)
{
    const int is_exact = !tw__kind_is_inexact(own);
    recipe->own = own;
    switch (recipe->row->recipe) {
    case TW__RECIPE_PLAIN:
        recipe->kind = tw__reduction_kind(recipe->row->reduce, own);
        break;
    case TW__RECIPE_TRUTHS:
        recipe->kind = TW_INT64;
        break;
    default:
        recipe->kind = is_exact ? TW_FLOAT64 : tw__reduction_kind(recipe->row->reduce, own);
    }
    recipe->skips = (recipe->row->traits & (unsigned)TW__REDUCER_SKIPS) != 0 && !is_exact;
}

/* The reduced expression in the body that is typed now. */
static tw_status add_typed(struct recipe *recipe, struct tw__argument *x)
{
    struct tw__typer *typer = recipe->typer;
    for (int n = recipe->node->body; n <= recipe->node->child[0]; n++) {
        typer->typed->node_of[n] = -1; /* its nodes are in another body, if it has any */
    }
    const int naround = typer->naround;
    for (int a = 0; a < recipe->node->naxes; a++) {
        typer->around[typer->naround++] = recipe->node->axes[a];
    }
    const tw_status status = typer->type(typer, recipe->node->child[0], x);
    typer->naround = naround;
    if (status == TW_OK) {
        settle(recipe, x->dtype);
    }
    return status;
}

static tw_status add_converted(struct recipe *recipe, int *number)
{
    struct tw__argument x;
    const tw_status status = add_typed(recipe, &x);
    return status == TW_OK ? tw__typer_convert(recipe->typer, &x, recipe->kind, TW__SATURATE_NO, number) : status;
}

/* `number`, or what changes no sum (product) if x is left out. */
static tw_status skip(struct recipe *recipe, int x, int *number)
{
    int is_nan;
    if (!recipe->skips) {
        return TW_OK;
    }
    const tw_status status = operate(recipe, TW__OP_ISNAN, TW_BOOL, x, -1, &is_nan);
    return status == TW_OK ? choose(recipe, is_nan, recipe->row->reduce == TW__REDUCE_PROD, *number, number) : status;
}

static tw_status plain_element(struct recipe *recipe, int *number)
{
    const tw_status status = add_converted(recipe, number);
    return status == TW_OK ? skip(recipe, *number, number) : status;
}

static tw_status truth_element(struct recipe *recipe, int *number)
{
    struct tw__argument x;
    tw_status status = add_typed(recipe, &x);
    if (status == TW_OK) {
        status = tw__typer_convert(recipe->typer, &x, TW_BOOL, TW__SATURATE_NO, number);
    }
    return status == TW_OK ? tw__typer_cast(recipe->typer, *number, TW_INT64, recipe->node->at, number) : status;
}

/* Elements that are not left out. */
static tw_status counted_element(struct recipe *recipe, int *number)
{
    int x;
    tw_status status = add_converted(recipe, &x);
    if (status == TW_OK) {
        status = operate(recipe, TW__OP_ISNAN, TW_BOOL, x, -1, number);
    }
    if (status == TW_OK) {
        status = operate(recipe, TW__OP_NOT, TW_BOOL, *number, -1, number);
    }
    return status == TW_OK ? tw__typer_cast(recipe->typer, *number, TW_INT64, recipe->node->at, number) : status;
}

/* |x|^2, of a complex number without its root. */
static tw_status square(struct recipe *recipe, int x, int *number)
{
    const tw_kind kind = kind_of(recipe, x), part = tw__kind_part(kind);
    int real, imag = -1;
    if (!tw__kind_is_complex(kind)) {
        return operate(recipe, TW__OP_MULTIPLY, kind, x, x, number);
    }
    tw_status status = operate(recipe, TW__OP_REAL, part, x, -1, &real);
    if (status == TW_OK) {
        status = operate(recipe, TW__OP_MULTIPLY, part, real, real, &real);
    }
    if (status == TW_OK) {
        status = operate(recipe, TW__OP_IMAG, part, x, -1, &imag);
    }
    if (status == TW_OK) {
        status = operate(recipe, TW__OP_MULTIPLY, part, imag, imag, &imag);
    }
    return status == TW_OK ? operate(recipe, TW__OP_ADD, part, real, imag, number) : status;
}

static tw_status square_element(struct recipe *recipe, int *number)
{
    int x;
    const tw_status status = add_converted(recipe, &x);
    return status == TW_OK ? square(recipe, x, number) : status;
}

static tw_status add_mean(struct recipe *recipe, int *number);

static tw_status distance_element(struct recipe *recipe, int *number)
{
    int x, mean;
    tw_status status = add_mean(recipe, &mean);
    if (status == TW_OK) {
        status = add_converted(recipe, &x);
    }
    if (status == TW_OK) {
        status = operate(recipe, TW__OP_SUBTRACT, recipe->kind, x, mean, number);
    }
    if (status == TW_OK) {
        status = square(recipe, *number, number);
    }
    return status == TW_OK ? skip(recipe, x, number) : status;
}

/* ---- REDUCE nodes ---- */

/* Of integers there is no NaN, and one rule for the smaller of two. */
static enum tw__reduction code_of(enum tw__reduction code, tw_kind kind)
{
    const int is_exact = !tw__kind_is_inexact(kind);
    return is_exact && code == TW__REDUCE_FMIN   ? TW__REDUCE_MIN
           : is_exact && code == TW__REDUCE_FMAX ? TW__REDUCE_MAX
                                                 : code;
}

/* A REDUCE whose elements are made in a body of its own. */
static tw_status reduce(struct recipe *recipe, enum tw__reduction code, element_function *element, int *number)
{
    struct tw__typer *typer = recipe->typer;
    const struct tw__syntax_node *node = recipe->node;
    const int outer = typer->body;
    struct tw__node made = {.kind = TW__NODE_REDUCE, .nchildren = 1};
    int inner;
    tw_status status = tw__typer_open_body(typer, &inner);
    if (status != TW_OK) {
        return status;
    }
    typer->body = inner;
    status = element(recipe, &made.child[0]);
    typer->body = outer;
    if (status != TW_OK) {
        return status;
    }
    const tw_kind kind = kind_of(recipe, made.child[0]);
    made.u.reduce.code = code_of(code, kind);
    made.u.reduce.naxes = node->naxes;
    memcpy(made.u.reduce.axis, node->axes, sizeof node->axes);
    made.dtype = tw__reduction_row(code)->shape == TW__REDUCES_PLACE ? TW_INT64 : kind;
    status = tw__typer_add(typer, &made, node->at, number);
    if (status != TW_OK) {
        return status;
    }
    typer->reduce_of[inner - 1] = *number;
    for (int k = 0; k < node->naxes; k++) { /* its own axes are none of its value's */
        typer->typed->program.nodes[*number].axes &= ~(UINT64_C(1) << node->axes[k]);
    }
    return TW_OK;
}

/* ---- what sums are divided by ---- */

static tw_status add_number(struct recipe *recipe, int syntax, tw_kind kind, int *number)
{
    struct tw__argument value;
    const tw_status status = recipe->typer->type(recipe->typer, syntax, &value);
    return status == TW_OK ? tw__typer_convert(recipe->typer, &value, kind, TW__SATURATE_NO, number) : status;
}

/* How many elements are not left out, less the degrees of freedom; NaN if nothing is left. */
static tw_status add_counted(struct recipe *recipe, tw_kind kind, int ddof, int *number)
{
    int less, zero, none;
    tw_status status = reduce(recipe, TW__REDUCE_SUM, counted_element, number);
    if (status == TW_OK) {
        status = tw__typer_cast(recipe->typer, *number, kind, recipe->node->at, number);
    }
    if (status != TW_OK || ddof < 0) {
        return status;
    }
    status = add_number(recipe, ddof, kind, &less);
    if (status == TW_OK) {
        status = operate(recipe, TW__OP_SUBTRACT, kind, *number, less, number);
    }
    if (status == TW_OK) {
        status = add_constant(recipe, kind, 0, &zero);
    }
    if (status == TW_OK) {
        status = operate(recipe, TW__OP_LESS_EQUAL, TW_BOOL, *number, zero, &none);
    }
    return status == TW_OK ? choose(recipe, none, NAN, *number, number) : status;
}

/* The quotient of a sum of elements and their number. */
static tw_status divide(struct recipe *recipe, int sum, int count, int ddof, int *number)
{
    const tw_kind kind = kind_of(recipe, sum);
    int divisor;
    const tw_status status =
        recipe->skips ? add_counted(recipe, kind, ddof, &divisor) : add_number(recipe, count, kind, &divisor);
    return status == TW_OK ? operate(recipe, TW__OP_DIVIDE, kind, sum, divisor, number) : status;
}

static tw_status add_mean(struct recipe *recipe, int *number)
{
    const tw_status status = reduce(recipe, TW__REDUCE_SUM, plain_element, number);
    return status == TW_OK ? divide(recipe, *number, recipe->node->count, -1, number) : status;
}

/* ---- all of it ---- */

static tw_status add_value(struct recipe *recipe, int *number)
{
    const enum tw__reduction code = recipe->row->reduce;
    tw_status status;
    switch (recipe->row->recipe) {
    case TW__RECIPE_TRUTHS:
        return reduce(recipe, code, truth_element, number);
    case TW__RECIPE_LENGTH:
        return reduce(recipe, code, square_element, number);
    case TW__RECIPE_MEAN:
        return add_mean(recipe, number);
    case TW__RECIPE_SPREAD:
        status = reduce(recipe, code, distance_element, number);
        return status == TW_OK ? divide(recipe, *number, recipe->node->freedom, recipe->node->ddof, number) : status;
    default:
        return reduce(recipe, code, plain_element, number);
    }
}

tw_status tw__type_reduction(struct tw__typer *typer, const struct tw__syntax_node *node, int *number)
{
    struct recipe recipe = {.typer = typer, .node = node, .row = tw__reducer_row((enum tw__reducer)node->which)};
    tw_status status = add_value(&recipe, number);
    if (status == TW_OK && (recipe.row->traits & (unsigned)TW__REDUCER_ROOT) != 0) {
        status = operate(&recipe, TW__OP_SQRT, kind_of(&recipe, *number), *number, -1, number);
    }
    const int is_half = status == TW_OK && recipe.own == TW_FLOAT16 && kind_of(&recipe, *number) == TW_FLOAT32;
    return is_half ? tw__typer_cast(typer, *number, TW_FLOAT16, node->at, number) : status;
}
