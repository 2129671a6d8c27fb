/* test_descr.c - descriptions of items, records included. */
#include <stdlib.h>
#include <string.h>

#include "array/descr.h"
#include "array/dtype.h"
#include "harness.h"

static tw_status read_descr(struct tw__descr *descr, const char *text, tw_error *error)
{
    struct tw__literal literal = {
        .text = text, .length = strlen(text), .what = "x.npy: the header", .status = TW_ERROR_FORMAT, .error = error};
    const tw_status status = tw__descr_read(&literal, descr);
    assert_true(status != TW_OK || literal.at == literal.length);
    return status;
}

static void records_have_the_sum_of_their_fields_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t size;
    } cases[] = {
        {"[]", 0},
        {"[('a', '<i4')]", 4},
        {"[('a','<i4'),('b','<f8'),]", 12},
        {"[ ( 'a' , '<i4' , ) , ( \"b\" , '|V3' ) ]", 7},
        {"[('a', '<i4', (2, 3)), ('b', '|S5', ()), ('c', '<c16', (0,))]", 29},
        {"[('p', [('x', '<f4'), ('y', [('z', '>i2', (4,))])], (2,)), ('q', '<M8[ns]')]", 32},
        {"[(('title', 'name'), '<f8'), (('other', 'n2'), '<f4')]", 12},
        {"[('a', '|i1'), ('', '|V7'), ('b', '<f8'), ('', '|V3')]", 19},
        {"[('it\\'s', '<i4'), ('\\x01\\n\\\\', '<i4'), ('\xc3\xa9', '<i4'), ('\xf0\x9f\x98\x80', '<i4')]", 16},
        {"[('a', '|V2147483646'), ('b', '|i1')]", INT32_MAX},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct tw__descr descr;
        assert_int_equal(read_descr(&descr, cases[k].text, NULL), TW_OK);
        assert_int_equal(descr.dtype.kind, TW_OPAQUE);
        assert_int_equal(descr.dtype.itemsize, cases[k].size);
        assert_int_equal(descr.text.length, strlen(cases[k].text));
        assert_memory_equal(descr.text.text, cases[k].text, descr.text.length);
    }
}

static void descriptions_that_are_wrong_are_refused_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "character 1:"},
        {"'<f8", "closing quote"},
        {"'<f9'", "size"},
        {"<f8", "a type belongs here"},
        {"('<f8', (2,))", "a type belongs here"},
        {"'|O'", "pickles"},
        {"[('a', '|O')]", "runs code"},
        {"[('a', [('b', '<i4'), ('c', [('d', 'O')])])]", "never read"},
        {"[('a', '<i4'", "')'"},
        {"[('a', '<i4')", "']'"},
        {"[('a', '<i4') ('b', '<i4')]", "',' or ']'"},
        {"[('a' '<i4')]", "','"},
        {"[('a',)]", "a type belongs here"},
        {"['a', '<i4']", "'('"},
        {"[('a', '<i4', 3)]", "'('"},
        {"[('a', '<i4', (3))]", "'(3,)'"},
        {"[('a', '<i4', (-3,))]", "negative"},
        {"[('a', '<i4', (3,), 5)]", "')'"},
        {"[('a', '<i4'), ('b', '<i4'), ('a', '<f8')]", "named 'a'"},
        {"[(('t', 'a'), '<i4'), ('t', '<f8')]", "named 't'"},
        {"[('', '<i4')]", "padding"},
        {"[((1, 'a'), '<i4')]", "string"},
        {"[('a', '|V2147483647'), ('b', '|i1')]", "2^31"},
        {"[('a', '<i4', (4611686018427387904, 4611686018427387904))]", "2^31"},
        {"[('a', '<i4', (99999999999999999999,))]", "2^63"},
        {"[('a\\q', '<i4')]", "backslash"},
        {"[('a\\x1', '<i4')]", "backslash"},
        {"[('a\nb', '<i4')]", "control"},
        {"[('\xe9', '<i4')]", "UTF-8"},
        {"[('\xed\xa0\x80', '<i4')]", "UTF-8"},
        {"[('\xc0\x80', '<i4')]", "UTF-8"},
        {"[b'a', '<i4']", "'('"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct tw__descr descr;
        tw_error error;
        assert_int_equal(read_descr(&descr, cases[k].text, &error), TW_ERROR_FORMAT);
        assert_non_null(strstr(error.message, "x.npy: the header is wrong at character "));
        assert_non_null(strstr(error.message, cases[k].says));
    }
}

