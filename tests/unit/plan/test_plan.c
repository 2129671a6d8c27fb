/* tw_plan_make: what it says of jobs whose costs are known, and that nothing of the caller's is harmed. */
#include "harness.h"
#include "scratch.h"

#include <signal.h>
#include <string.h>

#include <tilework/tilework.h>

#define LENGTH 64

/* A job r[i] = x[i] over LENGTH single indices, and a machine that is measured once into a scratch folder. */
struct job {
    struct scratch *scratch;
    tw_signature *signature;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_array *x;
    tw_dtype dtypes[2];
    tw_plan plan;
};

static int busy_tile(const tw_tile *tile)
{
    struct timespec now, began;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began); /* however much else runs */
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while ((double)(now.tv_sec - began.tv_sec) + 1e-9 * (double)(now.tv_nsec - began.tv_nsec) < 1e-3);
    *(double *)tile->operand[1].data = *(double *)tile->operand[0].data;
    return 0;
}

static int slow_tile(const tw_tile *tile)
{
    (void)tile;
    sleep(100);
    return 0;
}

static int crashing_tile(const tw_tile *tile)
{
    (void)tile;
    raise(SIGSEGV);
    return 0;
}

static int failing_tile(const tw_tile *tile)
{
    return tw_tile_fail(tile, 7, "no such number");
}

/* Changes what it may only read: its process alone sees that. */
static int spoiling_tile(const tw_tile *tile)
{
    *(double *)tile->operand[0].data = -1;
    return 0;
}

static void job_open(struct job *job, void **state, tw_function function)
{
    const int64_t length = LENGTH;
    const tw_split single = {.axis = "i", .tile = 1};
    const tw_grid_options options = {.splits = &single, .nsplits = 1};
    memset(job, 0, sizeof *job);
    job->scratch = *state;
    job->dtypes[0] = job->dtypes[1] = tw_dtype_of(TW_FLOAT64);
    assert_int_equal(tw_signature_parse(&job->signature, "x[i] -> r[i]", NULL), TW_OK);
    assert_int_equal(tw_grid_create(&job->grid, job->signature, &length, &options, NULL), TW_OK);
    assert_int_equal(tw_kernel_from_function(&job->kernel, function, NULL, 0, NULL), TW_OK);
    assert_int_equal(tw_array_create(&job->x, NULL, &job->dtypes[0], 1, &length, NULL), TW_OK);
    for (int64_t i = 0; i < LENGTH; i++) {
        ((double *)tw_array_data(job->x))[i] = (double)i;
    }
}

static tw_status job_plan(struct job *job, tw_plan_options options, tw_error *error)
{
    tw_array *operands[2] = {job->x, NULL};
    options.bandwidth.cache = job->scratch->path;
    return tw_plan_make(&job->plan, job->kernel, job->grid, operands, job->dtypes, &options, error);
}

static void job_close(struct job *job)
{
    for (int64_t i = 0; i < LENGTH; i++) {
        assert_true(((double *)tw_array_data(job->x))[i] == (double)i);
    }
    tw_array_destroy(job->x);
    tw_kernel_destroy(job->kernel);
    tw_grid_destroy(job->grid);
    tw_signature_destroy(job->signature);
}

static const tw_forecast *forecast(const tw_plan *plan, tw_pool_kind pool, int workers)
{
    for (int k = 0; k < plan->count; k++) {
        if (plan->forecast[k].pool == pool && plan->forecast[k].workers == workers) {
            return &plan->forecast[k];
        }
    }
    fail();
    return NULL;
}

