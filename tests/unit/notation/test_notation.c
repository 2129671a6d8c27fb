/* Statements as the public interface has them: signatures that follow, values that change, lengths, and orders of
 * calls. */
#include "harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notation/notation.h"

static tw_statement *parse(const char *text, const tw_statement_options *options)
{
    tw_statement *statement = NULL;
    tw_error error = {.message = ""};
    if (tw_statement_parse(&statement, text, options, &error) != TW_OK) {
        fail_msg("%s", error.message);
    }
    return statement;
}

static void texts_mention_operands_and_others(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        tw_mention mention;
    } cases[] = {
        {"r[i] = c * y[i]", "y", TW_MENTION_OPERAND}, {"r[i] = c * y[i]", "c", TW_MENTION_ALONE},
        {"r[i] = c * y[i]", "i", TW_MENTION_ALONE},   {"r[i] = c * y[i]", "cy", TW_MENTION_NONE},
        {"r[i] = y [i]", "y", TW_MENTION_OPERAND},    {"r[i] = (y\n[i])", "y", TW_MENTION_OPERAND},
        {"r[i] = c + c[]", "c", TW_MENTION_OPERAND},  {"r[i] = yc[i]", "c", TW_MENTION_NONE},
        {"r[i] = 2e3", "e3", TW_MENTION_NONE},        {"", "c", TW_MENTION_NONE},
        {"r[i] = $ c", "c", TW_MENTION_NONE},         {"r[i] = c * y[i]", "", TW_MENTION_NONE},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        assert_int_equal(tw_statement_mention(cases[k].text, cases[k].name), cases[k].mention);
    }
}

static void signatures_follow_from_statements(void **state)
{
    static const struct {
        const char *text, *signature;
    } cases[] = {
        {"r[i,j] = y[i] * x[j]", "y[i], x[j] -> r[i,j]"},
        {"r[i,j] = x[j] * y[i]", "x[j], y[i] -> r[i,j]"},
        {"r[i,j] = sum(k: a[i,k] * b[k,j])", "a[i,k], b[k,j] -> r[i,j]"},
        {"s[] = sum(i: a[i])", "a[i] -> s[]"},
        {"r[i] += x[i]", "x[i], r[i] -> r[i]"},
        {"r[i] = r[i] + x[i]", "x[i], r[i] -> r[i]"},
        {"r[i] = x[i]; r[i] += 1", "x[i] -> r[i]"},
        {"r[i] = i", "-> r[i]"},
        {"t[i] = x[i]; r[i,j] = t[i] * y[j]", "x[i], y[j] -> t[i], r[i,j]"},
        {"r[i,j] = u[i-1,j]", "u[u_0,j] -> r[i,j]"},
        {"r[i,j] = u[i,j] + u[j,i]", "u[u_0,u_1] -> r[i,j]"},
        {"r[i,j] = u[i,j] + u[i,0]", "u[i,u_1] -> r[i,j]"},
        {"r[i] = u[i,i]", "u[i,u_1] -> r[i]"},
        {"r[u_0] = u[u_0+1]", "u[whole_1_0_0] -> r[u_0]"},
        {"r[i] = sum(k: u[i+k])", "u[u_0] -> r[i]"},
        {"r[j,i] = a[i,j]", "a[i,j] -> r[j,i]"},
        {"\n r[i] = x[i] ;\n;", "x[i] -> r[i]"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char text[256];
        tw_statement *statement = parse(cases[k].text, NULL);
        tw_signature_text(tw_statement_signature(statement), NULL, text, sizeof text);
        if (strcmp(text, cases[k].signature) != 0) {
            fail_msg("%s: %s and not %s", cases[k].text, text, cases[k].signature);
        }
        tw_statement_destroy(statement);
    }
}

/* A statement of inputs of one shape each, bound. */
static tw_status bind(tw_statement *statement, int64_t (*shapes)[2], const tw_axis_length *given, size_t ngiven,
                      int64_t *lengths, tw_error *error)
{
    const tw_signature *signature = tw_statement_signature(statement);
    tw_view views[TW_MAX_OPERANDS];
    const tw_view *operands[TW_MAX_OPERANDS];
    tw_dtype dtypes[TW_MAX_OPERANDS] = {{0}};
    int inputs = 0;
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        operands[k] = NULL;
        if (tw_signature_role(signature, k) != TW_OUT) {
            dtypes[k] = tw_dtype_of(TW_FLOAT64);
            views[k] = (tw_view){.dtype = dtypes[k],
                                 .ndim = tw_signature_ndim(signature, k),
                                 .shape = {shapes[inputs][0], shapes[inputs][1]}};
            operands[k] = &views[k];
            inputs++;
        }
    }
    const tw_status status = tw_statement_types(statement, dtypes, error);
    return status == TW_OK ? tw_statement_bind(statement, operands, given, ngiven, lengths, error) : status;
}

