/* A job of several steps: each step finds what the ones before it wrote, and tile numbers run through all of them. */
#include "pools.h"

#include <signal.h>
#include <string.h>

#include "deaths.h"
#include "grids.h"
#include "job/bind.h"
#include "job/steps.h"
#include "run/report.h"

#define N 240
#define FIRST 12 /* tiles of step 1 */
#define SECOND 8 /* tiles of step 2 */
#define TILES (FIRST + SECOND)

/* What the kernels are to do beside their work; tiles are numbered in the kernel's own grid. */
struct orders {
    int64_t fail_in_first, fail_in_second, kill_in_first, kill_in_second; /* -1: in no tile */
};

static int write_p(const tw_tile *tile)
{
    const struct orders *orders = tile->context;
    double *p = tile->operand[0].data;
    for (int64_t i = 0; i < tile->operand[0].shape[0]; i++) {
        p[i] = 3.0 * (double)(tile->start[0] + i);
    }
    if ((int64_t)tile->number == orders->kill_in_first && tile->attempt == 0) {
        raise(SIGKILL);
    }
    return (int64_t)tile->number == orders->fail_in_first ? 7 : 0;
}

/* r[i] += p[N - 1 - i], axis i being axis 0: what other tiles of step 1, and mostly other workers, have written. */
static int add_reversed(const tw_tile *tile)
{
    const struct orders *orders = tile->context;
    const double *p = tile->operand[0].data;
    double *r = tile->operand[1].data;
    for (int64_t i = 0; i < tile->operand[1].shape[0]; i++) {
        r[i] += p[N - 1 - (tile->start[0] + i)];
    }
    if ((int64_t)tile->number == orders->kill_in_second && tile->attempt == 0) {
        raise(SIGKILL);
    }
    return (int64_t)tile->number == orders->fail_in_second ? 9 : 0;
}

/* Two steps over two arrays: p is the output of one and the input of the other. */
struct job {
    struct orders orders;
    tw_pool *pool;
    tw_array *p, *r;
    tw_grid *grid[2];
    tw_kernel *kernel[2];
    struct tw__binding binding[2];
    struct tw__steps steps;
    struct tw__outcome outcome;
    tw_report *report;
};

static void lay_out(struct job *job)
{
    struct tw__step_request requests[2];
    for (int s = 0; s < 2; s++) {
        requests[s] = (struct tw__step_request){
            .kernel = job->kernel[s], .grid = job->grid[s], .accesses = job->binding[s].accesses};
    }
    const struct tw__steps_options options = {.timed = 1, .summed = 1};
    assert_int_equal(tw__steps_create(&job->steps, job->pool, requests, 2, &options, NULL), TW_OK);
    assert_int_equal(job->steps.tiles, TILES);
}

static void set_up(struct job *job, tw_pool_kind kind, int workers, struct orders orders)
{
    static const char *const signatures[] = {"-> p[i]", "p[k], r[i] -> r[i]"};
    const int64_t shape[] = {N}, lengths[] = {N, N};
    const tw_dtype f64 = tw_dtype_of(TW_FLOAT64);
    const tw_function functions[] = {write_p, add_reversed};
    memset(job, 0, sizeof *job);
    job->orders = orders;
    job->pool = open_pool(kind, workers);
    assert_int_equal(tw_array_create(&job->p, job->pool, &f64, 1, shape, NULL), TW_OK);
    assert_int_equal(tw_array_create(&job->r, job->pool, &f64, 1, shape, NULL), TW_OK);
    double *p = tw_array_view(job->p)->data, *r = tw_array_view(job->r)->data;
    for (int i = 0; i < N; i++) {
        p[i] = -1;
        r[i] = 0.5;
    }
    for (int s = 0; s < 2; s++) {
        const tw_split split = {.axis = "i", .tile = s == 0 ? N / FIRST : N / SECOND};
        tw_array *const arrays[] = {job->p, job->r};
        job->grid[s] = grid_of(signatures[s], lengths, &split, 1);
        assert_int_equal(tw_kernel_from_function(&job->kernel[s], functions[s], &job->orders, sizeof orders, NULL),
                         TW_OK);
        assert_int_equal(tw__bind(&job->binding[s], &job->pool->crew, job->grid[s], arrays, NULL), TW_OK);
    }
    const tw_grid *const grids[] = {job->grid[0], job->grid[1]};
    assert_int_equal(tw__report_create(&job->report, grids, 2, job->pool, NULL), TW_OK);
    lay_out(job);
}

static tw_status run(struct job *job, struct tw__task *task)
{
    const tw_status status = tw__steps_run(&job->steps, job->pool, task, &job->outcome, NULL);
    tw__report_fill(job->report, job->pool, &job->outcome);
    tw__report_take(job->report, &job->steps);
    return status;
}

static void tear_down(struct job *job)
{
    tw_report_destroy(job->report);
    for (int s = 0; s < 2; s++) {
        tw__unbind(&job->binding[s]);
        tw_kernel_destroy(job->kernel[s]);
        tw_grid_destroy(job->grid[s]);
    }
    tw_array_destroy(job->p);
    tw_array_destroy(job->r);
    tw_pool_close(job->pool);
}

