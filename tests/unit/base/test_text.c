/* test_text.c - strict reading, locale-free writing, and the sentences of errors. */
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "harness.h"

static void numbers_are_digits_that_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t used;
        int64_t value;
    } cases[] = {
        {"0", 1, 0},
        {"007x", 3, 7},
        {"12,3", 2, 12},
        {"9223372036854775807", 19, INT64_MAX},
        {"9223372036854775808", 0, -7},
        {"99999999999999999999999", 0, -7},
        {"", 0, -7},
        {" 1", 0, -7},
        {"+1", 0, -7},
        {"-1", 0, -7},
        {"x", 0, -7},
        {"\xef\xbc\x91", 0, -7},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        int64_t value = -7;
        assert_int_equal(tw__parse_digits(cases[k].text, strlen(cases[k].text), &value), cases[k].used);
        assert_true(value == cases[k].value);
    }
    int64_t value;
    assert_int_equal(tw__parse_digits("123", 2, &value), 2);
    assert_int_equal(value, 12);
}

static void reals_are_those_of_python(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t used;
        double value;
    } cases[] = {
        {"0", 1, 0},
        {"12", 2, 12},
        {"0.5x", 3, 0.5},
        {".25", 3, 0.25},
        {"3.", 2, 3},
        {"007.50", 6, 7.5},
        {"1e3", 3, 1000},
        {"1E-2", 4, 0.01},
        {"1e", 1, 1},
        {"1e+", 1, 1},
        {"1e+2", 4, 100},
        {"1_000.2_5", 9, 1000.25},
        {"1__0", 1, 1},
        {"1_", 1, 1},
        {"_1", 0, 0},
        {".", 0, 0},
        {"e5", 0, 0},
        {"-1", 0, 0},
        {"1e999", 5, (double)INFINITY},
        {"1e-999", 6, 0},
        {"1e99999999999999999999", 22, (double)INFINITY},
        {"0e99999999999999999999", 22, 0},
        {"0.1", 3, 0.1},
        {"9007199254740993", 16, 9007199254740992}, /* 2^53 + 1: half-way, to even */
        {"9007199254740993.0000001", 24, 9007199254740994},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        double value = 0;
        assert_int_equal(tw__parse_real(cases[k].text, strlen(cases[k].text), &value), cases[k].used);
        assert_memory_equal(&value, &cases[k].value, sizeof value);
    }
}

/* 2^53 + 1 and 1500 zeros, with another digit behind them or not. */
static void digits_behind_all_that_decide_count(void **state)
{
    (void)state;
    char text[1700] = "9007199254740993.";
    double value = 0;
    memset(text + 17, '0', 1500);
    assert_int_equal(tw__parse_real(text, 1517, &value), 1517);
    const double below = 9007199254740992, above = 9007199254740994;
    assert_memory_equal(&value, &below, sizeof value);
    text[1516] = '1';
    assert_int_equal(tw__parse_real(text, 1517, &value), 1517);
    assert_memory_equal(&value, &above, sizeof value);
}

static void identifiers_are_ascii(void **state)
{
    (void)state;
    assert_int_equal(tw__parse_identifier("_a9Z[", 5), 4);
    assert_int_equal(tw__parse_identifier("9a", 2), 0);
    assert_int_equal(tw__parse_identifier("", 0), 0);
    assert_int_equal(tw__parse_identifier("ab", 1), 1);
    assert_int_equal(tw__parse_identifier("\xc3\xa9", 2), 0);
    for (int c = 0; c < 256; c++) {
        const char text = (char)c;
        const int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        assert_int_equal(tw__parse_identifier(&text, 1), letter);
    }
}

static void a_text_counts_on_past_its_end(void **state)
{
    (void)state;
    char data[8];
    struct tw__text text;
    tw__text_init(&text, data, sizeof data);
    tw__text_add(&text, "%s", "12345");
    assert_string_equal(data, "12345");
    tw__text_add(&text, "%d", 6789);
    assert_string_equal(data, "1234567");
    tw__text_add(&text, "%s", "more");
    assert_string_equal(data, "1234567");
    assert_int_equal(text.length, 13);
    tw__text_init(&text, NULL, 0);
    tw__text_add(&text, "%s", "12345");
    assert_int_equal(text.length, 5);
}

static void quotes_what_a_line_can_show(void **state)
{
    (void)state;
    char data[512], longer[300];
    struct tw__text text;
    tw__text_init(&text, data, sizeof data);
    tw__text_add_quoted(&text, "a\n\x7f\xff%s", 6, 0);
    assert_string_equal(data, "'a\\x0a\\x7f\\xff%s'");
    memset(longer, '-', sizeof longer);
    longer[150] = '!';
    tw__text_init(&text, data, sizeof data);
    tw__text_add_quoted(&text, longer, sizeof longer, 150);
    assert_int_equal(text.length, 1 + 3 + 120 + 3 + 1);
    assert_non_null(strchr(data, '!'));
    tw__text_init(&text, data, sizeof data);
    tw__text_add_quoted(&text, longer, sizeof longer, sizeof longer);
    assert_int_equal(text.length, 1 + 3 + 60 + 1);
}