static void lengths_follow_from_indices(void **state)
{
    static const struct {
        const char *text;
        int64_t shapes[2][2];
        int64_t length; /* of the output's first axis; -1: refused */
    } cases[] = {
        {"r[i] = u[i]", {{10}}, 10},
        {"r[i] = u[2*i]", {{10}}, 5},
        {"r[i] = u[2*i]", {{9}}, 5},
        {"r[i] = u[2*i+1]", {{9}}, 4},
        {"r[i] = u[3*i+9]", {{9}}, 0},
        {"r[i] = u[9-i]", {{10}}, 10},
        {"r[i] = u[9-i]", {{5}}, -1},
        {"r[i] = u[9-2*i]", {{10}}, 5},
        {"r[i] = u[len(i)-1-i]", {{10}}, 10},
        {"r[i] = u[len(i)-i]", {{10}}, -1},
        {"r[i] = u[i+1]", {{10}}, -1},
        {"r[i] = u[i-1]", {{10}}, -1},
        {"r[i] = u[i+1]", {{0}}, 0},
        {"r[i] = u[i] + v[i]", {{10}, {1}}, 10},
        {"r[i] = u[i] + v[i]", {{1}, {1}}, 1},
        {"r[i] = u[i] + v[i]", {{10}, {9}}, -1},
        {"r[i] = u[i+0] + v[2*i]", {{10}, {19}}, 10},
        {"r[i] = u[i+0] + v[2*i]", {{10}, {18}}, -1},
        {"r[i] = u[2*i] + v[3*i]", {{10}, {10}}, 4},
        {"r[i] = sum(k: v[k] * u[i+k])", {{3}, {10}}, 8},
        {"r[i] = sum(k: v[k] * u[i+k])", {{11}, {10}}, 0},
        {"r[i] = sum(k: v[k] * u[i-k])", {{3}, {10}}, -1},
        {"r[i] = u[i,0]", {{10, 1}}, 10},
        {"r[i] = u[i,1]", {{10, 1}}, -1},
        {"r[i] = u[i,i]", {{10, 12}}, -1},
        {"r[i] = u[i,i]", {{10, 10}}, 10},
        {"r[i] = u[i,i] + v[i]", {{1, 1}, {10}}, 10},
        {"r[i] = v[i] + u[i] - u[0]", {{10}, {12}}, -1},
        {"r[i] = u[i,i]", {{10, 9}}, -1},
        {"r[i] = i", {{0}}, -1},
        {"r[i] = u[9223372036854775807*i]", {{10}}, 1},
        {"r[i] = u[i+9223372036854775807]", {{10}}, -1},
        {"r[i] = u[i-9223372036854775807-1]", {{10}}, -1},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_statement *statement = parse(cases[k].text, NULL);
        int64_t lengths[16], shapes[2][2];
        tw_error error = {.message = ""};
        memcpy(shapes, cases[k].shapes, sizeof shapes);
        const tw_status status = bind(statement, shapes, NULL, 0, lengths, &error);
        if ((status == TW_OK) != (cases[k].length >= 0) || (status == TW_OK && lengths[0] != cases[k].length)) {
            fail_msg("%s: %d, %" PRId64 ", %s", cases[k].text, (int)status, lengths[0], error.message);
        }
        tw_statement_destroy(statement);
    }
}

