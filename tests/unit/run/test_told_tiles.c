/* What a run says of its tiles while it lasts, and which it leaves out: on_tile, where, kernels without outputs. */
#include "grids.h"
#include "pools.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ROWS = 40, COLUMNS = 6, TILES = 20 };

/* r[i,j] = y[i] + j */
static int add(const tw_tile *tile)
{
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = TW_AT(y, i) + (double)j;
        }
    }
    return tile->number == 7 && tile->context != NULL ? 3 : 0;
}

struct job {
    tw_pool *pool;
    tw_grid *grid;
    tw_kernel *kernel;
    double y[ROWS], r[ROWS][COLUMNS];
    tw_array *arrays[2];
};

static tw_array *wrap(void *data, tw_kind kind, int ndim, const int64_t *shape)
{
    tw_view view = {.data = data, .dtype = tw_dtype_of(kind), .ndim = ndim};
    int64_t stride = view.dtype.itemsize;
    for (int d = ndim - 1; d >= 0; d--) {
        view.shape[d] = shape[d];
        view.strides[d] = stride;
        stride *= shape[d];
    }
    tw_array *array;
    assert_int_equal(tw_array_wrap(&array, &view, NULL), TW_OK);
    return array;
}

static void open_job(struct job *job, tw_pool_kind kind, int fails)
{
    static const tw_split rows = {.axis = "i", .parts = TILES};
    static const int64_t lengths[] = {ROWS, COLUMNS};
    memset(job, 0, sizeof *job);
    job->pool = open_pool(kind, 3);
    job->grid = grid_of("y[i] -> r[i,j]", lengths, &rows, 1);
    assert_int_equal(tw_kernel_from_function(&job->kernel, add, fails ? &fails : NULL, fails ? sizeof fails : 0, NULL),
                     TW_OK);
    for (int i = 0; i < ROWS; i++) {
        job->y[i] = 100.0 * i;
        for (int j = 0; j < COLUMNS; j++) {
            job->r[i][j] = -1;
        }
    }
    job->arrays[0] = wrap(job->y, TW_FLOAT64, 1, lengths);
    job->arrays[1] = wrap(job->r, TW_FLOAT64, 2, lengths);
}

static void close_job(struct job *job)
{
    tw_array_destroy(job->arrays[0]);
    tw_array_destroy(job->arrays[1]);
    tw_kernel_destroy(job->kernel);
    tw_grid_destroy(job->grid);
    tw_pool_close(job->pool);
}

/* What on_tile was called for. */
struct told {
    const struct job *job;
    int calls, most; /* after `most` calls it wants no more */
    int times[TILES];
};

static int tell(void *user, int64_t tile)
{
    struct told *told = user;
    int64_t start[2], stop[2];
    assert_true(tile >= 0 && tile < TILES);
    told->times[tile]++;
    tw_grid_tile(told->job->grid, (uint64_t)tile, start, stop);
    for (int64_t i = start[0]; i < stop[0]; i++) { /* private memory, also of a pool of processes */
        for (int j = 0; j < COLUMNS; j++) {
            assert_true(told->job->r[i][j] == 100.0 * (double)i + j);
        }
    }
    return ++told->calls == told->most;
}

static void each_tile_is_told_once_with_its_part_of_the_result(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        struct told told = {.job = &job};
        open_job(&job, kinds[kind], 0);
        const tw_run_options options = {.on_tile = tell, .on_tile_user = &told};
        assert_int_equal(tw_run(job.pool, job.kernel, job.grid, job.arrays, &options, NULL, NULL), TW_OK);
        assert_int_equal(told.calls, TILES);
        for (int tile = 0; tile < TILES; tile++) {
            assert_int_equal(told.times[tile], 1);
        }
        close_job(&job);
    }
}

