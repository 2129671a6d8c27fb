/* test_crowds.c - far more workers than cores: right results, and no collapse. */
#include "pools.h"

#include <stdlib.h>

#include "grids.h"
#include "os/clock.h"

enum { TILES = 20000, EMPTY = 1000000, MOST_TRIES = 20 };

static const tw_pool_kind crowds[] = {TW_THREADS, TW_PROCESSES};

static int crowd_kinds(void)
{
    return pool_kinds() - 1; /* all but the serial one */
}

static int add_one(const tw_tile *tile)
{
    const tw_view *r = &tile->operand[0];
    for (int64_t i = 0; i < r->shape[0]; i++) {
        ((unsigned char *)r->data)[i * r->strides[0]]++;
    }
    return 0;
}

static int nothing(const tw_tile *tile)
{
    (void)tile;
    return 0;
}

/* An array of bytes, all 0, that the pool's workers see, and a grid of as many tiles. */
static tw_grid *prepare(tw_pool *pool, tw_array **array, int64_t tiles)
{
    const tw_dtype byte = tw_dtype_of(TW_UINT8);
    assert_int_equal(tw_array_create(array, pool, &byte, 1, &tiles, NULL), TW_OK);
    return grid_of("r[i] -> r[i]", &tiles, &(tw_split){.axis = "i", .tile = 1}, 1);
}

static void every_tile_is_done_once_by_some_of_many_workers(void **state)
{
    static const int workers[] = {64, 1000};
    (void)state;
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_function(&kernel, add_one, NULL, 0, NULL), TW_OK);
    for (int k = 0; k < 2 * crowd_kinds(); k++) {
        tw_pool *pool = open_pool(crowds[k / 2], workers[k % 2]);
        tw_report *report;
        tw_report_totals totals;
        tw_array *array;
        tw_grid *grid = prepare(pool, &array, TILES);
        assert_int_equal(tw_run(pool, kernel, grid, &array, NULL, &report, NULL), TW_OK);
        for (int64_t i = 0; i < TILES; i++) {
            assert_int_equal(((const unsigned char *)tw_array_view(array)->data)[i], 1);
        }
        tw_report_get_totals(report, &totals);
        assert_int_equal(totals.done, TILES);
        assert_int_equal(totals.deaths, 0);
        assert_int_equal(totals.workers, workers[k % 2]);
        tw_report_destroy(report);
        tw_grid_destroy(grid);
        tw_array_destroy(array);
        tw_pool_close(pool);
    }
    tw_kernel_destroy(kernel);
}

static double seconds_of(tw_pool *pool, const tw_kernel *kernel, const tw_grid *grid, tw_array **array)
{
    const double begin = (double)tw__now();
    assert_int_equal(tw_run(pool, kernel, grid, array, NULL, NULL, NULL), TW_OK);
    return ((double)tw__now() - begin) * 1e-9;
}

/* A million empty tiles take 64 workers at most 3 times as long as 2. The machine may be busy: one of several tries is
 * enough. */
static void a_crowd_does_not_collapse(void **state)
{
    (void)state;
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_function(&kernel, nothing, NULL, 0, NULL), TW_OK);
    for (int k = 0; k < crowd_kinds(); k++) {
        tw_pool *pools[] = {open_pool(crowds[k], 2), open_pool(crowds[k], 64)};
        tw_array *arrays[2];
        tw_grid *grids[] = {prepare(pools[0], &arrays[0], EMPTY), prepare(pools[1], &arrays[1], EMPTY)};
        double ratio = 1e9;
        for (int n = 0; n < MOST_TRIES && ratio > 3; n++) {
            const double few = seconds_of(pools[0], kernel, grids[0], &arrays[0]);
            const double many = seconds_of(pools[1], kernel, grids[1], &arrays[1]);
            ratio = many / few < ratio ? many / few : ratio;
        }
        assert_true(ratio <= 3);
        for (int p = 0; p < 2; p++) {
            tw_grid_destroy(grids[p]);
            tw_array_destroy(arrays[p]);
            tw_pool_close(pools[p]);
        }
    }
    tw_kernel_destroy(kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tile_is_done_once_by_some_of_many_workers),
        cmocka_unit_test(a_crowd_does_not_collapse),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
