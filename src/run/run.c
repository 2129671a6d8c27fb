/* run.c - tw_run: the one place where arrays, grid, kernel and pool meet. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "grid/signature.h"
#include "os/clock.h"
#include "run/bind.h"
#include "run/check.h"
#include "run/job.h"
#include "run/report.h"

#define DEFAULT_RETRIES 2

/* One call of tw_run. */
struct run {
    tw_pool *pool;
    const tw_kernel *kernel;
    const tw_grid *grid;
    tw_array *const *arrays;
    const tw_run_options *options;
    tw_report *report; /* NULL: none is wanted */
    struct tw__binding binding;
    struct tw__check check;
    struct tw__outcome outcome;
    struct tw__job *job;
    int reforks;
};

/* A tile with inout operands changes what it would start from if it were run again. */
static int allowed_retries(const struct run *run)
{
    for (int k = 0; k < run->grid->signature->noperands; k++) {
        if (run->grid->signature->operands[k].role == TW_INOUT) {
            return 0;
        }
    }
    const int wish = run->options->retries;
    return wish == 0 ? DEFAULT_RETRIES : wish < 0 ? 0 : wish;
}

/* Workers must have been forked after everything that they cannot open by themselves came into being. */
static tw_status renew_workers(struct run *run, tw_error *error)
{
    int64_t newest = run->binding.newest;
    if (run->kernel->path == NULL && run->kernel->created_at > newest) {
        newest = run->kernel->created_at;
    }
    if (run->pool->kind != TW_PROCESSES || run->pool->forked_at > newest) {
        return TW_OK;
    }
    run->reforks++;
    return tw__pool_refork(run->pool, error);
}

static tw_status explain(const struct run *run, tw_status status, tw_error *error)
{
    const struct tw__outcome *outcome = &run->outcome;
    char box[512];
    if (status == TW_ERROR_INTERRUPTED) {
        return tw__fail(error, status, "interrupted: %llu of %llu tiles are done", (unsigned long long)outcome->done,
                        (unsigned long long)run->grid->count);
    }
    if (status != TW_ERROR_KERNEL && status != TW_ERROR_WORKER) {
        return status; /* the pool has said it */
    }
    const int is_trouble = status == TW_ERROR_KERNEL && TW__IS_TROUBLE(outcome->code);
    tw_grid_tile_text(run->grid, outcome->tile, box, sizeof box);
    if (is_trouble) {
        status = TW__TROUBLE_STATUS(outcome->code);
        tw__fail(error, status, "tile %llu, %s: %s", (unsigned long long)outcome->tile, box, outcome->message);
    } else if (status == TW_ERROR_KERNEL) {
        tw__fail(error, status, "kernel %s returned %d at tile %llu, %s, on worker %u%s%s", run->kernel->name,
                 outcome->code, (unsigned long long)outcome->tile, box, outcome->worker,
                 outcome->message[0] != '\0' ? ": " : "", outcome->message);
    } else {
        tw__fail(error, status, "worker %u %s at tile %llu, %s, in kernel %s; %s", outcome->worker, outcome->message,
                 (unsigned long long)outcome->tile, box, run->kernel->name,
                 allowed_retries(run) == 0 ? "it was not run again" : "it was run again and ended the same way");
    }
    if (error != NULL) {
        error->tile = (int64_t)outcome->tile;
        error->worker = (int)outcome->worker;
        error->kernel_code = status == TW_ERROR_KERNEL ? outcome->code : 0;
    }
    return status;
}

