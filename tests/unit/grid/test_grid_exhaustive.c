/* test_grid_exhaustive.c - grids cover every element once: every way of dividing small axes, none left out, and the
 * arithmetic at the limits of 31, 32 and 63 bits beside arithmetic that has 128. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "grids.h"

#include "grid/grid.h"

enum { MOST_ELEMENTS = 4096, LONGEST = 64, LONGEST_ALL_CUTS = 16 };

struct counts {
    uint64_t grids, tiles, elements;
};

static void say(const char *what, const struct counts *counts)
{
    printf("# %s: %" PRIu64 " grids, %" PRIu64 " tiles, %" PRIu64 " elements\n", what, counts->grids, counts->tiles,
           counts->elements);
}

/* Every element of a grid all of whose axes are in its output is in exactly one tile, tiles are not empty, and the
 * owner of each element is the tile that has it. */
static void check_covers_once(const tw_grid *grid, struct counts *counts)
{
    unsigned char marks[MOST_ELEMENTS];
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES], index[TW__MAX_AXES], size = 1, marked = 0;
    for (int a = 0; a < grid->naxes; a++) {
        size *= tw_grid_length(grid, a);
    }
    assert_true(size <= MOST_ELEMENTS);
    memset(marks, 0, (size_t)size);
    for (uint64_t tile = 0; tile < tw_grid_count(grid); tile++) {
        tw_grid_tile(grid, tile, start, stop);
        for (int a = 0; a < grid->naxes; a++) {
            if (start[a] < 0 || start[a] >= stop[a] || stop[a] > tw_grid_length(grid, a)) {
                fail_msg("tile %d, axis %d: %d:%d", (int)tile, a, (int)start[a], (int)stop[a]);
            }
            index[a] = start[a];
        }
        for (int a = grid->naxes; a >= 0;) {
            int64_t flat = 0;
            for (int b = 0; b < grid->naxes; b++) {
                flat = flat * tw_grid_length(grid, b) + index[b];
            }
            if (marks[flat] || tw_grid_owner(grid, index) != tile) {
                fail_msg("element %d of tile %d belongs to tile %d", (int)flat, (int)tile,
                         (int)tw_grid_owner(grid, index));
            }
            marks[flat] = 1;
            marked++;
            for (a = grid->naxes - 1; a >= 0 && ++index[a] == stop[a]; a--) {
                index[a] = start[a];
            }
        }
    }
    assert_int_equal(marked, size);
    counts->grids++;
    counts->tiles += tw_grid_count(grid);
    counts->elements += (uint64_t)size;
}

/* Way number `number` of dividing an axis of this length: whole, tiles of 1 to length + 1, 1 to length parts, and where
 * `all_cuts`, every set of cuts. Returns 0 when the number is past the last way. */
static int divide(int64_t length, int64_t number, int all_cuts, tw_split *split, int64_t cuts[LONGEST])
{
    const char *axis = split->axis;
    *split = (tw_split){.axis = axis};
    if (number == 0) {
        return 1;
    }
    number--;
    if (number <= length) {
        split->tile = number + 1;
        return 1;
    }
    number -= length + 1;
    if (number < length) {
        split->parts = number + 1;
        return 1;
    }
    number -= length;
    if (!all_cuts || length < 2 || number >= (INT64_C(1) << (length - 1)) - 1) {
        return 0;
    }
    for (int64_t bit = 0; bit < length - 1; bit++) {
        if ((number + 1) >> bit & 1) { /* bit k: cut at k + 1 */
            cuts[split->ncuts++] = bit + 1;
        }
    }
    split->cuts = cuts;
    return 1;
}

static void all_lengths_tiles_and_parts_cover_once(void **state)
{
    (void)state;
    struct counts counts = {0};
    int64_t cuts[LONGEST];
    for (int64_t length = 0; length <= LONGEST; length++) {
        tw_split split = {.axis = "i"};
        for (int64_t way = 0; divide(length, way, 0, &split, cuts); way++) {
            tw_grid *grid = grid_of("-> r[i]", &length, &split, 1);
            const int64_t count = split.tile != 0    ? (length + split.tile - 1) / split.tile
                                  : split.parts != 0 ? split.parts
                                                     : length > 0;
            assert_int_equal(tw_grid_count(grid), count);
            check_covers_once(grid, &counts);
            tw_grid_destroy(grid);
        }
    }
    say("lengths 0 to 64, all tile sizes and parts", &counts);
}

