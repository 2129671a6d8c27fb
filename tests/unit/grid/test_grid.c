/* test_grid.c - grids: every element in exactly one tile, by arithmetic that holds at any length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grids.h"

#include "grid/order.h"
#include "grid/signature.h"

/* Of a grid all of whose axes are in every output: marks the elements of each tile, and sees that the owner of each is
 * that tile and that the odometer stands where division says. */
static void assert_covers_once(const tw_grid *grid)
{
    enum { MOST = 1 << 16 };
    static unsigned char marks[MOST];
    struct tw__order order;
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES], index[TW__MAX_AXES], size = 1, marked = 0;
    const int n = grid->naxes;
    for (int a = 0; a < n; a++) {
        size *= tw_grid_length(grid, a);
        assert_true(size <= MOST);
    }
    memset(marks, 0, (size_t)size);
    for (uint64_t tile = 0; tile < tw_grid_count(grid); tile++) {
        tw_grid_tile(grid, tile, start, stop);
        if (tile == 0) {
            tw__order_seek(&order, grid, 0);
        } else {
            tw__order_next(&order);
        }
        int empty = 0;
        for (int a = 0; a < n; a++) {
            if (start[a] != order.start[a] || stop[a] != order.stop[a] || start[a] >= stop[a]) {
                fail_msg("tile %d, axis %d: %d:%d", (int)tile, a, (int)start[a], (int)stop[a]);
            }
            index[a] = start[a];
            empty |= start[a] == stop[a];
        }
        for (int a = n; !empty && a >= 0;) {
            int64_t flat = 0;
            for (int b = 0; b < n; b++) {
                flat = flat * tw_grid_length(grid, b) + index[b];
            }
            if (flat < 0 || flat >= size || marks[flat] || tw_grid_owner(grid, index) != tile) {
                fail_msg("element %d of tile %d belongs to tile %d", (int)flat, (int)tile,
                         (int)tw_grid_owner(grid, index));
            }
            marks[flat] = 1;
            marked++;
            for (a = n - 1; a >= 0 && ++index[a] == stop[a]; a--) {
                index[a] = start[a];
            }
        }
    }
    assert_int_equal(marked, size);
}

/* All ways of dividing an axis of one length: tile and parts for any length, all sets of cuts up to 10. Returns 0 when
 * `number` is past the last way. */
static int way(int64_t length, int number, tw_split *split, int64_t cuts[10])
{
    const char *axis = split->axis;
    *split = (tw_split){.axis = axis};
    if (number <= length) {
        split->tile = number + 1;
        return 1;
    }
    number -= (int)length + 1;
    if (number < length) {
        split->parts = number + 1;
        return 1;
    }
    number -= (int)length;
    if (length == 0 || length > 10 || number >= 1 << (length - 1)) {
        return 0;
    }
    for (int cut = 1; cut < length; cut++) {
        if (number >> (cut - 1) & 1) {
            cuts[split->ncuts++] = cut;
        }
    }
    split->cuts = cuts;
    return 1;
}

/* Every way of dividing every axis from `a` on, of every length up to `longest`. Returns the number of grids. */
static int all_grids(const char *signature, int a, int naxes, int64_t longest, int64_t *lengths, tw_split *splits)
{
    static const char *const names[] = {"i", "j", "k"};
    int64_t cuts[10];
    int grids = 0;
    if (a == naxes) {
        tw_grid *grid = grid_of(signature, lengths, splits, (size_t)naxes);
        assert_covers_once(grid);
        tw_grid_destroy(grid);
        return 1;
    }
    splits[a].axis = names[a];
    for (lengths[a] = 0; lengths[a] <= longest; lengths[a]++) {
        for (int k = 0; way(lengths[a], k, &splits[a], cuts); k++) {
            grids += all_grids(signature, a + 1, naxes, longest, lengths, splits);
        }
    }
    return grids;
}

static void covers_every_element_once_however_it_is_divided(void **state)
{
    (void)state;
    int64_t lengths[3];
    tw_split splits[3];
    /* lengths 0 to 64: length + 1 tile lengths, length numbers of parts; 1 to 10: 2^(length - 1) sets of cuts */
    assert_int_equal(all_grids("y[i] -> r[i]", 0, 1, 64, lengths, splits), 65 * 66 / 2 + 64 * 65 / 2 + 1023);
    assert_int_equal(all_grids("y[i], x[j] -> r[i,j]", 0, 2, 6, lengths, splits), (28 + 21 + 63) * (28 + 21 + 63));
    assert_int_equal(all_grids("-> r[i,j,k], s[k,i,j]", 0, 3, 3, lengths, splits), 23 * 23 * 23);
}

