/* job.c - a job of this program's own with all that it needs. Knows neither clocks nor tables. */
#include "look/job.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "exit.h"
#include "look/kernels.h"

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static tw_status create_vector(struct cli_job *job, int operand, int64_t length, tw_error *error)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    return tw_array_create(&job->operand[operand], job->pool, &dtype, 1, &length, error);
}

static tw_status create_output(struct cli_job *job, tw_kind kind, int ndim, const int64_t *shape, tw_error *error)
{
    const tw_dtype dtype = tw_dtype_of(kind);
    return tw_array_create(&job->operand[job->noperands - 1], job->pool, &dtype, ndim, shape, error);
}

static tw_status begin(struct cli_job *job, const tw_pool_options *pool, const char *signature, tw_function function,
                       tw_error *error)
{
    *job = (struct cli_job){0};
    if (tw_signature_parse(&job->signature, signature, error) != TW_OK ||
        tw_kernel_from_function(&job->kernel, function, NULL, 0, error) != TW_OK ||
        tw_pool_open(&job->pool, pool, error) != TW_OK) {
        return error->status;
    }
    job->noperands = tw_signature_noperands(job->signature);
    return TW_OK;
}

tw_status cli_check_room(int64_t rows, int64_t columns, tw_error *error)
{
    tw_machine machine;
    int64_t bytes;
    tw_machine_describe(&machine);
    if (__builtin_mul_overflow(rows, columns, &bytes) || __builtin_mul_overflow(bytes, 8, &bytes) ||
        bytes > machine.memory_available) {
        return cli_error(error, TW_ERROR_MEMORY,
                         "not enough memory for %" PRId64 " x %" PRId64 " float64; available: %s", rows, columns,
                         machine.memory_reason);
    }
    return TW_OK;
}

tw_status cli_job_mult(struct cli_job *job, const tw_pool_options *pool, int64_t rows, int64_t columns,
                       const tw_split *splits, size_t nsplits, enum cli_output output, tw_error *error)
{
    const int64_t lengths[] = {rows, columns};
    const tw_grid_options grid_options = {.splits = splits, .nsplits = nsplits};
    if (begin(job, pool, "y[i], x[j] -> r[i,j]", cli_kernel_mult, error) != TW_OK ||
        cli_check_room(rows, columns, error) != TW_OK || create_vector(job, 0, rows, error) != TW_OK ||
        create_vector(job, 1, columns, error) != TW_OK ||
        tw_grid_create(&job->grid, job->signature, lengths, &grid_options, error) != TW_OK) {
        return error->status;
    }
    double *y = tw_array_data(job->operand[0]), *x = tw_array_data(job->operand[1]);
    uint64_t state = 1;
    for (int64_t i = 0; i < rows; i++) {
        y[i] = (double)i;
    }
    for (int64_t j = 0; j < columns; j++) {
        x[j] = (double)(next_random(&state) >> 11) * 0x1p-53;
    }
    return output == CLI_OUTPUT_NOW ? cli_job_new_output(job, error) : TW_OK;
}

tw_status cli_job_empty(struct cli_job *job, const tw_pool_options *pool, int64_t tiles, tw_error *error)
{
    const tw_split split = {.axis = "i", .tile = 1};
    const tw_grid_options grid_options = {.splits = &split, .nsplits = 1};
    if (begin(job, pool, "-> r[i]", cli_kernel_empty, error) != TW_OK ||
        tw_grid_create(&job->grid, job->signature, &tiles, &grid_options, error) != TW_OK) {
        return error->status;
    }
    return create_output(job, TW_UINT8, 1, &tiles, error);
}

tw_status cli_job_mandelbrot(struct cli_job *job, const tw_pool_options *pool, int64_t size, tw_error *error)
{
    const tw_split split = {.axis = "i", .tile = 1};
    const tw_grid_options grid_options = {.splits = &split, .nsplits = 1};
    const int64_t lengths[] = {size, size};
    if (begin(job, pool, "re[j], im[i] -> r[i,j]", cli_kernel_mandelbrot, error) != TW_OK ||
        tw_grid_create(&job->grid, job->signature, lengths, &grid_options, error) != TW_OK ||
        create_vector(job, 0, size, error) != TW_OK || create_vector(job, 1, size, error) != TW_OK) {
        return error->status;
    }
    double *re = tw_array_data(job->operand[0]), *im = tw_array_data(job->operand[1]);
    for (int64_t k = 0; k < size; k++) {
        re[k] = -2.0 + 2.5 * (double)k / (double)size;
        im[k] = -1.25 + 2.5 * (double)k / (double)size;
    }
    return create_output(job, TW_UINT16, 2, lengths, error);
}

tw_status cli_job_new_output(struct cli_job *job, tw_error *error)
{
    const int64_t shape[] = {tw_grid_length(job->grid, 0), tw_grid_length(job->grid, 1)};
    cli_job_drop_output(job);
    return create_output(job, TW_FLOAT64, 2, shape, error);
}

void cli_job_drop_output(struct cli_job *job)
{
    tw_array_destroy(job->operand[job->noperands - 1]);
    job->operand[job->noperands - 1] = NULL;
}

tw_status cli_job_run(struct cli_job *job, const int *stop, tw_report **report, tw_error *error)
{
    const tw_run_options options = {.stop = stop};
    return tw_run(job->pool, job->kernel, job->grid, job->operand, &options, report, error);
}

void cli_job_compare(const struct cli_job *job, double *difference, int *identical)
{
    const double *y = tw_array_data(job->operand[0]), *x = tw_array_data(job->operand[1]);
    const double *r = tw_array_data(job->operand[2]);
    const int64_t rows = tw_grid_length(job->grid, 0), columns = tw_grid_length(job->grid, 1);
    *difference = 0;
    *identical = 1;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            const double expected = y[i] * x[j], found = r[i * columns + j];
            if (memcmp(&expected, &found, sizeof found) != 0) {
                *identical = 0;
                *difference = fmax(*difference, fabs(expected - found));
            }
        }
    }
}

void cli_job_fini(struct cli_job *job)
{
    for (int k = 0; k < job->noperands; k++) {
        tw_array_destroy(job->operand[k]);
    }
    tw_pool_close(job->pool);
    tw_grid_destroy(job->grid);
    tw_kernel_destroy(job->kernel);
    tw_signature_destroy(job->signature);
    *job = (struct cli_job){0};
}

int64_t cli_rows_that_fit(int64_t rows, int64_t columns, const tw_machine *machine)
{
    const int64_t room = machine->memory_available / 3 / 8;
    while (rows > 1 && rows > room / columns) {
        rows /= 2;
    }
    return rows;
}
