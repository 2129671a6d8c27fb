/* test_automatic.c - how axes are divided when nobody says how. */
#include <string.h>

#include "grids.h"

#include "grid/automatic.h"
#include "grid/grid.h"

static void check_counts(int number, const char *signature, const int64_t *lengths, const tw_grid_options *options,
                         const int64_t *counts)
{
    tw_grid *grid = grid_with(signature, lengths, options);
    for (int a = 0; a < grid->naxes; a++) {
        if (tw_grid_axis_tiles(grid, a) != counts[a]) {
            fail_msg("case %d, axis %d: %lld tiles", number, a, (long long)tw_grid_axis_tiles(grid, a));
        }
    }
    tw_grid_destroy(grid);
}

static void parts_follow_from_work_and_bytes(void **state)
{
    static const struct {
        double nanoseconds;
        int64_t bytes, parts;
    } cases[] = {
        {0, 0, 1},
        {29e3, 8, 1},
        {59e3, 8, 1},
        {60e3, 8, 2}, /* two of 30 us */
        {119e3, 8, 2},
        {120e3, 8, 4}, /* a power of two: no core has one more than the others */
        {480e3, 8, 16},
        {1.93e6, 8, 64},
        {2.5e6, 8, 80},
        {1e9, 8, 256},
        {1e30, 8, 256},
        {1, INT64_C(2) << 20, 1},
        {1, (INT64_C(2) << 20) + 1, 2}, /* two of 2 MiB at most */
        {1e9, INT64_C(1) << 40, INT64_C(1) << 19},
        {1e9, INT64_MAX, INT64_C(1) << 42},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const int64_t parts = tw__automatic_parts(cases[k].nanoseconds, cases[k].bytes);
        if (parts != cases[k].parts) {
            fail_msg("case %d: %lld parts", (int)k, (long long)parts);
        }
    }
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
        /* k is in no output. */
        {"a[k,i], b[k,j] -> r[i,j]", {700, 700, 700}, {8, 8, 8}, {256, 1, 1}},
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
        check_counts((int)k, cases[k].signature, cases[k].lengths, &options, cases[k].counts);
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
        check_counts((int)k, cases[k].signature, cases[k].lengths, &(tw_grid_options){.input_axes_only = 1},
                     cases[k].counts);
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

/* Jobs whose work is known: by an estimate, or as that of a statement, which costs what its memory does. */
static void tiles_of_known_work_are_as_worked_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *signature;
        int64_t lengths[3], itemsizes[3];
        double work;
        int64_t counts[3];
    } cases[] = {
        {"-> r[i,j]", {1500, 1500}, {8}, 0, {16, 1}}, /* 18 MB */
        {"-> r[i,j]", {1000, 300000}, {8}, 0, {1000, 1}},
        {"-> r[i,j]", {10, 1000000}, {8}, 0, {10, 7}},              /* 64 of at most 2 MiB */
        {"-> r[i,j]", {10000, 20000}, {8}, 0, {770, 1}},            /* 13 rows */
        {"a[i,j] -> r[i,j]", {10000, 20000}, {8, 8}, 0, {1667, 1}}, /* 6 rows, with the part of a */
        {"x[j] -> r[i,j]", {10000, 20000}, {8, 8}, 0, {770, 1}},    /* every tile has all of x */
        {"-> r[i,j]", {262144, 1}, {8}, 0, {1, 1}},                 /* 2 MiB take 42 us */
        {"-> r[i,j]", {262145, 1}, {8}, 0, {2, 1}},
        {"-> r[i,j]", {1, 262145}, {8}, 0, {1, 2}},
        {"-> r[i,j], s[j]", {1000, 1000}, {8, 8}, 0, {1, 4}}, /* i is not in s */
        {"-> r[i], s[j]", {1000000, 1000000}, {8, 8}, 0, {1, 1}},
        {"-> r[i,j], s[i,j]", {1500, 1500}, {8, 8}, 0, {32, 1}},
        {"-> r[i,j]", {1500, 1500}, {1}, 0, {2, 1}},
        {"-> r[i]", {1500}, {0}, 0, {1}},
        {"-> r[i]", {1500}, {INT64_MAX}, 0, {1500}},
        {"-> r[i,j]", {INT64_C(1) << 40, INT64_C(1) << 30}, {8}, 0, {INT64_C(1) << 40, 4096}},
        {"-> r[i,j,k]", {10, INT64_C(1) << 32, INT64_C(1) << 32}, {8}, 0, {10, INT64_C(1) << 32, 16384}},
        {"-> r[i,j]", {0, 1000000000}, {8}, 0, {0, 1}},
        {"-> r[i,j]", {1000000000, 0}, {8}, 0, {1, 0}},
        /* Nanoseconds an element. */
        {"y[i] -> r[i]", {1000}, {8, 8}, 59, {1}}, /* 59 us */
        {"y[i] -> r[i]", {1000}, {8, 8}, 60, {2}},
        {"y[i] -> r[i]", {1000}, {8, 8}, 1000, {32}}, /* 1 ms */
        {"y[i] -> r[i]", {1000}, {8, 8}, 1e9, {256}},
        {"y[i] -> r[i]", {100}, {8, 8}, 1e9, {100}},
        {"a[i,j] -> r[i,j]", {100, 200}, {8, 8}, 50, {32, 1}},
        {"a[i,j] -> r[i,j]", {3, 1000}, {8, 8}, 50, {3, 2}},     /* 4 are wanted: 3 are too few */
        {"a[i,j] -> r[i,j]", {200, 1000}, {8, 8}, 50, {200, 1}}, /* 256 are wanted: 200 will do */
        {"a[i,j] -> r[i,j]", {100, 1000}, {8, 8}, 100, {100, 3}},
        {"a[i,j] -> s[i]", {100, 200}, {8, 8}, 50000, {100, 1}}, /* j is not in s */
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const tw_grid_options options = {
            .itemsizes = cases[k].itemsizes, .work = cases[k].work, .cost = TW_COST_STATEMENT};
        check_counts((int)k, cases[k].signature, cases[k].lengths, &options, cases[k].counts);
    }
}

