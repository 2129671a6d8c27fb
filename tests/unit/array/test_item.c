/* test_item.c - the values of items and the text that they print as. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "array/dtype.h"
#include "harness.h"

/* The value of every pattern of bits, from its definition, and back. */
static void float16_is_exact_for_all_65536_patterns(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 65536; bits += (unsigned)one_in()) {
        const int sign = bits >> 15 ? -1 : 1, exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
        const double value = tw__half_to_double((uint16_t)bits);
        if (exponent == 31 && fraction != 0) {
            assert_true(isnan(value));
            continue;
        }
        double expected = INFINITY;
        if (exponent < 31) {
            expected = exponent == 0 ? fraction * 0x1p-24 : (1 + fraction / 1024.0) * pow(2, exponent - 15);
        }
        assert_true(value == sign * expected && !signbit(value) == !(bits >> 15));
        assert_int_equal(tw__half_from_double(value), bits);
    }
}

static void float16_rounds_to_the_nearest_ties_to_even(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 0x7bff; bits += (unsigned)one_in()) {
        const double low = tw__half_to_double((uint16_t)bits), high = tw__half_to_double((uint16_t)(bits + 1));
        const double middle = (low + high) / 2;
        assert_int_equal(tw__half_from_double(middle), bits + (bits & 1));
        assert_int_equal(tw__half_from_double(nextafter(middle, 0)), bits);
        assert_int_equal(tw__half_from_double(-nextafter(middle, 1e9)), 0x8000 | (bits + 1));
    }
    assert_int_equal(tw__half_from_double(nextafter(65520, 0)), 0x7bff);
    assert_int_equal(tw__half_from_double(65520), 0x7c00);
    assert_int_equal(tw__half_from_double(-1e300), 0xfc00);
    assert_int_equal(tw__half_from_double(5e-324), 0);
    assert_int_equal(tw__half_from_double(NAN) & 0x7fff, 0x7e00);
}

static const char *print(tw_kind kind, const void *item)
{
    static _Thread_local char text[128];
    const tw_dtype dtype = tw_dtype_of(kind);
    const int length = tw_item_format(text, sizeof text, &dtype, item);
    assert_int_equal(length, strlen(text));
    char shorter[4];
    assert_int_equal(tw_item_format(shorter, sizeof shorter, &dtype, item), length); /* counts as snprintf does */
    assert_memory_equal(shorter, text, length < 3 ? (size_t)length : 3);
    return text;
}

static void items_print_as_numpy_prints_them(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } doubles[] = {
        {0.1, "0.1"},
        {1e300, "1e+300"},
        {1, "1.0"},
        {-0.0, "-0.0"},
        {0, "0.0"},
        {NAN, "nan"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {123.25, "123.25"},
        {5e-324, "5e-324"},
        {-1.5e-7, "-1.5e-07"},
        {1e100, "1e+100"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {0.001234, "0.001234"},
    };
    for (size_t k = 0; k < sizeof doubles / sizeof doubles[0]; k++) {
        assert_string_equal(print(TW_FLOAT64, &doubles[k].value), doubles[k].text);
    }
    assert_string_equal(print(TW_FLOAT32, &(float){0.1f}), "0.1");
    assert_string_equal(print(TW_FLOAT32, &(float){16777216.0f}), "16777216.0");
    assert_string_equal(print(TW_FLOAT32, &(float){FLT_MAX}), "3.4028235e+38");
    assert_string_equal(print(TW_FLOAT16, &(uint16_t){0x2e66}), "0.1");
    assert_string_equal(print(TW_FLOAT16, &(uint16_t){0x7bff}), "65500.0");
    assert_string_equal(print(TW_FLOAT16, &(uint16_t){0x0001}), "6e-08");
    assert_string_equal(print(TW_COMPLEX128, &(double[2]){1, 2}), "(1+2j)");
    assert_string_equal(print(TW_COMPLEX128, &(double[2]){0, 2}), "2j");
    assert_string_equal(print(TW_COMPLEX128, &(double[2]){-0.0, -2.5}), "(-0-2.5j)");
    assert_string_equal(print(TW_COMPLEX128, &(double[2]){NAN, -NAN}), "(nan+nanj)");
    assert_string_equal(print(TW_COMPLEX64, &(float[2]){0.1f, -INFINITY}), "(0.1-infj)");
    assert_string_equal(print(TW_BOOL, &(uint8_t){1}), "True");
    assert_string_equal(print(TW_BOOL, &(uint8_t){0}), "False");
    assert_string_equal(print(TW_INT8, &(int8_t){-128}), "-128");
    assert_string_equal(print(TW_INT64, &(int64_t){INT64_MIN}), "-9223372036854775808");
    assert_string_equal(print(TW_UINT64, &(uint64_t){UINT64_MAX}), "18446744073709551615");
    const tw_dtype text5 = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 5, .descr = "|S5"};
    const tw_dtype text20 = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 20, .descr = "|S20"};
    char text[64];
    assert_int_equal(tw_item_format(text, sizeof text, &text5, "ab\0\xff\x01"), 10);
    assert_string_equal(text, "616200ff01");
    assert_int_equal(tw_item_format(text, sizeof text, &text20, "01234567890123456789"), 35);
    assert_string_equal(text, "30313233343536373839303132333435...");
}

