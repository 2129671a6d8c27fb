/* test_grow.c - a list that grows keeps what it contains, and fails without losing it. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/grow.h"

static void what_is_in_the_list_stays(void **state)
{
    int *list = NULL, room = 0;
    (void)state;
    for (int k = 0; k < 1000; k++) {
        int *longer = tw__grow(list, k, &room, sizeof *list);
        assert_non_null(longer);
        assert_true(room > k);
        list = longer;
        list[k] = 3 * k;
    }
    for (int k = 0; k < 1000; k++) {
        assert_int_equal(list[k], 3 * k);
    }
    free(list);
}

static void a_list_with_room_stays_where_it_is(void **state)
{
    int room = 2, list[2] = {1, 2};
    (void)state;
    assert_ptr_equal(tw__grow(list, 1, &room, sizeof list[0]), list);
    assert_int_equal(room, 2);
}

static void a_size_that_no_memory_has_is_refused(void **state)
{
    int room = 8, list[8];
    (void)state;
    assert_null(tw__grow(list, 8, &room, SIZE_MAX / 4));
    assert_int_equal(room, 8);
    room = INT_MAX;
    assert_null(tw__grow(list, INT_MAX, &room, 1));
    assert_int_equal(room, INT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_the_list_stays),
        cmocka_unit_test(a_list_with_room_stays_where_it_is),
        cmocka_unit_test(a_size_that_no_memory_has_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