static void tiles_are_timed_and_the_forecast_follows(void **state)
{
    struct job job;
    job_open(&job, state, busy_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){.workers = 2}, NULL), TW_OK);
    assert_int_equal(job.plan.tiles, LENGTH);
    assert_true(job.plan.timed >= 3);
    assert_true(job.plan.shortest >= 1e-3);
    assert_true(job.plan.bytes_read == LENGTH * 8 && job.plan.bytes_written == LENGTH * 8);
    assert_true(forecast(&job.plan, TW_SERIAL, 1)->seconds >= LENGTH * 1e-3);
    assert_int_equal(job.plan.count, 5); /* serial, 1 and 2 threads, 1 and 2 processes */
    assert_string_equal(job.plan.why, "64 tiles: i (64) in 64");
    assert_true(job.plan.advice[0] != '\0' && job.plan.note[0] == '\0');
    job_close(&job);
}

static void a_tile_that_does_not_end_is_a_lower_bound(void **state)
{
    struct job job;
    job_open(&job, state, slow_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){.seconds = 0.05}, NULL), TW_OK);
    assert_int_equal(job.plan.at_least, 1);
    assert_true(forecast(&job.plan, TW_SERIAL, 1)->seconds >= 0.05 * LENGTH);
    assert_non_null(strstr(job.plan.advice, "at least"));
    job_close(&job);
}

static void a_kernel_that_crashes_or_fails_is_a_note(void **state)
{
    struct job job;
    job_open(&job, state, crashing_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){0}, NULL), TW_OK);
    assert_int_equal(job.plan.timed, 0);
    assert_non_null(strstr(job.plan.note, "signal 11"));
    assert_null(strstr(job.plan.note, "all other tiles")); /* some were asked for, and none has been run */
    assert_non_null(strstr(job.plan.advice, "could not be timed"));
    job_close(&job);
    job_open(&job, state, failing_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){0}, NULL), TW_OK);
    assert_non_null(strstr(job.plan.note, "no such number"));
    job_close(&job);
}

/* However short the time is, it is no error that it is over. Nothing is said of it, unless other programs had the
 * processors for so long that it counts. */
static void no_time_at_all_is_no_error(void **state)
{
    double seconds = 1e-9;
    for (int round = 0; round < 30; round++) {
        struct job job;
        job_open(&job, state, spoiling_tile);
        assert_int_equal(job_plan(&job, (tw_plan_options){.seconds = seconds}, NULL), TW_OK);
        if (seconds < 1e-3 || strstr(job.plan.note, "other programs have the processors") == NULL) {
            assert_string_equal(job.plan.note, "");
        }
        job_close(&job);
        seconds *= 2;
    }
}

static void operands_keep_their_values(void **state)
{
    struct job job;
    job_open(&job, state, spoiling_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){0}, NULL), TW_OK);
    assert_true(job.plan.timed > 0);
    job_close(&job); /* looks at x */
}

static void no_run_calls_no_kernel(void **state)
{
    struct job job;
    job_open(&job, state, crashing_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){.no_run = 1}, NULL), TW_OK);
    assert_int_equal(job.plan.timed, 0);
    assert_string_equal(job.plan.note, "");
    assert_true(forecast(&job.plan, TW_SERIAL, 1)->seconds > 0);
    job_close(&job);
}

/* What is counted is that of all steps together, and is there once. */
static void no_run_counts_a_job_of_several_steps_once(void **state)
{
    static const tw_fold folds[] = {TW_FOLD_NONE, TW_FOLD_SUM, TW_FOLD_MAX};
    static const tw_split eight = {.axis = "i", .parts = 8};
    const tw_grid_options division = {.splits = &eight, .nsplits = 1, .folds = folds};
    const tw_work work = {.nanoseconds = 2e9};
    const int64_t length = LENGTH;
    struct job job;
    job_open(&job, state, crashing_tile);
    tw_array *operands[3] = {job.x, NULL, NULL};
    const tw_dtype dtypes[3] = {job.dtypes[0], job.dtypes[1], job.dtypes[1]};
    const tw_plan_options options = {.no_run = 1, .work = &work, .bandwidth.cache = job.scratch->path};
    tw_signature *signature = NULL;
    tw_grid *grid = NULL;
    assert_int_equal(tw_signature_parse(&signature, "x[i] -> s[], t[]", NULL), TW_OK);
    assert_int_equal(tw_grid_create(&grid, signature, &length, &division, NULL), TW_OK);
    assert_int_equal(tw_plan_make(&job.plan, job.kernel, grid, operands, dtypes, &options, NULL), TW_OK);
    assert_int_equal(job.plan.tiles, 8 + 1 + 1);
    const double serial = forecast(&job.plan, TW_SERIAL, 1)->seconds;
    assert_true(serial > 2 * 0.999 && serial < 2 * 1.001);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    job_close(&job);
}

