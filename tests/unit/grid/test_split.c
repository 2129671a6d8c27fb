/* test_split.c - how axes are divided: as asked, automatically, and what is refused. */
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
        {"a[i], s[] -> r[i], s[]", {3}, {{.axis = "i", .tile = 2}}, "axis i is cut, but the output s does not have it"},
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

/* Kernels of unknown cost: the table of the documentation, and what is at its edges. */
static void tiles_of_kernels_are_as_worked_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *signature;
        int64_t lengths[4], itemsizes[4], counts[4];
    } cases[] = {
        {"y[i] -> r[i]", {200}, {8, 8}, {200}},
        {"y[i] -> r[i]", {256}, {8, 8}, {256}},
        {"y[i] -> r[i]", {257}, {8, 8}, {256}},
        {"y[i] -> r[i]", {400}, {8, 8}, {256}},
        {"y[i] -> r[i]", {10000000}, {8, 8}, {256}},
        {"y[i] -> r[i]", {2}, {8, 8}, {2}},
        {"y[i] -> r[i]", {1}, {8, 8}, {1}},
        {"y[i] -> r[i]", {0}, {8, 8}, {0}},
        {"c[] -> r[]", {0}, {8, 8}, {0}},
        {"a[i,j] -> r[i,j]", {120, 30}, {8, 8}, {120, 1}},
        {"a[i,j] -> r[i,j]", {32, 30}, {8, 8}, {32, 1}},
        {"a[i,j] -> r[i,j]", {31, 30}, {8, 8}, {31, 9}}, /* 31 are few: on to 256 */
        {"a[i,j] -> r[i,j]", {10, 30}, {8, 8}, {10, 26}},
        {"a[i,j] -> r[i,j]", {1, 30}, {8, 8}, {1, 30}},
        {"a[i,j] -> r[i,j]", {30, 1}, {8, 8}, {30, 1}},
        {"a[i,j] -> r[i,j]", {2, 3}, {8, 8}, {2, 3}},
        {"a[i,j] -> r[i,j]", {0, 1000}, {8, 8}, {0, 256}},
        {"a[i,j] -> r[i,j]", {1000, 0}, {8, 8}, {256, 0}},
        {"a[i,j,k] -> r[i,j,k]", {4, 5, 6}, {8, 8}, {4, 5, 6}},
        {"a[i,j,k] -> r[i,j,k]", {8, 8, 1000}, {8, 8}, {8, 8, 1}}, /* 64 are not few */
        {"a[i,j,k] -> r[i,j,k]", {3, 500, 1000}, {8, 8}, {3, 86, 1}},
        /* 256 tiles would be too large: whole rows make smaller ones before one is cut. */
        {"-> r[i,j]", {10000, 20000}, {8}, {385, 1}},                  /* 26 rows of 160,000 bytes */
        {"y[i], x[j] -> r[i,j]", {10000, 20000}, {8, 8, 8}, {385, 1}}, /* x is not cut */
        {"a[i,j] -> r[i,j]", {10000, 20000}, {8, 8}, {770, 1}},        /* a is */
        {"-> r[i,j]", {1000, 524288}, {8}, {1000, 1}},                 /* 4 MiB each */
        {"-> r[i,j]", {1000, 524289}, {8}, {1000, 2}},
        {"a[i,j] -> r[i,j]", {1000, 524288}, {8, 8}, {1000, 2}}, /* 8 MiB with the input's */
        {"a[i,j] -> r[i,j]", {1000, 524288}, {8, 1}, {1000, 2}}, /* 4.5 MiB */
        {"x[j] -> r[i,j]", {1000, 524288}, {8, 8}, {1000, 1}},   /* x is whole in each tile: it counts not */
        {"-> r[i]", {INT64_C(1) << 30}, {8}, {2048}},
        /* An axis that makes no output smaller is not cut for an input that lacks it. */
        {"a[i,k], b[k,j] -> r[i,j]", {100, 100, 1000000}, {8, 8, 8}, {100, 1, 1}},
        /* k is in no output. */
        {"a[k,i], b[k,j] -> r[i,j]", {1000, 1000, 1000}, {8, 8, 8}, {256, 1, 1}},
        {"a[k] -> r[]", {1000}, {8, 8}, {1}},
        {"-> r[i,j], s[j]", {1000, 1000}, {8, 8}, {1, 256}},
        {"-> r[i], s[j]", {1000, 1000}, {8, 8}, {1, 1}},
        {"a[i], r[i] -> r[i]", {1000}, {8, 8}, {256}},
        /* Numbers past 2^63 on the way. */
        {"-> r[i]", {1500}, {0}, {256}},
        {"-> r[i]", {1500}, {INT64_MAX}, {1500}},
        {"-> r[i,j]", {INT64_C(1) << 40, INT64_C(1) << 30}, {8}, {INT64_C(1) << 40, 2048}},
        {"-> r[i,j,k]", {10, INT64_C(1) << 32, INT64_C(1) << 32}, {8}, {10, INT64_C(1) << 32, 8192}},
        {"a[i,j] -> r[i,j]", {INT64_C(1) << 62, INT64_C(1) << 62}, {0, 0}, {256, 1}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const tw_grid_options options = {.itemsizes = cases[k].itemsizes};
        tw_grid *grid = grid_with(cases[k].signature, cases[k].lengths, &options);
        for (int a = 0; a < grid->naxes; a++) {
            if (tw_grid_axis_tiles(grid, a) != cases[k].counts[a]) {
                fail_msg("case %d, axis %d: %lld tiles", (int)k, a, (long long)tw_grid_axis_tiles(grid, a));
            }
        }
        tw_grid_destroy(grid);
    }
    tw_signature *signature = parse("-> r[i,j]");
    const int64_t lengths[] = {INT64_MAX / 8, INT64_MAX / 8};
    tw_grid *grid;
    tw_error error = {0};
    assert_int_equal(tw_grid_create(&grid, signature, lengths, NULL, &error), TW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "more tiles than can be numbered"));
    tw_signature_destroy(signature);
}

