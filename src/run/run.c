/* run.c - tw_run: the one place where arrays, grid, kernel and pool come together. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "job/bind.h"
#include "job/sight.h"
#include "job/staging.h"
#include "job/steps.h"
#include "job/temporaries.h"
#include "job/where.h"
#include "node/member.h"
#include "node/rounds.h"
#include "os/clock.h"
#include "record/outputs.h"
#include "record/recorder.h"
#include "record/recovery.h"
#include "run/check.h"
#include "run/explain.h"
#include "run/options.h"
#include "run/report.h"

#define DEFAULT_RETRIES 2
#define TILES_TO_COMPARE 4 /* of a worker, to compare its first one with */

/* One call of tw_run. */
struct run {
    tw_pool *pool;
    const tw_kernel *kernel;
    const tw_grid *grid;
    tw_array *const *arrays;
    const tw_run_options *options;
    struct tw__journal *journal; /* NULL: nothing is recorded, or by `rounds` */
    struct tw__member *member;   /* of a job on nodes; NULL: this process is alone */
    tw_report *report;           /* NULL: none is wanted */
    struct tw__binding binding;
    struct tw__staging staging; /* of a grid with stages */
    struct tw__check check;
    struct tw__steps steps;
    struct tw__outcome outcome;
    struct tw__recorder recorder;
    struct tw__rounds rounds;      /* of a job on nodes */
    struct tw__where own_where;    /* made of options->where */
    const struct tw__where *where; /* tiles that nobody wants: that, or what the outputs were opened with */
    struct tw__notice notice;      /* tiles that on_tile was called for */
    struct tw__choices *choices;   /* NULL: all dtypes are given */
    tw_choices *made;
    int reforks;
    int has_outcome;   /* else it failed before a tile could begin: there is nothing to report or to copy back */
    int reports_late;  /* a report is made if the run is interrupted */
    int nothing_to_do; /* earlier runs have done all tiles; outputs may have their final names by now */
};

/* A death under the guard is not retried: the guard would catch the same thing again. */
static int allowed_retries(const struct run *run)
{
    const int wish = run->options->guard ? -1 : run->options->retries;
    return wish == 0 ? DEFAULT_RETRIES : wish < 0 ? 0 : wish;
}

/* The arrays between the steps of a job whose outputs are recorded; NULL: the run's own. */
static tw_array *const *find_between(const struct run *run)
{
    const int are_files = run->grid->stages != NULL && run->options->outputs != NULL;
    return are_files ? tw__outputs_between(run->options->outputs) : NULL;
}

static int64_t newest_of_stages(const struct run *run, int64_t newest)
{
    const struct tw__stages *stages = run->grid->stages;
    tw_array *const *between = find_between(run);
    for (int k = 0; k < run->grid->signature->noperands; k++) {
        const tw_kernel *fold = stages->fold_kernel[k];
        newest = fold != NULL && fold->path == NULL && fold->created_at > newest ? fold->created_at : newest;
    }
    for (int t = 0; between != NULL && t < stages->ntemporaries; t++) {
        newest = between[t]->mapped_at > newest ? between[t]->mapped_at : newest;
    }
    return newest;
}

/* tw__now() of the newest thing, operands aside, that workers cannot open by themselves. */
static int64_t newest_of(const struct run *run)
{
    const int64_t newest = run->kernel->path == NULL ? run->kernel->created_at : 0;
    return run->grid->stages != NULL ? newest_of_stages(run, newest) : newest;
}

/* Workers must have been forked after everything that they cannot open by themselves came into being. */
static tw_status renew_workers(struct run *run, tw_error *error)
{
    if (run->pool->crew.made_at > run->binding.newest) {
        return TW_OK;
    }
    run->reforks += run->pool->crew.made_at != 0;
    return tw__pool_renew(run->pool, error);
}

/* Workers that were forked for the run have taken longer for their first tiles: a part of what a fork costs. With few
 * tiles a worker nothing is known. */
static void note_warm_time(struct run *run)
{
    struct tw__crew *crew = &run->pool->crew;
    const uint64_t tiles = run->outcome.done - run->outcome.earlier - run->outcome.skipped;
    if (run->binding.forks && tiles >= TILES_TO_COMPARE * (uint64_t)crew->workers) {
        const int64_t mean = (tw__now() - run->outcome.began) * crew->workers / (int64_t)tiles;
        const int64_t first = tw__steps_first(&run->steps, crew->workers);
        crew->warm_time = first > mean ? first - mean : 0;
    }
}

