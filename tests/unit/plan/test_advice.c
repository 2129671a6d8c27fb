/* The sentence about a run: what was slow in it is what it names. */
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tilework/tilework.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Sleeps, so that other programs of the machine do not matter: x[i] seconds for each element, and `context` for the
 * tile. */
static int sleep_tile(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    double seconds = tile->context != NULL ? *(const double *)tile->context : 0;
    for (int64_t i = 0; i < r.shape[0]; i++) {
        seconds += TW_AT(x, i);
        TW_AT(r, i) = TW_AT(x, i);
    }
    const double end = now() + seconds;
    while (now() < end) {
        const double left = end - now();
        const struct timespec rest = {0, left > 0 ? (long)(left * 1e9) : 0};
        nanosleep(&rest, NULL);
    }
    return 0;
}

/* The advice of a run of x over the splits. */
static void advice_of(char *text, size_t size, const double *seconds, int64_t length, double set_up, tw_split split,
                      tw_pool_options pool_options)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    tw_signature *signature;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_array *operands[2];
    tw_pool *pool;
    tw_report *report = NULL;
    const tw_grid_options options = {.splits = &split, .nsplits = 1};
    assert_int_equal(tw_pool_open(&pool, &pool_options, NULL), TW_OK);
    assert_int_equal(tw_signature_parse(&signature, "x[i] -> r[i]", NULL), TW_OK);
    assert_int_equal(tw_grid_create(&grid, signature, &length, &options, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&kernel, sleep_tile, &set_up, sizeof set_up, NULL), TW_OK);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(tw_array_create(&operands[k], pool, &dtype, 1, &length, NULL), TW_OK);
    }
    memcpy(tw_array_data(operands[0]), seconds, (size_t)length * sizeof *seconds);
    assert_int_equal(tw_run(pool, kernel, grid, operands, NULL, &report, NULL), TW_OK);
    assert_true(tw_report_advice(report, text, size) > 0);
    tw_report_destroy(report);
    for (int k = 0; k < 2; k++) {
        tw_array_destroy(operands[k]);
    }
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_pool_close(pool);
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", text, part);
    }
}

static void a_last_tile_that_ran_alone_is_named(void **state)
{
    static const double seconds[] = {0.001, 0.001, 0.001, 0.3};
    char text[256];
    (void)state;
    advice_of(text, sizeof text, seconds, 4, 0, (tw_split){.axis = "i", .tile = 1}, (tw_pool_options){.workers = 2});
    assert_says(text, "the last tile ran alone for ");
}

static void one_tile_alone_is_named(void **state)
{
    static const double seconds[] = {0.01, 0.01};
    char text[256];
    (void)state;
    advice_of(text, sizeof text, seconds, 2, 0, (tw_split){.axis = "i", .parts = 1}, (tw_pool_options){.workers = 2});
    assert_says(text, "there was one tile alone");
}

static void a_tile_of_one_worker_is_no_call_for_more_workers(void **state)
{
    static const double seconds[] = {0.01, 0.01};
    char text[256];
    (void)state;
    advice_of(text, sizeof text, seconds, 2, 0, (tw_split){.axis = "i", .parts = 1}, (tw_pool_options){.workers = 1});
    assert_says(text, "there was one tile alone");
}

/* Nor if the other workers have not begun yet. */
static void no_tile_ran_alone_for_longer_than_it_took(void **state)
{
    static const double seconds[] = {0.003, 0.003, 0.003, 0.003, 0.003, 0.003};
    (void)state;
    for (int k = 0; k < 20; k++) {
        char text[256];
        double alone, span;
        advice_of(text, sizeof text, seconds, 6, 0, (tw_split){.axis = "i", .tile = 1},
                  (tw_pool_options){.workers = 3});
        if (sscanf(text, "the last tile ran alone for %lf ms of %lf ms", &alone, &span) == 2) {
            assert_true(alone <= span);
        }
    }
}

static void tiles_smaller_than_their_set_up_are_named(void **state)
{
    double seconds[60];
    char text[256];
    (void)state;
    for (int k = 0; k < 60; k++) {
        seconds[k] = 1e-3;
    }
    /* 40 tiles, 20 of them of 2 elements: 7 and 6 ms, of which 5 however small */
    advice_of(text, sizeof text, seconds, 60, 5e-3, (tw_split){.axis = "i", .parts = 40},
              (tw_pool_options){.workers = 2});
    assert_says(text, "the tiles are too small: each takes about ");
    assert_says(text, "along i");
}

static void tiles_of_one_size_may_have_a_set_up(void **state)
{
    double seconds[80] = {0};
    char text[256];
    (void)state;
    /* 40 tiles of 2 elements on one worker: 10 of today's are one of which there are four */
    advice_of(text, sizeof text, seconds, 80, 5e-3, (tw_split){.axis = "i", .tile = 2},
              (tw_pool_options){.workers = 1});
    assert_says(text,
                "if the tiles are too small because each call has a set-up, which a plan measures, try tiles of 20 "
                "along i");
}

static void workers_that_were_busy_all_the_time_are_named(void **state)
{
    double seconds[40];
    char text[256];
    (void)state;
    for (int k = 0; k < 40; k++) {
        seconds[k] = 5e-3;
    }
    advice_of(text, sizeof text, seconds, 40, 0, (tw_split){.axis = "i", .tile = 1}, (tw_pool_options){.workers = 2});
    assert_says(text, "both threads were busy for ");
}

static void a_text_that_is_too_short_is_cut(void **state)
{
    static const double seconds[] = {0.01, 0.01};
    char text[8];
    (void)state;
    advice_of(text, sizeof text, seconds, 2, 0, (tw_split){.axis = "i", .parts = 1}, (tw_pool_options){.workers = 2});
    assert_string_equal(text, "there w");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_last_tile_that_ran_alone_is_named),
        cmocka_unit_test(one_tile_alone_is_named),
        cmocka_unit_test(a_tile_of_one_worker_is_no_call_for_more_workers),
        cmocka_unit_test(no_tile_ran_alone_for_longer_than_it_took),
        cmocka_unit_test(tiles_smaller_than_their_set_up_are_named),
        cmocka_unit_test(tiles_of_one_size_may_have_a_set_up),
        cmocka_unit_test(workers_that_were_busy_all_the_time_are_named),
        cmocka_unit_test(a_text_that_is_too_short_is_cut),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
