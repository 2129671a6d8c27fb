/* Outputs that lack an axis which is cut: partials of the tiles, folded in the order of the grid, on every pool. */
#include "pools.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "deaths.h"
#include "grids.h"

enum { ROWS = 57, COLUMNS = 23 };

/* What kernels are to do in one tile, beside their work; -1: in none. */
struct orders {
    int64_t fail, kill, kill_fold;
};

static const struct orders no_orders = {-1, -1, -1};

/* "a[i,j] -> s[j]": adds, since partials begin as 0. */
static int add_columns(const tw_tile *tile)
{
    const struct orders *orders = tile->context;
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(double, s, tile->operand[1]);
    for (int64_t i = 0; i < a.shape[0]; i++) {
        for (int64_t j = 0; j < a.shape[1]; j++) {
            TW_AT(s, j) += TW_AT(a, i, j);
            if (i == 1 && j == 1 && (int64_t)tile->number == orders->kill && tile->attempt == 0) {
                raise(SIGKILL); /* in the middle of its partial */
            }
        }
    }
    return (int64_t)tile->number == orders->fail ? 7 : 0;
}

struct job {
    tw_pool *pool;
    tw_array *a, *s;
    tw_grid *grid;
    tw_kernel *kernel;
};

static tw_array *new_array(tw_pool *pool, tw_kind kind, int ndim, const int64_t *shape)
{
    const tw_dtype dtype = tw_dtype_of(kind);
    tw_array *array;
    assert_int_equal(tw_array_create(&array, pool, &dtype, ndim, shape, NULL), TW_OK);
    memset(tw_array_data(array), 0x55, (size_t)(tw_view_size(tw_array_view(array)) * dtype.itemsize));
    return array;
}

static double value(int64_t i, int64_t j)
{
    return 1.0 / (double)(1 + i) + (double)j * 1e-3; /* sums depend on their order */
}

static void fill(tw_array *a)
{
    double *data = tw_array_data(a);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLUMNS; j++) {
            data[i * COLUMNS + j] = value(i, j);
        }
    }
}

static tw_grid *columns_grid(int64_t rows, int64_t columns)
{
    const int64_t lengths[] = {COLUMNS, ROWS}; /* axes of outputs come first */
    const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_SUM};
    const tw_split splits[] = {{.axis = "i", .tile = rows}, {.axis = "j", .tile = columns}};
    return grid_with("a[i,j] -> s[j]", lengths, &(tw_grid_options){.splits = splits, .nsplits = 2, .folds = folds});
}

static void set_up(struct job *job, tw_pool_kind kind, int workers, int64_t rows, int64_t columns,
                   const struct orders *orders)
{
    const int64_t shape[] = {ROWS, COLUMNS};
    job->pool = open_pool(kind, workers);
    job->a = new_array(job->pool, TW_FLOAT64, 2, shape);
    job->s = new_array(job->pool, TW_FLOAT64, 1, shape + 1);
    fill(job->a);
    job->grid = columns_grid(rows, columns);
    assert_int_equal(
        tw_kernel_from_function(&job->kernel, add_columns, (void *)(uintptr_t)orders, sizeof *orders, NULL), TW_OK);
}

static void tear_down(struct job *job)
{
    tw_kernel_destroy(job->kernel);
    tw_grid_destroy(job->grid);
    tw_array_destroy(job->a);
    tw_array_destroy(job->s);
    tw_pool_close(job->pool);
}

/* The sum of column j as the grid says: of each tile's rows, then of these sums. */
static double folded(int64_t j, int64_t rows)
{
    double all = 0;
    for (int64_t first = 0; first < ROWS; first += rows) {
        double part = 0;
        for (int64_t i = first; i < first + rows && i < ROWS; i++) {
            part += value(i, j);
        }
        all = first == 0 ? part : all + part;
    }
    return all;
}

static void assert_sums(const tw_array *s, int64_t rows)
{
    const double *data = tw_array_data(s);
    for (int64_t j = 0; j < COLUMNS; j++) {
        assert_true(data[j] == folded(j, rows));
    }
}

static tw_status run(struct job *job, const tw_run_options *options, tw_report **report, tw_error *error)
{
    tw_array *const arrays[] = {job->a, job->s};
    return tw_run(job->pool, job->kernel, job->grid, arrays, options, report, error);
}

