/* test_recipe.c - reductions as trees: sum, mean, var and the like are REDUCE nodes and a few operations around them.
 */
#include "settled.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "notation/value/kind.h"

struct text {
    char written[1024];
    size_t used;
};

static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int more = vsnprintf(text->written + text->used, sizeof text->written - text->used, format, arguments);
    va_end(arguments);
    assert_in_range(more, 0, sizeof text->written - text->used - 1);
    text->used += (size_t)more;
}

/* sum{x}: a REDUCE. -(x, y): an operation. int64(x): a cast. n: a number that is computed before the run. */
static void put_tree(struct text *text, const struct tw__program *program, int number)
{
    static const char *const reductions[] = {
#define ROW(code, ...) #code,
        TW__REDUCTION_TABLE(ROW)
#undef ROW
    };
    const struct tw__node *node = &program->nodes[number];
    const char *open = "(", *close = ")";
    switch (node->kind) {
    case TW__NODE_CONSTANT:
        put(text, "%g",
            tw__kind_is_inexact(node->dtype) ? node->u.constant.number.real : (double)node->u.constant.integer);
        return;
    case TW__NODE_SCALAR:
        put(text, "n");
        return;
    case TW__NODE_READ:
        put(text, "%s", program->operands[node->u.read.operand].name);
        return;
    case TW__NODE_CAST:
        put(text, "%s", tw__kind_name(node->dtype));
        break;
    case TW__NODE_OPERATION:
        put(text, "%s", tw__operation_name(node->u.op.code));
        break;
    case TW__NODE_REDUCE:
        put(text, "%s", reductions[node->u.reduce.code]);
        open = "{";
        close = "}";
        break;
    default:
        fail_msg("an index");
    }
    for (int k = 0; k < node->nchildren; k++) {
        put(text, "%s", k == 0 ? open : ", ");
        put_tree(text, program, node->child[k]);
    }
    put(text, "%s", close);
}

static void assert_tree(const char *statement, tw_kind kind, const char *tree)
{
    tw_statement *made = settled(statement, kind);
    struct text text = {.used = 0};
    put_tree(&text, &made->typed.program, made->typed.program.statements[0].value);
    assert_string_equal(text.written, tree);
    tw_statement_destroy(made);
}

static void each_reduction_is_a_tree_of_reduce_nodes(void **state)
{
    (void)state;
    assert_tree("s[] = max(k: x[k])", TW_FLOAT64, "MAX{x}");
    assert_tree("s[] = sum(k: x[k])", TW_INT8, "SUM{int64(x)}");
    assert_tree("s[] = mean(k: x[k])", TW_UINT8, "/(SUM{float64(x)}, n)");
    assert_tree("s[] = var(k: x[k])", TW_FLOAT64, "/(SUM{*(-(x, /(SUM{x}, n)), -(x, /(SUM{x}, n)))}, n)");
    assert_tree("s[] = std(k: x[k], ddof=1)", TW_FLOAT32, "sqrt(/(SUM{*(-(x, /(SUM{x}, n)), -(x, /(SUM{x}, n)))}, n))");
    assert_tree("s[] = norm(k: x[k])", TW_INT16, "sqrt(SUM{*(float64(x), float64(x))})");
    assert_tree("s[] = norm(k: x[k])", TW_COMPLEX64, "sqrt(SUM{+(*(real(x), real(x)), *(imag(x), imag(x)))})");
    assert_tree("s[] = count_nonzero(k: x[k])", TW_FLOAT64, "SUM{int64(bool(x))}");
}

