/* test_split.c - how axes are divided as asked, and what is refused. */
#include <stdlib.h>
#include <string.h>

#include "grids.h"

#include "grid/grid.h"

static void parts_differ_by_one_and_longer_ones_come_first(void **state)
{
    (void)state;
    const int64_t length = 10;
    tw_grid *grid = grid_of("-> r[i]", &length, &(tw_split){.axis = "i", .parts = 4}, 1);
    static const int64_t starts[] = {0, 3, 6, 8, 10};
    assert_int_equal(tw_grid_count(grid), 4);
    assert_int_equal(tw_grid_axis_tiles(grid, 0), 4);
    for (uint64_t tile = 0; tile < 4; tile++) {
        int64_t start, stop;
        tw_grid_tile(grid, tile, &start, &stop);
        assert_int_equal(start, starts[tile]);
        assert_int_equal(stop, starts[tile + 1]);
    }
    tw_grid_destroy(grid);
}

/* A split that leaves an axis whole is no cut, so it may stand on an axis that outputs lack. */
static void an_axis_split_into_one_tile_is_not_cut(void **state)
{
    (void)state;
    const int64_t lengths[] = {3, 4};
    const tw_split splits[] = {{.axis = "k", .parts = 1}, {.axis = "k", .tile = 9}, {.axis = "k"}};
    for (size_t k = 0; k < 3; k++) {
        tw_grid *grid = grid_of("a[i,k] -> r[i]", lengths, &splits[k], 1);
        assert_int_equal(tw_grid_count(grid), 1);
        tw_grid_destroy(grid);
    }
}

static void what_makes_no_sense_is_refused_by_name(void **state)
{
    (void)state;
    const int64_t c700[] = {333, 700}, c333[] = {333, 333}, down[] = {333, 666, 333}, zero[] = {0}, edge[] = {666};
    const int64_t below[] = {-1};
#define CUTS(array) .cuts = array, .ncuts = sizeof(array) / sizeof(array)[0]
    const struct {
        const char *signature;
        int64_t lengths[3];
        tw_split splits[2];
        const char *message;
    } cases[] = {
        {"-> r[i]", {666}, {{.axis = "i", CUTS(c700)}}, "cut 700 on axis i is not inside (0, 666)"},
        {"-> r[i]", {999}, {{.axis = "i", CUTS(down)}}, "cuts on axis i must increase: 666 is followed by 333"},
        {"-> r[i]", {666}, {{.axis = "i", CUTS(c333)}}, "cut 333 on axis i is given twice"},
        {"-> r[i]", {666}, {{.axis = "i", CUTS(zero)}}, "cut 0 on axis i is not inside (0, 666)"},
        {"-> r[i]", {666}, {{.axis = "i", CUTS(edge)}}, "cut 666 on axis i is not inside (0, 666)"},
        {"-> r[i]", {666}, {{.axis = "i", CUTS(below)}}, "cut -1 on axis i is not inside (0, 666)"},
        {"-> r[i]", {0}, {{.axis = "i", CUTS(edge)}}, "cut 666 on axis i is not inside (0, 0)"},
        {"-> r[i]", {666}, {{.axis = "i", .ncuts = 3}}, "axis i should have 3 cuts, but no cuts are given"},
        {"-> r[i]",
         {3},
         {{.axis = "i", .parts = 4}},
         "axis i has length 3 and cannot be cut into 4 parts that are not"},
        {"-> r[i]", {3}, {{.axis = "i", .parts = -1}}, "axis i cannot be cut into -1 parts"},
        {"-> r[i]", {3}, {{.axis = "i", .tile = -2}}, "axis i cannot have tiles of length -2"},
        {"-> r[i]", {3}, {{.axis = "i", .tile = 1, .parts = 2}}, "axis i is divided in more than one way"},
        {"-> r[i]", {3}, {{.axis = "i", .tile = 1, .cuts = c333}}, "axis i is divided in more than one way"},
        {"-> r[i,j]", {3, 3}, {{.axis = "k", .tile = 1}}, "no axis 'k' in the signature, which has i, j"},
        {"-> r[]", {0}, {{.axis = "\x01", .tile = 1}}, "no axis '\\x01' in the signature, which has none"},
        {"-> r[i,j]", {3, 3}, {{.axis = "i", .tile = 1}, {.axis = "i", .tile = 1}}, "axis i is split twice"},
        {"-> r[i,j]", {3, 3}, {{.axis = "i", .tile = 1}, {.axis = NULL, .tile = 1}}, "split number 1 names no axis"},
        {"-> r[i,j]", {3, -3}, {{.axis = "i", .tile = 1}}, "axis j has length -3, which is negative"},
        {"a[i,k] -> r[i]",
         {3, 4},
         {{.axis = "k", .parts = 2}},
         "axis k is cut, but the output r does not have it: an axis that is cut must be in every output"},
        {"-> r[i,j], s[i]", {3, 4}, {{.axis = "j", .tile = 2}}, "axis j is cut, but the output s does not have it"},
        {"a[i], s[] -> r[i], s[]",
         {3},
         {{.axis = "i", .tile = 2}},
         "it is read and written, so it cannot be a reduction"},
        {"-> r[i,j,k]",
         {INT64_C(1) << 32, INT64_C(1) << 31, 3},
         {{.axis = "i", .tile = 1}, {.axis = "j", .tile = 1}},
         "more tiles than can be numbered"},
    };
#undef CUTS
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_signature *signature = parse(cases[k].signature);
        const size_t n = cases[k].splits[1].tile != 0 ? 2 : 1;
        const tw_grid_options options = {.splits = cases[k].splits, .nsplits = n};
        tw_grid *grid = (tw_grid *)signature;
        tw_error error = {0};
        assert_int_equal(tw_grid_create(&grid, signature, cases[k].lengths, &options, &error), TW_ERROR_ARGUMENT);
        assert_ptr_equal(grid, signature); /* results are untouched on failure */
        if (strstr(error.message, cases[k].message) == NULL) {
            fail_msg("%s\nsaid: %s", cases[k].message, error.message);
        }
        assert_int_equal(tw_grid_create(&grid, signature, cases[k].lengths, &options, NULL), TW_ERROR_ARGUMENT);
        tw_signature_destroy(signature);
    }
    tw_signature *signature = parse("-> r[i]");
    const int64_t length = 3, itemsize = -8;
    tw_grid *grid;
    tw_error error = {0};
    const tw_grid_options bad[] = {{.nsplits = 1}, {.tile_bytes = -1}, {.itemsizes = &itemsize}};
    const char *const messages[] = {"but no splits are given", "-1 bytes per tile", "r has items of -8 bytes"};
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(tw_grid_create(&grid, signature, &length, &bad[k], &error), TW_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, messages[k]));
    }
    tw_signature_destroy(signature);
}

