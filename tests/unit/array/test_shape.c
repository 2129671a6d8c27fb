/* test_shape.c - sizes that overflow, strides, byte order. */
#include <string.h>

#include "array/shape.h"
#include "harness.h"

static void sizes_are_products_that_fit(void **state)
{
    (void)state;
    const int64_t big = (int64_t)1 << 32;
    static const int64_t ones[TW_MAX_DIMS] = {[0 ... TW_MAX_DIMS - 1] = 1};
    int64_t bytes = -1;
    assert_int_equal(tw__shape_check(0, NULL, 8, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 8);
    assert_int_equal(tw__shape_check(2, (int64_t[]){3, 4}, 8, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 96);
    assert_int_equal(tw__shape_check(2, (int64_t[]){3, 0}, 8, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(tw__shape_check(2, (int64_t[]){3, 4}, 0, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(tw__shape_check(1, (int64_t[]){INT64_MAX}, 1, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, INT64_MAX);
    assert_int_equal(tw__shape_check(TW_MAX_DIMS, ones, 8, &bytes, TW_ERROR_ARGUMENT, "x", NULL), TW_OK);
    assert_int_equal(bytes, 8);

    tw_error error;
    assert_int_equal(tw__shape_check(2, (int64_t[]){big, big}, 1, &bytes, TW_ERROR_FORMAT, "x", &error),
                     TW_ERROR_FORMAT);
    assert_string_equal(error.message, "x has shape 4294967296 x 4294967296 of 1 bytes an item, more than 2^63 bytes");
    /* A zero does not hide what overflows: products over some of the dimensions would. */
    assert_int_equal(tw__shape_check(3, (int64_t[]){0, big, big}, 1, &bytes, TW_ERROR_FORMAT, "x", NULL),
                     TW_ERROR_FORMAT);
    assert_int_equal(tw__shape_check(1, (int64_t[]){INT64_MAX / 8 + 1}, 8, &bytes, TW_ERROR_FORMAT, "x", NULL),
                     TW_ERROR_FORMAT);
    assert_int_equal(tw__shape_check(2, (int64_t[]){3, -1}, 8, &bytes, TW_ERROR_FORMAT, "x", &error), TW_ERROR_FORMAT);
    assert_string_equal(error.message, "x has length -1 in dimension 1; a length is 0 or more");
    assert_int_equal(tw__shape_check(33, ones, 8, &bytes, TW_ERROR_FORMAT, "x", NULL), TW_ERROR_FORMAT);
    assert_int_equal(tw__shape_check(-1, ones, 8, &bytes, TW_ERROR_FORMAT, "x", NULL), TW_ERROR_FORMAT);
    assert_int_equal(bytes, 8);
}

static void strides_are_those_of_c_and_fortran(void **state)
{
    (void)state;
    int64_t strides[3];
    tw__strides_c(3, (int64_t[]){2, 3, 4}, 8, strides);
    assert_memory_equal(strides, ((int64_t[]){96, 32, 8}), sizeof strides);
    tw__strides_fortran(3, (int64_t[]){2, 3, 4}, 8, strides);
    assert_memory_equal(strides, ((int64_t[]){8, 16, 48}), sizeof strides);
    tw__strides_c(3, (int64_t[]){2, 0, 4}, 8, strides);
    assert_memory_equal(strides, ((int64_t[]){32, 32, 8}), sizeof strides);
}

static void bytes_are_reversed_number_by_number(void **state)
{
    (void)state;
    static const int widths[] = {2, 4, 8};
    for (size_t w = 0; w < 3; w++) {
        const int width = widths[w];
        char data[1 + 24], twice[sizeof data];
        for (size_t k = 0; k < sizeof data; k++) {
            data[k] = (char)k;
        }
        memcpy(twice, data, sizeof data);
        tw__swap_bytes(data + 1, 24 / width, width); /* need not be aligned */
        for (int k = 0; k < 24; k++) {
            assert_int_equal(data[1 + k], 1 + k / width * width + (width - 1 - k % width));
        }
        tw__swap_bytes(data + 1, 24 / width, width);
        assert_memory_equal(data, twice, sizeof data);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_products_that_fit),
        cmocka_unit_test(strides_are_those_of_c_and_fortran),
        cmocka_unit_test(bytes_are_reversed_number_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
