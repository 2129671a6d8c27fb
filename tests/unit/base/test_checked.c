/* test_checked.c - sizes that come from users never wrap around. */
#include "base/checked.h"
#include "harness.h"

static void sums_and_products_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    int64_t result = 77;
    assert_true(tw__add(INT64_MAX - 1, 1, &result));
    assert_true(result == INT64_MAX);
    assert_false(tw__add(INT64_MAX, 1, &result));
    assert_false(tw__add(INT64_MIN, -1, &result));
    assert_true(tw__mul(INT64_C(1) << 31, INT64_C(1) << 31, &result));
    assert_true(result == INT64_C(1) << 62);
    assert_false(tw__mul(INT64_C(1) << 32, INT64_C(1) << 31, &result));
}

static void a_zero_makes_any_product_zero(void **state)
{
    (void)state;
    const int64_t huge = INT64_MAX;
    int64_t result = 77;
    assert_false(tw__product((int64_t[]){huge, huge}, 2, &result));
    assert_int_equal(result, 77);
    assert_true(tw__product((int64_t[]){huge, huge, 0}, 3, &result));
    assert_int_equal(result, 0);
    assert_true(tw__product(NULL, 0, &result));
    assert_int_equal(result, 1);
    assert_true(tw__product((int64_t[]){3, 4, 5}, 3, &result));
    assert_int_equal(result, 60);
}

static void rounds_up_to_multiples(void **state)
{
    (void)state;
    int64_t result = 77;
    for (int64_t size = 0; size < 200; size++) {
        assert_true(tw__round_up(size, 64, &result));
        assert_true(result % 64 == 0 && result >= size && result < size + 64);
    }
    assert_false(tw__round_up(INT64_MAX - 62, 64, &result));
    assert_true(tw__round_up(INT64_MAX - 63, 64, &result));
    assert_true(result == INT64_MAX - 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_products_that_do_not_fit_are_refused),
        cmocka_unit_test(a_zero_makes_any_product_zero),
        cmocka_unit_test(rounds_up_to_multiples),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