static void cuts_are_digits_and_commas(void **state)
{
    (void)state;
    int64_t *cuts = NULL;
    size_t ncuts = 0;
    assert_int_equal(tw_cuts_parse(&cuts, &ncuts, "333,666,9223372036854775807", NULL), TW_OK);
    assert_int_equal(ncuts, 3);
    assert_int_equal(cuts[0], 333);
    assert_int_equal(cuts[1], 666);
    assert_true(cuts[2] == INT64_MAX);
    free(cuts);
    static const struct {
        const char *text;
        int column;
        const char *message;
    } cases[] = {
        {"", 1, "cuts: expected a number at column 1: ''"},
        {",", 1, "expected a number"},
        {"333,", 5, "expected a number"},
        {"333,,666", 5, "cuts: expected a number at column 5: '333,,666'"},
        {"333, 666", 5, "expected a number"},
        {"-1", 1, "expected a number"},
        {"+1", 1, "expected a number"},
        {"1.5", 2, "expected ',' or the end"},
        {"1e3", 2, "expected ',' or the end"},
        {"0x10", 2, "expected ',' or the end"},
        {"333 ", 4, "expected ',' or the end"},
        {"1,9223372036854775808", 3, "a number past 2^63 - 1 at column 3"},
        {"\xef\xbc\x91", 1, "expected a number at column 1: '\\xef\\xbc\\x91'"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_error error = {0};
        cuts = (int64_t *)1;
        ncuts = 77;
        assert_int_equal(tw_cuts_parse(&cuts, &ncuts, cases[k].text, &error), TW_ERROR_SYNTAX);
        assert_int_equal(error.column, cases[k].column);
        assert_non_null(strstr(error.message, cases[k].message));
        assert_ptr_equal(cuts, (int64_t *)1);
        assert_int_equal(ncuts, 77);
    }
    assert_int_equal(tw_cuts_parse(&cuts, &ncuts, NULL, NULL), TW_ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_differ_by_one_and_longer_ones_come_first),
        cmocka_unit_test(what_makes_no_sense_is_refused_by_name),
        cmocka_unit_test(an_axis_split_into_one_tile_is_not_cut),
        cmocka_unit_test(cuts_are_digits_and_commas),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