static void given_lengths_decide(void **state)
{
    tw_statement *statement = parse("r[i] = u[i+1] - u[i]", NULL);
    int64_t lengths[4], shapes[1][2] = {{10}};
    tw_axis_length given = {"i", 9};
    tw_error error;
    (void)state;
    assert_int_equal(bind(statement, shapes, &given, 1, lengths, &error), TW_OK);
    assert_int_equal(lengths[0], 9);
    assert_int_equal(lengths[1], 10);
    given.length = 10;
    assert_int_equal(bind(statement, shapes, &given, 1, lengths, &error), TW_ERROR_SYNTAX);
    assert_int_equal(error.column, 10);
    given.length = -1;
    assert_int_equal(bind(statement, shapes, &given, 1, lengths, &error), TW_ERROR_ARGUMENT);
    given.axis = "k";
    assert_int_equal(bind(statement, shapes, &given, 1, lengths, &error), TW_ERROR_ARGUMENT);
    given.axis = NULL;
    assert_int_equal(bind(statement, shapes, &given, 1, lengths, &error), TW_ERROR_ARGUMENT);
    tw_statement_destroy(statement);
    const tw_axis_edge edge = {.axis = "", .edge = TW_EDGE_WRAP}; /* NULL: all axes */
    statement = NULL;
    assert_int_equal(
        tw_statement_parse(&statement, "r[i] = x[i]", &(tw_statement_options){.edges = &edge, .nedges = 1}, &error),
        TW_ERROR_ARGUMENT);
    assert_null(statement);
}

static void an_edge_cannot_help_where_there_is_no_element(void **state)
{
    static const tw_status expected[] = {TW_ERROR_SYNTAX, TW_ERROR_SYNTAX, TW_ERROR_SYNTAX, TW_OK};
    (void)state;
    for (int k = 0; k < 4; k++) {
        const tw_axis_edge edge = {.axis = "i", .edge = (tw_edge)k};
        const tw_statement_options options = {.edges = &edge, .nedges = 1};
        tw_statement *statement = parse("r[i] = u[i-1]", &options);
        int64_t lengths[4], shapes[1][2] = {{0}};
        const tw_axis_length given = {"i", 3};
        tw_error error;
        assert_int_equal(bind(statement, shapes, &given, 1, lengths, &error), expected[k]);
        tw_statement_destroy(statement);
    }
}

static void parameters_reach_the_context_in_their_dtype(void **state)
{
    tw_parameter c = {.name = "c", .kind = TW_INT64, .integer = 200};
    const tw_statement_options options = {.parameters = &c, .nparameters = 1};
    tw_statement *statement = parse("r[i] = uint8(i) + 2 * c - 150", &options);
    tw_dtype dtypes[1] = {{0}};
    const tw_view *views[1] = {NULL};
    const tw_axis_length given = {"i", 3};
    int64_t lengths[1];
    tw_error error;
    (void)state;
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_OK);
    assert_int_equal(tw_statement_dtype(statement, 0).kind, TW_UINT8);
    assert_int_equal(tw_statement_bind(statement, views, &given, 1, lengths, &error), TW_ERROR_SYNTAX);
    assert_non_null(strstr(error.message, "400 does not fit uint8 at column 21\n"));
    c.integer = 100;
    assert_int_equal(tw_statement_set(statement, &c, &error), TW_OK);
    assert_int_equal(tw_statement_bind(statement, views, &given, 1, lengths, &error), TW_OK);
    assert_int_equal(statement->context[TW__CONTEXT_SCALARS(1)], 200);
    c.kind = TW_FLOAT64;
    assert_int_equal(tw_statement_set(statement, &c, &error), TW_ERROR_ARGUMENT);
    c.name = "d";
    assert_int_equal(tw_statement_set(statement, &c, &error), TW_ERROR_ARGUMENT);
    tw_statement_destroy(statement);
}