static void the_same_cuts_give_the_same_bits_on_every_pool(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int64_t rows = 1; rows <= ROWS; rows += rows < 5 ? 1 : 13) {
            struct job job;
            set_up(&job, kinds[kind], 1 + (int)rows % 3, rows, 1 + rows % 7 * 4, &no_orders);
            for (int again = 0; again < 2; again++) {
                tw_error error = {0};
                if (run(&job, NULL, NULL, &error) != TW_OK) {
                    fail_msg("%s", error.message);
                }
                assert_sums(job.s, rows);
            }
            tear_down(&job);
        }
    }
}

static void check_and_guard_find_a_reduction_right(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        tw_error error = {0};
        tw_report *report;
        tw_report_totals totals;
        const tw_run_options options = {.check = 1, .guard = kinds[kind] == TW_PROCESSES};
        set_up(&job, kinds[kind], 2, 10, 9, &no_orders);
        if (run(&job, &options, &report, &error) != TW_OK) {
            fail_msg("%s", error.message);
        }
        tw_report_get_totals(report, &totals);
        assert_true(totals.checked && totals.identical);
        assert_int_equal(totals.tiles, tw_grid_count(job.grid));
        assert_sums(job.s, 10);
        tw_report_destroy(report);
        tear_down(&job);
    }
}

static void lines_of_partials_and_folds_say_what_they_are(void **state)
{
    (void)state;
    struct job job;
    tw_report *report;
    char line[512];
    set_up(&job, TW_SERIAL, 1, 20, 10, &no_orders);
    assert_int_equal(tw_grid_count(job.grid), 3 * 3 + 1); /* the folds have little to do: one tile */
    assert_int_equal(run(&job, NULL, &report, NULL), TW_OK);
    tw_report_line(report, 1, line, sizeof line);
    assert_non_null(strstr(line, " did a[20:40,0:10] -> s[0:10] (part 2 of 3) in "));
    tw_report_line(report, 9, line, sizeof line);
    assert_non_null(strstr(line, " did 3 parts of s[0:23] -> s[0:23] (23) in "));
    tw_report_destroy(report);
    tear_down(&job);
}

static void a_worker_that_dies_in_a_partial_costs_one_tile(void **state)
{
    (void)state;
    need_processes();
    struct orders orders = no_orders;
    for (orders.kill = 0; orders.kill < 9; orders.kill++) {
        struct job job;
        tw_report *report;
        tw_report_totals totals;
        set_up(&job, TW_PROCESSES, 2, 20, 10, &orders);
        assert_int_equal(run(&job, NULL, &report, NULL), TW_OK);
        assert_sums(job.s, 20); /* what the dead worker added to its partial is gone */
        tw_report_get_totals(report, &totals);
        assert_int_equal(totals.deaths, 1);
        tw_report_destroy(report);
        tear_down(&job);
    }
}

static void tiles_that_need_one_that_failed_are_not_run(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int keep_going = 0; keep_going < 2; keep_going++) {
            struct job job;
            tw_report *report;
            tw_report_totals totals;
            tw_tile_record record;
            tw_error error = {0};
            char line[256];
            const struct orders orders = {.fail = 4, .kill = -1, .kill_fold = -1};
            const tw_run_options options = {.keep_going = keep_going};
            set_up(&job, kinds[kind], 2, 20, 10, &orders);
            assert_int_equal(run(&job, &options, &report, &error), TW_ERROR_KERNEL);
            assert_int_equal(error.tile, 4);
            assert_int_equal(error.kernel_code, 7);
            assert_non_null(strstr(error.message, "a[20:40,10:20] -> s[10:20] (part 2 of 3)"));
            tw_report_get_totals(report, &totals);
            assert_int_equal(totals.failed, 1);
            if (keep_going) {
                assert_int_equal(totals.done, 8);
            }
            assert_int_equal(tw_report_get_tile(report, 9, &record, NULL), TW_OK);
            assert_int_equal(record.state, TW_TILE_FREE);
            tw_report_line(report, 9, line, sizeof line);
            assert_string_equal(line, "nobody did 3 parts of s[0:23] -> s[0:23] (23)");
            tw_report_destroy(report);
            tear_down(&job);
        }
    }
}

/* ---- several outputs ---- */

enum { A, R, S, T, U, OUTPUTS = 5 };

/* "a[i,j] -> r[i,j], s[j], t[], u[i]": r doubles, s and t sum, u is the largest. */
static int do_all(const tw_tile *tile)
{
    TW_VIEW(const double, a, tile->operand[A]);
    TW_VIEW(double, r, tile->operand[R]);
    TW_VIEW(double, s, tile->operand[S]);
    TW_VIEW(double, t, tile->operand[T]);
    TW_VIEW(double, u, tile->operand[U]);
    for (int64_t i = 0; i < a.shape[0]; i++) {
        for (int64_t j = 0; j < a.shape[1]; j++) {
            TW_AT(r, i, j) = 2 * TW_AT(a, i, j);
            TW_AT(s, j) += TW_AT(a, i, j);
            TW_AT(t) += TW_AT(a, i, j);
            TW_AT(u, i) = TW_AT(u, i) > TW_AT(a, i, j) ? TW_AT(u, i) : TW_AT(a, i, j);
        }
    }
    return 0;
}