static void covers_every_element_once_in_random_grids(void **state)
{
    (void)state;
    static const char *const signatures[] = {
        "-> r[]", "-> r[i]", "-> r[i,j]", "x[k,j] -> r[i,j,k], s[k,j,i]", "-> r[i,j,k,l]", "-> r[i,j,k,l,m]"};
    static const char *const names[] = {"i", "j", "k", "l", "m"};
    static const int64_t longest[] = {0, 60000, 250, 40, 14, 9};
    uint64_t seed = 362436069362436069;
    for (int round = 0; round < 3000; round++) {
        const int n = (int)(next_random(&seed) % 6);
        int64_t lengths[5], cuts[5][10];
        tw_split splits[5];
        size_t nsplits = 0;
        for (int a = 0; a < n; a++) {
            tw_split split = {.axis = names[a]};
            const int small = n > 1 || next_random(&seed) % 8 != 0;
            const int64_t most = small && longest[n] > 300 ? 300 : longest[n];
            lengths[a] = random_below(&seed, most + 1);
            const int64_t some = 1 + random_below(&seed, lengths[a] + 1);
            const uint64_t kind = next_random(&seed) % 5;
            if (kind == 0) {
                split.tile = some;
            } else if (kind == 1) {
                split.parts = some < lengths[a] ? some : 1;
            } else if (kind == 2) {
                for (int64_t cut = some; cut < lengths[a] && split.ncuts < 10; cut += some) {
                    cuts[a][split.ncuts++] = cut;
                }
                split.cuts = cuts[a];
            } else if (kind == 3) {
                continue;
            }
            splits[nsplits++] = split;
        }
        tw_grid_options options = {.splits = splits,
                                   .nsplits = nsplits,
                                   .tile_bytes = 1 + (int64_t)(seed % 4000),
                                   .cost = (tw_cost)(seed >> 20 & 1),
                                   .input_axes_only = (int)(seed >> 21 & 1)};
        tw_grid *grid = grid_with(signatures[n], lengths, &options);
        assert_covers_once(grid);
        tw_grid_destroy(grid);
    }
}

/* The box of a tile, its neighbours and its owner, at lengths where 32 or 64 bits run out. */
static void arithmetic_holds_at_huge_lengths(void **state)
{
    (void)state;
    static const int64_t lengths[] = {INT64_C(1) << 31,       (INT64_C(1) << 31) + 1, INT64_C(1) << 32,
                                      (INT64_C(1) << 62) + 1, INT64_MAX - 1,          INT64_MAX};
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        const int64_t length = lengths[k], cuts[] = {1, length / 2, length - 1};
        const tw_split splits[] = {{.axis = "i", .tile = 1},
                                   {.axis = "i", .tile = 7},
                                   {.axis = "i", .tile = length - 1},
                                   {.axis = "i", .tile = INT64_MAX},
                                   {.axis = "i", .parts = 1},
                                   {.axis = "i", .parts = 3},
                                   {.axis = "i", .parts = length},
                                   {.axis = "i", .parts = length - 1},
                                   {.axis = "i", .parts = length / 2},
                                   {.axis = "i", .tile = length / 2},
                                   {.axis = "i", .cuts = cuts, .ncuts = 3}};
        for (size_t s = 0; s < sizeof splits / sizeof splits[0]; s++) {
            tw_grid *grid = grid_of("-> r[i]", &length, &splits[s], 1);
            const int64_t count = (int64_t)tw_grid_count(grid);
            const int64_t probes[] = {0, 1, 2, count / 3, count / 2, count - 2, count - 1};
            for (size_t p = 0; p < sizeof probes / sizeof probes[0]; p++) {
                const int64_t tile = probes[p];
                if (tile < 0 || tile >= count) {
                    continue;
                }
                int64_t start, stop, last, before, next;
                tw_grid_tile(grid, (uint64_t)tile, &start, &stop);
                last = stop - 1;
                assert_true(start < stop);
                assert_int_equal(tw_grid_owner(grid, &start), tile);
                assert_int_equal(tw_grid_owner(grid, &last), tile);
                if (tile == 0) {
                    assert_int_equal(start, 0);
                } else {
                    tw_grid_tile(grid, (uint64_t)tile - 1, &before, &next);
                    assert_int_equal(next, start);
                }
                if (tile == count - 1) {
                    assert_int_equal(stop, length);
                }
                if (splits[s].tile > 0) {
                    assert_true((__int128)start == (__int128)tile * splits[s].tile);
                }
            }
            tw_grid_destroy(grid);
        }
    }
}