static void steps_out_of_order_are_refused(void **state)
{
    tw_statement *statement = parse("r[i] = x[i]", NULL);
    const tw_kernel *kernel;
    const tw_view *views[2] = {NULL, NULL};
    tw_dtype dtypes[2] = {{0}};
    int64_t lengths[1];
    char *text;
    tw_error error;
    (void)state;
    assert_int_equal(tw_statement_bind(statement, views, NULL, 0, lengths, &error), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_statement_kernel(&kernel, statement, NULL, &error), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_statement_source(statement, &text, &error), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_statement_dtype(statement, 0).kind, TW_OPAQUE);
    dtypes[0].kind = (tw_kind)55;
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_ERROR_ARGUMENT);
    dtypes[0] = tw_dtype_of(TW_FLOAT32);
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_OK);
    assert_int_equal(tw_statement_bind(statement, views, NULL, 0, lengths, &error), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_statement_kernel(&kernel, statement, NULL, &error), TW_ERROR_ARGUMENT);
    tw_statement_destroy(statement);
    tw_statement_destroy(NULL);
}

static void equal_parts_are_one_node(void **state)
{
    tw_statement *statement = parse("r[i] = (x[i] + 1) * (x[i] + 1) + sum(k: y[k] + x[i])", NULL);
    const tw_dtype dtypes[3] = {tw_dtype_of(TW_FLOAT64), tw_dtype_of(TW_FLOAT64)};
    tw_error error;
    (void)state;
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_OK);
    int reads = 0;
    for (int n = 0; n < statement->typed.program.nnodes; n++) {
        reads += statement->typed.program.nodes[n].kind == TW__NODE_READ;
    }
    assert_int_equal(reads, 3); /* x outside, x and y in the body */
    tw_statement_destroy(statement);
}

/* The caller's word may cost digits; what an array has, or an earlier statement, may not. */
static void a_dtype_in_words_may_lose_what_one_that_is_there_keeps(void **state)
{
    (void)state;
    const tw_dtype int32 = tw_dtype_of(TW_INT32), float64 = tw_dtype_of(TW_FLOAT64);
    const tw_dtype asked[] = {float64, int32};
    static const char inout[] = "r[i] = r[i] * 0.5 + x[i]", out[] = "r[i] = x[i]", said[] = "r[i]:int32 = x[i]";
    const struct {
        const char *text;
        int same_kind, refused;
    } cases[] = {{out, 0, 0},
                 {out, 1, 1},
                 {said, 0, 0},
                 {said, 1, 0},
                 {inout, 0, 1},
                 {inout, 1, 1},
                 {"r[i]:int32 = r[i] * 0.5 + x[i]", 1, 0}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_statement *statement = parse(cases[k].text, &(tw_statement_options){.same_kind = cases[k].same_kind});
        tw_error error = {.message = ""};
        const tw_status status = tw_statement_types(statement, asked, &error);
        assert_int_equal(status, cases[k].refused ? TW_ERROR_SYNTAX : TW_OK);
        assert_int_equal(strstr(error.message, "r is int32, but the result is float64") != NULL, cases[k].refused);
        tw_statement_destroy(statement);
    }
    const tw_dtype free_output[] = {int32, {0}};
    tw_error error = {.message = ""};
    tw_statement *statement = parse("r[i] = x[i]; r[i] = r[i] / 2", NULL);
    assert_int_equal(tw_statement_types(statement, free_output, &error), TW_ERROR_SYNTAX);
    assert_non_null(strstr(error.message, "write r[...] = int32(...), or give r another dtype"));
    tw_statement_destroy(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_mention_operands_and_others),
        cmocka_unit_test(signatures_follow_from_statements),
        cmocka_unit_test(lengths_follow_from_indices),
        cmocka_unit_test(given_lengths_decide),
        cmocka_unit_test(an_edge_cannot_help_where_there_is_no_element),
        cmocka_unit_test(parameters_reach_the_context_in_their_dtype),
        cmocka_unit_test(steps_out_of_order_are_refused),
        cmocka_unit_test(equal_parts_are_one_node),
        cmocka_unit_test(a_dtype_in_words_may_lose_what_one_that_is_there_keeps),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