static void times_of_the_callers_are_taken(void **state)
{
    static const uint64_t tiles[] = {0, LENGTH - 1};
    static const double seconds[] = {1, 3};
    static const tw_plan_sample sample = {.count = 2,
                                          .tiles = tiles,
                                          .seconds = seconds,
                                          .together = 1,
                                          .locked = 1,
                                          .opening_one = 0.5,
                                          .opening_all = 0.75};
    struct job job;
    job_open(&job, state, crashing_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){.sample = &sample}, NULL), TW_OK);
    const double serial = forecast(&job.plan, TW_SERIAL, 1)->seconds;
    assert_true(serial > 2 * LENGTH * 0.999 && serial < 2 * LENGTH * 1.001);
    assert_int_equal(job.plan.forecast[job.plan.best].pool == TW_THREADS, 0); /* they hold a lock */
    job_close(&job);
}

static void a_set_up_names_longer_tiles(void **state)
{
    static const uint64_t tile = 0;
    static const double second = 5.1e-3;
    static const tw_plan_sample sample = {
        .count = 1, .tiles = &tile, .seconds = &second, .together = 1, .set_up = 5e-3};
    struct job job;
    job_open(&job, state, crashing_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){.sample = &sample, .workers = 2}, NULL), TW_OK);
    assert_non_null(strstr(job.plan.advice, "too small: each takes 5.0 ms however small it is; tiles of 8 along i"));
    job_close(&job);
}

static void requests_that_make_no_sense_are_refused(void **state)
{
    struct job job;
    tw_error error;
    job_open(&job, state, busy_tile);
    tw_array *operands[2] = {NULL, NULL};
    assert_int_equal(tw_plan_make(&job.plan, job.kernel, job.grid, operands, job.dtypes, NULL, &error),
                     TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "operand x has no array");
    operands[0] = job.x;
    assert_int_equal(tw_plan_make(&job.plan, job.kernel, job.grid, operands, NULL, NULL, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "operand r has no array and no dtype");
    assert_int_equal(job_plan(&job, (tw_plan_options){.workers = TW_MAX_WORKERS + 1}, &error), TW_ERROR_ARGUMENT);
    job_close(&job);
}

static void json_has_every_forecast(void **state)
{
    struct job job;
    char *text = NULL;
    size_t length = 0;
    job_open(&job, state, busy_tile);
    assert_int_equal(job_plan(&job, (tw_plan_options){.no_run = 1, .workers = 2}, NULL), TW_OK);
    FILE *file = open_memstream(&text, &length);
    assert_int_equal(tw_plan_write_json(&job.plan, file, NULL), TW_OK);
    fclose(file);
    int pools = 0;
    for (const char *at = strstr(text, "\"pool\""); at != NULL; at = strstr(at + 1, "\"pool\"")) {
        pools++;
    }
    assert_int_equal(pools, 5);
    assert_non_null(strstr(text, "\"advice\""));
    free(text);
    job_close(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tiles_are_timed_and_the_forecast_follows, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(a_tile_that_does_not_end_is_a_lower_bound, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(a_kernel_that_crashes_or_fails_is_a_note, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(no_time_at_all_is_no_error, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(operands_keep_their_values, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(no_run_calls_no_kernel, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(no_run_counts_a_job_of_several_steps_once, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(times_of_the_callers_are_taken, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(a_set_up_names_longer_tiles, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(requests_that_make_no_sense_are_refused, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(json_has_every_forecast, scratch_open, scratch_close),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