static void records_nest_to_a_depth_that_is_bounded(void **state)
{
    (void)state;
    char text[4096];
    for (int depth = 30; depth < 40; depth++) {
        text[0] = '\0';
        for (int k = 0; k < depth; k++) {
            strcat(text, "[('a', ");
        }
        strcat(text, "'<i4'");
        for (int k = 0; k < depth; k++) {
            strcat(text, ")]");
        }
        struct tw__descr descr;
        assert_int_equal(read_descr(&descr, text, NULL), depth <= 32 ? TW_OK : TW_ERROR_FORMAT);
    }
}

static void numbers_of_the_other_byte_order_are_native_ones_to_swap(void **state)
{
    (void)state;
    struct tw__descr descr;
    const char other = TW__NATIVE == '<' ? '>' : '<';
    char text[] = "'?f8'";
    text[1] = other;
    assert_int_equal(read_descr(&descr, text, NULL), TW_OK);
    assert_int_equal(descr.dtype.kind, TW_FLOAT64);
    assert_true(descr.swapped);
    assert_int_equal(descr.dtype.descr[0], TW__NATIVE);
    text[1] = TW__NATIVE;
    assert_int_equal(read_descr(&descr, text, NULL), TW_OK);
    assert_false(descr.swapped);
    assert_int_equal(read_descr(&descr, "'>i1'", NULL), TW_OK);
    assert_false(descr.swapped);
}

static void dtypes_of_the_caller_are_checked(void **state)
{
    (void)state;
    tw_dtype good = {.kind = TW_OPAQUE, .itemsize = 12, .descr = "[('a', '<i4'), ('b', '<f8')]"};
    const char *text = good.descr;
    char *owned = NULL;
    assert_int_equal(tw__descr_own(&good, &owned, NULL), TW_OK);
    assert_string_equal(owned, text);
    assert_ptr_not_equal(owned, text);
    assert_ptr_equal(good.descr, owned);
    free(owned);

    tw_dtype plain = {.kind = TW_OPAQUE, .itemsize = 7};
    assert_int_equal(tw__descr_own(&plain, &owned, NULL), TW_OK);
    assert_string_equal(owned, "|V7");
    free(owned);

    const tw_dtype bad[] = {
        {.kind = (tw_kind)15, .itemsize = 8},
        {.kind = (tw_kind)-1, .itemsize = 8},
        {.kind = TW_FLOAT64, .itemsize = 4},
        {.kind = TW_OPAQUE, .itemsize = -1},
        {.kind = TW_OPAQUE, .itemsize = (int64_t)1 << 31},
        {.kind = TW_OPAQUE, .itemsize = 5, .descr = "|S6"},
        {.kind = TW_OPAQUE, .itemsize = 8, .descr = "|O"},
        {.kind = TW_OPAQUE, .itemsize = 8, .descr = ""},
        {.kind = TW_OPAQUE, .itemsize = 4, .descr = "[('a', '<i4')] 'more'"},
        {.kind = TW_OPAQUE, .itemsize = 4, .descr = "<i4', 'shape': ()}"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        tw_dtype dtype = bad[k];
        owned = (char *)1;
        assert_int_equal(tw__descr_own(&dtype, &owned, NULL), TW_ERROR_ARGUMENT);
        assert_ptr_equal(owned, (char *)1);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_have_the_sum_of_their_fields_bytes),
        cmocka_unit_test(descriptions_that_are_wrong_are_refused_with_the_place),
        cmocka_unit_test(records_nest_to_a_depth_that_is_bounded),
        cmocka_unit_test(numbers_of_the_other_byte_order_are_native_ones_to_swap),
        cmocka_unit_test(dtypes_of_the_caller_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
