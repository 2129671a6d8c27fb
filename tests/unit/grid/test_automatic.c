/* test_automatic.c - how many tiles a job gets, by its work and its bytes. */
#include "harness.h"

#include "grid/automatic.h"

static void parts_follow_from_work_and_bytes(void **state)
{
    static const struct {
        double nanoseconds;
        int64_t bytes, parts;
    } cases[] = {
        {0, 0, 1},
        {29e3, 8, 1},
        {59e3, 8, 1},
        {60e3, 8, 2}, /* two of 30 us */
        {119e3, 8, 2},
        {120e3, 8, 4}, /* a power of two: no core has one more than the others */
        {480e3, 8, 16},
        {1.93e6, 8, 64},
        {2.5e6, 8, 80},
        {1e9, 8, 256},
        {1e30, 8, 256},
        {1, INT64_C(2) << 20, 1},
        {1, (INT64_C(2) << 20) + 1, 2}, /* two of 2 MiB at most */
        {1e9, INT64_C(1) << 40, INT64_C(1) << 19},
        {1e9, INT64_MAX, INT64_C(1) << 42},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const int64_t parts = tw__automatic_parts(cases[k].nanoseconds, cases[k].bytes);
        if (parts != cases[k].parts) {
            fail_msg("case %d: %lld parts", (int)k, (long long)parts);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_follow_from_work_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