static const struct orders nothing_else = {-1, -1, -1, -1};

static tw_tile_record record_of(const struct job *job, uint64_t tile)
{
    tw_tile_record record;
    assert_int_equal(tw_report_get_tile(job->report, tile, &record, NULL), TW_OK);
    return record;
}

static void assert_r_is_right(const struct job *job)
{
    const double *r = tw_array_view(job->r)->data;
    for (int i = 0; i < N; i++) {
        assert_true(r[i] == 0.5 + 3.0 * (N - 1 - i));
    }
}

static void each_step_finds_what_the_one_before_wrote(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int workers = 1; workers <= 4; workers++) {
            for (int round = 0; round < 10; round++) {
                struct job job;
                set_up(&job, kinds[kind], workers, nothing_else);
                assert_int_equal(run(&job, &(struct tw__task){0}), TW_OK);
                assert_r_is_right(&job);
                assert_int_equal(job.outcome.done, TILES);
                tear_down(&job);
            }
        }
    }
}

static void no_tile_begins_before_the_last_step_has_ended(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        double ended = 0;
        set_up(&job, kinds[kind], 3, nothing_else);
        assert_int_equal(run(&job, &(struct tw__task){0}), TW_OK);
        for (uint64_t tile = 0; tile < FIRST; tile++) {
            const tw_tile_record record = record_of(&job, tile);
            ended = record.start + record.duration > ended ? record.start + record.duration : ended;
        }
        for (uint64_t tile = FIRST; tile < TILES; tile++) {
            assert_true(record_of(&job, tile).start > ended - 1e-6); /* times are float32 seconds */
        }
        tear_down(&job);
    }
}

static void keep_largest(void *user, const tw_progress *progress)
{
    uint64_t *last = user;
    assert_true(progress->done >= last[0] && progress->total == TILES);
    last[0] = progress->done;
}

static void numbers_run_through_in_report_and_progress(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        uint64_t last[1] = {0};
        char line[512];
        set_up(&job, kinds[kind], 2, nothing_else);
        assert_int_equal(run(&job, &(struct tw__task){.progress = keep_largest, .progress_user = last}), TW_OK);
        assert_int_equal(last[0], TILES);
        for (uint64_t tile = 0; tile < TILES; tile++) {
            assert_int_equal(record_of(&job, tile).state, TW_TILE_DONE);
        }
        assert_true(tw_report_line(job.report, FIRST - 1, line, sizeof line) > 0);
        assert_non_null(strstr(line, "p[220:240]")); /* the last tile of the first grid */
        assert_true(tw_report_line(job.report, FIRST + 1, line, sizeof line) > 0);
        assert_non_null(strstr(line, "r[30:60]")); /* the second tile of the second grid */
        assert_int_equal(tw_report_line(job.report, TILES, line, sizeof line), 0);
        assert_int_equal(tw__steps_of(&job.steps, FIRST - 1), 0);
        assert_int_equal(tw__steps_of(&job.steps, FIRST), 1);
        assert_int_equal(tw__steps_end(&job.steps, 0), FIRST);
        assert_int_equal(tw__steps_end(&job.steps, 1), job.steps.tiles);
        tear_down(&job);
    }
}

static void tiles_of_both_steps_have_checksums_of_their_own(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        set_up(&job, kinds[kind], 2, nothing_else);
        uint64_t *sums = tw__steps_sums(&job.steps);
        memset(sums, 0, TILES * sizeof *sums);
        assert_int_equal(run(&job, &(struct tw__task){0}), TW_OK);
        for (int a = 0; a < TILES; a++) {
            for (int b = 0; b < a; b++) {
                assert_true(sums[a] != sums[b]); /* no two tiles have the same elements */
            }
        }
        tear_down(&job);
    }
}

static void a_step_after_one_that_failed_is_not_run(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int keep_going = 0; keep_going < 2; keep_going++) {
            struct job job;
            char line[512];
            set_up(&job, kinds[kind], 2, (struct orders){5, -1, -1, -1});
            assert_int_equal(run(&job, &(struct tw__task){.keep_going = keep_going}), TW_ERROR_KERNEL);
            assert_int_equal(job.outcome.tile, 5);
            assert_int_equal(job.outcome.result.code, 7);
            assert_int_equal(job.outcome.failed, 1);
            for (uint64_t tile = 0; keep_going && tile < FIRST; tile++) {
                assert_int_equal(record_of(&job, tile).state, tile == 5 ? TW_TILE_FAILED : TW_TILE_DONE);
            }
            for (uint64_t tile = FIRST; tile < TILES; tile++) {
                assert_int_equal(record_of(&job, tile).state, TW_TILE_FREE);
                tw_report_line(job.report, tile, line, sizeof line);
                assert_non_null(strstr(line, "nobody did"));
            }
            const double *r = tw_array_view(job.r)->data;
            for (int i = 0; i < N; i++) {
                assert_true(r[i] == 0.5);
            }
            tear_down(&job);
        }
    }
}

