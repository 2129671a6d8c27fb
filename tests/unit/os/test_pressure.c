/* Whether memory runs out, from what the system says. */
#include "harness.h"

#include <stdio.h>
#include <sys/resource.h>

#include "os/cpu.h"
#include "os/pressure.h"

static void the_last_ten_seconds_are_read(void **state)
{
    (void)state;
    assert_int_equal(tw__pressure_of("some avg10=0.00 avg60=0.00 avg300=0.00 total=41237393\nfull avg10=9.00"), 0);
    assert_int_equal(tw__pressure_of("some avg10=12.34 avg60=0.00 avg300=0.00 total=1\n"), 1234);
    assert_int_equal(tw__pressure_of("some avg10=100.00 avg60=0.00"), 10000);
}

static void other_texts_say_nothing(void **state)
{
    (void)state;
    assert_int_equal(tw__pressure_of(""), -1);
    assert_int_equal(tw__pressure_of("full avg10=12.34"), -1);
    assert_int_equal(tw__pressure_of("some avg10=x"), -1);
    assert_int_equal(tw__pressure_of("some avg10=12"), -1);
    assert_int_equal(tw__pressure_of("some avg10=99999999999999999999.00"), -1);
}

static void little_address_space_leaves_little_to_spare(void **state)
{
    (void)state;
    struct rlimit before, limit = {.rlim_cur = (rlim_t)1 << 30};
    assert_true(tw__spare_memory() <= tw__available_memory());
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    const int64_t spare = tw__spare_memory();
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_true(spare <= (int64_t)1 << 27);
}

static void forks_are_charged_where_the_system_counts_strictly(void **state)
{
    (void)state;
    FILE *file = fopen("/proc/sys/vm/overcommit_memory", "r");
    const int mode = file != NULL ? fgetc(file) : '0';
    assert_int_equal(tw__forks_are_charged(), mode == '2');
    if (file != NULL) {
        fclose(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_ten_seconds_are_read),
        cmocka_unit_test(other_texts_say_nothing),
        cmocka_unit_test(little_address_space_leaves_little_to_spare),
        cmocka_unit_test(forks_are_charged_where_the_system_counts_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
