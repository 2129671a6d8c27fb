/* Copies by all cores: every item arrives once, whatever the strides. */
#include "harness.h"

#include <stdlib.h>

#include "array/copies.h"

static void large_copies_are_whole(void **state)
{
    (void)state;
    enum { ROWS = 3000, COLUMNS = 1501 };
    double *from = malloc(sizeof *from * ROWS * COLUMNS), *to = calloc((size_t)ROWS * COLUMNS, sizeof *to);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        from[i] = i;
    }
    const tw_dtype f64 = tw_dtype_of(TW_FLOAT64);
    const tw_view source = {from, f64, 2, {ROWS, COLUMNS}, {8 * COLUMNS, 8}};
    const tw_view transposed = {to, f64, 2, {ROWS, COLUMNS}, {8, 8 * ROWS}};
    tw__copy(&transposed, &source);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
            assert_true(to[j * ROWS + i] == i * COLUMNS + j);
        }
    }
    free(from);
    free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_copies_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