static void numbers_print_the_same_in_every_locale(void **state)
{
    (void)state;
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"}; /* those that are installed */
    for (size_t l = 0; l < sizeof locales / sizeof locales[0]; l++) {
        setlocale(LC_NUMERIC, locales[l]);
        assert_string_equal(print(TW_FLOAT64, &(double){1234.5}), "1234.5");
    }
    setlocale(LC_NUMERIC, "C");
}

static void random_numbers_read_back_as_themselves(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int k = 0; k < 20000 / one_in(); k++) {
        const uint64_t bits = next_random(&random);
        double wide;
        float narrow;
        memcpy(&wide, &bits, sizeof wide);
        memcpy(&narrow, &bits, sizeof narrow);
        if (isfinite(wide)) {
            assert_true(strtod(print(TW_FLOAT64, &wide), NULL) == wide);
        }
        if (isfinite(narrow)) {
            assert_true(strtof(print(TW_FLOAT32, &narrow), NULL) == narrow);
        }
    }
}

static void items_are_doubles(void **state)
{
    (void)state;
    const struct {
        tw_kind kind;
        const void *item;
        double value;
    } cases[] = {
        {TW_BOOL, &(uint8_t){3}, 1},
        {TW_INT8, &(int8_t){-7}, -7},
        {TW_INT16, &(int16_t){-300}, -300},
        {TW_INT32, &(int32_t){INT32_MIN}, INT32_MIN},
        {TW_INT64, &(int64_t){-5}, -5},
        {TW_UINT8, &(uint8_t){255}, 255},
        {TW_UINT16, &(uint16_t){65535}, 65535},
        {TW_UINT32, &(uint32_t){UINT32_MAX}, UINT32_MAX},
        {TW_UINT64, &(uint64_t){UINT64_MAX}, 0x1p64},
        {TW_FLOAT16, &(uint16_t){0xc000}, -2},
        {TW_FLOAT32, &(float){0.5f}, 0.5},
        {TW_FLOAT64, &(double){1e-300}, 1e-300},
        {TW_COMPLEX64, &(float[2]){3, 4}, 3},
        {TW_COMPLEX128, &(double[2]){-3, 4}, -3},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const tw_dtype dtype = tw_dtype_of(cases[k].kind);
        char moved[17]; /* items need not be aligned */
        memcpy(moved + 1, cases[k].item, (size_t)dtype.itemsize);
        assert_true(tw_item_to_double(&dtype, moved + 1) == cases[k].value);
    }
    const tw_dtype text = {.kind = TW_OPAQUE, .alignment = 1, .itemsize = 1, .descr = "|S1"};
    assert_true(isnan(tw_item_to_double(&text, "1")));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float16_is_exact_for_all_65536_patterns),
        cmocka_unit_test(float16_rounds_to_the_nearest_ties_to_even),
        cmocka_unit_test(items_print_as_numpy_prints_them),
        cmocka_unit_test(numbers_print_the_same_in_every_locale),
        cmocka_unit_test(random_numbers_read_back_as_themselves),
        cmocka_unit_test(items_are_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