static void all_sets_of_cuts_cover_once(void **state)
{
    (void)state;
    struct counts counts = {0};
    int64_t cuts[LONGEST];
    for (int64_t length = 1; length <= LONGEST_ALL_CUTS; length++) {
        tw_split split = {.axis = "i"};
        for (int64_t way = length % one_in(); divide(length, way, 1, &split, cuts); way += one_in()) {
            if (split.cuts != NULL) {
                tw_grid *grid = grid_of("-> r[i]", &length, &split, 1);
                assert_int_equal(tw_grid_count(grid), split.ncuts + 1);
                check_covers_once(grid, &counts);
                tw_grid_destroy(grid);
            }
        }
    }
    say("lengths 1 to 16, all sets of cuts", &counts);
}

static void two_axes_divided_in_all_ways_cover_once(void **state)
{
    (void)state;
    struct counts counts = {0};
    int64_t cuts[2][LONGEST], lengths[2];
    for (lengths[0] = 0; lengths[0] <= 7; lengths[0]++) {
        for (lengths[1] = 0; lengths[1] <= 7; lengths[1]++) {
            tw_split splits[2] = {{.axis = "i"}, {.axis = "j"}};
            for (int64_t i = 0; divide(lengths[0], i, 1, &splits[0], cuts[0]); i++) {
                for (int64_t j = i % one_in(); divide(lengths[1], j, 1, &splits[1], cuts[1]); j += one_in()) {
                    tw_grid *grid = grid_of("-> r[i,j]", lengths, splits, 2);
                    check_covers_once(grid, &counts);
                    tw_grid_destroy(grid);
                }
            }
        }
    }
    say("2 axes of 0 to 7, all ways", &counts);
}

static void three_axes_divided_in_all_ways_cover_once(void **state)
{
    (void)state;
    struct counts counts = {0};
    int64_t cuts[3][LONGEST], lengths[3];
    for (int shape = 0; shape < 6 * 6 * 6; shape++) {
        lengths[0] = shape / 36;
        lengths[1] = shape / 6 % 6;
        lengths[2] = shape % 6;
        tw_split splits[3] = {{.axis = "i"}, {.axis = "j"}, {.axis = "k"}};
        for (int64_t i = 0; divide(lengths[0], i, 1, &splits[0], cuts[0]); i++) {
            for (int64_t j = 0; divide(lengths[1], j, 1, &splits[1], cuts[1]); j++) {
                for (int64_t k = (i + j) % one_in(); divide(lengths[2], k, 1, &splits[2], cuts[2]); k += one_in()) {
                    tw_grid *grid = grid_of("-> r[i,j,k]", lengths, splits, 3);
                    check_covers_once(grid, &counts);
                    tw_grid_destroy(grid);
                }
            }
        }
    }
    say("3 axes of 0 to 5, all ways", &counts);
}

/* ---- the limits ---- */

__extension__ typedef __int128 wide; /* no sum or product below overflows it */

/* Where tile k starts, by the definition: tiles of one length, or parts of which the first length % parts are longer.
 */
static wide expected_start(const tw_split *split, wide length, wide count, wide k)
{
    const wide start = split->tile != 0 ? k * split->tile
                       : split->parts != 0
                           ? k * (length / split->parts) + (k < length % split->parts ? k : length % count)
                           : k * length;
    return start < length ? start : length;
}

static void check_tile(const tw_grid *grid, const tw_split *split, wide count, wide k, uint64_t *checks)
{
    const wide length = tw_grid_length(grid, 0);
    if (k < 0 || k >= count) {
        return;
    }
    int64_t start, stop;
    tw_grid_tile(grid, (uint64_t)k, &start, &stop);
    assert_true(start == expected_start(split, length, count, k));
    assert_true(stop == expected_start(split, length, count, k + 1) && start < stop);
    const int64_t last = stop - 1, middle = start + (stop - start) / 2;
    assert_true(tw_grid_owner(grid, &start) == (uint64_t)k);
    assert_true(tw_grid_owner(grid, &middle) == (uint64_t)k);
    assert_true(tw_grid_owner(grid, &last) == (uint64_t)k);
    *checks += 5;
}