static void a_huge_grid_costs_only_its_cuts(void **state)
{
    (void)state;
    const int64_t lengths[] = {1000000, 1000000}, cuts[] = {333, 666};
    const tw_split ones[] = {{.axis = "i", .tile = 1}, {.axis = "j", .parts = 1000000}};
    const tw_split cut[] = {{.axis = "i", .cuts = cuts, .ncuts = 2}};
    tw_grid *huge = grid_of("-> r[i,j]", lengths, ones, 2);
    tw_grid *whole = grid_of("-> r[i,j]", lengths, &(tw_split){.axis = "i"}, 1);
    tw_grid *three = grid_of("-> r[i,j]", lengths, cut, 1);
    assert_int_equal(tw_grid_count(huge), 1000000000000);
    assert_int_equal(tw_grid_count(whole), 1);
    assert_int_equal(tw__grid_image_size(huge), tw__grid_image_size(whole));
    assert_int_equal(tw__grid_image_size(three), tw__grid_image_size(whole) + sizeof cuts);
    int64_t start[2], stop[2];
    tw_grid_tile(huge, 123456654321, start, stop);
    assert_int_equal(start[0], 123456);
    assert_int_equal(start[1], 654321);
    assert_int_equal(tw_grid_owner(huge, start), 123456654321);
    tw_grid_destroy(huge);
    tw_grid_destroy(whole);
    tw_grid_destroy(three);
}

static void an_empty_axis_of_every_output_gives_no_tiles(void **state)
{
    (void)state;
    const int64_t empty[] = {0, 5}, inner[] = {4, 4, 0};
    const tw_split splits[] = {{.axis = "i", .parts = 4}, {.axis = "j", .tile = 2}};
    for (size_t n = 0; n <= 2; n++) {
        tw_grid *grid = grid_of("-> r[i,j], s[j,i]", empty, splits, n);
        assert_int_equal(tw_grid_count(grid), 0);
        assert_int_equal(tw_grid_axis_tiles(grid, 0), 0);
        tw_grid_destroy(grid);
    }
    /* k is summed over: r is all zeros, and must be written */
    tw_grid *grid = grid_of("a[i,k], b[k,j] -> r[i,j]", inner, splits, 2);
    assert_int_equal(tw_grid_count(grid), 4 * 2);
    assert_int_equal(tw_grid_axis_tiles(grid, 2), 1);
    tw_grid_destroy(grid);
    /* r is empty, s is not */
    const tw_split cut_empty = {.axis = "i", .parts = 4};
    grid = grid_of("-> r[i,j], s[j]", empty, &cut_empty, 1);
    assert_int_equal(tw_grid_count(grid), 1);
    int64_t start[2], stop[2];
    tw_grid_tile(grid, 0, start, stop);
    assert_int_equal(stop[0], 0);
    assert_int_equal(stop[1], 5);
    assert_int_equal(tw_grid_owner(grid, (int64_t[]){0, 4}), 0);
    tw_grid_destroy(grid);
}

static void the_most_tiles_can_still_be_numbered(void **state)
{
    (void)state;
    const int64_t most = INT64_MAX, root[] = {3037000499, 3037000499};
    const tw_split splits[] = {{.axis = "i", .tile = 1}, {.axis = "j", .tile = 1}};
    tw_grid *grid = grid_of("-> r[i]", &most, splits, 1);
    assert_true(tw_grid_count(grid) == (uint64_t)INT64_MAX);
    tw_grid_destroy(grid);
    grid = grid_of("-> r[i,j]", root, splits, 2);
    assert_true(tw_grid_count(grid) == UINT64_C(3037000499) * 3037000499);
    const int64_t last[] = {root[0] - 1, root[1] - 1};
    assert_true(tw_grid_owner(grid, last) == tw_grid_count(grid) - 1);
    tw_grid_destroy(grid);
}

static void the_odometer_goes_anywhere(void **state)
{
    (void)state;
    const int64_t lengths[] = {7, 1, 9, 11}, cuts[] = {1, 4, 8};
    const tw_split splits[] = {
        {.axis = "i", .parts = 3}, {.axis = "k", .cuts = cuts, .ncuts = 3}, {.axis = "l", .tile = 2}};
    tw_grid *grid = grid_of("-> r[i,j,k,l]", lengths, splits, 3);
    const uint64_t count = tw_grid_count(grid);
    assert_int_equal(count, 3 * 4 * 6);
    struct tw__order order;
    tw__order_seek(&order, grid, count / 2);
    uint64_t seed = 521288629521288629;
    for (int round = 0; round < 20000; round++) {
        const uint64_t pick = next_random(&seed), kind = pick % 3;
        const uint64_t tile = kind == 0 ? order.tile : kind == 1 ? (order.tile + 1) % count : pick / 3 % count;
        const struct tw__order before = order;
        const int changed = tw__order_move(&order, tile);
        int64_t start[4], stop[4];
        tw_grid_tile(grid, tile, start, stop);
        assert_int_equal(order.tile, tile);
        assert_memory_equal(order.start, start, sizeof start);
        assert_memory_equal(order.stop, stop, sizeof stop);
        for (int a = 0; a < changed; a++) {
            assert_int_equal(before.coordinate[a], order.coordinate[a]);
        }
        if (tile == before.tile + 1) {
            assert_true(before.coordinate[changed] != order.coordinate[changed]);
        } else {
            assert_int_equal(changed, tile == before.tile ? 4 : 0);
        }
    }
    tw_grid_destroy(grid);
}

