/* test_operation.c - every row of the table of operations is complete: it is read, typed, printed and described. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notation/notation.h"
#include "notation/read/function.h"
#include "notation/value/operation.h"

/* "x[i] + y[i]", "sqrt(x[i])": the operation of operands that are called x, y, z; "x[i] + uniform(3)" of a seed. */
static void write(char *text, size_t size, enum tw__operation code)
{
    const struct tw__operation_row *row = tw__operation_row(code);
    static const char *const names[] = {"x[i]", "y[i]", "z[i]"};
    if (row->written == TW__WRITTEN_PREFIX) {
        snprintf(text, size, "r[i] = %s x[i]", row->spelled);
    } else if (row->written != TW__WRITTEN_CALLED) {
        snprintf(text, size, "r[i] = x[i] %s y[i]", row->spelled);
    } else if (row->rule == TW__RULE_RANDOM) {
        snprintf(text, size, "r[i] = x[i] + %s(3)", row->spelled);
    } else {
        int used = snprintf(text, size, "r[i] = %s(", row->spelled);
        for (int k = 0; k < row->arity; k++) {
            used += snprintf(text + used, size - (size_t)used, "%s%s", k > 0 ? ", " : "", names[k]);
        }
        snprintf(text + used, size - (size_t)used, ")");
    }
}

/* What the statement is printed as and described as for operands of a dtype. 0: the dtype is refused, with a sentence.
 */
static int compile(const char *text, tw_kind kind, char **source, char *description, size_t size)
{
    tw_statement *statement = NULL;
    tw_dtype dtypes[TW_MAX_OPERANDS] = {{0}};
    tw_error error = {.message = ""};
    if (tw_statement_parse(&statement, text, NULL, &error) != TW_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    const tw_signature *signature = tw_statement_signature(statement);
    for (int k = 0; k + 1 < tw_signature_noperands(signature); k++) {
        dtypes[k] = tw_dtype_of(kind);
    }
    const tw_status status = tw_statement_types(statement, dtypes, &error);
    if (status != TW_OK) {
        assert_int_equal(status, TW_ERROR_SYNTAX);
        tw_statement_destroy(statement);
        return 0;
    }
    if (tw_statement_source(statement, source, &error) != TW_OK) {
        fail_msg("%s of %s: %s", text, tw_dtype_name(&dtypes[0]), error.message);
    }
    FILE *file = fmemopen(description, size, "w");
    assert_non_null(file);
    assert_int_equal(tw_statement_explain(statement, file, &error), TW_OK);
    fclose(file);
    tw_statement_destroy(statement);
    return 1;
}

static void every_operation_is_printed_for_every_dtype_that_it_takes(void **state)
{
    (void)state;
    for (int code = 0; code < TW__OPERATIONS; code++) {
        char text[128], name[32];
        int taken = 0, named = 0;
        write(text, sizeof text, (enum tw__operation)code);
        snprintf(name, sizeof name, "\n  %-12s ", tw__operation_row((enum tw__operation)code)->spelled);
        for (int kind = TW_BOOL; kind <= TW_COMPLEX128; kind++) {
            static char description[1 << 16];
            char *source = NULL;
            if (compile(text, (tw_kind)kind, &source, description, sizeof description)) {
                taken++;
                named += strstr(description, name) != NULL;
                free(source);
            }
        }
        if (taken == 0) {
            fail_msg("%s takes no dtype", text);
        }
        if (tw__operation_row((enum tw__operation)code)->flops == 0 && named == 0) {
            fail_msg("%s is a call that no description lists", text);
        }
    }
}

static void every_row_says_how_it_is_printed(void **state)
{
    (void)state;
    for (int code = 0; code < TW__OPERATIONS; code++) {
        const struct tw__operation_row *row = tw__operation_row((enum tw__operation)code);
        assert_in_range(row->arity, 1, 3);
        assert_true(row->sign != NULL || row->helper != NULL || row->function != NULL || row->rule == TW__RULE_RANDOM);
        assert_true((row->function != NULL) == (row->family != NULL));
        assert_true((row->flops > 0) == (row->complex_flops > 0));
        assert_true(row->written != TW__WRITTEN_PREFIX || row->arity == 1);
        assert_true((row->written != TW__WRITTEN_INFIX && row->written != TW__WRITTEN_COMPARES) || row->arity == 2);
        assert_true((row->written == TW__WRITTEN_CALLED) == (row->usage != NULL));
    }
}

static void every_operation_is_found_by_how_it_is_written(void **state)
{
    (void)state;
    for (int code = 0; code < TW__OPERATIONS; code++) {
        const struct tw__operation_row *row = tw__operation_row((enum tw__operation)code);
        const size_t length = strlen(row->spelled);
        assert_int_equal(tw__operation_find(row->written, -1, row->spelled, length), code);
        const struct tw__function *function = tw__find_function(row->spelled, length);
        if (row->written != TW__WRITTEN_CALLED) {
            assert_null(function); /* an operator is no function's name */
            continue;
        }
        assert_non_null(function);
        assert_int_equal(function->kind, TW__FUNCTION_OPERATION);
        assert_int_equal(function->which, code);
        assert_int_equal(function->arity, row->arity);
        assert_memory_equal(function->usage, row->spelled, length);
        assert_string_equal(function->usage + length, row->usage);
    }
    assert_int_equal(tw__operation_find(TW__WRITTEN_INFIX, 4, "*", 1), -1); /* of another level */
    assert_int_equal(tw__operation_find(TW__WRITTEN_INFIX, 5, "*", 1), TW__OP_MULTIPLY);
    assert_int_equal(tw__operation_find(TW__WRITTEN_INFIX, -1, "=", 0), -1);
}

static void numpys_names_are_names_of_the_same(void **state)
{
    (void)state;
#define ALIAS(name, code, n, arguments)                                                                                \
    {                                                                                                                  \
        const struct tw__function *function = tw__find_function(name, strlen(name));                                   \
        assert_non_null(function);                                                                                     \
        assert_int_equal(function->which, TW__OP_##code);                                                              \
        assert_int_equal(function->arity, tw__operation_row(TW__OP_##code)->arity);                                    \
        assert_string_equal(arguments, tw__operation_row(TW__OP_##code)->usage);                                       \
    }
    TW__ALIAS_TABLE(ALIAS)
#undef ALIAS
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_printed_for_every_dtype_that_it_takes),
        cmocka_unit_test(every_row_says_how_it_is_printed),
        cmocka_unit_test(every_operation_is_found_by_how_it_is_written),
        cmocka_unit_test(numpys_names_are_names_of_the_same),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