static void some_outputs_are_reductions_and_others_are_not(void **state)
{
    (void)state;
    const tw_fold folds[OUTPUTS] = {TW_FOLD_NONE, TW_FOLD_NONE, TW_FOLD_SUM, TW_FOLD_SUM, TW_FOLD_MAX};
    const int64_t tiles[][2] = {{57, 23}, {20, 23}, {57, 5}, {8, 7}, {1, 1}};
    double t[5][8];
    for (size_t c = 0; c < sizeof tiles / sizeof tiles[0]; c++) {
        const tw_split splits[] = {{.axis = "i", .tile = tiles[c][0]}, {.axis = "j", .tile = tiles[c][1]}};
        const int64_t lengths[] = {ROWS, COLUMNS};
        tw_grid *grid = grid_with("a[i,j] -> r[i,j], s[j], t[], u[i]", lengths,
                                  &(tw_grid_options){.splits = splits, .nsplits = 2, .folds = folds});
        for (int kind = 0; kind < pool_kinds(); kind++) {
            tw_pool *pool = open_pool(kinds[kind], 2);
            tw_array *arrays[OUTPUTS] = {new_array(pool, TW_FLOAT64, 2, lengths),
                                         new_array(pool, TW_FLOAT64, 2, lengths),
                                         new_array(pool, TW_FLOAT64, 1, lengths + 1),
                                         new_array(pool, TW_FLOAT64, 0, NULL), new_array(pool, TW_FLOAT64, 1, lengths)};
            tw_kernel *kernel;
            tw_error error = {0};
            assert_int_equal(tw_kernel_from_function(&kernel, do_all, NULL, 0, NULL), TW_OK);
            fill(arrays[A]);
            if (tw_run(pool, kernel, grid, arrays, NULL, NULL, &error) != TW_OK) {
                fail_msg("%s", error.message);
            }
            const double *r = tw_array_data(arrays[R]), *u = tw_array_data(arrays[U]);
            for (int64_t i = 0; i < ROWS; i++) {
                assert_true(u[i] == value(i, COLUMNS - 1));
                for (int64_t j = 0; j < COLUMNS; j++) {
                    assert_true(r[i * COLUMNS + j] == 2 * value(i, j));
                }
            }
            assert_sums(arrays[S], tiles[c][0]);
            t[c][kind] = *(double *)tw_array_data(arrays[T]);
            assert_true(t[c][kind] == t[c][0]);
            assert_true(t[c][kind] - t[0][0] < 1e-10 && t[0][0] - t[c][kind] < 1e-10);
            tw_kernel_destroy(kernel);
            for (int k = 0; k < OUTPUTS; k++) {
                tw_array_destroy(arrays[k]);
            }
            tw_pool_close(pool);
        }
        tw_grid_destroy(grid);
    }
}

static void a_replayed_tile_finds_what_the_steps_before_it_give(void **state)
{
    (void)state;
    struct job job;
    set_up(&job, TW_SERIAL, 1, 20, 10, &no_orders);
    tw_array *const arrays[] = {job.a, job.s};
    const double *s = tw_array_data(job.s), before = s[0];
    assert_int_equal(tw_replay(job.kernel, job.grid, arrays, 5, NULL, NULL),
                     TW_OK); /* the last rows, columns 10 to 20 */
    for (int64_t j = 0; j < COLUMNS; j++) {
        double part = 0;
        for (int64_t i = 40; i < ROWS; i++) {
            part += value(i, j);
        }
        assert_true(j >= 10 && j < 20 ? s[j] == part : memcmp(&s[j], &before, sizeof before) == 0);
    }
    assert_int_equal(tw_replay(job.kernel, job.grid, arrays, 9, NULL, NULL), TW_OK);
    assert_sums(job.s, 20);
    tear_down(&job);
}

/* ---- a fold of the user's ---- */