static void who_wants_no_more_ends_the_run(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        struct told told = {.job = &job, .most = 2};
        tw_report *report = NULL;
        tw_report_totals totals;
        open_job(&job, kinds[kind], 0);
        const tw_run_options options = {.on_tile = tell, .on_tile_user = &told};
        const tw_status status = tw_run(job.pool, job.kernel, job.grid, job.arrays, &options, &report, NULL);
        assert_int_equal(told.calls, 2);
        tw_report_get_totals(report, &totals);
        assert_true(status == TW_ERROR_INTERRUPTED || (status == TW_OK && totals.done == TILES));
        assert_true(kinds[kind] != TW_SERIAL || totals.done == 2);
        for (int tile = 0; tile < TILES; tile++) { /* what is done is there, told or not */
            tw_tile_record record;
            assert_int_equal(tw_report_get_tile(report, (uint64_t)tile, &record, NULL), TW_OK);
            assert_int_equal(job.r[tile * 2][1] == 200.0 * tile + 1, record.state == TW_TILE_DONE);
        }
        tw_report_destroy(report);
        close_job(&job);
    }
}

static void tiles_of_a_run_that_fails_are_told_too(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        struct told told = {.job = &job};
        open_job(&job, kinds[kind], 1);
        const tw_run_options options = {.on_tile = tell, .on_tile_user = &told, .keep_going = 1};
        assert_int_equal(tw_run(job.pool, job.kernel, job.grid, job.arrays, &options, NULL, NULL), TW_ERROR_KERNEL);
        assert_int_equal(told.calls, TILES - 1);
        assert_int_equal(told.times[7], 0);
        close_job(&job);
    }
}

/* ---- where ---- */

static void tiles_without_a_true_element_are_skipped(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        tw_report *report;
        tw_report_totals totals;
        tw_tile_record record;
        char line[256];
        bool mask[ROWS][COLUMNS] = {{false}};
        static const int64_t shape[] = {ROWS, COLUMNS};
        open_job(&job, kinds[kind], 0);
        mask[5][3] = mask[38][0] = mask[39][5] = true; /* tiles 2 and 19 */
        tw_array *where = wrap(mask, TW_BOOL, 2, shape);
        struct told told = {.job = &job};
        const tw_run_options options = {.where = where, .check = 1, .on_tile = tell, .on_tile_user = &told};
        assert_int_equal(tw_run(job.pool, job.kernel, job.grid, job.arrays, &options, &report, NULL), TW_OK);
        assert_int_equal(told.calls, 2);
        for (int i = 0; i < ROWS; i++) {
            const int is_run = i / 2 == 2 || i / 2 == 19;
            assert_true(job.r[i][3] == (is_run ? 100.0 * i + 3 : -1)); /* all of the tile; all else as it was */
        }
        tw_report_get_totals(report, &totals);
        assert_int_equal(totals.skipped, 18);
        assert_int_equal(totals.resumed, 0);
        assert_int_equal(totals.done, TILES);
        assert_int_equal(totals.identical, 1);
        assert_int_equal(tw_report_get_tile(report, 3, &record, NULL), TW_OK);
        assert_int_equal(record.state, TW_TILE_SKIPPED);
        tw_report_line(report, 3, line, sizeof line);
        assert_string_equal(line, "the mask skips y[6:8] -> r[6:8,0:6] (2 x 6)");
        tw_report_destroy(report);
        tw_array_destroy(where);
        close_job(&job);
    }
}