static int same_double(double a, double b)
{
    return a == b;
}

static void digits_are_the_fewest_whatever_the_locale(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *digits;
        int exponent;
    } cases[] = {
        {0.1, "1", -1},
        {1e300, "1", 300},
        {2.5, "25", 0},
        {1.0 / 3, "3333333333333333", -1},
        {3, "3", 0},
        {100, "1", 2},
        {9.5e22, "95", 22},
        {1e-320, "1", -320},
        {5e-324, "5", -324},
        {0x1p-44, "5684341886080802", -14}, /* the nearest of 16 digits, ...801, reads back as another value */
        {DBL_MAX, "17976931348623157", 308},
    };
    static const char *const locales[] = {"C", "de_DE.UTF-8", "ps_AF.UTF-8"}; /* those that are installed */
    for (size_t l = 0; l < sizeof locales / sizeof locales[0]; l++) {
        if (setlocale(LC_NUMERIC, locales[l]) == NULL) {
            continue;
        }
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            char digits[TW__MAX_DIGITS];
            int exponent;
            const int count = tw__shortest_digits(digits, &exponent, cases[k].value, same_double);
            assert_int_equal(count, strlen(cases[k].digits));
            assert_memory_equal(digits, cases[k].digits, (size_t)count);
            assert_int_equal(exponent, cases[k].exponent);
        }
    }
    setlocale(LC_NUMERIC, "C");
}

static int same_hundredth(double a, double b)
{
    return nearbyint(a * 100) == nearbyint(b * 100);
}

/* 9.996 is one value with 10, and 0.9996 with 1: the digit added carries all the way. */
static void digits_that_round_up_to_a_power_of_ten_move_the_exponent(void **state)
{
    (void)state;
    char digits[TW__MAX_DIGITS];
    int exponent;
    assert_int_equal(tw__shortest_digits(digits, &exponent, 9.996, same_hundredth), 1);
    assert_int_equal(digits[0], '1');
    assert_int_equal(exponent, 1);
    assert_int_equal(tw__shortest_digits(digits, &exponent, 9.94, same_hundredth), 3);
    assert_memory_equal(digits, "994", 3);
    assert_int_equal(exponent, 0);
}

static void an_error_is_filled_whole_and_may_be_null(void **state)
{
    (void)state;
    tw_error error;
    memset(&error, 0x55, sizeof error);
    errno = 17;
    assert_int_equal(tw__fail(&error, TW_ERROR_ARGUMENT, "axis %s", "i"), TW_ERROR_ARGUMENT);
    assert_int_equal(errno, 17);
    assert_int_equal(error.status, TW_ERROR_ARGUMENT);
    assert_int_equal(error.os_error, 0);
    assert_int_equal(error.tile, -1);
    assert_int_equal(error.worker, -1);
    assert_int_equal(error.column, 0);
    assert_int_equal(error.kernel_code, 0);
    assert_string_equal(error.message, "axis i");
    tw__fail_syntax(&error, 4, "again: %s", error.message); /* quotes its own old message */
    assert_string_equal(error.message, "again: axis i");
    assert_int_equal(error.column, 4);
    tw__fail_os(&error, TW_ERROR_FILE, ENOENT, "r.npy");
    assert_string_equal(error.message, "r.npy: No such file or directory");
    assert_int_equal(error.os_error, ENOENT);
    tw__fail_memory(&error, 123, "a grid");
    assert_string_equal(error.message, "not enough memory for a grid (123 bytes)");
    assert_int_equal(tw__fail(NULL, TW_ERROR_DISK, "%d", 1), TW_ERROR_DISK);
    char longer[2 * TW_ERROR_MESSAGE_SIZE];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    tw__fail_os(&error, TW_ERROR_FILE, ENOENT, "%s", longer);
    assert_int_equal(strlen(error.message), TW_ERROR_MESSAGE_SIZE - 1);
}

static void every_status_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = TW_OK; a >= TW_ERROR_INTERRUPTED; a--) {
        assert_string_not_equal(tw_status_name((tw_status)a), "unknown status");
        for (int b = TW_OK; b > a; b--) {
            assert_string_not_equal(tw_status_name((tw_status)a), tw_status_name((tw_status)b));
        }
    }
    assert_string_equal(tw_status_name((tw_status)-99), "unknown status");
    assert_string_equal(tw_version(), TW_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_that_fit),
        cmocka_unit_test(reals_are_those_of_python),
        cmocka_unit_test(digits_behind_all_that_decide_count),
        cmocka_unit_test(identifiers_are_ascii),
        cmocka_unit_test(a_text_counts_on_past_its_end),
        cmocka_unit_test(quotes_what_a_line_can_show),
        cmocka_unit_test(digits_are_the_fewest_whatever_the_locale),
        cmocka_unit_test(digits_that_round_up_to_a_power_of_ten_move_the_exponent),
        cmocka_unit_test(an_error_is_filled_whole_and_may_be_null),
        cmocka_unit_test(every_status_has_a_name_of_its_own),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
