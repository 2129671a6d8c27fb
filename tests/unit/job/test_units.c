/* test_units.c - a unit that a store writes belongs to one tile: cuts inside of one are refused, tiles fit by
 * themselves. */
#include "harness.h"

#include <stdio.h>

#include "grids.h"
#include "job/units.h"
#include "tiny_store.h"

/* What is said of one axis i of this length, divided like this, when r[i] has units of 5. */
static tw_status check_axis(int64_t length, const tw_split *split, tw_error *error)
{
    tw_array *array = tiny_array(stored, TW_FLOAT64, 1, &length);
    tw_grid *grid = grid_of("-> r[i]", &length, split, 1);
    const tw_status status = tw__units_check(grid, &array, error);
    tw_grid_destroy(grid);
    tw_array_destroy(array);
    return status;
}

static void a_cut_inside_a_unit_is_refused_and_the_nearest_ones_are_named(void **state)
{
    (void)state;
    static const char *const before = "axis i is cut at %d, inside a unit of output r, which is written in units of 5 "
                                      "along i: %s";
    const struct {
        int64_t length;
        tw_split split;
        int cut;
        const char *advice;
    } cases[] = {
        {20, {.axis = "i", .cuts = (const int64_t[]){7}, .ncuts = 1}, 7, "cut at 5 or 10"},
        {20, {.axis = "i", .cuts = (const int64_t[]){5, 10, 14}, .ncuts = 3}, 14, "cut at 10 or 15"},
        {20, {.axis = "i", .cuts = (const int64_t[]){3}, .ncuts = 1}, 3, "cut at 5"},
        {20, {.axis = "i", .cuts = (const int64_t[]){16}, .ncuts = 1}, 16, "cut at 15"},
        {5, {.axis = "i", .cuts = (const int64_t[]){3}, .ncuts = 1}, 3, "leave the axis whole"},
        {4, {.axis = "i", .tile = 1}, 1, "leave the axis whole"},
        {20, {.axis = "i", .tile = 7}, 7, "cut at 5 or 10"},
        {20, {.axis = "i", .parts = 3}, 7, "cut at 5 or 10"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char expected[200];
        tw_error error = {0};
        const tw_status status = check_axis(cases[k].length, &cases[k].split, &error);
        snprintf(expected, sizeof expected, before, cases[k].cut, cases[k].advice);
        assert_int_equal(status, TW_ERROR_ARGUMENT);
        assert_string_equal(error.message, expected);
    }
}

/* For all ways of dividing axes of up to 24: refused exactly if a cut is no multiple of 5. */
static void cuts_are_refused_exactly_if_they_split_a_unit(void **state)
{
    (void)state;
    for (int64_t length = 1; length <= 24; length++) {
        for (int64_t number = 1; number <= 2 * length; number++) {
            const tw_split split = number <= length ? (tw_split){.axis = "i", .tile = number}
                                                    : (tw_split){.axis = "i", .parts = number - length};
            tw_grid *grid = grid_of("-> r[i]", &length, &split, 1);
            int splits = 0;
            for (uint64_t tile = 0; tile < tw_grid_count(grid); tile++) {
                int64_t start, stop;
                tw_grid_tile(grid, tile, &start, &stop);
                splits |= start % 5 != 0;
            }
            tw_grid_destroy(grid);
            assert_int_equal(check_axis(length, &split, NULL), splits ? TW_ERROR_ARGUMENT : TW_OK);
        }
    }
}

static void inputs_may_be_cut_anywhere_and_outputs_in_memory_too(void **state)
{
    (void)state;
    const int64_t length = 20;
    const tw_split split = {.axis = "i", .tile = 3};
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    tw_array *arrays[] = {tiny_array(stored, TW_FLOAT64, 1, &length), NULL};
    assert_int_equal(tw_array_create(&arrays[1], NULL, &dtype, 1, &length, NULL), TW_OK);
    tw_grid *grid = grid_of("x[i] -> r[i]", &length, &split, 1);
    assert_int_equal(tw__units_check(grid, arrays, NULL), TW_OK);
    tw_grid_destroy(grid);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
}

/* r[i,j] has units of 5 x 7, s[j,i] too, so tiles are multiples of 35 along both axes. */
static void units_of_several_outputs_are_all_kept(void **state)
{
    (void)state;
    const int64_t lengths[] = {100, 100}, cut = 5;
    tw_array *arrays[] = {tiny_array(stored, TW_FLOAT64, 2, lengths), tiny_array(stored, TW_FLOAT64, 2, lengths)};
    tw_error error = {0};
    int64_t units[2];
    tw_grid *grid = grid_of("-> r[i,j], s[j,i]", lengths, &(tw_split){.axis = "i", .cuts = &cut, .ncuts = 1}, 1);
    tw__units(tw_grid_signature(grid), arrays, units);
    assert_int_equal(units[0], 35);
    assert_int_equal(units[1], 35);
    assert_int_equal(tw__units_check(grid, arrays, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "axis i is cut at 5, inside a unit of output s, which is written in units of 7 "
                                       "along i: cut at 35");
    tw_grid_destroy(grid);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
}

/* Grids that the library chooses itself, for kernels and for statements. */
static void automatic_tiles_keep_units_whole(void **state)
{
    (void)state;
    static const int64_t lengths[][2] = {{4, 3}, {5, 7}, {6, 8}, {200, 30}, {1000, 1000}, {100, 1000000}, {1, 5000000}};
    const int64_t units[] = {5, 7};
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        for (int cost = 0; cost < 2; cost++) {
            const tw_grid_options options = {.units = units, .cost = (tw_cost)cost};
            tw_grid *grid = grid_with("-> r[i,j]", lengths[k], &options);
            const uint64_t count = tw_grid_count(grid);
            assert_true(count > 0 && count < 1000000);
            for (uint64_t tile = 0; tile < count; tile++) {
                int64_t start[2], stop[2];
                tw_grid_tile(grid, tile, start, stop);
                assert_true(start[0] % 5 == 0 && start[1] % 7 == 0);
            }
            tw_grid_destroy(grid);
        }
    }
    const int64_t large[] = {10000, 20000};
    tw_grid *grid = grid_with("-> r[i,j]", large, &(tw_grid_options){.units = units});
    assert_int_equal(tw_grid_axis_tiles(grid, 0), 400); /* 385 of 26 rows: 25 are whole units, and below 4 MiB */
    assert_int_equal(tw_grid_axis_tiles(grid, 1), 1);
    tw_grid_destroy(grid);
}

static void a_grid_for_arrays_keeps_the_units_of_their_stores(void **state)
{
    (void)state;
    const int64_t lengths[] = {1000, 50};
    tw_signature *signature = parse("-> r[i,j]");
    tw_array *array = tiny_array(stored, TW_FLOAT64, 2, lengths);
    tw_grid *grid = NULL;
    assert_int_equal(tw_grid_for(&grid, signature, &array, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_grid_axis_tiles(grid, 0), 200); /* without units 250 of 4 rows */
    assert_int_equal(tw__units_check(grid, &array, NULL), TW_OK);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(array);
}

static void units_below_one_are_refused(void **state)
{
    (void)state;
    const int64_t lengths[] = {10, 10}, units[] = {1, 0};
    tw_signature *signature = parse("-> r[i,j]");
    tw_grid *grid = NULL;
    tw_error error;
    assert_int_equal(tw_grid_create(&grid, signature, lengths, &(tw_grid_options){.units = units}, &error),
                     TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "axis j has units of 0: 1 is the least");
    tw_signature_destroy(signature);
}

/* A store that wants pieces of a page: rows of elements are cut only if each piece has one, but for tiles of one piece.
 */
static void tiles_of_several_short_pieces_are_refused(void **state)
{
    (void)state;
    static const char said[] = "output r would be written in pieces of %d bytes, on a file system where machines may "
                               "overwrite each other's bytes within a page of 4096: cut along i alone, or %s";
    const struct {
        int64_t lengths[3], tiles[3];
        int bytes; /* 0: allowed */
        const char *advice;
    } cases[] = {
        {{100, 1000, 1}, {10, 1000, 1}, 0, NULL},
        {{100, 1000, 1}, {1, 10, 1}, 0, NULL}, /* one piece, however short */
        {{100, 1000, 1}, {10, 512, 1}, 0, NULL},
        {{100, 1000, 1}, {10, 511, 1}, 4088, "tiles of 512 or more along j"},
        {{100, 1000, 1}, {100, 10, 1}, 80, "tiles of 512 or more along j"},
        {{100, 400, 1}, {2, 200, 1}, 1600, "leave j whole"},
        {{100, 400, 3}, {2, 200, 3}, 0, NULL},
        {{100, 400, 3}, {2, 170, 3}, 4080, "tiles of 171 or more along j"},
        {{100, 1, 1000}, {2, 1, 100}, 800, "tiles of 512 or more along k"},
        {{1, 400, 3}, {1, 10, 3}, 0, NULL},
        {{100, 0, 3}, {2, 1, 1}, 0, NULL},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char expected[300];
        tw_error error = {0};
        const tw_split splits[] = {{.axis = "i", .tile = cases[c].tiles[0]},
                                   {.axis = "j", .tile = cases[c].tiles[1]},
                                   {.axis = "k", .tile = cases[c].tiles[2]}};
        tw_array *array = tiny_array(stored, TW_FLOAT64, 3, cases[c].lengths);
        array->store->unit = NULL;
        array->store->piece = 4096;
        tw_grid *grid = grid_of("-> r[i,j,k]", cases[c].lengths, splits, 3);
        const tw_status status = tw__units_check(grid, &array, &error);
        assert_int_equal(status, cases[c].bytes != 0 ? TW_ERROR_ARGUMENT : TW_OK);
        array->store->piece = 0; /* of an output that has no such store yet */
        assert_int_equal(tw__units_check(grid, &array, NULL), TW_OK);
        assert_int_equal(tw__pieces_check(grid, &array, 4096, NULL), status);
        assert_int_equal(tw__pieces_check(grid, &array, 0, NULL), TW_OK);
        if (cases[c].bytes != 0) {
            snprintf(expected, sizeof expected, said, cases[c].bytes, cases[c].advice);
            assert_string_equal(error.message, expected);
        }
        tw_grid_destroy(grid);
        tw_array_destroy(array);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define LOGGED(test) cmocka_unit_test_setup_teardown(test, tiny_set_up, tiny_tear_down)
    const struct CMUnitTest tests[] = {
        LOGGED(a_cut_inside_a_unit_is_refused_and_the_nearest_ones_are_named),
        LOGGED(cuts_are_refused_exactly_if_they_split_a_unit),
        LOGGED(inputs_may_be_cut_anywhere_and_outputs_in_memory_too),
        LOGGED(units_of_several_outputs_are_all_kept),
        LOGGED(automatic_tiles_keep_units_whole),
        LOGGED(a_grid_for_arrays_keeps_the_units_of_their_stores),
        LOGGED(units_below_one_are_refused),
        LOGGED(tiles_of_several_short_pieces_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