static tw_status explain(const struct run *run, tw_error *error)
{
    const struct tw__outcome *outcome = &run->outcome;
    const struct tw__explanation explanation = {.kernel = run->kernel,
                                                .grid = run->grid,
                                                .tiles = run->steps.tiles,
                                                .is_part = run->options->only != NULL,
                                                .outcome = outcome};
    return tw__explain(&explanation, error);
}

/* Tiles that are not among those that were asked for. */
static int is_left_out(const tw_run_options *options, uint64_t tile)
{
    size_t first = 0, end = options->nonly;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (options->only[middle] < tile) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first == options->nonly || options->only[first] != tile;
}

/* The tw__task.is_done of a run. */
static uint32_t need_not_run(const void *user, uint64_t tile)
{
    const struct run *run = user;
    if (tw__where_skips(run->where, tile)) {
        return TW__WORD_SKIPPED;
    }
    if (run->member != NULL) {
        return tw__rounds_need_not_run(&run->rounds, tile);
    }
    const int earlier = (run->journal != NULL && tw__ledger_has(&run->journal->ledger, tile)) ||
                        (run->options->only != NULL && is_left_out(run->options, tile));
    return earlier ? TW__WORD_EARLIER : 0;
}

static void halt(void *pool)
{
    tw__pool_halt(pool);
}

/* Tiles of all nodes, while this one waits for others. */
static void report_progress(void *user)
{
    const struct run *run = user;
    const tw_run_options *options = run->options;
    if (options->progress != NULL) {
        const tw_progress progress = {.done = run->member->ledger.done,
                                      .total = run->grid->count,
                                      .seconds = (double)(tw__now() - run->outcome.began) * 1e-9};
        options->progress(options->progress_user, &progress);
    }
}

/* ... and while its own pool works: the tiles that are recorded anywhere. */
static void report_with_others(void *user, const tw_progress *own)
{
    (void)own;
    report_progress(user);
}

/* Runs this node's rounds of the steps. */
static tw_status run_rounds(struct run *run, struct tw__task *task, tw_error *error)
{
    struct tw__rounds *rounds = &run->rounds;
    rounds->member = run->member;
    rounds->steps = &run->steps;
    rounds->workers = (uint64_t)run->pool->crew.workers;
    rounds->stop = run->options->stop;
    rounds->halt = halt;
    rounds->argument = run->pool;
    rounds->waits = report_progress;
    rounds->waits_user = run;
    rounds->only_first = run->options->count > 0 ? run->options->first : 0;
    rounds->only_count = run->options->count > 0 ? run->options->count : run->grid->count;
    tw_status status = tw__rounds_begin(rounds, error);
    if (status == TW_OK) {
        run->has_outcome = 1;
        status = tw__steps_run(&run->steps, run->pool, task, &run->outcome, error);
    }
    const tw_status ended = tw__rounds_end(rounds, status, error);
    run->outcome.status = status == ended ? run->outcome.status : ended;
    return ended;
}

/* Runs the steps while the journal, if there is one, records what is done. */
static tw_status run_recorded(struct run *run, struct tw__task *task, tw_error *error)
{
    struct tw__journal *journal = run->journal;
    tw_error journal_error;
    if (journal != NULL) {
        const tw_status status = tw__recorder_begin(&run->recorder, journal, tw__steps_words(&run->steps),
                                                    tw__steps_sums(&run->steps), halt, run->pool, error);
        if (status != TW_OK) {
            return status;
        }
    }
    run->has_outcome = 1;
    const tw_status status = tw__steps_run(&run->steps, run->pool, task, &run->outcome, error);
    const tw_status recorded = journal != NULL ? tw__recorder_end(&run->recorder, &journal_error) : TW_OK;
    if (recorded != TW_OK && (status == TW_OK || status == TW_ERROR_INTERRUPTED)) {
        if (error != NULL) {
            *error = journal_error;
        }
        return recorded;
    }
    return status;
}

/* Between two steps: a dtype that the kernel has chosen is known now; and before a step that overwrites what others
 * were computed from, these must be recorded: they cannot be run again. */
static tw_status before_step(void *user, int step, tw_error *error)
{
    struct run *run = user;
    const struct tw__stages *stages = run->grid->stages;
    const tw_status status =
        tw__choices_fold(run->choices, stages, step, run->steps.step[step], tw__steps_words(&run->steps), error);
    if (status != TW_OK) {
        return status;
    }
    return run->journal != NULL && tw__stage_overwrites(stages, step) ? tw__recorder_catch_up(&run->recorder, error)
                                                                      : TW_OK;
}

