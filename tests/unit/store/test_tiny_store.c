/* test_tiny_store.c - jobs over a store that is neither a file nor mapped give what they give in memory: on every pool,
 * with workers that die, checked, guarded and replayed. */
#include "pools.h"

#include <signal.h>
#include <stdio.h>

#include "array/shape.h"
#include "array/sum.h"
#include "files.h"
#include "grid/grid.h"
#include "grids.h"
#include "record/journal.h"
#include "record/restore.h"
#include "tiny_store.h"

/* s[i,j] += x[j,i], and r[i,j] is y[j] times what s was; both lengths end inside a unit of 5 x 7. */
enum { ROWS = 43, COLUMNS = 61, X = 0, Y = 1, R = 2, S = 3, OPERANDS = 4 };
static const char *const text = "x[j,i], y[j], s[i,j] -> r[i,j], s[i,j]";
static const int64_t lengths[OPERANDS][2] = {{COLUMNS, ROWS}, {COLUMNS}, {ROWS, COLUMNS}, {ROWS, COLUMNS}};
static const int64_t row_cuts[] = {5, 10, 25, 40}, column_cuts[] = {7, 14, 28, 35, 56};
static const tw_split splits[] = {{.axis = "i", .cuts = row_cuts, .ncuts = 4},
                                  {.axis = "j", .cuts = column_cuts, .ncuts = 5}};

static int combine(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[X]);
    TW_VIEW(const double, y, tile->operand[Y]);
    TW_VIEW(double, s, tile->operand[S]);
    TW_VIEW(double, r, tile->operand[R]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = TW_AT(y, j) * TW_AT(s, i, j);
            TW_AT(s, i, j) += TW_AT(x, j, i);
        }
    }
    return 0;
}

static int combine_and_die(const tw_tile *tile)
{
    const int status = combine(tile);
    if (tile->number == 7 && tile->attempt == 0) {
        kill(getpid(), SIGKILL);
    }
    return status;
}

struct job {
    tw_signature *signature;
    tw_grid *grid;
    tw_array *arrays[OPERANDS];
};

static double first_value(int operand, int64_t k)
{
    return (double)(k * (operand + 2) % 1009);
}

/* Operands whose bit is set in `in_store` are in the tiny store, the others in memory of the pool. */
static void open_job(struct job *job, tw_pool *pool, unsigned in_store)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    memset(job, 0, sizeof *job);
    job->signature = parse(text);
    for (int k = 0; k < OPERANDS; k++) {
        const int ndim = k == Y ? 1 : 2;
        tw_array *first = NULL;
        assert_int_equal(tw_array_create(&first, NULL, &float64, ndim, lengths[k], NULL), TW_OK);
        for (int64_t n = 0; n < tw_view_size(tw_array_view(first)); n++) {
            ((double *)tw_array_data(first))[n] = first_value(k, n);
        }
        if ((in_store >> k & 1) != 0) {
            job->arrays[k] = tiny_array(stored, TW_FLOAT64, ndim, lengths[k]);
        } else {
            assert_int_equal(tw_array_create(&job->arrays[k], pool, &float64, ndim, lengths[k], NULL), TW_OK);
        }
        assert_int_equal(tw_array_copy(job->arrays[k], first, NULL), TW_OK);
        tw_array_destroy(first);
    }
    assert_int_equal(tw_grid_for(&job->grid, job->signature, job->arrays, splits, 2, NULL), TW_OK);
}

static void close_job(struct job *job)
{
    for (int k = 0; k < OPERANDS; k++) {
        tw_array_destroy(job->arrays[k]);
    }
    tw_grid_destroy(job->grid);
    tw_signature_destroy(job->signature);
}

/* Both outputs have all that the job makes of the first values. */
static void assert_done(const struct job *job)
{
    static double s[ROWS][COLUMNS], r[ROWS][COLUMNS];
    static const int64_t origin[2];
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_view views[] = {{s, float64, 2, {ROWS, COLUMNS}, {sizeof s[0], sizeof s[0][0]}},
                             {r, float64, 2, {ROWS, COLUMNS}, {sizeof r[0], sizeof r[0][0]}}};
    assert_int_equal(tw__store_take(job->arrays[S], origin, &views[0]), 0);
    assert_int_equal(tw__store_take(job->arrays[R], origin, &views[1]), 0);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLUMNS; j++) {
            const double was = first_value(S, i * COLUMNS + j);
            assert_true(r[i][j] == first_value(Y, j) * was);
            assert_true(s[i][j] == was + first_value(X, j * ROWS + i));
        }
    }
    assert_int_equal(stored->splits, 0);
}