/* Any lengths, bytes and work: no axis is cut behind one that is not cut into single indices, tiles are as small as
 * asked, and no smaller than work and size want them, but for the rounding of their number. */
static void tiles_of_known_work_keep_to_their_rule(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    for (int round = 0; round < 5000; round++) {
        int64_t lengths[3], itemsizes[2], most = 1 + random_below(&seed, 100000);
        for (int a = 0; a < 3; a++) {
            const int64_t longest = next_random(&seed) % 2 != 0 ? 10 : 5000;
            lengths[a] = 1 + random_below(&seed, longest);
        }
        itemsizes[0] = itemsizes[1] = 1 + random_below(&seed, 16);
        const double elements = (double)lengths[0] * (double)lengths[1] * (double)lengths[2];
        const double work = 1e-3 * (double)random_below(&seed, 1000) * (double)(1 + random_below(&seed, 1000));
        const tw_grid_options options = {.tile_bytes = most, .itemsizes = itemsizes, .work = work + 1e-3};
        tw_grid *grid = grid_with("a[i,j,k] -> r[i,j,k]", lengths, &options);
        int64_t start[3], stop[3], bytes = 2 * itemsizes[0];
        tw_grid_tile(grid, 0, start, stop); /* the largest */
        int ones = 1;
        for (int a = 0; a < 3; a++) {
            assert_true(stop[a] == lengths[a] || ones);
            bytes *= stop[a];
            ones &= stop[a] == 1;
        }
        assert_true(bytes <= 2 * most || ones);
        const double tiles = (double)tw_grid_count(grid);
        const double by_work = (work + 1e-3) * elements / 30e3,
                     by_size = elements * 2 * (double)itemsizes[0] / (double)most;
        assert_true(tiles <= 1 || tiles <= 4 * by_work + 6 * by_size + 2);
        assert_true(ones || tiles >= by_size / 2);
        assert_true(ones || tiles >= (by_work < 256 ? by_work : 256) / 4 - 1);
        tw_grid_destroy(grid);
    }
}