static void serve_choices(void *choices)
{
    tw__choices_serve(choices);
}

/* The steps of a grid with stages, and their arrays in what the pool keeps. */
static tw_status create_stages(struct run *run, struct tw__kept *kept, const struct tw__steps_options *options,
                               tw_error *error)
{
    const struct tw__crew *crew = &run->pool->crew;
    tw_array *const *between = find_between(run);
    int64_t bytes;
    tw_status status = TW_OK;
    if (between == NULL) {
        status = tw__temporaries_measure(run->grid->stages, run->arrays, &bytes, error);
        if (status == TW_OK) {
            status = tw__memory_reserve(&kept->temporaries, crew->heap, (size_t)bytes + TW__TEMPORARY_ALIGNMENT,
                                        "partial results", error);
        }
    }
    if (status == TW_OK) {
        status = tw__staging_create(&run->staging, &run->binding, run->grid, run->kernel, crew,
                                    tw__temporaries_align(kept->temporaries.data), between, error);
    }
    for (int s = 0; status == TW_OK && s < run->staging.count; s++) {
        struct tw__step_request *request = &run->staging.requests[s];
        request->scratch_size = run->options->scratch_size;
        request->guard = run->options->guard && request->fold == TW_FOLD_NONE;
        request->choices = request->fold == TW_FOLD_NONE ? run->choices : NULL;
    }
    return status == TW_OK
               ? tw__steps_create(&run->steps, run->pool, run->staging.requests, run->staging.count, options, error)
               : status;
}

static tw_status create_job(struct run *run, struct tw__kept *kept, tw_error *error)
{
    tw_status status = renew_workers(run, error);
    if (status == TW_OK) {
        status = tw__choices_create(&run->choices, run->options->choices != NULL ? &run->made : NULL, run->pool,
                                    &kept->choices, run->grid, run->binding.accesses, run->options->expected, error);
    }
    if (status != TW_OK) {
        return status;
    }
    if (run->options->choices != NULL && run->options->on_tile != NULL) {
        *run->options->choices = run->made; /* on_tile may want to see them */
    }
    const struct tw__step_request step = {.kernel = run->kernel,
                                          .grid = run->grid,
                                          .accesses = run->binding.accesses,
                                          .scratch_size = run->options->scratch_size,
                                          .guard = run->options->guard,
                                          .choices = run->choices};
    const struct tw__steps_options options = {.stages = run->grid->stages,
                                              .before = run->grid->stages != NULL ? before_step : NULL,
                                              .before_user = run,
                                              .next = run->member != NULL ? tw__rounds_next : NULL,
                                              .next_user = &run->rounds,
                                              .only_first = run->options->first,
                                              .only_count = run->options->count,
                                              .timed = run->report != NULL,
                                              .summed = run->journal != NULL || run->member != NULL};
    if (run->grid->stages != NULL) {
        return create_stages(run, kept, &options, error);
    }
    return tw__steps_create(&run->steps, run->pool, &step, 1, &options, error);
}

/* One tile is done: its part of every output is where the caller finds it, also if the workers write to copies. */
static int tell_tile(void *user, int64_t tile)
{
    struct run *run = user;
    tw__bind_back_tile(&run->binding, run->grid, (uint64_t)tile);
    tw__choices_collect_tile(run->choices, run->made, (uint64_t)tile);
    return run->options->on_tile(run->options->on_tile_user, tile);
}

