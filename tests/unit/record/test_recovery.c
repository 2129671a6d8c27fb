/* test_recovery.c - what a job of several steps must run when it resumes: what is needed and nothing else, and never a
 * tile that would read what a later step has overwritten. */
#include "stages.h"

#include "record/recovery.h"
#include "record/written.h"

#define TILES 6 /* of stages 0 and 2; tile 6 is the total, 7 .. 12 are those of the last stage */
#define ALL (2 * TILES + 1)

static struct tw__ledger ledger;
static struct tw__recovery recovery;

/* Plans with these tiles [first, end) done, in up to two ranges. */
static void plan(const tw_grid *grid, uint64_t first, uint64_t end, uint64_t then, uint64_t last, int lost)
{
    assert_int_equal(tw__ledger_init(&ledger, grid->count, NULL), TW_OK);
    for (uint64_t tile = 0; tile < grid->count; tile++) {
        if ((tile >= first && tile < end) || (tile >= then && tile < last)) {
            assert_true(tw__ledger_take(&ledger, tile, 1));
        }
    }
    tw__recovery_plan(&recovery, grid->stages, &ledger, lost);
    tw__ledger_fini(&ledger);
}

static void check_fates(enum tw__fate first, enum tw__fate second, enum tw__fate third)
{
    assert_int_equal(recovery.blocked, -1);
    assert_int_equal(recovery.fate[0], first);
    assert_int_equal(recovery.fate[1], second);
    assert_int_equal(recovery.fate[2], third);
}

static void missing_tiles_run_where_nothing_is_lost(void **state)
{
    tw_grid *grid = grid_of_quotients(60, TILES);
    (void)state;
    for (uint64_t done = 0; done <= ALL; done++) {
        plan(grid, 0, done, 0, 0, 0);
        check_fates(TW__FATE_MISSING, TW__FATE_MISSING, TW__FATE_MISSING);
        assert_int_equal(recovery.reruns, 0);
    }
    tw_grid_destroy(grid);
}

static void what_no_later_step_needs_is_spared(void **state)
{
    tw_grid *grid = grid_of_quotients(60, TILES);
    (void)state;
    plan(grid, 2, TILES, TILES + 1, ALL, 0); /* all of the result is there; tiles 0, 1 and the total are missing */
    check_fates(TW__FATE_SPARED, TW__FATE_SPARED, TW__FATE_MISSING);
    plan(grid, 2, TILES + 1, 0, 0, 0); /* the total is there */
    check_fates(TW__FATE_SPARED, TW__FATE_MISSING, TW__FATE_MISSING);
    tw_grid_destroy(grid);
}

static void lost_partials_run_again_if_a_later_step_needs_them(void **state)
{
    tw_grid *grid = grid_of_quotients(60, TILES);
    (void)state;
    plan(grid, 0, 4, 0, 0, 1);
    check_fates(TW__FATE_ALL, TW__FATE_ALL, TW__FATE_MISSING);
    assert_int_equal(recovery.reruns, 4);
    plan(grid, 0, TILES + 1, 0, 0, 1);
    check_fates(TW__FATE_ALL, TW__FATE_ALL, TW__FATE_MISSING);
    assert_int_equal(recovery.reruns, TILES + 1);
    plan(grid, 0, ALL, 0, 0, 1);
    check_fates(TW__FATE_MISSING, TW__FATE_MISSING, TW__FATE_MISSING); /* there is none */
    assert_int_equal(recovery.reruns, 0);
    tw_grid_destroy(grid);
}

static void a_step_never_reads_what_a_later_one_has_overwritten(void **state)
{
    tw_grid *grid = grid_of_quotients(60, TILES);
    (void)state;
    plan(grid, 0, TILES + 2, 0, 0, 1); /* one tile of u is divided, and the total is lost */
    assert_int_equal(recovery.blocked, 0);
    assert_int_equal(recovery.operand, 0);
    plan(grid, 1, TILES, TILES + 2, ALL, 0); /* tile 0 is missing, and its part of u as it was */
    check_fates(TW__FATE_MISSING, TW__FATE_MISSING, TW__FATE_MISSING);
    plan(grid, 1, TILES, TILES + 1, ALL - 1, 0); /* it has been divided already */
    assert_int_equal(recovery.blocked, 0);
    tw_grid_destroy(grid);
}