static void what_is_nan_is_left_out_of_sums_and_counts(void **state)
{
    (void)state;
    assert_tree("s[] = nansum(k: x[k])", TW_FLOAT64, "SUM{where(isnan(x), 0, x)}");
    assert_tree("s[] = nanprod(k: x[k])", TW_FLOAT32, "PROD{where(isnan(x), 1, x)}");
    assert_tree("s[] = nanmin(k: x[k])", TW_FLOAT64, "FMIN{x}");
    assert_tree("s[] = nanmax(k: x[k])", TW_COMPLEX128, "FMAX{x}");
    assert_tree("s[] = nanmean(k: x[k])", TW_FLOAT64,
                "/(SUM{where(isnan(x), 0, x)}, float64(SUM{int64(not(isnan(x)))}))");
    assert_tree("s[] = nanvar(k: x[k] , ddof=1)", TW_FLOAT64,
                "/(SUM{where(isnan(x), 0, *(-(x, /(SUM{where(isnan(x), 0, x)}, float64(SUM{int64(not(isnan(x)))}))), "
                "-(x, /(SUM{where(isnan(x), 0, x)}, float64(SUM{int64(not(isnan(x)))})))))}, "
                "where(<=(-(float64(SUM{int64(not(isnan(x)))}), 1), 0), nan, "
                "-(float64(SUM{int64(not(isnan(x)))}), 1)))");
}

static void whole_numbers_have_no_nan_to_leave_out(void **state)
{
    static const struct {
        const char *skips, *plain;
    } pairs[] = {{"s[] = nansum(k: x[k])", "SUM{int64(x)}"},
                 {"s[] = nanmin(k: x[k])", "MIN{x}"},
                 {"s[] = nanmax(k: x[k])", "MAX{x}"},
                 {"s[] = nanmean(k: x[k])", "/(SUM{float64(x)}, n)"}};
    (void)state;
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++) {
        assert_tree(pairs[k].skips, TW_INT16, pairs[k].plain);
    }
}

static void float16_is_computed_as_float32_and_rounded_once(void **state)
{
    (void)state;
    assert_tree("s[] = mean(k: x[k])", TW_FLOAT16, "float16(/(SUM{float32(x)}, n))");
    assert_tree("s[] = norm(k: x[k])", TW_FLOAT16, "float16(sqrt(SUM{*(float32(x), float32(x))}))");
    assert_tree("s[] = nanmax(k: x[k])", TW_FLOAT16, "FMAX{x}");
    assert_tree("s[] = argmin(k: x[k])", TW_FLOAT16, "ARGMIN{x}");
}

/* The mean of a variance is of the body of the other sum, whose elements it is subtracted from. */
static void a_mean_stands_in_the_body_that_needs_it(void **state)
{
    (void)state;
    tw_statement *statement = settled("r[i] = var(k: a[i,k] * b[k] - var(l: a[i,l]))", TW_FLOAT64);
    const struct tw__program *program = &statement->typed.program;
    int reductions = 0;
    for (int n = 0; n < program->nnodes; n++) {
        const struct tw__node *node = &program->nodes[n];
        for (int k = 0; k < node->nchildren; k++) {
            assert_int_equal(program->nodes[node->child[k]].scope, node->kind == TW__NODE_REDUCE ? n : node->scope);
        }
        reductions += node->kind == TW__NODE_REDUCE;
    }
    assert_int_equal(reductions, 6); /* two; the inner two stand in the bodies of both outer ones */
    tw_statement_destroy(statement);
}

/* Each depth doubles what is typed: the limit of nodes ends it, with a sentence. */
static void variances_of_variances_end_at_the_limit_of_nodes(void **state)
{
    char text[2048] = "s[] = ";
    tw_statement *statement = NULL;
    tw_dtype dtype = tw_dtype_of(TW_FLOAT64), dtypes[2] = {dtype, {0}};
    tw_error error = {.message = ""};
    (void)state;
    for (int k = 0; k < 24; k++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "var(k%d: ", k);
    }
    strcat(text, "x[k0]");
    for (int k = 0; k < 24; k++) {
        strcat(text, ")");
    }
    assert_int_equal(tw_statement_parse(&statement, text, NULL, &error), TW_OK);
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_ERROR_SYNTAX);
    assert_non_null(strstr(error.message, "too many operations"));
    tw_statement_destroy(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reduction_is_a_tree_of_reduce_nodes),
        cmocka_unit_test(what_is_nan_is_left_out_of_sums_and_counts),
        cmocka_unit_test(whole_numbers_have_no_nan_to_leave_out),
        cmocka_unit_test(float16_is_computed_as_float32_and_rounded_once),
        cmocka_unit_test(a_mean_stands_in_the_body_that_needs_it),
        cmocka_unit_test(variances_of_variances_end_at_the_limit_of_nodes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