/* "part, into -> into": the larger of both, and the worker that has the order dies. */
static int keep_larger(const tw_tile *tile)
{
    const struct orders *orders = tile->context;
    TW_VIEW(const double, part, tile->operand[0]);
    TW_VIEW(double, into, tile->operand[1]);
    if (tile->noperands != 2 || tile->naxes != 1 || tile->stop[0] - tile->start[0] != part.shape[0]) {
        return tw_tile_fail(tile, 3, "this is no fold");
    }
    for (int64_t j = 0; j < part.shape[0]; j++) {
        TW_AT(into, j) = TW_AT(into, j) > TW_AT(part, j) ? TW_AT(into, j) : TW_AT(part, j);
    }
    if (orders->kill_fold >= 0 && tile->attempt == 0) {
        raise(SIGKILL);
    }
    return 0;
}

static int largest(const tw_tile *tile)
{
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(double, s, tile->operand[1]);
    for (int64_t j = 0; j < a.shape[1]; j++) {
        if (TW_AT(s, j) != 0) {
            return tw_tile_fail(tile, 4, "a partial does not begin as zeros");
        }
        for (int64_t i = 0; i < a.shape[0]; i++) {
            TW_AT(s, j) = TW_AT(s, j) > TW_AT(a, i, j) ? TW_AT(s, j) : TW_AT(a, i, j);
        }
    }
    return 0;
}

static void partials_are_folded_by_a_kernel_of_two_operands(void **state)
{
    (void)state;
    const int64_t lengths[] = {COLUMNS, ROWS}, shape[] = {ROWS, COLUMNS};
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int dies = 0; dies <= (kinds[kind] == TW_PROCESSES); dies++) {
            const struct orders orders = {-1, -1, dies ? 0 : -1};
            tw_pool *pool = open_pool(kinds[kind], 2);
            tw_array *arrays[] = {new_array(pool, TW_FLOAT64, 2, shape), new_array(pool, TW_FLOAT64, 1, shape + 1)};
            tw_kernel *kernel, *fold;
            tw_error error = {0};
            assert_int_equal(tw_kernel_from_function(&kernel, largest, NULL, 0, NULL), TW_OK);
            assert_int_equal(
                tw_kernel_from_function(&fold, keep_larger, (void *)(uintptr_t)&orders, sizeof orders, NULL), TW_OK);
            const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_KERNEL};
            const tw_kernel *const kernels[] = {NULL, fold};
            const tw_split split = {.axis = "i", .tile = 4};
            tw_grid *grid =
                grid_with("a[i,j] -> s[j]", lengths,
                          &(tw_grid_options){.splits = &split, .nsplits = 1, .folds = folds, .fold_kernels = kernels});
            fill(arrays[0]);
            if (tw_run(pool, kernel, grid, arrays, NULL, NULL, &error) != TW_OK) {
                fail_msg("%s", error.message);
            }
            const double *s = tw_array_data(arrays[1]);
            for (int64_t j = 0; j < COLUMNS; j++) {
                assert_true(s[j] == value(0, j));
            }
            tw_grid_destroy(grid);
            tw_kernel_destroy(kernel);
            tw_kernel_destroy(fold);
            tw_array_destroy(arrays[0]);
            tw_array_destroy(arrays[1]);
            tw_pool_close(pool);
        }
    }
}

/* ---- edges ---- */

static void empty_axes_give_the_identity_or_nothing(void **state)
{
    (void)state;
    const int64_t rows[] = {0, 4}, columns[] = {3, 0};
    for (int c = 0; c < 2; c++) {
        for (int kind = 0; kind < pool_kinds(); kind++) {
            const int64_t lengths[] = {columns[c], rows[c]}, shape[] = {rows[c], columns[c]};
            const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_SUM};
            const tw_split split = {.axis = "i", .tile = 2};
            tw_pool *pool = open_pool(kinds[kind], 2);
            tw_array *arrays[] = {new_array(pool, TW_FLOAT64, 2, shape), new_array(pool, TW_FLOAT64, 1, shape + 1)};
            tw_kernel *kernel;
            assert_int_equal(
                tw_kernel_from_function(&kernel, add_columns, (void *)(uintptr_t)&no_orders, sizeof no_orders, NULL),
                TW_OK);
            tw_grid *grid = grid_with("a[i,j] -> s[j]", lengths,
                                      &(tw_grid_options){.splits = &split, .nsplits = 1, .folds = folds});
            assert_int_equal(tw_run(pool, kernel, grid, arrays, NULL, NULL, NULL), TW_OK);
            for (int64_t j = 0; j < columns[c]; j++) {
                assert_true(((double *)tw_array_data(arrays[1]))[j] == 0); /* nothing was added to what it began as */
            }
            tw_grid_destroy(grid);
            tw_kernel_destroy(kernel);
            tw_array_destroy(arrays[0]);
            tw_array_destroy(arrays[1]);
            tw_pool_close(pool);
        }
    }
}