/* u[i] *= 2 before it: stage 0 and the last one change u in place. */
static void what_two_steps_change_in_place_begins_anew(void **state)
{
    const int64_t length = 60;
    tw_grid *grid = grid_of("u[i] -> u[i]", &length, &(tw_split){.axis = "i", .parts = TILES}, 1);
    struct tw__stages *stages = NULL;
    (void)state;
    assert_int_equal(tw__stages_create(&stages, 3, 1, NULL), TW_OK);
    stages->temporary[0] =
        (struct tw__temporary){.name = "part", .like = -1, .kind = TW_FLOAT64, .ndim = 1, .shape = {TILES}};
    add_stage(stages, "u[i] -> u[i]", &length, TILES, (int[]){0});
    add_stage(stages, "u[i] -> p[]", &length, TILES, (int[]){0, PART})->parts[1] = 1;
    add_stage(stages, "p[k], u[i] -> u[i]", (int64_t[]){TILES, length}, 1, (int[]){PART, 0});
    assert_int_equal(tw__grid_set_stages(grid, stages, NULL), TW_OK);
    assert_false(tw__stage_overwrites(stages, 0));
    assert_false(tw__stage_overwrites(stages, 1));
    assert_true(tw__stage_overwrites(stages, 2));
    assert_true(tw__stage_writes_first(stages, 0, 0));
    assert_false(tw__stage_writes_first(stages, 2, 0));
    assert_true(tw__stage_is_overwritten(stages, 0));
    plan(grid, 0, ALL - TILES - 1 + TILES, 0, 0, 0); /* all but the last step, which may have begun */
    check_fates(TW__FATE_ALL, TW__FATE_MISSING, TW__FATE_ALL);
    assert_int_equal(recovery.reruns, TILES);
    tw_grid_destroy(grid);
}

static void a_step_waits_for_the_records_of_what_it_overwrites(void **state)
{
    tw_grid *grid = grid_of_quotients(60, TILES);
    (void)state;
    assert_false(tw__stage_overwrites(grid->stages, 0));
    assert_false(tw__stage_overwrites(grid->stages, 1));
    assert_true(tw__stage_overwrites(grid->stages, 2));
    tw_grid_destroy(grid);
}

static void a_tile_writes_its_own_place_among_the_partials(void **state)
{
    tw_grid *grid = grid_of_quotients(60, TILES);
    struct tw__box boxes[TW_MAX_OPERANDS];
    (void)state;
    for (uint64_t tile = 0; tile < TILES; tile++) {
        assert_int_equal(tw__written(boxes, grid, tile), 1);
        assert_int_equal(boxes[0].operand, PART);
        assert_int_equal(boxes[0].ndim, 1);
        assert_int_equal(boxes[0].start[0], tile);
        assert_int_equal(boxes[0].shape[0], 1);
        assert_int_equal(tw__written(boxes, grid, TILES + 1 + tile), 1);
        assert_int_equal(boxes[0].operand, 0);
        assert_int_equal(boxes[0].start[0], 10 * tile);
        assert_int_equal(boxes[0].shape[0], 10);
    }
    assert_int_equal(tw__written(boxes, grid, TILES), 1);
    assert_int_equal(boxes[0].operand, TOTAL);
    assert_int_equal(boxes[0].ndim, 0);
    tw_grid_destroy(grid);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_tiles_run_where_nothing_is_lost),
        cmocka_unit_test(what_no_later_step_needs_is_spared),
        cmocka_unit_test(lost_partials_run_again_if_a_later_step_needs_them),
        cmocka_unit_test(a_step_never_reads_what_a_later_one_has_overwritten),
        cmocka_unit_test(what_two_steps_change_in_place_begins_anew),
        cmocka_unit_test(a_step_waits_for_the_records_of_what_it_overwrites),
        cmocka_unit_test(a_tile_writes_its_own_place_among_the_partials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
