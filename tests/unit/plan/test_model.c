/* What a run costs, by arithmetic, with made-up times and a made-up machine. */
#include "harness.h"

#include <string.h>

#include "plan/model.h"

/* One thread moves 10 GB/s, four 20; new pages cost as much again. */
static const tw_bandwidth machine = {
    .count = 3,
    .row = {{1, 10e9, 10e9, 10e9, 5e9}, {2, 15e9, 15e9, 15e9, 7.5e9}, {4, 20e9, 20e9, 20e9, 10e9}},
    .shared = 5e9};

static void assert_near(double value, double right)
{
    assert_true(value > right * (1 - 1e-9) - 1e-15 && value < right * (1 + 1e-9) + 1e-15);
}

static struct tw__model model_of(const struct tw__model_step *step, int nsteps)
{
    return (struct tw__model){.nsteps = nsteps, .step = step, .cores = 4, .bandwidth = &machine};
}

static void tiles_between_timed_ones_lie_on_a_line(void **state)
{
    static const uint64_t tiles[] = {12, 16, 18};
    static const double seconds[] = {1, 5, 3};
    const struct tw__model_step step = {.tiles = 10, .first = 10, .timed = 3, .tile = tiles, .seconds = seconds};
    (void)state;
    static const double right[] = {1, 1, 1, 2, 3, 4, 5, 4, 3, 3};
    double sum = 0;
    for (uint64_t k = 0; k < 10; k++) {
        assert_near(tw__model_tile(&step, k), right[k]);
        sum += right[k];
    }
    const struct tw__model model = model_of(&step, 1);
    assert_near(tw__model_sum(&model), sum);
    assert_near(tw__model_tiles(&model), 10);
}

static void equal_tiles_are_shared_by_the_workers(void **state)
{
    static const uint64_t tile = 0;
    static const double second = 1;
    const struct tw__model_step step = {.tiles = 10, .timed = 1, .tile = &tile, .seconds = &second};
    const struct tw__model model = model_of(&step, 1);
    (void)state;
    assert_near(tw__model_span(&model, 1, 1, 0), 10);
    assert_near(tw__model_span(&model, 2, 1, 0), 5);
    assert_near(tw__model_span(&model, 3, 1, 0), 4); /* 4 + 3 + 3 */
    assert_near(tw__model_span(&model, 4, 1, 0), 3);
    assert_near(tw__model_span(&model, 64, 1, 0), 3); /* 4 cores: more workers are no more hands */
    assert_near(tw__model_span(&model, 2, 1.5, 0.5), 10);
}

static void a_long_last_tile_is_waited_for(void **state)
{
    static const uint64_t tiles[] = {0, 2, 3};
    static const double seconds[] = {1, 1, 7};
    const struct tw__model_step step = {.tiles = 4, .timed = 3, .tile = tiles, .seconds = seconds};
    const struct tw__model model = model_of(&step, 1);
    tw_forecast forecast;
    (void)state;
    assert_near(tw__model_span(&model, 2, 1, 0), 8); /* the second worker begins its share with tile 2 */
    assert_near(tw__model_span(&model, 4, 1, 0), 7);
    tw__model_forecast(&model, TW_THREADS, 4, &forecast);
    assert_int_equal(forecast.limit, TW_LIMIT_TILES);
}

static void steps_wait_for_each_other(void **state)
{
    static const uint64_t tiles[] = {0, 3};
    static const double seconds[] = {2, 5};
    const struct tw__model_step steps[] = {
        {.tiles = 3, .first = 0, .timed = 1, .tile = tiles, .seconds = seconds},
        {.tiles = 1, .first = 3, .timed = 1, .tile = tiles + 1, .seconds = seconds + 1}};
    const struct tw__model model = model_of(steps, 2);
    (void)state;
    assert_near(tw__model_span(&model, 1, 1, 0), 11);
    assert_near(tw__model_span(&model, 2, 1, 0), 9); /* 4, then 5 */
    assert_near(tw__model_span(&model, 4, 1, 0), 7);
}

static void memory_bounds_what_workers_do_together(void **state)
{
    static const uint64_t tile = 0;
    static const double tenth = 0.1, dear = 10;
    struct tw__model_step step = {.tiles = 10, .timed = 1, .tile = &tile, .seconds = &tenth};
    struct tw__model model = model_of(&step, 1);
    tw_forecast forecast;
    (void)state;
    model.bytes_read = 10e9; /* 1 s for one thread, which is all that the tiles take; 0.5 s for four */
    assert_near(tw__model_together(&model, 1), 1);
    assert_near(tw__model_together(&model, 2), 4.0 / 3);
    assert_near(tw__model_together(&model, 4), 2);
    tw__model_forecast(&model, TW_THREADS, 4, &forecast);
    assert_int_equal(forecast.limit, TW_LIMIT_MEMORY);
    assert_true(forecast.bytes_per_second < 20e9);
    step.seconds = &dear; /* the same bytes in a hundred times the time */
    assert_near(tw__model_together(&model, 4), 1);
    tw__model_forecast(&model, TW_THREADS, 2, &forecast);
    assert_int_equal(forecast.limit, TW_LIMIT_COMPUTE);
    assert_near(forecast.tiles, 50);
    model.together = 1.6; /* measured with four: it counts more than the bandwidth */
    model.all = 4;
    assert_near(tw__model_together(&model, 4), 1.6);
    assert_near(tw__model_together(&model, 2), 1.2);
    assert_near(tw__model_together(&model, 64), 1.6);
}

