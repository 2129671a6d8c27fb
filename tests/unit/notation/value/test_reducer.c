/* test_reducer.c - the tables of reductions. */
#include "harness.h"

#include <string.h>

#include "notation/read/function.h"
#include "notation/value/reducer.h"

static void every_reducer_is_a_function_that_says_how_it_is_used(void **state)
{
    (void)state;
    for (int code = 0; code < TW__REDUCERS; code++) {
        const struct tw__reducer_row *row = tw__reducer_row((enum tw__reducer)code);
        const struct tw__function *function = tw__find_function(row->spelled, strlen(row->spelled));
        assert_non_null(function);
        assert_int_equal(function->kind, TW__FUNCTION_REDUCTION);
        assert_int_equal(function->which, code);
        assert_string_equal(function->usage, row->usage);
        assert_memory_equal(row->usage, row->spelled, strlen(row->spelled));
        assert_memory_equal(row->usage + strlen(row->spelled), "(k: x[k])", 9);
        const int takes_ddof = strstr(row->usage, "ddof=1") != NULL;
        assert_int_equal(takes_ddof, tw__reducer_has((enum tw__reducer)code, TW__REDUCER_DDOF));
    }
}

/* One that has no value of no elements is refused before the run, and no other is. */
static void who_needs_an_element_has_nothing_for_none(void **state)
{
    (void)state;
    for (int code = 0; code < TW__REDUCERS; code++) {
        const struct tw__reducer_row *row = tw__reducer_row((enum tw__reducer)code);
        const enum tw__none none = tw__reduction_row(row->reduce)->none;
        const int has_value =
            none == TW__NONE_ZERO || none == TW__NONE_ONE || none == TW__NONE_FALSE || none == TW__NONE_TRUE;
        assert_int_equal(tw__reducer_has((enum tw__reducer)code, TW__REDUCER_NEEDS), !has_value);
    }
}

static void elements_are_combined_in_the_accumulators_dtype(void **state)
{
    static const struct {
        enum tw__reduction code;
        tw_kind elements, kind;
    } cases[] = {
        {TW__REDUCE_SUM, TW_BOOL, TW_INT64},         {TW__REDUCE_SUM, TW_INT16, TW_INT64},
        {TW__REDUCE_PROD, TW_UINT8, TW_UINT64},      {TW__REDUCE_SUM, TW_FLOAT16, TW_FLOAT32},
        {TW__REDUCE_SUM, TW_FLOAT32, TW_FLOAT32},    {TW__REDUCE_PROD, TW_COMPLEX64, TW_COMPLEX64},
        {TW__REDUCE_MIN, TW_UINT8, TW_UINT8},        {TW__REDUCE_FMAX, TW_FLOAT16, TW_FLOAT16},
        {TW__REDUCE_ARGMAX, TW_FLOAT64, TW_FLOAT64}, {TW__REDUCE_ANY, TW_COMPLEX128, TW_BOOL},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        assert_int_equal(tw__reduction_kind(cases[k].code, cases[k].elements), cases[k].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reducer_is_a_function_that_says_how_it_is_used),
        cmocka_unit_test(who_needs_an_element_has_nothing_for_none),
        cmocka_unit_test(elements_are_combined_in_the_accumulators_dtype),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