static void a_mask_has_axes_of_the_job(void **state)
{
    (void)state;
    struct job job;
    bool mask[ROWS] = {false};
    static const int64_t rows[] = {ROWS};
    open_job(&job, TW_SERIAL, 0);
    tw_array *where = wrap(mask, TW_BOOL, 1, rows), *numbers = wrap(job.y, TW_FLOAT64, 1, rows);
    static const struct {
        const char *axes;
        tw_status status;
        const char *message;
    } cases[] = {
        {NULL, TW_ERROR_ARGUMENT, "where has 1 dimensions but r has 2, [i,j]; say which axes it has, such as [i]"},
        {"[i,j]", TW_ERROR_ARGUMENT, "where has 1 dimensions but '[i,j]' names 2 axes"},
        {"[k]", TW_ERROR_ARGUMENT, "where has the axis k, which the job does not have"},
        {"m[j]", TW_ERROR_ARGUMENT, "axis j has length 6 but where has 40 there"},
        {"[i", TW_ERROR_SYNTAX, "expected ']' or ','"},
        {"m[i] -> r[i]", TW_ERROR_ARGUMENT, "where is one mask with its axes, such as [i,j], not 'm[i] -> r[i]'"},
        {"m[i]", TW_OK, ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_error error = {.message = ""};
        const tw_run_options options = {.where = where, .where_axes = cases[k].axes};
        assert_int_equal(tw_run(job.pool, job.kernel, job.grid, job.arrays, &options, NULL, &error), cases[k].status);
        assert_non_null(strstr(error.message, cases[k].message));
    }
    tw_error error;
    const tw_run_options wrong = {.where = numbers, .where_axes = "[i]"};
    assert_int_equal(tw_run(job.pool, job.kernel, job.grid, job.arrays, &wrong, NULL, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "where is an array of bool, not of float64");
    tw_array_destroy(where);
    tw_array_destroy(numbers);
    close_job(&job);
}

/* ---- without outputs ---- */

static int count_rows(const tw_tile *tile)
{
    _Atomic int *seen = *(_Atomic int **)tile->context;
    for (int64_t i = tile->start[0]; i < tile->stop[0]; i++) {
        atomic_fetch_add(&seen[i], 1);
    }
    return 0;
}

static void a_kernel_without_outputs_runs_for_its_effects(void **state)
{
    (void)state;
    static const char *const texts[] = {"y[i]", "[i]"};
    static const int64_t rows[] = {ROWS};
    _Atomic int *seen = mmap(NULL, ROWS * sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double y[ROWS] = {0};
    tw_array *array = wrap(y, TW_FLOAT64, 1, rows);
    for (int kind = 0; kind < 2 * pool_kinds(); kind++) {
        tw_report *report;
        char line[256];
        tw_kernel *kernel;
        tw_pool *pool = open_pool(kinds[kind / 2], 3);
        tw_grid *grid = grid_with(texts[kind % 2], rows, NULL);
        assert_int_equal(tw_grid_count(grid), ROWS); /* automatic tiles */
        assert_int_equal(tw_kernel_from_function(&kernel, count_rows, &seen, sizeof seen, NULL), TW_OK);
        for (int i = 0; i < ROWS; i++) {
            seen[i] = 0;
        }
        const tw_run_options options = {.check = 0};
        assert_int_equal(tw_run(pool, kernel, grid, &array, &options, &report, NULL), TW_OK);
        for (int i = 0; i < ROWS; i++) {
            assert_int_equal(seen[i], 1);
        }
        tw_report_line(report, 4, line, sizeof line);
        assert_non_null(strstr(line, kind % 2 ? " did i 4:5 in " : " did y[4:5] in "));
        tw_error error;
        assert_int_equal(tw_run(pool, kernel, grid, &array, &(tw_run_options){.check = 1}, NULL, &error),
                         TW_ERROR_ARGUMENT); /* it would do everything twice and compare nothing */
        assert_non_null(strstr(error.message, "the signature has no output"));
        assert_int_equal(seen[0], 1);
        tw_report_destroy(report);
        tw_kernel_destroy(kernel);
        tw_grid_destroy(grid);
        tw_pool_close(pool);
    }
    tw_array_destroy(array);
    munmap(seen, ROWS * sizeof *seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tile_is_told_once_with_its_part_of_the_result),
        cmocka_unit_test(who_wants_no_more_ends_the_run),
        cmocka_unit_test(tiles_of_a_run_that_fails_are_told_too),
        cmocka_unit_test(tiles_without_a_true_element_are_skipped),
        cmocka_unit_test(a_mask_has_axes_of_the_job),
        cmocka_unit_test(a_kernel_without_outputs_runs_for_its_effects),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