/* The tiles at both ends, around the middle, and where the longer parts end. */
static void check_division(int64_t length, const tw_split *split, uint64_t *checks)
{
    tw_grid *grid = grid_of("-> r[i]", &length, split, 1);
    const wide all = length;
    const wide count = split->tile != 0 ? (all + split->tile - 1) / split->tile : split->parts != 0 ? split->parts : 1;
    const wide places[] = {0, count / 2, split->parts != 0 ? all % split->parts : count / 3, count - 1};
    assert_true(tw_grid_count(grid) == (uint64_t)count);
    assert_int_equal(tw_grid_axis_tiles(grid, 0), (int64_t)count);
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
        for (int step = -2; step <= 2; step++) {
            check_tile(grid, split, count, places[p] + step, checks);
        }
    }
    /* The lengths of all tiles add up: all are equal but for the longer parts and the last tile. */
    int64_t first_start, first_stop, start, stop;
    tw_grid_tile(grid, 0, &first_start, &first_stop);
    tw_grid_tile(grid, (uint64_t)(count - 1), &start, &stop);
    const wide sum = split->parts != 0 ? (all % count) * (all / count + 1) + (count - all % count) * (all / count)
                                       : (count - 1) * (first_stop - first_start) + (stop - start);
    assert_true(first_start == 0 && stop == length && sum == all);
    *checks += 3;
    tw_grid_destroy(grid);
}

static const int64_t around[] = {INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 62, INT64_MAX};

/* Fills sizes[] with what lies around the limits, is small, or is near this length; gives how many. */
static size_t sizes_for(int64_t length, int64_t sizes[64])
{
    const int64_t small[] = {1, 2, 3, 5, 64, 1000003, length / 3, length / 2, 3037000499};
    size_t n = 0;
    for (size_t s = 0; s < sizeof small / sizeof *small; s++) {
        sizes[n++] = small[s];
        sizes[n++] = small[s] + 1;
    }
    for (size_t a = 0; a < sizeof around / sizeof *around; a++) {
        for (int step = -2; step <= 2; step++) {
            if (step <= INT64_MAX - around[a]) {
                sizes[n++] = around[a] + step;
            }
        }
    }
    for (int step = -2; step <= 0; step++) {
        sizes[n++] = length + step;
    }
    return n;
}

static void arithmetic_holds_at_31_32_and_63_bits(void **state)
{
    (void)state;
    uint64_t checks = 0;
    for (size_t a = 0; a < sizeof around / sizeof *around; a++) {
        for (int step = -3; step <= 3; step++) {
            if (step > INT64_MAX - around[a]) {
                continue;
            }
            const int64_t length = around[a] + step;
            int64_t sizes[64];
            const size_t n = sizes_for(length, sizes);
            check_division(length, &(tw_split){.axis = "i"}, &checks);
            for (size_t s = 0; s < n; s++) {
                check_division(length, &(tw_split){.axis = "i", .tile = sizes[s]}, &checks);
                if (sizes[s] <= length) {
                    check_division(length, &(tw_split){.axis = "i", .parts = sizes[s]}, &checks);
                }
            }
        }
    }
    printf("# lengths, tile sizes and parts around 2^31, 2^32, 2^62 and 2^63 - 1: %" PRIu64 " checks\n", checks);
}

