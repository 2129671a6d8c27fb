/* written_steps.h - jobs of several steps that write a file, for tests of outputs: a sum of rows, whose kernel begins
 * with zeros, and the quotient of stages.h. */
#ifndef TW_TESTS_WRITTEN_STEPS_H
#define TW_TESTS_WRITTEN_STEPS_H

#include "stages.h"
#include "written_jobs.h"

#define LENGTH 240
#define COLUMNS 3
#define TILES 12

static inline tw_grid *grid_of_sums(tw_fold fold)
{
    const int64_t lengths[] = {COLUMNS, LENGTH}; /* axes of outputs come first */
    const tw_fold folds[] = {TW_FOLD_NONE, fold};
    const tw_split rows = {.axis = "i", .parts = TILES};
    return grid_with("a[i,j] -> s[j]", lengths, &(tw_grid_options){.splits = &rows, .nsplits = 1, .folds = folds});
}

/* a[i,j] -> s[j] into s.npy, or u[i] -> u[i] into u.npy. */
static inline struct job *job_of_steps(tw_function kernel, int is_quotient)
{
    struct job *job = new_job(kernel);
    for (int n = 0; n < LENGTH * COLUMNS; n++) {
        job->values[n] = 1 + n % 64; /* sums are whole numbers */
    }
    tw_view view = {.data = job->values, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = is_quotient ? 1 : 2};
    view.shape[0] = LENGTH;
    view.shape[1] = COLUMNS;
    view.strides[0] = is_quotient ? 8 : 8 * COLUMNS;
    view.strides[1] = 8;
    assert_int_equal(tw_array_wrap(&job->arrays[0], &view, NULL), TW_OK);
    job->name = is_quotient ? "u.npy" : "s.npy";
    job->grid = is_quotient ? grid_of_quotients(LENGTH, TILES) : grid_of_sums(TW_FOLD_SUM);
    job->files[is_quotient ? 0 : 1] = (tw_output){.file = job->name, .dtype = tw_dtype_of(TW_FLOAT64)};
    assert_int_equal(tw_grid_count(job->grid), is_quotient ? 2 * TILES + 1 : TILES + 1);
    return job;
}

/* What the kernel of the sums computes, s += a, and which tile of the job that was. */
static inline int add_rows_of(const tw_tile *tile)
{
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(double, s, tile->operand[1]);
    for (int64_t i = 0; i < a.shape[0]; i++) {
        for (int64_t j = 0; j < a.shape[1]; j++) {
            TW_AT(s, j) += TW_AT(a, i, j);
        }
    }
    return (int)(tile->start[1] / (LENGTH / TILES));
}

/* The same of the quotient: a part of the total, the total, or a part of u divided by it. */
static inline int divide_part_of(const tw_tile *tile)
{
    const int entry = *(const int *)tile->context, number = (int)tile->number;
    const tw_view *from = &tile->operand[0], *to = &tile->operand[tile->noperands - 1];
    double *total = entry < 2 ? to->data : from->data;
    if (entry < 2) {
        *total = 0;
        for (int64_t i = 0; i < from->shape[0]; i++) {
            *total += *(const double *)((const char *)from->data + i * from->strides[0]);
        }
        return entry == 0 ? number : TILES;
    }
    for (int64_t i = 0; i < to->shape[0]; i++) {
        *(double *)((char *)to->data + i * to->strides[0]) /= *total;
    }
    return TILES + 1 + number;
}

/* The elements of the finished file. */
static inline void check_result(const struct job *job)
{
    tw_array *array = NULL;
    const int is_quotient = job->name[0] == 'u', count = is_quotient ? LENGTH : COLUMNS;
    double sum = 0;
    assert_int_equal(tw_array_open(&array, NULL, job->name, NULL), TW_OK);
    const double *data = tw_array_data(array);
    for (int i = 0; i < LENGTH; i++) {
        sum += 1 + i % 64;
    }
    for (int n = 0; n < count; n++) {
        double wanted = 0;
        for (int i = 0; i < LENGTH; i++) {
            wanted += 1 + (i * COLUMNS + n) % 64;
        }
        assert_true(data[n] == (is_quotient ? (1 + n % 64) / sum : wanted));
    }
    tw_array_destroy(array);
}

/* The finished file is all that there is; then it is removed. */
static inline void check_only_result(const struct job *job)
{
    check_result(job);
    assert_int_equal(count_entries("."), 1);
    assert_int_equal(unlink(job->name), 0);
}

#endif