/* A kernel that returns its outputs gives back what its inputs' shapes say: it cannot know how much more is asked for.
 */
static void axes_of_no_input_stay_whole_on_request(void **state)
{
    (void)state;
    static const struct {
        const char *signature;
        int64_t lengths[3], counts[3];
    } cases[] = {
        {"-> r[i]", {1000}, {1}},
        {"-> r[i,j]", {100, 1000000}, {1, 1}},
        {"y[i] -> r[i,j]", {1000, 50}, {256, 1}},
        {"y[i] -> r[i,j]", {5, 50}, {5, 1}}, /* 5 are few, but y says nothing of j */
        {"x[j] -> r[i,j]", {1000, 50}, {1, 50}},
        {"r[i] -> r[i]", {1000}, {256}}, /* its first values are an input */
        {"y[i], x[j] -> r[i,j]", {5, 50}, {5, 50}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_grid *grid = grid_with(cases[k].signature, cases[k].lengths, &(tw_grid_options){.input_axes_only = 1});
        for (int a = 0; a < grid->naxes; a++) {
            if (tw_grid_axis_tiles(grid, a) != cases[k].counts[a]) {
                fail_msg("case %d, axis %d: %lld tiles", (int)k, a, (long long)tw_grid_axis_tiles(grid, a));
            }
        }
        tw_grid_destroy(grid);
    }
}

/* The rule, on any lengths: many tiles or single indices, later axes whole unless few or large, the first ones first.
 */
static void tiles_of_kernels_keep_to_their_rule(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    for (int round = 0; round < 5000; round++) {
        int64_t lengths[3], itemsizes[2], most = 1 + random_below(&seed, 100000);
        for (int a = 0; a < 3; a++) {
            const int64_t longest = next_random(&seed) % 2 != 0 ? 10 : 5000;
            lengths[a] = 1 + random_below(&seed, longest);
        }
        itemsizes[0] = 0;
        itemsizes[1] = 1 + random_below(&seed, 16);
        const tw_grid_options options = {.tile_bytes = most, .itemsizes = itemsizes};
        tw_grid *grid = grid_with("a[i,j,k] -> r[i,j,k]", lengths, &options);
        int64_t start[3], stop[3], tiles = 1, bytes = itemsizes[1] * lengths[0] * lengths[1] * lengths[2];
        tw_grid_tile(grid, 0, start, stop); /* the largest */
        for (int a = 0; a < 3; a++) {
            const int64_t cut = tw_grid_axis_tiles(grid, a);
            const int first = tiles == 1; /* no axis before it was longer than 1 */
            if (!first && tiles >= 32 && bytes <= most) {
                assert_int_equal(cut, 1);
            }
            bytes = bytes / lengths[a] * stop[a];
            if (first || tiles < 32) {
                assert_true(cut == lengths[a] || cut * tiles >= 256);
                assert_true(cut == lengths[a] || (cut - 1) * tiles < 256 || bytes > most / 2);
            }
            assert_true(bytes <= most || stop[a] == 1);
            tiles *= cut;
        }
        tw_grid_destroy(grid);
    }
}

static void tiles_of_statements_are_as_worked_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *signature;
        int64_t lengths[3], itemsizes[3], counts[3];
    } cases[] = {
        {"-> r[i,j]", {1500, 1500}, {8}, {9, 1}},
        {"-> r[i,j]", {1000, 300000}, {8}, {1000, 1}},
        {"-> r[i,j]", {10, 1000000}, {8}, {10, 4}},
        {"-> r[i,j]", {10000, 20000}, {8}, {770, 1}}, /* 13 rows of 160000 bytes each */
        {"-> r[i,j]", {262144, 1}, {8}, {1, 1}},
        {"-> r[i,j]", {262145, 1}, {8}, {2, 1}},
        {"-> r[i,j]", {1, 262145}, {8}, {1, 2}},
        {"a[k,i], b[k,j] -> r[i,j]", {1000, 1000, 1000000}, {8, 8, 8}, {4, 1, 1}}, /* k is summed over */
        {"-> r[i,j], s[j]", {1000, 1000}, {8, 8}, {1, 4}},                         /* i is not in s */
        {"-> r[i], s[j]", {1000000, 1000000}, {8, 8}, {1, 1}},
        {"-> r[i,j], s[i,j]", {1500, 1500}, {8, 8}, {18, 1}},
        {"-> r[i,j]", {1500, 1500}, {1}, {2, 1}},
        {"-> r[i]", {1500}, {0}, {1}},
        {"-> r[i]", {1500}, {INT64_MAX}, {1500}},
        {"-> r[i,j]", {INT64_C(1) << 40, INT64_C(1) << 30}, {8}, {INT64_C(1) << 40, 4096}},
        {"-> r[i,j,k]", {10, INT64_C(1) << 32, INT64_C(1) << 32}, {8}, {10, INT64_C(1) << 32, 16384}},
        {"-> r[i,j]", {0, 1000000000}, {8}, {0, 1}},
        {"-> r[i,j]", {1000000000, 0}, {8}, {1, 0}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const tw_grid_options options = {.itemsizes = cases[k].itemsizes, .cost = TW_COST_STATEMENT};
        tw_grid *grid = grid_with(cases[k].signature, cases[k].lengths, &options);
        for (int a = 0; a < grid->naxes; a++) {
            if (tw_grid_axis_tiles(grid, a) != cases[k].counts[a]) {
                fail_msg("case %d, axis %d: %lld tiles", (int)k, a, (long long)tw_grid_axis_tiles(grid, a));
            }
        }
        tw_grid_destroy(grid);
    }
}

