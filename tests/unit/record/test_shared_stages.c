/* test_shared_stages.c - a job of several steps whose output and temporaries are parts that several processes write:
 * nothing of it is mapped, and what it overwrites is read where it began. */
#include <signal.h>
#include <string.h>

#include "files.h"
#include "pools.h"
#include "stages.h"

#include "job/bind.h"
#include "job/staging.h"
#include "job/steps.h"
#include "os/file.h"
#include "record/partials.h"
#include "store/shared.h"

enum { N = 12000, TILES = 8 };

static const unsigned char tag[TW__TAG_SIZE] = {0, 0, 5, 6, 7, 8};
static int folder = -1;

static int set_up(void **state)
{
    const char *name;
    return enter_folder(state) != 0 || mkdir("run", 0777) != 0 || tw__folder_open(&folder, "run/0.npy", &name) != 0;
}

static int tear_down(void **state)
{
    close(folder);
    unlink("run/partials");
    unlink("run/0.npy");
    rmdir("run");
    return leave_folder(state);
}

static pid_t owner; /* of the test: workers that are processes are its children */

/* u[i] /= sum(k: u[k]), whose context says which step it is. In the last step a worker dies in the middle of a tile:
 * what it has done so far must not count. */
static int quotients(const tw_tile *tile)
{
    const int entry = *(const int *)tile->context;
    if (entry == 2) {
        TW_VIEW(const double, total, tile->operand[0]);
        TW_VIEW(double, u, tile->operand[1]);
        for (int64_t i = 0; i < u.shape[0]; i++) {
            TW_AT(u, i) /= TW_AT(total);
            if (i == u.shape[0] / 2 && tile->number == 3 && tile->attempt == 0 && getpid() != owner) {
                raise(SIGKILL);
            }
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

/* u -> u + 1, adding to what is there: a tile that is begun twice with what it left would be wrong. */
static int add_one(const tw_tile *tile)
{
    TW_VIEW(double, u, tile->operand[0]);
    for (int64_t i = 0; i < u.shape[0]; i++) {
        TW_AT(u, i) += 1;
    }
    return 0;
}

struct job {
    tw_grid *grid;
    tw_array *source, *u;
    struct tw__partials *partials;
    tw_kernel *kernel;
    tw_pool *pool;
};

static tw_array *open_part(int distrusts, int creates)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    const int64_t shape[] = {N};
    const struct tw__shared_wish wish = {.folder = folder,
                                         .name = "0.npy",
                                         .shown = "run/0.npy",
                                         .path = "u.npy",
                                         .dtype = &dtype,
                                         .ndim = 1,
                                         .shape = shape,
                                         .tag = tag,
                                         .distrusts = distrusts};
    tw_array *array = NULL;
    if (creates) {
        assert_int_equal(tw__shared_create(&wish, NULL), TW_OK);
    }
    assert_int_equal(tw__shared_open(&array, &wish, NULL), TW_OK);
    return array;
}

static void open_job(struct job *job, tw_pool_kind kind, int distrusts)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    const int64_t shape[] = {N};
    owner = getpid();
    *job = (struct job){.grid = grid_of_quotients(N, TILES)};
    const struct tw__stages *stages = job->grid->stages;
    assert_int_equal(tw_array_create(&job->source, NULL, &dtype, 1, shape, NULL), TW_OK);
    double *values = tw_array_data(job->source);
    for (int i = 0; i < N; i++) {
        values[i] = i + 1;
    }
    job->u = open_part(distrusts, 1);
    assert_int_equal(tw__shared_begin_with(job->u, job->source, NULL), TW_OK);
    assert_int_equal(tw__partials_share(folder, "partials", "run/partials", stages, &job->u, NULL), TW_OK);
    assert_int_equal(
        tw__partials_join(&job->partials, folder, "partials", "run/partials", stages, &job->u, distrusts, NULL), TW_OK);
    assert_int_equal(job->partials->count, 2);
    assert_int_equal(tw_kernel_from_function(&job->kernel, quotients, NULL, 0, NULL), TW_OK);
    job->pool = open_pool(kind, 3); /* its workers know the parts */
}

static void close_job(struct job *job)
{
    tw_pool_close(job->pool);
    tw_kernel_destroy(job->kernel);
    tw__partials_close(job->partials, 0);
    tw_array_destroy(job->u);
    tw_array_destroy(job->source);
    tw_grid_destroy(job->grid);
    unlink("u.npy");
    unlink("run/0.npy");
    unlink("run/partials");
}

static void run_steps(struct job *job)
{
    struct tw__binding binding = {0};
    struct tw__staging staging;
    struct tw__steps steps;
    struct tw__outcome outcome;
    struct tw__task task = {.retries = 2};
    const struct tw__steps_options options = {.stages = job->grid->stages, .summed = 1};
    const struct tw__crew *crew = &job->pool->crew;
    assert_int_equal(tw__bind(&binding, crew, job->grid, &job->u, NULL), TW_OK);
    assert_int_equal(
        tw__staging_create(&staging, &binding, job->grid, job->kernel, crew, NULL, job->partials->array, NULL), TW_OK);
    assert_int_equal(tw__steps_create(&steps, job->pool, staging.requests, staging.count, &options, NULL), TW_OK);
    assert_int_equal(tw__steps_run(&steps, job->pool, &task, &outcome, NULL), TW_OK);
    assert_int_equal(outcome.done, 2 * TILES + 1);
    tw__staging_fini(&staging);
    tw__unbind(&binding);
}

static void assert_file(double first, double step)
{
    tw_array *found = NULL;
    assert_int_equal(tw_array_open(&found, NULL, "u.npy", NULL), TW_OK);
    const double *values = tw_array_data(found);
    for (int i = 0; i < N; i++) {
        assert_true(values[i] == (first + i) / step);
    }
    tw_array_destroy(found);
}

static void steps_find_what_earlier_ones_gave(void **state)
{
    (void)state;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        for (int distrusts = 0; distrusts < 2; distrusts++) {
            struct job job;
            open_job(&job, kinds[kind], distrusts);
            run_steps(&job);
            run_steps(&job); /* again, as a node that comes late: it begins with the source, not with the result */
            assert_int_equal(tw__partials_sync(job.partials), 0);
            assert_int_equal(tw_array_commit(job.u, NULL), TW_OK);
            assert_file(1, (double)N * (N + 1) / 2);
            assert_true(*(double *)tw_array_data(job.source) == 1.0);
            close_job(&job);
        }
    }
}