static void cuts_hold_at_31_32_and_63_bits(void **state)
{
    (void)state;
    const int64_t length = INT64_MAX;
    const int64_t cuts[] = {1,
                            (INT64_C(1) << 31) - 1,
                            INT64_C(1) << 31,
                            (INT64_C(1) << 31) + 1,
                            (INT64_C(1) << 32) - 1,
                            INT64_C(1) << 32,
                            (INT64_C(1) << 32) + 1,
                            INT64_C(1) << 62,
                            INT64_MAX - 1};
    const size_t ncuts = sizeof cuts / sizeof *cuts;
    tw_grid *grid = grid_of("-> r[i]", &length, &(tw_split){.axis = "i", .cuts = cuts, .ncuts = ncuts}, 1);
    wide sum = 0;
    assert_int_equal(tw_grid_count(grid), ncuts + 1);
    for (uint64_t tile = 0; tile <= ncuts; tile++) {
        int64_t start, stop;
        tw_grid_tile(grid, tile, &start, &stop);
        assert_int_equal(start, tile == 0 ? 0 : cuts[tile - 1]);
        assert_int_equal(stop, tile == ncuts ? length : cuts[tile]);
        const int64_t last = stop - 1;
        assert_int_equal(tw_grid_owner(grid, &start), tile);
        assert_int_equal(tw_grid_owner(grid, &last), tile);
        sum += (wide)stop - start;
    }
    assert_true(sum == length);
    tw_grid_destroy(grid);
}

/* A grid of a x b tiles of 1 x 1: numbers of tiles and back again, by 128 bits. */
static void check_product(int64_t a, int64_t b, uint64_t *checks)
{
    const int64_t lengths[] = {a, b};
    const tw_split splits[] = {{.axis = "i", .tile = 1}, {.axis = "j", .tile = 1}};
    const wide count = (wide)a * b;
    tw_signature *signature = parse("-> r[i,j]");
    tw_grid *grid = NULL;
    tw_error error = {0};
    const tw_status status =
        tw_grid_create(&grid, signature, lengths, &(tw_grid_options){.splits = splits, .nsplits = 2}, &error);
    tw_signature_destroy(signature);
    *checks += 1;
    if (count > INT64_MAX) {
        assert_int_equal(status, TW_ERROR_ARGUMENT);
        return;
    }
    assert_int_equal(status, TW_OK);
    assert_true(tw_grid_count(grid) == (uint64_t)count);
    const wide numbers[] = {0, 1, b - 1, b, (wide)b + 1, count / 2, count - b, count - 2, count - 1};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        if (numbers[k] >= 0 && numbers[k] < count) {
            int64_t start[2], stop[2];
            tw_grid_tile(grid, (uint64_t)numbers[k], start, stop);
            assert_true(start[0] == numbers[k] / b && start[1] == numbers[k] % b);
            assert_true(stop[0] - start[0] == 1 && stop[1] - start[1] == 1);
            assert_true(tw_grid_owner(grid, start) == (uint64_t)numbers[k]);
            *checks += 3;
        }
    }
    tw_grid_destroy(grid);
}

static void numbers_of_tiles_hold_up_to_63_bits(void **state)
{
    (void)state;
    const int64_t lengths[] = {1,
                               2,
                               (INT64_C(1) << 31) - 1,
                               INT64_C(1) << 31,
                               (INT64_C(1) << 31) + 1,
                               (INT64_C(1) << 32) - 1,
                               INT64_C(1) << 32,
                               (INT64_C(1) << 32) + 1,
                               3037000499, /* the largest whose square is below 2^63 */
                               3037000500,
                               (INT64_C(1) << 62) - 1,
                               INT64_C(1) << 62,
                               INT64_MAX - 1,
                               INT64_MAX};
    const size_t n = sizeof lengths / sizeof *lengths;
    uint64_t checks = 0;
    for (size_t a = 0; a < n; a++) {
        for (size_t b = 0; b < n; b++) {
            check_product(lengths[a], lengths[b], &checks);
        }
    }
    printf("# grids of up to 2^63 - 1 tiles: %" PRIu64 " checks\n", checks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_lengths_tiles_and_parts_cover_once),
        cmocka_unit_test(all_sets_of_cuts_cover_once),
        cmocka_unit_test(two_axes_divided_in_all_ways_cover_once),
        cmocka_unit_test(three_axes_divided_in_all_ways_cover_once),
        cmocka_unit_test(arithmetic_holds_at_31_32_and_63_bits),
        cmocka_unit_test(cuts_hold_at_31_32_and_63_bits),
        cmocka_unit_test(numbers_of_tiles_hold_up_to_63_bits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
