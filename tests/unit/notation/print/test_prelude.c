/* test_prelude.c - the table of vector math functions, and the texts that kernels begin with. */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "notation/print/prelude.h"

static const tw_kind kinds[] = {TW_BOOL, TW_INT64, TW_FLOAT16, TW_FLOAT32, TW_FLOAT64, TW_COMPLEX64, TW_COMPLEX128};

static void every_text_comes_after_those_that_it_needs(void **state)
{
    (void)state;
    assert_in_range(tw__prelude_ntexts, 1, 64);
    for (int k = 0; k < tw__prelude_ntexts; k++) {
        const struct tw__prelude_text *text = &tw__prelude_texts[k];
        assert_int_equal(strlen(text->text), text->length);
        assert_null(strstr(text->text, "#include \""));
        assert_true(text->needs >> k == 1);
        for (int other = 0; other < k; other++) {
            if (text->needs >> other & 1) {
                assert_true((tw__prelude_texts[other].needs & ~text->needs) == 0);
            }
        }
    }
}

/* The name, with its bracket, in the texts that the function needs. */
static int is_defined(const struct tw__prelude_function *function, const char *name)
{
    char call[40];
    snprintf(call, sizeof call, " %s(", name);
    for (int k = 0; k < tw__prelude_ntexts; k++) {
        if ((function->needs >> k & 1) && strstr(tw__prelude_texts[k].text, call) != NULL) {
            return 1;
        }
    }
    return 0;
}

static void every_function_is_defined_in_its_texts(void **state)
{
    (void)state;
    int found = 0, named = 0;
    for (int operation = 0; operation < TW__OPERATIONS; operation++) {
        named += tw__operation_row((enum tw__operation)operation)->function != NULL;
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct tw__prelude_function function;
            if (tw__prelude_find((enum tw__operation)operation, kinds[k], &function)) {
                found++;
                assert_true(is_defined(&function, function.name));
                assert_true(function.fast[0] == '\0' || is_defined(&function, function.fast));
                assert_in_range(function.narguments, 1, 2);
            }
        }
    }
    assert_int_equal(found, 2 * named); /* float32 and float64 */
    assert_true(named >= 38);
}

static void every_function_of_a_float_has_a_text(void **state)
{
    (void)state;
    struct tw__prelude_function function;
    int found = 0;
    for (int operation = 0; operation < TW__OPERATIONS; operation++) {
        const enum tw__rule rule = tw__operation_row((enum tw__operation)operation)->rule;
        if (rule != TW__RULE_FLOAT && rule != TW__RULE_FLOAT_COMPLEX) {
            continue;
        }
        found++;
        assert_true(tw__prelude_find((enum tw__operation)operation, TW_FLOAT32, &function));
        assert_true(tw__prelude_find((enum tw__operation)operation, TW_FLOAT64, &function));
        assert_false(tw__prelude_find((enum tw__operation)operation, TW_INT64, &function));
    }
    assert_true(found >= 27);
    assert_true(tw__prelude_find(TW__OP_POWER, TW_FLOAT64, &function));
    assert_string_equal(function.name, "tw_pow_f64");
    assert_int_equal(function.narguments, 2);
    assert_true(tw__prelude_find(TW__OP_SIN, TW_FLOAT32, &function));
    assert_string_equal(function.fast, "tw_sin_f32_fast");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_comes_after_those_that_it_needs),
        cmocka_unit_test(every_function_is_defined_in_its_texts),
        cmocka_unit_test(every_function_of_a_float_has_a_text),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
