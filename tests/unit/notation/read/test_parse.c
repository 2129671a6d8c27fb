/* test_parse.c - a text that is one expression, and the operators of the table between numbers. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "notation/read/syntax.h"

static void a_value_is_one_expression(void **state)
{
    static const struct {
        const char *text;
        enum tw__class class;
        double value;
    } cases[] = {
        {"3 + 4 * 2", TW__CLASS_WHOLE, 11}, {"2 ** 3 ** 2", TW__CLASS_WHOLE, 512}, {"-2 ** 2", TW__CLASS_WHOLE, -4},
        {"7 // 2 % 2", TW__CLASS_WHOLE, 1}, {"1 | 6 & 3 ^ 4", TW__CLASS_WHOLE, 7}, {"1 << 3 - 1", TW__CLASS_WHOLE, 4},
        {"~5 >> 1", TW__CLASS_WHOLE, -3},   {"1 / 4", TW__CLASS_REAL, 0.25},       {"+True", TW__CLASS_WHOLE, 1},
        {"1 < 2 < 2", TW__CLASS_BOOL, 0},   {"not 1 == 2", TW__CLASS_BOOL, 1},     {"0.5\n\n", TW__CLASS_REAL, 0.5},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct tw__syntax syntax;
        int node;
        assert_int_equal(tw__parse_value(&syntax, cases[k].text, &node, NULL), TW_OK);
        assert_true(syntax.nodes[node].is_literal);
        assert_int_equal(syntax.nodes[node].class, cases[k].class);
        assert_true(tw__scalar_as_real(&syntax.nodes[node].number) == cases[k].value);
        assert_int_equal(syntax.nstatements, 0);
        tw__syntax_fini(&syntax);
    }
}

static void what_is_more_than_one_expression_is_refused_at_its_place(void **state)
{
    static const struct {
        const char *text;
        int column;
    } cases[] = {{"3; 4", 3}, {"3 4", 2}, {"3)", 2}, {"", 1}, {"r = 2", 1}, {"k", 1}, {"3 +", 4}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct tw__syntax syntax;
        tw_error error;
        int node;
        assert_int_equal(tw__parse_value(&syntax, cases[k].text, &node, &error), TW_ERROR_SYNTAX);
        assert_int_equal(error.column, cases[k].column);
        tw__syntax_fini(&syntax);
    }
}

static void every_infix_operator_can_be_augmented_and_no_other(void **state)
{
    (void)state;
    for (int code = 0; code < TW__OPERATIONS; code++) {
        const struct tw__operation_row *row = tw__operation_row((enum tw__operation)code);
        struct tw__syntax syntax;
        char text[32];
        if (row->written != TW__WRITTEN_INFIX && row->written != TW__WRITTEN_COMPARES) {
            continue;
        }
        snprintf(text, sizeof text, "r[i] %s= x[i]", row->spelled);
        const tw_status status = tw__parse(&syntax, text, NULL, 0, NULL);
        if (row->written == TW__WRITTEN_INFIX) {
            assert_int_equal(status, TW_OK);
            assert_int_equal(syntax.statements[0].augmented, code);
        } else {
            assert_int_equal(status, TW_ERROR_SYNTAX);
        }
        tw__syntax_fini(&syntax);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_one_expression),
        cmocka_unit_test(what_is_more_than_one_expression_is_refused_at_its_place),
        cmocka_unit_test(every_infix_operator_can_be_augmented_and_no_other),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