static void a_tile_of_a_later_step_fails_by_its_number_in_the_job(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        set_up(&job, kinds[kind], 3, (struct orders){-1, 2, -1, -1});
        assert_int_equal(run(&job, &(struct tw__task){.keep_going = 1}), TW_ERROR_KERNEL);
        assert_int_equal(job.outcome.tile, FIRST + 2);
        assert_int_equal(job.outcome.result.code, 9);
        assert_int_equal(job.outcome.done, TILES - 1);
        assert_int_equal(job.outcome.failed, 1);
        tear_down(&job);
    }
}

static void stop_it(void *user, const tw_progress *progress)
{
    (void)progress;
    *(int *)user = 1;
}

static void a_job_that_is_stopped_begins_no_other_step(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        int stop = 0; /* raised at the latest when step 1 reports its end */
        set_up(&job, kinds[kind], 2, nothing_else);
        assert_int_equal(run(&job, &(struct tw__task){.stop = &stop, .progress = stop_it, .progress_user = &stop}),
                         TW_ERROR_INTERRUPTED);
        assert_true(job.outcome.done <= FIRST);
        for (uint64_t tile = FIRST; tile < TILES; tile++) {
            assert_int_equal(record_of(&job, tile).state, TW_TILE_FREE);
        }
        tear_down(&job);
    }
}

static void a_worker_killed_in_any_tile_of_any_step_costs_one_tile(void **state)
{
    (void)state;
    need_processes();
    for (int64_t tile = 0; tile < TILES; tile++) {
        struct job job;
        struct deaths deaths = {0};
        const struct orders orders = {-1, -1, tile, tile - FIRST};
        set_up(&job, TW_PROCESSES, 1 + (int)tile % 3, orders);
        assert_int_equal(run(&job, &(struct tw__task){.retries = 2, .died = remember, .died_user = &deaths}), TW_OK);
        assert_r_is_right(&job); /* r is inout: what the dead worker added to its copy is gone */
        assert_int_equal(job.outcome.deaths, 1);
        assert_int_equal(deaths.last.tile, tile);
        assert_int_equal(record_of(&job, (uint64_t)tile).attempts, 2);
        tear_down(&job);
    }
}

static void a_kept_pool_takes_no_new_memory_for_the_next_job(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        struct tw__kept *kept, before;
        set_up(&job, kinds[kind], 2, nothing_else);
        assert_int_equal(tw__steps_run(&job.steps, job.pool, &(struct tw__task){0}, &job.outcome, NULL), TW_OK);
        assert_int_equal(tw__kept_find(&kept, job.pool, NULL), TW_OK);
        before = *kept;
        lay_out(&job);
        assert_int_equal(tw__steps_run(&job.steps, job.pool, &(struct tw__task){0}, &job.outcome, NULL), TW_OK);
        assert_ptr_equal(kept->payload.data, before.payload.data);
        assert_ptr_equal(kept->words.data, before.words.data);
        assert_ptr_equal(kept->times.data, before.times.data);
        assert_ptr_equal(kept->sums.data, before.sums.data);
        assert_ptr_equal(kept->rooms.data, before.rooms.data);
        assert_int_equal(kept->steps, before.steps + 2);
        tear_down(&job);
    }
}

/* All of step 1 and the even tiles of step 2. */
static uint32_t is_done_before(const void *user, uint64_t tile)
{
    (void)user;
    return tile < FIRST || tile % 2 == 0 ? TW__WORD_EARLIER : 0;
}

static void what_was_done_before_is_not_run_in_any_step(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        set_up(&job, kinds[kind], 2, nothing_else);
        assert_int_equal(run(&job, &(struct tw__task){.is_done = is_done_before}), TW_OK);
        assert_int_equal(job.outcome.earlier, FIRST + SECOND / 2);
        assert_int_equal(job.outcome.done, TILES);
        const double *p = tw_array_view(job.p)->data, *r = tw_array_view(job.r)->data;
        for (int i = 0; i < N; i++) {
            const int tile = FIRST + i / (N / SECOND);
            assert_true(p[i] == -1);
            assert_true(r[i] == (tile % 2 == 0 ? 0.5 : -0.5)); /* 0.5 + p */
        }
        tear_down(&job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_finds_what_the_one_before_wrote),
        cmocka_unit_test(no_tile_begins_before_the_last_step_has_ended),
        cmocka_unit_test(numbers_run_through_in_report_and_progress),
        cmocka_unit_test(tiles_of_both_steps_have_checksums_of_their_own),
        cmocka_unit_test(a_step_after_one_that_failed_is_not_run),
        cmocka_unit_test(a_tile_of_a_later_step_fails_by_its_number_in_the_job),
        cmocka_unit_test(a_job_that_is_stopped_begins_no_other_step),
        cmocka_unit_test(a_worker_killed_in_any_tile_of_any_step_costs_one_tile),
        cmocka_unit_test(a_kept_pool_takes_no_new_memory_for_the_next_job),
        cmocka_unit_test(what_was_done_before_is_not_run_in_any_step),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
