/* Runs of jobs of several steps, whoever made the stages: arrays between the steps, contexts, what is overwritten. */
#include "pools.h"

#include <time.h>

#include "stages.h"

enum { N = 60, TILES = 5 };

/* u[i] /= sum(k: u[k]): one function, which its context tells what to do. */
static int quotients(const tw_tile *tile)
{
    const int entry = *(const int *)tile->context;
    if (entry == 2) {
        TW_VIEW(const double, total, tile->operand[0]);
        TW_VIEW(double, u, tile->operand[1]);
        for (int64_t i = 0; i < u.shape[0]; i++) {
            TW_AT(u, i) /= TW_AT(total);
        }
        return 0;
    }
    TW_VIEW(const double, from, tile->operand[0]);
    TW_VIEW(double, to, tile->operand[1]);
    TW_AT(to) = 0;
    for (int64_t i = 0; i < from.shape[0]; i++) {
        TW_AT(to) += TW_AT(from, i);
    }
    return 0;
}

static int sleeps_at_first(const tw_tile *tile)
{
    if (*(const int *)tile->context == 1 && tile->attempt == 0) {
        nanosleep(&(struct timespec){.tv_sec = 20}, NULL);
    }
    return quotients(tile);
}

static int fails_in_the_middle(const tw_tile *tile)
{
    return *(const int *)tile->context == 1 ? 3 : quotients(tile);
}

struct job {
    tw_pool *pool;
    double memory[N];
    tw_array *u;
    tw_grid *grid;
    tw_kernel *kernel;
};

/* u is private memory, which process workers do not see. */
static void set_up(struct job *job, tw_pool_kind kind, tw_function function)
{
    const tw_view view = {
        .data = job->memory, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {N}, .strides = {sizeof(double)}};
    for (int i = 0; i < N; i++) {
        job->memory[i] = i + 1;
    }
    job->pool = open_pool(kind, 2);
    assert_int_equal(tw_array_wrap(&job->u, &view, NULL), TW_OK);
    job->grid = grid_of_quotients(N, TILES);
    assert_int_equal(tw_kernel_from_function(&job->kernel, function, NULL, 0, NULL), TW_OK);
}

static void tear_down(struct job *job)
{
    tw_kernel_destroy(job->kernel);
    tw_grid_destroy(job->grid);
    tw_array_destroy(job->u);
    tw_pool_close(job->pool);
}

static tw_status run(struct job *job, const tw_run_options *options, tw_report **report, tw_error *error)
{
    return tw_run(job->pool, job->kernel, job->grid, &job->u, options, report, error);
}

static void assert_quotients(const struct job *job)
{
    for (int i = 0; i < N; i++) {
        assert_true(job->memory[i] == (i + 1) / (N * (N + 1) / 2.0));
    }
}

static void each_step_has_a_context_and_finds_what_was_left(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        tw_report *report;
        tw_report_totals totals;
        set_up(&job, kinds[kind], quotients);
        assert_int_equal(run(&job, NULL, &report, NULL), TW_OK);
        assert_quotients(&job);
        tw_report_get_totals(report, &totals);
        assert_int_equal(totals.tiles, 2 * TILES + 1);
        assert_int_equal(totals.done, totals.tiles);
        /* Two steps use u; it is copied there and back once. */
        assert_int_equal(totals.bytes_copied, kinds[kind] == TW_PROCESSES ? 2 * (int64_t)sizeof job.memory : 0);
        tw_report_destroy(report);
        tear_down(&job);
    }
}

static void a_tile_that_takes_too_long_is_run_again_in_any_step(void **state)
{
    (void)state;
    need_processes();
    struct job job;
    tw_report *report;
    tw_report_totals totals;
    set_up(&job, TW_PROCESSES, sleeps_at_first);
    assert_int_equal(run(&job, &(tw_run_options){.timeout = 0.5, .tiles_per_worker = 3}, &report, NULL), TW_OK);
    assert_quotients(&job);
    tw_report_get_totals(report, &totals);
    assert_int_equal(totals.timeouts, 1);
    assert_true(totals.recycled > 0);
    tw_report_destroy(report);
    tear_down(&job);
}

static void what_would_be_overwritten_from_garbage_stays_as_it_was(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        tw_report *report;
        tw_error error = {0};
        tw_tile_record record;
        set_up(&job, kinds[kind], fails_in_the_middle);
        assert_int_equal(run(&job, &(tw_run_options){.keep_going = 1}, &report, &error), TW_ERROR_KERNEL);
        assert_int_equal(error.tile, TILES);
        for (int i = 0; i < N; i++) {
            assert_true(job.memory[i] == i + 1);
        }
        for (uint64_t tile = TILES + 1; tile < 2 * TILES + 1; tile++) {
            assert_int_equal(tw_report_get_tile(report, tile, &record, NULL), TW_OK);
            assert_int_equal(record.state, TW_TILE_FREE);
        }
        tw_report_destroy(report);
        tear_down(&job);
    }
}

struct watched {
    uint64_t total, most;
    int stop;
};

static void watch(void *user, const tw_progress *progress)
{
    struct watched *watched = user;
    watched->total = progress->total;
    watched->most = progress->done > watched->most ? progress->done : watched->most;
}

static void stop_at_once(void *user, const tw_progress *progress)
{
    (void)progress;
    ((struct watched *)user)->stop = 1;
}

static void progress_counts_the_tiles_of_all_steps_and_a_stop_ends_them(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        struct watched watched = {0};
        set_up(&job, kinds[kind], quotients);
        assert_int_equal(run(&job, &(tw_run_options){.progress = watch, .progress_user = &watched}, NULL, NULL), TW_OK);
        assert_int_equal(watched.total, 2 * TILES + 1);
        assert_int_equal(watched.most, 2 * TILES + 1);
        tear_down(&job);

        set_up(&job, kinds[kind], quotients);
        const tw_run_options stopped = {.progress = stop_at_once, .progress_user = &watched, .stop = &watched.stop};
        assert_int_equal(run(&job, &stopped, NULL, NULL), TW_ERROR_INTERRUPTED);
        for (int i = 0; i < N; i++) {
            assert_true(job.memory[i] == i + 1); /* raised at the latest at the end of the first step */
        }
        tear_down(&job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_has_a_context_and_finds_what_was_left),
        cmocka_unit_test(a_tile_that_takes_too_long_is_run_again_in_any_step),
        cmocka_unit_test(what_would_be_overwritten_from_garbage_stays_as_it_was),
        cmocka_unit_test(progress_counts_the_tiles_of_all_steps_and_a_stop_ends_them),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
