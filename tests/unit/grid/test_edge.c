/* test_edge.c - what is read past the ends: places as numpy.pad and scipy.ndimage have them, and the names. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "harness.h"

#include "grid/edge.h"

static void expect_places(tw_edge edge, int64_t length, int64_t first, const int64_t *places, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const int64_t index = first + (int64_t)k, place = tw__edge_place(edge, index, length);
        if (place != places[k]) {
            fail_msg("edge %d, length %" PRId64 ", index %" PRId64 ": %" PRId64 ", not %" PRId64, (int)edge, length,
                     index, place, places[k]);
        }
    }
}
#define PLACES(edge, length, first, ...)                                                                               \
    expect_places(edge, length, first, (const int64_t[]){__VA_ARGS__},                                                 \
                  sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* numpy.pad(numpy.arange(4), 9, mode): "edge", "wrap", "symmetric", "reflect". */
static void places_are_those_of_numpy_pad(void **state)
{
    (void)state;
    PLACES(TW_EDGE_CLAMP, 4, -9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3);
    PLACES(TW_EDGE_WRAP, 4, -9, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0);
    PLACES(TW_EDGE_REFLECT, 4, -9, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3, 3);
    PLACES(TW_EDGE_MIRROR, 4, -9, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0);
    PLACES(TW_EDGE_ZERO, 4, -2, -1, -1, 0, 1, 2, 3, -1, -1);
    PLACES(TW_EDGE_CONSTANT, 4, -2, -1, -1, 0, 1, 2, 3, -1, -1);
}

/* numpy.pad(numpy.arange(3), 7, mode), and of two elements. */
static void odd_and_short_lengths_are_right_too(void **state)
{
    (void)state;
    PLACES(TW_EDGE_WRAP, 3, -7, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0);
    PLACES(TW_EDGE_REFLECT, 3, -7, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2);
    PLACES(TW_EDGE_MIRROR, 3, -7, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1);
    PLACES(TW_EDGE_REFLECT, 2, -5, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1);
    PLACES(TW_EDGE_MIRROR, 2, -5, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0);
}

static void one_element_is_read_everywhere(void **state)
{
    (void)state;
    static const tw_edge edges[] = {TW_EDGE_CLAMP, TW_EDGE_WRAP, TW_EDGE_REFLECT, TW_EDGE_MIRROR};
    for (size_t k = 0; k < 4; k++) {
        PLACES(edges[k], 1, -3, 0, 0, 0, 0, 0, 0, 0);
        assert_int_equal(tw__edge_place(edges[k], INT64_MIN, 1), 0);
        assert_int_equal(tw__edge_place(edges[k], INT64_MAX, 1), 0);
    }
}

static void an_empty_axis_has_no_places(void **state)
{
    (void)state;
    for (int edge = TW_EDGE_CLAMP; edge <= TW_EDGE_CONSTANT; edge++) {
        PLACES((tw_edge)edge, 0, -1, -1, -1, -1);
    }
}

/* 2^63 - 1 is 7 modulo 10, 18 and 20; -2^63 is 2 modulo 10, its complement is 2^63 - 1 again, and 2^63 is 8 modulo
 * 18. */
static void indices_at_the_ends_of_int64_do_not_overflow(void **state)
{
    (void)state;
    assert_int_equal(tw__edge_place(TW_EDGE_WRAP, INT64_MAX, 10), 7);
    assert_int_equal(tw__edge_place(TW_EDGE_WRAP, INT64_MIN, 10), 2);
    assert_int_equal(tw__edge_place(TW_EDGE_REFLECT, INT64_MAX, 10), 7);
    assert_int_equal(tw__edge_place(TW_EDGE_REFLECT, INT64_MIN, 10), 7);
    assert_int_equal(tw__edge_place(TW_EDGE_MIRROR, INT64_MAX, 10), 7);
    assert_int_equal(tw__edge_place(TW_EDGE_MIRROR, INT64_MIN, 10), 8);
    const int64_t longest = INT64_MAX;
    assert_true(tw__edge_place(TW_EDGE_REFLECT, -1, longest) == 0);
    assert_true(tw__edge_place(TW_EDGE_REFLECT, INT64_MIN, longest) == longest - 1);
    assert_true(tw__edge_place(TW_EDGE_MIRROR, INT64_MAX, longest) == longest - 2);
    assert_true(tw__edge_place(TW_EDGE_WRAP, INT64_MIN, longest) == longest - 1);
}

static void inside_every_edge_reads_the_index_itself(void **state)
{
    (void)state;
    for (int edge = TW_EDGE_ERROR; edge <= TW_EDGE_CONSTANT; edge++) {
        PLACES((tw_edge)edge, 3, 0, 0, 1, 2);
    }
}

/* ---- names ---- */

static void expect_edge(const char *name, tw_edge edge, double constant, double imag)
{
    tw_axis_edge found = {.axis = "i", .has_length = 1, .constant = 9, .imag = 9};
    tw_error error;
    if (tw_edge_parse(name, &found, &error) != TW_OK) {
        fail_msg("%s", error.message);
    }
    const tw_axis_edge right = {.edge = TW_EDGE_CONSTANT, .constant = constant, .imag = imag};
    const tw_axis_edge numbers = {.edge = TW_EDGE_CONSTANT, .constant = found.constant, .imag = found.imag};
    assert_int_equal(found.edge, edge);
    assert_true(tw__edge_same(&numbers, &right));
    assert_string_equal(found.axis, "i");
    assert_int_equal(found.has_length, 1);
}