static void refuse(const char *text, const tw_fold *folds, const char *sentence)
{
    const int64_t lengths[] = {4, 4};
    const tw_split split = {.axis = "i", .tile = 2};
    const tw_grid_options options = {.splits = &split, .nsplits = 1, .folds = folds};
    tw_signature *signature = parse(text);
    tw_grid *grid = NULL;
    tw_error error = {0};
    assert_int_equal(tw_grid_create(&grid, signature, lengths, &options, &error), TW_ERROR_ARGUMENT);
    if (strstr(error.message, sentence) == NULL) {
        fail_msg("%s", error.message);
    }
    tw_signature_destroy(signature);
}

static void folds_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const tw_fold input[] = {TW_FOLD_SUM, TW_FOLD_NONE}, output[] = {TW_FOLD_NONE, TW_FOLD_SUM},
                  kernel[] = {TW_FOLD_NONE, TW_FOLD_KERNEL}, unknown[] = {TW_FOLD_NONE, (tw_fold)99};
    refuse("a[i,j] -> s[j]", NULL, "if s is a reduction of what the tiles compute, say which: --reduce s=sum");
    refuse("a[i,j] -> s[j]", input, "a is an input; outputs alone can be reductions");
    refuse("a[i,j] -> r[i,j]", output, "r has all axes, so there is nothing to reduce");
    refuse("a[i,j], s[j] -> s[j]", output, "s is read and written, and such an operand cannot be a reduction");
    refuse("a[i,j] -> s[j]", kernel, "s should be folded by a kernel, but none is given");
    refuse("a[i,j] -> s[j]", unknown, "s has no fold of number 99");
}

static void automatic_tiles_cut_axes_that_only_reductions_lack(void **state)
{
    (void)state;
    const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_SUM};
    const int64_t few[] = {1000000}, large[] = {1000000, 1000};
    tw_grid *grid = grid_with("a[i] -> s[]", few, &(tw_grid_options){.folds = folds});
    assert_int_equal(tw_grid_axis_tiles(grid, 0), 256);
    assert_int_equal(tw_grid_count(grid), 257);
    tw_grid_destroy(grid);
    grid = grid_with("a[i,j] -> s[j]", large, &(tw_grid_options){.folds = folds});
    assert_int_equal(tw_grid_axis_tiles(grid, 1), 8); /* each partial of s has 8 MB: 64 MiB at most */
    assert_true(tw_grid_axis_tiles(grid, 0) >= 32);   /* 8 are few */
    tw_grid_destroy(grid);
    const int64_t table[] = {6000, 4000}, wide[] = {100000, 300};
    grid = grid_with("a[i,j] -> s[j]", table, &(tw_grid_options){.folds = folds});
    assert_int_equal(tw_grid_axis_tiles(grid, 1), 256); /* whole rows of a are read */
    assert_int_equal(tw_grid_axis_tiles(grid, 0), 1);
    tw_grid_destroy(grid);
    grid = grid_with("a[i,j] -> s[j]", wide, &(tw_grid_options){.folds = folds});
    assert_int_equal(tw_grid_axis_tiles(grid, 1), 37); /* partials of an eighth of a */
    tw_grid_destroy(grid);
    grid = grid_with("a[i,j] -> s[i]", table, &(tw_grid_options){.folds = folds});
    assert_int_equal(tw_grid_axis_tiles(grid, 0), 256); /* the first axis is that of s: nothing is folded */
    assert_int_equal(tw_grid_steps(grid), 1);
    tw_grid_destroy(grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_cuts_give_the_same_bits_on_every_pool),
        cmocka_unit_test(check_and_guard_find_a_reduction_right),
        cmocka_unit_test(lines_of_partials_and_folds_say_what_they_are),
        cmocka_unit_test(a_worker_that_dies_in_a_partial_costs_one_tile),
        cmocka_unit_test(tiles_that_need_one_that_failed_are_not_run),
        cmocka_unit_test(some_outputs_are_reductions_and_others_are_not),
        cmocka_unit_test(a_replayed_tile_finds_what_the_steps_before_it_give),
        cmocka_unit_test(partials_are_folded_by_a_kernel_of_two_operands),
        cmocka_unit_test(empty_axes_give_the_identity_or_nothing),
        cmocka_unit_test(folds_that_make_no_sense_are_refused),
        cmocka_unit_test(automatic_tiles_cut_axes_that_only_reductions_lack),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
