/* job.h - a job of this program's own with all that it needs: signature, kernel, pool, arrays, grid. */
#ifndef CLI_LOOK_JOB_H
#define CLI_LOOK_JOB_H

#include <tilework/tilework.h>

struct cli_job {
    tw_signature *signature;
    tw_kernel *kernel;
    tw_pool *pool; /* opened after the kernel was made, so that worker processes know it */
    tw_grid *grid;
    tw_array *operand[TW_MAX_OPERANDS]; /* [noperands]; the last is the output */
    int noperands;
};

/* Where a job's output comes from. */
enum cli_output { CLI_OUTPUT_NOW, CLI_OUTPUT_LATER /* cli_job_new_output, for each run */ };

/* r[i,j] = y[i] * x[j] with y = 0, 1, ... and x random (always the same numbers), float64.
 * Errors: as the library, and TW_ERROR_MEMORY where r is larger than the memory available. */
tw_status cli_job_mult(struct cli_job *job, const tw_pool_options *pool, int64_t rows, int64_t columns,
                       const tw_split *splits, size_t nsplits, enum cli_output output, tw_error *error);

/* `tiles` tiles of one byte that nobody writes. */
tw_status cli_job_empty(struct cli_job *job, const tw_pool_options *pool, int64_t tiles, tw_error *error);

/* The Mandelbrot set, size x size, a tile a row. */
tw_status cli_job_mandelbrot(struct cli_job *job, const tw_pool_options *pool, int64_t size, tw_error *error);

/* Replaces the output by a new one. */
tw_status cli_job_new_output(struct cli_job *job, tw_error *error);
void cli_job_drop_output(struct cli_job *job);

/* Runs it. `report` may be NULL. */
tw_status cli_job_run(struct cli_job *job, const int *stop, tw_report **report, tw_error *error);

/* Compares r of cli_job_mult with the plain loop: the largest difference, and whether all bits agree. */
void cli_job_compare(const struct cli_job *job, double *difference, int *identical);

void cli_job_fini(struct cli_job *job);

/* TW_ERROR_MEMORY where rows x columns float64 are more than the memory available: asked for before the memory is, for
 * a system that hands out more than it has ends the process later. */
tw_status cli_check_room(int64_t rows, int64_t columns, tw_error *error);

/* Rows, halved from `rows` until rows x columns float64 take a third of the memory that is available. */
int64_t cli_rows_that_fit(int64_t rows, int64_t columns, const tw_machine *machine);

#endif