static tw_kernel *kernel_of(tw_function function)
{
    tw_kernel *kernel = NULL;
    assert_int_equal(tw_kernel_from_function(&kernel, function, NULL, 0, NULL), TW_OK);
    return kernel;
}

static void run_job(struct job *job, tw_pool *pool, tw_function function, const tw_run_options *options)
{
    tw_kernel *kernel = kernel_of(function);
    tw_error error = {0};
    if (tw_run(pool, kernel, job->grid, job->arrays, options, NULL, &error) != TW_OK) {
        fail_msg("%s", error.message);
    }
    tw_kernel_destroy(kernel);
}

static int open_log(void **state)
{
    tiny_set_up(state);
    return enter_folder(state);
}

static int close_log(void **state)
{
    tiny_tear_down(state);
    return leave_folder(state);
}

/* Every choice of operands that are stored, so that each meets each, on every pool. */
static void a_job_gives_the_same_elements_as_in_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        tw_pool *pool = open_pool(kinds[kind], 3);
        for (unsigned in_store = 0; in_store < 1u << OPERANDS; in_store++) {
            struct job job;
            open_job(&job, pool, in_store);
            run_job(&job, pool, combine, NULL);
            assert_done(&job);
            close_job(&job);
        }
        tw_pool_close(pool);
    }
}

static void without_a_pool_and_in_automatic_tiles_too(void **state)
{
    (void)state;
    struct job job;
    open_job(&job, NULL, 15);
    tw_grid_destroy(job.grid);
    assert_int_equal(tw_grid_for(&job.grid, job.signature, job.arrays, NULL, 0, NULL), TW_OK);
    assert_true(tw_grid_count(job.grid) > 1);
    run_job(&job, NULL, combine, NULL);
    assert_done(&job);
    close_job(&job);
}

/* The tile of the worker that died is run again, and what the dead one wrote was in its own room. */
static void a_worker_that_dies_costs_one_tile(void **state)
{
    (void)state;
    need_processes();
    tw_pool *pool = open_pool(TW_PROCESSES, 2);
    struct job job;
    open_job(&job, pool, 15);
    run_job(&job, pool, combine_and_die, NULL);
    assert_done(&job);
    close_job(&job);
    tw_pool_close(pool);
}

static void a_run_over_a_store_is_checked_and_guarded(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        tw_pool *pool = open_pool(kinds[kind], 2);
        for (int guard = 0; guard <= (kinds[kind] == TW_PROCESSES); guard++) {
            struct job job;
            open_job(&job, pool, 15);
            run_job(&job, pool, combine, &(tw_run_options){.check = 1, .guard = guard});
            assert_done(&job);
            close_job(&job);
        }
        tw_pool_close(pool);
    }
}

/* Tiles one by one, which is what a replay does with each. */
static void a_replay_of_each_tile_is_the_run(void **state)
{
    (void)state;
    tw_kernel *kernel = kernel_of(combine);
    struct job job;
    open_job(&job, NULL, 15);
    for (uint64_t tile = 0; tile < tw_grid_count(job.grid); tile++) {
        assert_int_equal(tw_replay(kernel, job.grid, job.arrays, tile, NULL, NULL), TW_OK);
    }
    assert_done(&job);
    close_job(&job);
    tw_kernel_destroy(kernel);
}

static void cuts_inside_a_unit_are_refused_by_the_run(void **state)
{
    (void)state;
    const tw_split split = {.axis = "i", .tile = 6};
    tw_kernel *kernel = kernel_of(combine);
    tw_error error = {0};
    struct job job;
    open_job(&job, NULL, 1u << R);
    tw_grid_destroy(job.grid);
    assert_int_equal(tw_grid_for(&job.grid, job.signature, job.arrays, &split, 1, NULL), TW_OK);
    assert_int_equal(tw_run(NULL, kernel, job.grid, job.arrays, NULL, NULL, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "axis i is cut at 6, inside a unit of output r, which is written in units of 5 "
                                       "along i: cut at 5 or 10");
    close_job(&job);
    open_job(&job, NULL, 1u << X | 1u << Y); /* inputs may be cut anywhere */
    tw_grid_destroy(job.grid);
    assert_int_equal(tw_grid_for(&job.grid, job.signature, job.arrays, &split, 1, NULL), TW_OK);
    run_job(&job, NULL, combine, NULL);
    assert_done(&job);
    close_job(&job);
    tw_kernel_destroy(kernel);
}

static void a_store_that_fails_fails_the_run_and_says_which_operand(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        tw_pool *pool = open_pool(kinds[kind], 2);
        tw_kernel *kernel = kernel_of(combine);
        tw_error error = {0};
        struct job job;
        open_job(&job, pool, 1u << R);
        stored->failing = ENOSPC;
        assert_int_equal(tw_run(pool, kernel, job.grid, job.arrays, NULL, NULL, &error), TW_ERROR_DISK);
        assert_non_null(strstr(error.message, "'r'"));
        assert_non_null(strstr(error.message, "No space left on device"));
        stored->failing = 0;
        close_job(&job);
        tw_kernel_destroy(kernel);
        tw_pool_close(pool);
    }
}