static tw_status run_tiles(struct run *run, tw_error *error)
{
    const struct tw__job_request request = {.kernel = run->kernel,
                                            .grid = run->grid,
                                            .views = run->binding.views,
                                            .arrays = run->binding.places,
                                            .scratch_size = run->options->scratch_size};
    tw_status status = renew_workers(run, error);
    if (status == TW_OK) {
        status = tw__job_create(&run->job, run->pool, &request, error);
    }
    if (status != TW_OK) {
        return status;
    }
    const struct tw__task task = {.function = tw__job_run_tile,
                                  .argument = run->job,
                                  .count = run->grid->count,
                                  .stop = run->options->stop,
                                  .retries = allowed_retries(run),
                                  .timed = run->report != NULL,
                                  .progress = run->options->progress,
                                  .progress_user = run->options->progress_user};
    run->pool->release_local = tw__job_release_local;
    status = tw__pool_run(run->pool, &task, &run->outcome, error);
    if (run->report != NULL && run->outcome.seconds >= 0) {
        tw__report_fill(run->report, run->pool, &run->outcome);
        run->report->totals.reforks = run->reforks;
        for (int w = 0; w < run->pool->workers; w++) {
            run->report->totals.bytes_populated += run->job->workers[w].populated;
        }
    }
    return status == TW_OK || run->outcome.seconds < 0 ? status : explain(run, status, error);
}

static tw_status run_bound(struct run *run, tw_error *error)
{
    tw_status status = tw__bind(&run->binding, run->pool, run->grid, run->arrays, error);
    if (status != TW_OK) {
        return status;
    }
    status = run_tiles(run, error);
    const int begun = run->outcome.seconds >= 0;
    const struct tw__memory *words = run->report != NULL ? &run->report->words : &run->pool->words;
    tw__unbind(&run->binding, run->grid, begun, status == TW_OK || !begun ? NULL : words->data);
    if (run->report != NULL) {
        run->report->totals.bytes_copied = run->binding.bytes_copied;
    }
    return status;
}

static tw_status run_checked(struct run *run, tw_error *error)
{
    tw_report_totals totals;
    tw_status status = tw__check_begin(&run->check, run->kernel, run->grid, run->arrays, error);
    if (status == TW_OK) {
        status = run_bound(run, error);
    }
    if (status == TW_OK) {
        status = tw__check_end(&run->check, run->options, run->report != NULL ? &run->report->totals : &totals, error);
    }
    tw__check_fini(&run->check);
    return status;
}

static tw_status run_in_pool(struct run *run, tw_report **report, tw_error *error)
{
    tw_status status = tw__pool_check_owner(run->pool, error);
    if (status != TW_OK) {
        return status;
    }
    if (atomic_exchange(&run->pool->busy, 1) != 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "this pool is in the middle of a run; a pool does one at a time");
    }
    const int64_t began = tw__now();
    run->outcome.seconds = -1; /* not begun */
    if (report != NULL) {
        status = tw__report_create(&run->report, run->grid, run->pool, error);
    }
    if (status == TW_OK) {
        status = run->options->check ? run_checked(run, error) : run_bound(run, error);
    }
    if (run->report != NULL && run->outcome.seconds >= 0) {
        run->report->totals.seconds = (double)(tw__now() - began) * 1e-9;
        *report = run->report;
    } else {
        tw_report_destroy(run->report);
    }
    atomic_store(&run->pool->busy, 0);
    return status;
}

tw_status tw_run(tw_pool *pool, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands,
                 const tw_run_options *options, tw_report **report, tw_error *error)
{
    const tw_run_options none = {0};
    struct run run; /* not zeroed as a whole: its tables are large, and a run of two tiles takes a microsecond */
    run.kernel = kernel;
    run.grid = grid;
    run.arrays = operands;
    run.options = options != NULL ? options : &none;
    run.report = NULL;
    run.reforks = 0;
    tw_status status = tw__bind_check(grid, operands, error);
    if (status != TW_OK) {
        return status;
    }
    run.pool = pool;
    if (pool == NULL) {
        const tw_pool_options serial = {.kind = TW_SERIAL};
        status = tw_pool_open(&run.pool, &serial, error);
        if (status != TW_OK) {
            return status;
        }
    }
    status = run_in_pool(&run, report, error);
    if (pool == NULL) {
        tw_pool_close(run.pool);
    }
    return status;
}