static tw_status run_tiles(struct run *run, struct tw__kept *kept, tw_error *error)
{
    const tw_run_options *options = run->options;
    tw_status status = create_job(run, kept, error);
    if (status == TW_OK && options->on_tile != NULL) {
        status = tw__notice_init(&run->notice, tell_tile, run, run->steps.tiles, error);
    }
    if (status != TW_OK) {
        return status;
    }
    struct tw__task task = {
        .stop = options->stop,
        .retries = allowed_retries(run),
        .keep_going = options->keep_going,
        .lost_ends_run = options->guard && !options->keep_going,
        .own_times = options->only != NULL,
        .timeout = options->timeout,
        .tiles_per_worker = options->tiles_per_worker,
        .serve = run->choices != NULL ? serve_choices : NULL,
        .serve_user = run->choices,
        .is_done = run->journal != NULL || run->member != NULL || options->only != NULL || run->where->count > 0
                       ? need_not_run
                       : NULL,
        .is_done_user = run,
        .died = options->died,
        .died_user = options->died_user,
        .stall_seconds = options->stall_seconds,
        .stalled = options->stalled,
        .stalled_user = options->stalled_user,
        .progress = options->progress != NULL && run->member != NULL ? report_with_others : options->progress,
        .progress_user = run->member != NULL ? run : options->progress_user,
        .notice = options->on_tile != NULL ? &run->notice : NULL};
    status = run->member != NULL ? run_rounds(run, &task, error) : run_recorded(run, &task, error);
    tw__choices_collect(run->choices, run->made);
    const int is_said = status == TW_OK || !run->has_outcome || status != run->outcome.status ||
                        (run->member != NULL && run->rounds.is_said);
    tw_error own;
    tw_error *const said = error != NULL ? error : &own; /* the others want to read it too */
    status = is_said ? status : explain(run, said);
    if (run->member != NULL && !is_said) {
        tw__rounds_tell(&run->rounds, status, said);
    }
    return status;
}

/* Also if a tile failed because of what raised `stop`: Ctrl-C in the middle of a kernel. */
static int was_interrupted(const struct run *run, tw_status status)
{
    const int *stop = run->options->stop;
    return status == TW_ERROR_INTERRUPTED ||
           (status != TW_OK && stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0);
}

/* What is left to do once no tile runs any more. */
static void conclude(struct run *run, tw_status status)
{
    if (run->options->on_tile == NULL || run->notice.ended) { /* else each tile was brought back when it was done */
        const int is_whole = status == TW_OK && run->where->count == 0;
        tw__bind_back(&run->binding, run->grid, is_whole ? NULL : (const uint32_t *)tw__steps_words(&run->steps));
    }
    if (run->report == NULL && run->reports_late && was_interrupted(run, status)) {
        (void)tw__report_create(&run->report, &run->grid, 1, run->pool, NULL); /* without memory there is none */
    }
    if (run->report != NULL) {
        tw_report_totals *totals = &run->report->totals;
        tw__report_fill(run->report, run->pool, &run->outcome);
        tw__report_take(run->report, &run->steps);
        totals->reforks = run->reforks;
        totals->bytes_copied = run->binding.bytes_copied;
        run->report->copy_seconds = (double)run->binding.copy_time * 1e-9;
        tw__report_count(run->report, run->grid->signature, run->arrays);
        totals->bytes_populated = tw__steps_populated(&run->steps, run->pool->crew.workers);
    }
}

/* The report, if one is wanted, says that earlier runs have done all tiles. */
static void report_nothing(struct run *run)
{
    run->has_outcome = 1;
    if (run->report != NULL) {
        tw__outcome_begin(&run->outcome);
        run->outcome.done = run->grid->count;
        run->outcome.skipped = run->where->count;
        run->outcome.earlier = run->grid->count - run->where->count;
        tw__report_fill(run->report, run->pool, &run->outcome);
    }
}