static void results_and_copies_cost_what_their_bytes_do(void **state)
{
    static const uint64_t tile = 0;
    static const double second = 1;
    const struct tw__model_step step = {.tiles = 4, .timed = 1, .tile = &tile, .seconds = &second};
    struct tw__model model = model_of(&step, 1);
    tw_forecast forecast;
    (void)state;
    model.fresh = 10e9;
    model.copied_in = 20e9;
    model.copied_back = 5e9;
    tw__model_forecast(&model, TW_SERIAL, 1, &forecast);
    assert_near(forecast.fresh, 1); /* 2 s instead of 1 s to store them */
    assert_near(forecast.copies, 0);
    tw__model_forecast(&model, TW_PROCESSES, 4, &forecast);
    assert_near(forecast.fresh, 0.5);
    assert_near(forecast.copies, 20e9 * (1 / 5e9 + 1 / 10e9) + 5e9 * 2 / 10e9);
    assert_int_equal(forecast.limit, TW_LIMIT_COPIES);
    assert_near(forecast.seconds, forecast.tiles + forecast.fresh + forecast.copies + forecast.opening + forecast.disk);
}

static void a_pool_that_is_opened_for_little_work_is_the_limit(void **state)
{
    static const uint64_t tile = 0;
    static const double little = 1e-4;
    const struct tw__model_step step = {.tiles = 2, .timed = 1, .tile = &tile, .seconds = &little};
    struct tw__model model = model_of(&step, 1);
    tw_forecast forecast;
    (void)state;
    model.opening_fixed = 1e-3;
    model.opening_each = 2e-3;
    tw__model_forecast(&model, TW_PROCESSES, 4, &forecast);
    assert_near(forecast.opening, 5e-3 + TW__RUN_SECONDS); /* no more workers than tiles */
    assert_int_equal(forecast.limit, TW_LIMIT_OPENING);
    tw__model_forecast(&model, TW_THREADS, 2, &forecast);
    assert_near(forecast.opening, TW__RUN_SECONDS);
    assert_int_equal(forecast.limit, TW_LIMIT_COMPUTE);
}

static void a_lock_makes_threads_take_turns(void **state)
{
    static const uint64_t tile = 0;
    static const double second = 1;
    const struct tw__model_step step = {.tiles = 8, .timed = 1, .tile = &tile, .seconds = &second};
    struct tw__model model = model_of(&step, 1);
    tw_forecast forecast;
    (void)state;
    model.locked = 1;
    tw__model_forecast(&model, TW_THREADS, 4, &forecast);
    assert_near(forecast.tiles, 8);
    assert_int_equal(forecast.limit, TW_LIMIT_LOCK);
    tw__model_forecast(&model, TW_PROCESSES, 4, &forecast);
    assert_near(forecast.tiles, 2);
    model.locked = 0.5; /* a tile takes 1, 1.5, 2.5 s with 1, 2, 4 threads */
    tw__model_forecast(&model, TW_THREADS, 2, &forecast);
    assert_near(forecast.tiles, 6);
    tw__model_forecast(&model, TW_THREADS, 4, &forecast);
    assert_near(forecast.tiles, 5);
}

static void tiles_that_cost_less_than_handing_them_out_are_named(void **state)
{
    static const uint64_t tile = 0;
    static const double nothing = 1e-9;
    const struct tw__model_step step = {.tiles = 1000000, .timed = 1, .tile = &tile, .seconds = &nothing};
    struct tw__model model = model_of(&step, 1);
    tw_forecast forecast;
    (void)state;
    model.dispatch[TW_THREADS] = 20e-9;
    tw__model_forecast(&model, TW_THREADS, 4, &forecast);
    assert_int_equal(forecast.limit, TW_LIMIT_DISPATCH);
    assert_near(forecast.tiles, 1000000 * 21e-9 / 4);
}

static void nothing_to_do_costs_nothing(void **state)
{
    const struct tw__model_step step = {.tiles = 0};
    const struct tw__model model = model_of(&step, 1);
    tw_forecast forecast;
    (void)state;
    tw__model_forecast(&model, TW_THREADS, 4, &forecast);
    assert_near(forecast.seconds, TW__RUN_SECONDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_between_timed_ones_lie_on_a_line),
        cmocka_unit_test(equal_tiles_are_shared_by_the_workers),
        cmocka_unit_test(a_long_last_tile_is_waited_for),
        cmocka_unit_test(steps_wait_for_each_other),
        cmocka_unit_test(memory_bounds_what_workers_do_together),
        cmocka_unit_test(results_and_copies_cost_what_their_bytes_do),
        cmocka_unit_test(a_pool_that_is_opened_for_little_work_is_the_limit),
        cmocka_unit_test(a_lock_makes_threads_take_turns),
        cmocka_unit_test(tiles_that_cost_less_than_handing_them_out_are_named),
        cmocka_unit_test(nothing_to_do_costs_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