static void an_inout_operand_of_one_step_begins_with_its_source(void **state)
{
    (void)state;
    const int64_t length = N;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job;
        open_job(&job, kinds[kind], 1);
        tw_kernel *kernel;
        tw_grid *grid = grid_of("u[i] -> u[i]", &length, &(tw_split){.axis = "i", .parts = TILES}, 1);
        assert_int_equal(tw_kernel_from_function(&kernel, add_one, NULL, 0, NULL), TW_OK);
        for (int round = 0; round < 3; round++) {
            assert_int_equal(tw_run(job.pool, kernel, grid, &job.u, NULL, NULL, NULL), TW_OK);
        }
        assert_int_equal(tw_array_commit(job.u, NULL), TW_OK);
        assert_file(2, 1);
        tw_grid_destroy(grid);
        tw_kernel_destroy(kernel);
        close_job(&job);
    }
}

static void only_temporaries_of_the_right_length_are_joined(void **state)
{
    (void)state;
    struct job job;
    struct tw__partials *partials = NULL;
    tw_error error;
    open_job(&job, TW_SERIAL, 0);
    const struct tw__stages *stages = job.grid->stages;
    assert_int_equal(tw__partials_share(folder, "partials", "run/partials", stages, &job.u, &error), TW_ERROR_FILE);
    assert_int_equal(truncate("run/partials", 4096), 0);
    assert_int_equal(tw__partials_join(&partials, folder, "partials", "run/partials", stages, &job.u, 0, &error),
                     TW_ERROR_JOURNAL);
    unlink("run/partials");
    assert_int_equal(tw__partials_join(&partials, folder, "partials", "run/partials", stages, &job.u, 0, &error),
                     TW_OK);
    assert_null(partials);
    close_job(&job);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define PREPARED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PREPARED(steps_find_what_earlier_ones_gave),
        PREPARED(an_inout_operand_of_one_step_begins_with_its_source),
        PREPARED(only_temporaries_of_the_right_length_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
