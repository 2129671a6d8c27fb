/* Grids with stages: tiles of all steps by their number, owners, parts, text, and images that outlive them. */
#include "stages.h"

#include "grid/grid.h"
#include "job/bars.h"
#include "pool/claims.h"

enum { ROWS = 40, COLUMNS = 12 };

/* "a[i,j] -> s[j], r[i,j]", 4 x 3 tiles, s a sum: 12 tiles of the kernel, then those of the folds. */
static tw_grid *reduction(void)
{
    const int64_t lengths[] = {COLUMNS, ROWS}; /* axes of outputs come first: j, i */
    const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_SUM, TW_FOLD_NONE};
    const tw_split splits[] = {{.axis = "i", .tile = 10}, {.axis = "j", .tile = 4}};
    return grid_with("a[i,j] -> s[j], r[i,j]", lengths,
                     &(tw_grid_options){.splits = splits, .nsplits = 2, .folds = folds});
}

static void numbers_run_through_all_steps(void **state)
{
    (void)state;
    tw_grid *grid = reduction();
    int64_t start[2], stop[2];
    assert_int_equal(tw_grid_steps(grid), 2);
    assert_int_equal(tw_grid_step_first(grid, 1), 12);
    assert_int_equal(tw_grid_count(grid), 13);
    assert_int_equal(tw_grid_axis_tiles(grid, 0), 3); /* the job's cuts */
    tw_grid_tile(grid, 5, start, stop);
    assert_true(start[0] == 4 && stop[0] == 8 && start[1] == 10 && stop[1] == 20);
    tw_grid_tile(grid, 12, start, stop); /* an axis that the step does not have is whole */
    assert_true(start[0] == 0 && stop[0] == COLUMNS && start[1] == 0 && stop[1] == ROWS);
    tw_grid_destroy(grid);
}

static void each_element_has_the_tile_that_writes_it_last(void **state)
{
    (void)state;
    tw_grid *grid = reduction();
    const int64_t indices[] = {5, 33};
    int64_t start[2], shape[2];
    assert_int_equal(tw_grid_owner(grid, indices), 12);
    assert_int_equal(tw__grid_writer(grid, 1, indices), 12); /* s */
    assert_int_equal(tw__grid_writer(grid, 2, indices), 7);  /* r: 1 * 4 + 3 */
    assert_int_equal(tw__grid_part(grid, 7, 2, start, shape), 2);
    assert_true(start[0] == 30 && shape[0] == 10 && start[1] == 4 && shape[1] == 4);
    assert_int_equal(tw__grid_part(grid, 7, 0, start, shape), 1); /* a is read */
    assert_int_equal(tw__grid_part(grid, 7, 1, start, shape), 0); /* only a partial of s */
    assert_int_equal(shape[0], 0);
    assert_int_equal(tw__grid_part(grid, 12, 1, start, shape), 2);
    assert_int_equal(shape[0], COLUMNS);
    assert_int_equal(tw__grid_part(grid, 12, 2, start, shape), 0);
    tw_grid_destroy(grid);
}

static void an_image_has_the_stages_too(void **state)
{
    (void)state;
    tw_grid *grid = grid_of_quotients(12, 3);
    const size_t size = tw__grid_image_size(grid);
    void *memory = malloc(size);
    char before[7][256], text[256];
    assert_non_null(memory);
    assert_int_equal(tw_grid_count(grid), 7);
    for (uint64_t tile = 0; tile < 7; tile++) {
        tw_grid_tile_text(grid, tile, before[tile], sizeof before[tile]);
    }
    const tw_grid *image = tw__grid_image(grid, memory);
    tw_grid_destroy(grid);
    for (uint64_t tile = 0; tile < 7; tile++) {
        tw_grid_tile_text(image, tile, text, sizeof text);
        assert_string_equal(text, before[tile]);
    }
    assert_string_equal(before[1], "u[4:8] -> p[] (part 2 of 3)");
    assert_string_equal(before[3], "p[0:3] -> t[] (1)");
    assert_string_equal(before[6], "t[], u[8:12] -> u[8:12] (4)");
    assert_null(image->stages->stage[0].context); /* what kernels are asked for is no part of it */
    free(memory);
}

static void what_needs_a_tile_that_is_not_done_is_barred(void **state)
{
    (void)state;
    tw_grid *grid = grid_of_quotients(12, 3);
    _Atomic uint32_t words[7];
    for (int tile = 0; tile < 7; tile++) {
        words[tile] = tile < 3 ? TW__WORD(TW_TILE_DONE, 0, 0) : 0;
    }
    assert_int_equal(tw__bar_tiles(grid->stages, 1, words), 0);
    words[1] = TW__WORD(TW_TILE_FAILED, 0, 0);
    assert_int_equal(tw__bar_tiles(grid->stages, 1, words), 1); /* the total needs all parts */
    assert_int_equal(tw__bar_tiles(grid->stages, 2, words), 3); /* and everything the total */
    tw__unbar_tiles(grid->stages, words);
    for (int tile = 3; tile < 7; tile++) {
        assert_int_equal(words[tile], 0);
    }
    assert_int_equal(TW__WORD_STATE(words[1]), TW_TILE_FAILED);
    tw_grid_destroy(grid);
}

static void folds_that_a_failed_partial_does_not_meet_are_run(void **state)
{
    (void)state;
    const int64_t lengths[] = {1 << 18, 20}; /* j, i: 2 MiB a partial, 10 of them */
    const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_SUM};
    const tw_split splits[] = {{.axis = "i", .tile = 2}, {.axis = "j", .parts = 64}};
    tw_grid *grid =
        grid_with("a[i,j] -> s[j]", lengths, &(tw_grid_options){.splits = splits, .nsplits = 2, .folds = folds});
    const uint64_t kernel = 640, all = tw_grid_count(grid);
    _Atomic uint32_t *words = calloc((size_t)all, sizeof *words);
    assert_non_null(words);
    assert_int_equal(all, kernel + 64); /* the job's cuts of j are good for the folds */
    for (uint64_t tile = 0; tile < kernel; tile++) {
        words[tile] = TW__WORD(tile == 25 ? TW_TILE_FAILED : TW_TILE_DONE, 0, 0);
    }
    assert_int_equal(tw__bar_tiles(grid->stages, 1, words), 1);
    assert_int_equal(words[kernel + 2], TW__WORD_BARRED); /* tile 25 is part 5 of the third piece of s */
    free((void *)words);
    tw_grid_destroy(grid);
}

/* However many partials its axes would make, more than can be numbered: no tile writes one. */
static void an_output_without_elements_has_no_partials(void **state)
{
    (void)state;
    const int64_t lengths[] = {0, INT64_C(1) << 40, INT64_C(1) << 40};
    const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_NONE, TW_FOLD_SUM};
    const tw_split splits[] = {{.axis = "j", .tile = 1}, {.axis = "k", .tile = 1}};
    tw_grid *grid =
        grid_with("x[j], y[k] -> s[i]", lengths, &(tw_grid_options){.splits = splits, .nsplits = 2, .folds = folds});
    assert_int_equal(tw_grid_count(grid), 0);
    assert_int_equal(tw_grid_steps(grid), 1);
    tw_grid_destroy(grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_run_through_all_steps),
        cmocka_unit_test(each_element_has_the_tile_that_writes_it_last),
        cmocka_unit_test(an_image_has_the_stages_too),
        cmocka_unit_test(what_needs_a_tile_that_is_not_done_is_barred),
        cmocka_unit_test(folds_that_a_failed_partial_does_not_meet_are_run),
        cmocka_unit_test(an_output_without_elements_has_no_partials),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