static void tiles_of_statements_keep_to_their_size(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    for (int round = 0; round < 5000; round++) {
        int64_t lengths[3], itemsizes[2], tile = 1 + random_below(&seed, 100000);
        for (int a = 0; a < 3; a++) {
            const int64_t longest = next_random(&seed) % 2 != 0 ? 10 : 5000;
            lengths[a] = 1 + random_below(&seed, longest);
        }
        itemsizes[0] = itemsizes[1] = 1 + random_below(&seed, 16);
        const tw_grid_options options = {.tile_bytes = tile, .itemsizes = itemsizes, .cost = TW_COST_STATEMENT};
        tw_grid *grid = grid_with("a[i,j,k] -> r[i,j,k]", lengths, &options);
        tw_grid *again = grid_with("c[] -> r[i,j,k]", lengths, &options);
        assert_int_equal(tw_grid_count(grid), tw_grid_count(again)); /* whatever the inputs have */
        int64_t start[3], stop[3], bytes = itemsizes[0];
        tw_grid_tile(grid, 0, start, stop); /* the largest */
        int ones = 1;
        for (int a = 0; a < 3; a++) {
            assert_true(stop[a] == lengths[a] || ones); /* an axis is cut only behind axes cut into single indices */
            bytes *= stop[a];
            ones &= stop[a] == 1;
        }
        assert_true(bytes <= 2 * tile || ones);
        const __int128 all = (__int128)lengths[0] * lengths[1] * lengths[2] * itemsizes[0];
        assert_true(all <= (__int128)tw_grid_count(grid) * 2 * tile || ones);
        tw_grid_destroy(grid);
        tw_grid_destroy(again);
    }
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
        cmocka_unit_test(tiles_of_kernels_are_as_worked_by_hand),
        cmocka_unit_test(tiles_of_kernels_keep_to_their_rule),
        cmocka_unit_test(axes_of_no_input_stay_whole_on_request),
        cmocka_unit_test(tiles_of_statements_are_as_worked_by_hand),
        cmocka_unit_test(tiles_of_statements_keep_to_their_size),
        cmocka_unit_test(cuts_are_digits_and_commas),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