static void names_are_ours_and_those_of_scipy(void **state)
{
    (void)state;
    expect_edge("error", TW_EDGE_ERROR, 0, 0);
    expect_edge("clamp", TW_EDGE_CLAMP, 0, 0);
    expect_edge("nearest", TW_EDGE_CLAMP, 0, 0);
    expect_edge("wrap", TW_EDGE_WRAP, 0, 0);
    expect_edge("grid-wrap", TW_EDGE_WRAP, 0, 0);
    expect_edge("zero", TW_EDGE_ZERO, 0, 0);
    expect_edge("reflect", TW_EDGE_REFLECT, 0, 0);
    expect_edge("grid-mirror", TW_EDGE_REFLECT, 0, 0);
    expect_edge("mirror", TW_EDGE_MIRROR, 0, 0);
    expect_edge("constant", TW_EDGE_CONSTANT, 0, 0);
    expect_edge("grid-constant", TW_EDGE_CONSTANT, 0, 0);
}

static void constants_are_numbers_as_python_writes_them(void **state)
{
    (void)state;
    expect_edge("constant=1", TW_EDGE_CONSTANT, 1, 0);
    expect_edge("constant=-0.5", TW_EDGE_CONSTANT, -0.5, 0);
    expect_edge("constant=+1e-9", TW_EDGE_CONSTANT, 1e-9, 0);
    expect_edge("constant=-0.0", TW_EDGE_CONSTANT, -0.0, 0);
    expect_edge("constant=1_000.5", TW_EDGE_CONSTANT, 1000.5, 0);
    expect_edge("constant=-inf", TW_EDGE_CONSTANT, -(double)INFINITY, 0);
    expect_edge("constant=nan", TW_EDGE_CONSTANT, (double)NAN, 0);
    expect_edge("constant=True", TW_EDGE_CONSTANT, 1, 0);
    expect_edge("constant=False", TW_EDGE_CONSTANT, 0, 0);
    expect_edge("constant=2j", TW_EDGE_CONSTANT, 0, 2);
    expect_edge("constant=1-2.5j", TW_EDGE_CONSTANT, 1, -2.5);
    expect_edge("grid-constant=3", TW_EDGE_CONSTANT, 3, 0);
    expect_edge("constant=-9223372036854775808", TW_EDGE_CONSTANT, -0x1p63, 0);
    expect_edge("constant=9007199254740993.0", TW_EDGE_CONSTANT, 0x1p53, 0);
    expect_edge("constant=100000000000000000000000", TW_EDGE_CONSTANT, 1e23, 0);
}

static void what_is_no_edge_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "'' is not an edge: it is one of error, clamp, wrap, zero, reflect, mirror or constant=x"},
        {"mirorr", "'mirorr' is not an edge: it is one of error, clamp, wrap, zero, reflect, mirror or constant=x"},
        {"clamp=1", "'clamp=1' is not an edge: only constant has a number, as in constant=1"},
        {"constant=",
         "'constant=' is not an edge: the constant is no number, as 0, -1.5, 1e-9, nan, True and 1+2j are"},
        {"constant=9007199254740993", "'constant=9007199254740993' is not an edge: a whole number past 2^53 that is no "
                                      "float64 is not kept as it is; "
                                      "write 1e16 for floats"},
        {"constant=-18446744073709551615", NULL},
        {"constant=x", NULL},
        {"constant=1 ", NULL},
        {"constant= 1", NULL},
        {"constant=1e", NULL},
        {"constant=0x10", NULL},
        {"constant=1+2", NULL},
        {"constant=2j+1", NULL},
        {"constant=1+2j3", NULL},
        {"constant=1,0", NULL},
        {"constant=--1", NULL},
        {"Clamp", NULL},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_axis_edge edge = {.edge = TW_EDGE_WRAP, .constant = 7};
        tw_error error;
        assert_int_equal(tw_edge_parse(cases[k].text, &edge, &error), TW_ERROR_SYNTAX);
        assert_int_equal(edge.edge, TW_EDGE_WRAP);
        assert_true(edge.constant > 6);
        assert_non_null(strstr(error.message, "is not an edge: "));
        if (cases[k].message != NULL) {
            assert_string_equal(error.message, cases[k].message);
        }
    }
}

static void a_text_is_what_the_parser_reads(void **state)
{
    (void)state;
    static const char *const texts[] = {"error",         "clamp",           "wrap",
                                        "zero",          "reflect",         "mirror",
                                        "constant=0",    "constant=-0",     "constant=1",
                                        "constant=-1.5", "constant=nan",    "constant=-inf",
                                        "constant=1e-9", "constant=0.001",  "constant=1.25e300",
                                        "constant=1+2j", "constant=0-infj", "constant=1000000",
                                        "constant=255",  "constant=0.1"};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        tw_axis_edge edge = {0};
        char data[64];
        struct tw__text text;
        tw__text_init(&text, data, sizeof data);
        assert_int_equal(tw_edge_parse(texts[k], &edge, NULL), TW_OK);
        tw__edge_add(&text, &edge);
        assert_string_equal(data, texts[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_those_of_numpy_pad),
        cmocka_unit_test(odd_and_short_lengths_are_right_too),
        cmocka_unit_test(one_element_is_read_everywhere),
        cmocka_unit_test(an_empty_axis_has_no_places),
        cmocka_unit_test(indices_at_the_ends_of_int64_do_not_overflow),
        cmocka_unit_test(inside_every_edge_reads_the_index_itself),
        cmocka_unit_test(names_are_ours_and_those_of_scipy),
        cmocka_unit_test(constants_are_numbers_as_python_writes_them),
        cmocka_unit_test(what_is_no_edge_is_refused_and_changes_nothing),
        cmocka_unit_test(a_text_is_what_the_parser_reads),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