static void an_image_outlives_its_grid(void **state)
{
    (void)state;
    const int64_t lengths[] = {1000, 2000}, i[] = {333, 666}, j[] = {1000};
    const tw_split splits[] = {{.axis = "i", .cuts = i, .ncuts = 2}, {.axis = "j", .cuts = j, .ncuts = 1}};
    tw_grid *grid = grid_of("y[i], x[j] -> r[i,j]", lengths, splits, 2);
    void *memory = malloc(tw__grid_image_size(grid));
    assert_non_null(memory);
    const tw_grid *image = tw__grid_image(grid, memory);
    tw_grid_destroy(grid);
    assert_int_equal(tw_grid_count(image), 6);
    char text[128];
    tw_grid_tile_text(image, 3, text, sizeof text);
    assert_string_equal(text, "y[333:666], x[1000:2000] -> r[333:666,1000:2000] (333 x 1000)");
    assert_int_equal(tw_grid_owner(image, (int64_t[]){666, 1999}), 5);
    assert_string_equal(tw_signature_operand(tw_grid_signature(image), 2), "r");
    free(memory);
}

static void a_job_without_stages_is_one_step(void **state)
{
    (void)state;
    char text[128];
    const int64_t lengths[] = {1000, 2000}, i[] = {333, 666};
    const tw_split splits[] = {{.axis = "i", .cuts = i, .ncuts = 2}, {.axis = "j", .parts = 2}};
    tw_grid *grid = grid_of("y[i], x[j] -> r[i,j]", lengths, splits, 2);
    assert_int_equal(tw_grid_steps(grid), 1);
    assert_int_equal(tw_grid_step_first(grid, 0), 0);
    assert_int_equal(tw_grid_step_first(grid, 1), 6);
    assert_int_equal(tw_grid_step_text(grid, 0, text, sizeof text),
                     strlen("y[i], x[j] -> r[i,j] (6 tiles: i in 3, j in 2)"));
    assert_string_equal(text, "y[i], x[j] -> r[i,j] (6 tiles: i in 3, j in 2)");
    assert_int_equal(tw_grid_step_text(grid, 1, text, sizeof text), 0);
    assert_string_equal(text, "");
    tw_grid_destroy(grid);
}

static void a_tile_is_told_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *text;
    } cases[] = {
        {"y[i], x[j] -> r[i,j]", "y[0:2], x[0:3] -> r[0:2,0:3] (2 x 3)"},
        {"-> r[i,j]", "-> r[0:2,0:3] (2 x 3)"},
        {"-> r[i], s[j]", "-> r[0:2], s[0:3] (2)"},
        {"u[j,i], y[i], c[] -> r[j,i], u[j,i]", "y[0:3], c[], u[0:2,0:3] -> r[0:2,0:3], u[0:2,0:3] (2 x 3)"},
        {"a[i,j] -> s[]", "a[0:2,0:3] -> s[] (1)"},
    };
    const int64_t lengths[] = {2, 3};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_grid *grid = grid_of(cases[k].signature, lengths, &(tw_split){.axis = "i"}, 1);
        char text[128];
        assert_int_equal(tw_grid_tile_text(grid, 0, text, sizeof text), strlen(cases[k].text));
        assert_string_equal(text, cases[k].text);
        char little[10];
        assert_int_equal(tw_grid_tile_text(grid, 0, little, sizeof little), strlen(cases[k].text));
        assert_memory_equal(little, cases[k].text, 9);
        assert_int_equal(little[9], '\0');
        assert_int_equal(tw_grid_tile_text(grid, 0, NULL, 0), strlen(cases[k].text));
        tw_grid_destroy(grid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers_every_element_once_however_it_is_divided),
        cmocka_unit_test(covers_every_element_once_in_random_grids),
        cmocka_unit_test(arithmetic_holds_at_huge_lengths),
        cmocka_unit_test(a_huge_grid_costs_only_its_cuts),
        cmocka_unit_test(an_empty_axis_of_every_output_gives_no_tiles),
        cmocka_unit_test(the_most_tiles_can_still_be_numbered),
        cmocka_unit_test(the_odometer_goes_anywhere),
        cmocka_unit_test(an_image_outlives_its_grid),
        cmocka_unit_test(a_job_without_stages_is_one_step),
        cmocka_unit_test(a_tile_is_told_in_words),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
