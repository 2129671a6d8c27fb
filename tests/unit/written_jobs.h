/* written_jobs.h - jobs that write files, for tests of outputs: one of two files, and those of several steps. What
 * their kernels do beside computing is the test's. */
#ifndef TW_TESTS_WRITTEN_JOBS_H
#define TW_TESTS_WRITTEN_JOBS_H

#include <stdlib.h>

#include "files.h"
#include "grids.h"
#include "pools.h"

#include "record/journal_file.h"

#define MOST_VALUES 1200

struct job {
    const char *name; /* of its output's file, if it has one alone */
    tw_kernel *kernel;
    tw_grid *grid;
    tw_array *arrays[3];
    tw_output files[3];
    double values[MOST_VALUES];
    double *x, *u; /* of the job of two files, in `values` */
};

static inline struct job *new_job(tw_function kernel)
{
    struct job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    assert_int_equal(tw_kernel_from_function(&job->kernel, kernel, NULL, 0, NULL), TW_OK);
    return job;
}

static inline void close_job(struct job *job)
{
    tw_array_destroy(job->arrays[0]);
    tw_array_destroy(job->arrays[1]);
    tw_grid_destroy(job->grid);
    tw_kernel_destroy(job->kernel);
    free(job);
}

static inline tw_array *wrapped(double *data, int64_t length)
{
    const tw_view view = {
        .data = data, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {length}, .strides = {sizeof(double)}};
    tw_array *array = NULL;
    assert_int_equal(tw_array_wrap(&array, &view, NULL), TW_OK);
    return array;
}

/* x[i], u[i] -> u[i], r[i], in the files u.npy and r.npy. */
static inline struct job *job_of_two_files(tw_function kernel, int64_t length, int64_t tiles)
{
    struct job *job = new_job(kernel);
    assert_true(2 * length <= MOST_VALUES);
    job->x = job->values;
    job->u = job->values + length;
    for (int i = 0; i < length; i++) {
        job->x[i] = i;
        job->u[i] = 1000 + i % 7;
    }
    job->grid = grid_of("x[i], u[i] -> u[i], r[i]", &length, &(tw_split){.axis = "i", .parts = tiles}, 1);
    job->arrays[0] = wrapped(job->x, length);
    job->arrays[1] = wrapped(job->u, length);
    job->files[1] = (tw_output){.file = "u.npy", .dtype = tw_dtype_of(TW_FLOAT64)};
    job->files[2] = (tw_output){.file = "r.npy", .dtype = tw_dtype_of(TW_FLOAT64)};
    return job;
}

/* What its kernels compute: r = u - x, u = 2 u + x, so that a tile run on its own result is wrong. */
static inline void compute_two_files(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, u, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = TW_AT(u, i) - TW_AT(x, i);
        TW_AT(u, i) = 2 * TW_AT(u, i) + TW_AT(x, i);
    }
}

static inline void check_one_file(const char *path, int length, int is_r)
{
    tw_array *array = NULL;
    assert_int_equal(tw_array_open(&array, NULL, path, NULL), TW_OK);
    const double *data = tw_array_data(array);
    for (int i = 0; i < length; i++) {
        const double x = i, u = 1000 + i % 7;
        assert_true(data[i] == (is_r ? u - x : 2 * u + x));
    }
    tw_array_destroy(array);
}

/* The elements of the finished files. */
static inline void check_two_files(int length)
{
    check_one_file("u.npy", length, 0);
    check_one_file("r.npy", length, 1);
}

static inline int total_of(const _Atomic int *calls, int count)
{
    int total = 0;
    for (int tile = 0; tile < count; tile++) {
        total += calls[tile];
    }
    return total;
}

/* Tiles that a journal has; 0, too: there is none. */
static inline uint64_t recorded_in(const char *journal)
{
    uint64_t done = 0, tiles;
    return tw__journal_look(&done, &tiles, journal, NULL) == TW_OK ? done : 0;
}

static inline tw_status open_outputs(tw_outputs **outputs, const struct job *job, const tw_outputs_options *options,
                                     tw_error *error)
{
    return tw_outputs_open(outputs, job->kernel, job->grid, job->arrays, job->files, options, error);
}

static inline tw_status run_outputs(const struct job *job, tw_outputs *outputs, tw_pool *pool, tw_error *error)
{
    const tw_run_options options = {.outputs = outputs};
    return tw_run(pool, job->kernel, job->grid, tw_outputs_operands(outputs), &options, NULL, error);
}

/* What a program does from its beginning to its end. *begun, *ended: the totals once the outputs are open, and before
 * they are destroyed; NULL: they are not wanted. */
static inline tw_status write_job(const struct job *job, const tw_outputs_options *how, tw_pool_kind kind,
                                  int keep_going, tw_outputs_totals *begun, tw_outputs_totals *ended, tw_error *error)
{
    const tw_pool_options pool_options = {.kind = kind, .workers = 2, .heap_bytes = 1 << 28};
    tw_run_options options = {.keep_going = keep_going};
    tw_pool *pool = NULL;
    tw_status status = open_outputs(&options.outputs, job, how, error);
    if (status == TW_OK && begun != NULL) {
        tw_outputs_get_totals(options.outputs, begun);
    }
    if (status == TW_OK) {
        status = tw_pool_open(&pool, &pool_options, error);
    }
    if (status == TW_OK) {
        status = tw_run(pool, job->kernel, job->grid, tw_outputs_operands(options.outputs), &options, NULL, error);
    }
    if (status == TW_OK) {
        status = tw_outputs_commit(options.outputs, error);
    }
    if (status != TW_OK) {
        const tw_status kept = tw_outputs_keep(options.outputs, NULL);
        (void)kept; /* the run's own failure is what counts */
    }
    if (ended != NULL && options.outputs != NULL) {
        tw_outputs_get_totals(options.outputs, ended);
    }
    tw_outputs_destroy(options.outputs);
    tw_pool_close(pool);
    return status;
}

#endif