/* A journal in the current folder, with records of all tiles of a run. */
static struct tw__journal *recorded(const struct job *job, const tw_kernel *kernel, const char *path)
{
    struct tw__journal *journal = NULL;
    assert_int_equal(tw__journal_create(&journal, path, kernel, job->grid, job->arrays, NULL, NULL, NULL), TW_OK);
    for (uint64_t tile = 0; tile < tw_grid_count(job->grid); tile++) {
        static double r[ROWS * COLUMNS], s[ROWS * COLUMNS];
        tw_view views[] = {{.data = r, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 2}, {.data = s}};
        int64_t start[2];
        tw__grid_part(job->grid, tile, R, start, views[0].shape);
        tw__strides_c(2, views[0].shape, sizeof(double), views[0].strides);
        views[1] = views[0];
        views[1].data = s;
        assert_int_equal(tw__store_take(job->arrays[R], start, &views[0]), 0);
        assert_int_equal(tw__store_take(job->arrays[S], start, &views[1]), 0);
        tw__ledger_note(&journal->ledger, tile, tw__sum(views, 2));
    }
    assert_int_equal(tw__journal_record(journal), TW_OK);
    return journal;
}

/* A tile that has changed is found and dropped, and its inout operand gets its first values back. */
static void a_journal_is_kept_verified_and_restored(void **state)
{
    (void)state;
    const int64_t at[] = {12, 30};
    const double wrong = -1;
    const tw_view one = {(void *)(uintptr_t)&wrong, tw_dtype_of(TW_FLOAT64), 2, {1, 1}, {8, 8}};
    tw_kernel *kernel = kernel_of(combine);
    struct job job, first;
    uint64_t dropped;
    double value;
    open_job(&job, NULL, 15);
    open_job(&first, NULL, 15);
    struct tw__journal *journal = recorded(&job, kernel, "r.journal");
    assert_int_equal(stored->syncs, 2); /* both outputs, before the records */
    assert_int_equal(tw__journal_verify(journal, &dropped, NULL), TW_OK);
    assert_int_equal(dropped, 0);
    assert_int_equal(tw__store_give(job.arrays[S], at, &one), 0);
    assert_int_equal(tw__journal_verify(journal, &dropped, NULL), TW_OK);
    assert_int_equal(dropped, 1);
    assert_false(tw__ledger_has(&journal->ledger, tw_grid_owner(job.grid, at)));
    stored->splits = 0;
    assert_int_equal(tw__journal_restore(journal, S, first.arrays[S], NULL), TW_OK);
    const tw_view back = {&value, tw_dtype_of(TW_FLOAT64), 2, {1, 1}, {8, 8}};
    assert_int_equal(tw__store_take(job.arrays[S], at, &back), 0);
    assert_true(value == first_value(S, at[0] * COLUMNS + at[1]));
    assert_int_equal(stored->splits, 0);
    stored->failing = EIO;
    assert_int_equal(tw__journal_verify(journal, &dropped, NULL), TW_ERROR_FILE);
    tw__journal_remove(journal);
    close_job(&first);
    close_job(&job);
    tw_kernel_destroy(kernel);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define LOGGED(test) cmocka_unit_test_setup_teardown(test, open_log, close_log)
    const struct CMUnitTest tests[] = {
        LOGGED(a_job_gives_the_same_elements_as_in_memory),
        LOGGED(without_a_pool_and_in_automatic_tiles_too),
        LOGGED(a_worker_that_dies_costs_one_tile),
        LOGGED(a_run_over_a_store_is_checked_and_guarded),
        LOGGED(a_replay_of_each_tile_is_the_run),
        LOGGED(cuts_inside_a_unit_are_refused_by_the_run),
        LOGGED(a_store_that_fails_fails_the_run_and_says_which_operand),
        LOGGED(a_journal_is_kept_verified_and_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