static tw_status run_bound(struct run *run, tw_error *error)
{
    if (run->nothing_to_do) {
        report_nothing(run);
        return TW_OK;
    }
    struct tw__kept *kept;
    const int apart = run->pool->crew.ops->apart;
    tw_status status = tw__kept_find(&kept, run->pool, error);
    if (status == TW_OK && apart) {
        status = tw__sight_keep(&kept->sights, error);
    }
    if (status != TW_OK) {
        return status;
    }
    run->binding.newest = newest_of(run);
    run->binding.showing = run->options->only != NULL ? TW__SHOW_FORK
                           : run->options->copies     ? TW__SHOW_COPY
                                                      : TW__SHOW_BEST;
    run->binding.sights = kept->sights;
    status = tw__bind(&run->binding, &run->pool->crew, run->grid, run->arrays, error);
    if (status != TW_OK) {
        return status;
    }
    status = run_tiles(run, kept, error);
    if (apart) {
        tw__sight_end(kept->sights);
    }
    if (run->has_outcome) {
        conclude(run, status);
        note_warm_time(run);
    }
    if (run->grid->stages != NULL) {
        tw__staging_fini(&run->staging);
    }
    tw__unbind(&run->binding);
    if (run->binding.ends) {
        tw__pool_dismiss(run->pool);
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
        status = tw__check_end(&run->check, run->options, run->where,
                               run->report != NULL ? &run->report->totals : &totals, error);
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
    run->reports_late = report != NULL && run->options->report_if_interrupted;
    if (report != NULL && !run->reports_late) {
        status = tw__report_create(&run->report, &run->grid, 1, run->pool, error);
    }
    if (status == TW_OK) {
        status = run->options->check ? run_checked(run, error) : run_bound(run, error);
    }
    if (run->report != NULL && run->has_outcome) {
        run->report->totals.seconds = (double)(tw__now() - began) * 1e-9;
        *report = run->report;
    } else {
        tw_report_destroy(run->report);
    }
    atomic_store(&run->pool->busy, 0);
    return status;
}

/* Earlier runs have done all tiles, and nothing is left to write: with a mask, which may have left no tile at all, only
 * if an output has its name. */
static int is_all_done(const struct tw__journal *journal, const struct tw__where *where)
{
    return journal->ledger.done == journal->ledger.count && (where->count == 0 || journal->is_finished);
}

static tw_status run_on(struct run *run, tw_pool *pool, tw_report **report, tw_error *error)
{
    if (run->options->choices != NULL) {
        *run->options->choices = NULL;
    }
    tw_status status =
        tw__run_check_options(run->options, run->grid->signature, pool != NULL && pool->crew.ops->apart, error);
    if (status == TW_OK && run->options->outputs != NULL) {
        status = tw__outputs_check(run->options->outputs, run->kernel, run->grid, run->arrays, error);
        run->nothing_to_do = status == TW_OK && ((run->journal != NULL && is_all_done(run->journal, run->where)) ||
                                                 (run->member != NULL && tw__member_needs_no_run(run->member)));
    }
    if (status == TW_OK && !run->nothing_to_do) {
        status = tw__bind_check(run->grid, run->arrays, error);
    }
    if (status == TW_OK && !run->nothing_to_do && run->options->where != NULL) {
        status = tw__where_create(&run->own_where, run->grid, run->options->where, run->options->where_axes, error);
    }
    if (status == TW_OK && run->grid->stages != NULL) {
        status = tw__staging_check(run->grid, run->arrays, error);
    }
    if (status != TW_OK) {
        return status;
    }
    run->pool = pool;
    if (pool == NULL) {
        const tw_pool_options serial = {.kind = TW_SERIAL};
        status = tw_pool_open(&run->pool, &serial, error);
        if (status != TW_OK) {
            return status;
        }
    }
    if (run->options->outputs != NULL) {
        run->options->outputs->is_complete = 0;
    }
    status = run_in_pool(run, report, error);
    if (run->options->choices != NULL) {
        *run->options->choices = run->made;
    }
    if (pool == NULL) {
        tw_pool_close(run->pool);
    }
    return status;
}

/* A run's own tables: not on the caller's stack, which may be small, and not zeroed as a whole. They are large, and a
 * run of two tiles takes a microsecond, so the pool keeps their memory for the next. */
static struct run *take_room(tw_pool *pool)
{
    struct run *run = pool != NULL ? atomic_exchange(&pool->room, NULL) : NULL;
    return run != NULL ? run : malloc(sizeof *run);
}

static void give_room(tw_pool *pool, struct run *run)
{
    free(pool != NULL ? atomic_exchange(&pool->room, run) : run);
}

tw_status tw_run(tw_pool *pool, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands,
                 const tw_run_options *options, tw_report **report, tw_error *error)
{
    const tw_run_options none = {0};
    struct run *run = take_room(pool);
    if (run == NULL) {
        return tw__fail_memory(error, sizeof *run, "a run");
    }
    run->kernel = kernel;
    run->grid = grid;
    run->arrays = operands;
    run->options = options != NULL ? options : &none;
    run->journal = run->options->outputs != NULL ? run->options->outputs->journal : NULL;
    run->member = run->options->outputs != NULL ? run->options->outputs->member : NULL;
    run->report = NULL;
    run->reforks = 0;
    run->has_outcome = 0;
    run->nothing_to_do = 0;
    run->reports_late = 0;
    run->staging = (struct tw__staging){0};
    run->choices = NULL;
    run->made = NULL;
    run->own_where = (struct tw__where){0};
    run->where = run->options->outputs != NULL ? &run->options->outputs->where : &run->own_where;
    run->notice = (struct tw__notice){0};
    const tw_status status = run_on(run, pool, report, error);
    tw__where_fini(&run->own_where);
    tw__notice_fini(&run->notice);
    if (status == TW_OK && run->options->outputs != NULL) {
        run->options->outputs->is_complete = 1;
    }
    give_room(pool, run);
    return status;
}