/* Tiles that would all read a large input whole: nearly square, so that each reads little of it. */
static void tiles_that_share_a_large_input_are_nearly_square(void **state)
{
    (void)state;
    static const struct {
        const char *signature;
        int64_t lengths[3], itemsizes[3];
        double work; /* 0: a kernel */
        int64_t counts[3];
    } cases[] = {
        {"a[i,k], b[k,j] -> r[i,j]", {1000, 1000, 1000}, {8, 8, 8}, 0, {4, 4, 1}},
        {"a[i,k], b[k,j] -> r[i,j]", {1000, 1000, 1000}, {8, 8, 8}, 160, {16, 16, 1}}, /* 0.16 s */
        {"a[i,k], b[k,j] -> r[i,j]", {2000, 2000, 2000}, {8, 8, 8}, 0, {8, 8, 1}},
        {"a[i,k], b[k,j] -> r[i,j]", {10000, 10000, 10000}, {8, 8, 8}, 0, {16, 16, 1}},
        {"a[i,k], b[k,j] -> r[i,j]", {100000, 100000, 10}, {8, 8, 8}, 0, {139, 139, 1}}, /* 80 GB */
        {"a[i,k], b[k,j] -> r[i,j]", {700, 700, 700}, {8, 8, 8}, 0, {256, 1, 1}},        /* b has 3.9 MB */
        {"a[i,k], b[k,j] -> r[i,j]", {700, 700, 700}, {8, 8, 16}, 0, {256, 1, 1}},
        {"a[i,k], b[k,j] -> r[i,j]", {700, 700, 700}, {8, 16, 8}, 0, {4, 4, 1}}, /* 7.8 MB */
        {"a[i,k], b[k,j] -> r[i,j]", {100, 1000000, 100}, {8, 8, 8}, 0, {1, 256, 1}},
        {"a[i,k], b[k,j] -> r[i,j]", {100, 100, 1000000}, {8, 8, 8}, 0, {4, 4, 1}},
        {"a[k,i], b[k,j] -> r[i,j]", {1000, 1000, 1000000}, {8, 8, 8}, 1e6, {16, 16, 1}},
        /* j of r cannot be cut: s lacks it. */
        {"a[i,k], b[k,j] -> r[i,j], s[i]", {1000, 1000, 1000}, {8, 8, 8}, 0, {256, 1, 1}},
        /* The large input has no axis that is cut. */
        {"y[i], t[u,v] -> r[i]", {1000, 1000, 1000}, {8, 8, 8}, 0, {256, 1, 1}},
        {"a[i,j], x[j] -> r[i,j]", {4, 1000000}, {8, 8, 8}, 0, {4, 64}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const tw_grid_options options = {.itemsizes = cases[k].itemsizes, .work = cases[k].work};
        check_counts((int)k, cases[k].signature, cases[k].lengths, &options, cases[k].counts);
    }
}

/* Axes that only reductions lack are cut where the outputs' own give few tiles, and partials stay small. */
static void reduced_axes_are_cut_where_outputs_give_few_tiles(void **state)
{
    (void)state;
    static const tw_fold second[] = {TW_FOLD_NONE, TW_FOLD_SUM, TW_FOLD_NONE};
    static const tw_fold both[] = {TW_FOLD_NONE, TW_FOLD_SUM, TW_FOLD_MAX};
    static const struct {
        const char *signature; /* axes of outputs come first */
        int64_t lengths[3];
        const tw_fold *folds;
        int64_t counts[3];
    } cases[] = {
        {"a[i] -> s[]", {10000000}, second, {256}},
        {"a[i] -> s[]", {100}, second, {100}},
        {"a[i] -> s[]", {100}, NULL, {1}},
        {"a[i,j] -> s[i]", {1000, 1000}, second, {256, 1}}, /* 256 rows are not few */
        {"a[i,j] -> s[i]", {2, 1000000}, second, {2, 128}}, /* 2 are */
        {"a[i,j] -> s[i]", {1, 1000000}, second, {1, 256}},
        {"a[i,j] -> s[i], t[i]", {2, 1000000}, second, {2, 1}}, /* t is no reduction */
        {"a[i,j] -> s[i], t[i]", {2, 1000000}, both, {2, 128}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_signature *signature = parse(cases[k].signature);
        tw_split splits[3] = {{0}};
        const tw_grid_options options = {.folds = cases[k].folds};
        assert_int_equal(tw__automatic_splits(signature, cases[k].lengths, &options, splits, NULL), TW_OK);
        for (int a = 0; a < tw_signature_naxes(signature); a++) {
            const int64_t parts = splits[a].parts > 0 ? splits[a].parts : 1;
            if (parts != cases[k].counts[a]) {
                fail_msg("case %d, axis %d: %lld tiles", (int)k, a, (long long)parts);
            }
        }
        tw_signature_destroy(signature);
    }
}

/* Whoever gets one tile reads why, and how to get more. */
static void a_job_that_stays_whole_says_why(void **state)
{
    (void)state;
    static const int64_t units[] = {64, 64};
    static const tw_fold sum[] = {TW_FOLD_NONE, TW_FOLD_SUM};
    static const struct {
        const char *signature;
        int64_t lengths[2];
        tw_grid_options options;
        const char *why; /* NULL: it has several tiles */
    } cases[] = {
        {"y[i] -> r[i]", {100}, {0}, NULL},
        {"y[i] -> r[i]", {1}, {0}, "no axis has more than one index"},
        {"c[] -> r[]", {0}, {0}, "no axis has more than one index"},
        {"y[i] -> r[i]", {0}, {0}, NULL}, /* there is nothing to do */
        {"a[i,j] -> s[]",
         {100, 50},
         {0},
         "axis i would have to be cut, and the output s does not have it: ask for a reduction (reduce s=sum, or prod, "
         "min, max, any, all)"},
        {"a[i,j] -> s[j]", {1, 100}, {0}, "axis i would have to be cut, and the output s does not have it: ask for"},
        {"y[i] -> s[]", {100}, {.folds = sum}, NULL},
        {"-> r[i]",
         {100},
         {.input_axes_only = 1},
         "axis i would have to be cut, and no input has it: let the kernel take the argument tile, or fill its "
         "outputs, "
         "or give cuts, tiles or parts of i"},
        {"y[i] -> r[i]",
         {100},
         {.work = 400},
         "about 40 us of work, and a tile of less than 30 us does not pay; cuts, tiles or parts of i divide it all the "
         "same"},
        {"y[i] -> s[]", {100}, {.work = 4000, .cost = TW_COST_STATEMENT}, "about 4 us of work"},
        {"y[i] -> s[]",
         {100},
         {.work = 400000, .cost = TW_COST_STATEMENT},
         "axis i would have to be cut, and the output s does not have it"},
        {"y[i] -> r[i]", {100}, {.work = 4000}, NULL},
        {"y[i] -> r[i]", {64}, {.units = units}, "an output is written in units that are as long as its axes"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_grid *grid = grid_with(cases[k].signature, cases[k].lengths, &cases[k].options);
        const char *why = tw_grid_why(grid);
        if ((why == NULL) != (cases[k].why == NULL) ||
            (why != NULL && strncmp(why, cases[k].why, strlen(cases[k].why)) != 0)) {
            fail_msg("case %d: %s", (int)k, why != NULL ? why : "NULL");
        }
        tw_grid_destroy(grid);
    }
    const int64_t length = 100;
    tw_grid *asked = grid_of("y[i] -> r[i]", &length, &(tw_split){.axis = "i", .parts = 1}, 1);
    assert_null(tw_grid_why(asked)); /* the caller knows */
    tw_grid_destroy(asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_follow_from_work_and_bytes),
        cmocka_unit_test(tiles_of_kernels_are_as_worked_by_hand),
        cmocka_unit_test(tiles_of_kernels_keep_to_their_rule),
        cmocka_unit_test(axes_of_no_input_stay_whole_on_request),
        cmocka_unit_test(tiles_of_known_work_are_as_worked_by_hand),
        cmocka_unit_test(tiles_of_known_work_keep_to_their_rule),
        cmocka_unit_test(reduced_axes_are_cut_where_outputs_give_few_tiles),
        cmocka_unit_test(a_job_that_stays_whole_says_why),
        cmocka_unit_test(tiles_that_share_a_large_input_are_nearly_square),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
