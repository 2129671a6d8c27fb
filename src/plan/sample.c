/* sample.c - times of some tiles of a job: runs them in worker processes, on outputs that nobody else has. Knows the
 * order of trials and what is too slow; what follows from the times is in model.c. */
#include "plan/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/view.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "os/clock.h"
#include "os/usage.h"

#define MOST_TILES 96
#define PROBES 3       /* tiles that say how many can be timed */
#define SLOW_TILE 0.01 /* seconds: new pages do not matter, and one pass must be enough */
#define PASS_PART 0.2  /* of all time, for one pass */
#define PASSES 5       /* at most: a machine that does something else now and then is seen through */
#define COARSER 4
#define STARVED 0.25 /* of the time, that a worker and the program wait for processors */
#define TURN 1e-3    /* seconds: in less, a wait for a processor does not count */
#define MOST_TIMES 8 /* as long as there is time for, on a machine where others have the processors */

/* A pool with arrays of its own for what is written. */
struct stand {
    const struct tw__trial *trial;
    tw_pool *pool;
    tw_array *arrays[TW_MAX_OPERANDS];
    double opened; /* seconds that opening it took */
    int starved;   /* in its last run no tile ended, since others had the processors */
};

static tw_status stand_open(struct stand *stand, const struct tw__trial *trial, int workers, tw_error *error)
{
    const tw_signature *signature = trial->grid->signature;
    const tw_pool_options options = {.kind = TW_PROCESSES, .workers = workers, .hooks = trial->hooks};
    const int64_t began = tw__now();
    *stand = (struct stand){.trial = trial};
    tw_status status = tw_pool_open(&stand->pool, &options, error);
    stand->opened = (double)(tw__now() - began) * 1e-9;
    for (int k = 0; status == TW_OK && k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        int64_t shape[TW_MAX_DIMS];
        if (operand->role == TW_IN) {
            stand->arrays[k] = trial->operands[k];
            continue;
        }
        const int ndim = tw__grid_shape(trial->grid, k, shape);
        status = tw_array_create(&stand->arrays[k], stand->pool, &trial->dtypes[k], ndim, shape, error);
    }
    return status;
}

/* Returns the seconds that closing the pool took. */
static double stand_close(struct stand *stand)
{
    const tw_signature *signature = stand->trial->grid->signature;
    for (int k = 0; k < signature->noperands; k++) {
        if (signature->operands[k].role != TW_IN) {
            tw_array_destroy(stand->arrays[k]);
        }
    }
    const int64_t began = tw__now();
    tw_pool_close(stand->pool);
    return (double)(tw__now() - began) * 1e-9;
}

/* What is read and written begins with the caller's values, in these tiles. */
static void copy_inouts(struct stand *stand, const uint64_t *tiles, size_t count)
{
    const tw_grid *grid = stand->trial->grid;
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    for (int k = 0; k < grid->signature->noperands; k++) {
        const tw_array *from = stand->trial->operands[k];
        if (grid->signature->operands[k].role != TW_INOUT || from == NULL || tw_array_data(from) == NULL) {
            continue;
        }
        for (size_t t = 0; t < count; t++) {
            if (tw__grid_part(grid, tiles[t], k, start, shape) != 0) {
                const tw_view source = tw__view_part(tw_array_view(from), start, shape);
                const tw_view copy = tw__view_part(tw_array_view(stand->arrays[k]), start, shape);
                tw__view_copy(&copy, &source);
            }
        }
    }
}

/* ---- one run of some tiles ---- */

/* Of the tiles that ended; -1: none did. */
static double shortest(const double *seconds, size_t count)
{
    double least = -1;
    for (size_t k = 0; k < count; k++) {
        if (seconds[k] >= 0 && (least < 0 || seconds[k] < least)) {
            least = seconds[k];
        }
    }
    return least;
}

struct deadline {
    double seconds;
    int stop;
    const tw_pool *pool;
    int worker;     /* the process of its first worker */
    int64_t before; /* nanoseconds that this process waited for a processor before the run */
    int64_t waited; /* and in it */
    struct tw__effort own;
};

static void look(void *user, const tw_progress *progress)
{
    struct deadline *deadline = user;
    const int worker = tw_pool_worker_pid(deadline->pool, 0);
    if (worker != deadline->worker) { /* a new one, forked in this run */
        deadline->worker = worker;
        deadline->before = 0;
    }
    const int64_t waited = tw__nanoseconds_waited(worker) - deadline->before;
    deadline->waited = waited > deadline->waited ? waited : deadline->waited; /* less: it is dead */
    deadline->stop |= progress->seconds > deadline->seconds;
}

/* Runs tiles; seconds[k] of those that ended, ended[k] since the run began; -1: it did not end. */
static tw_status run_once(struct stand *stand, const tw_grid *grid, const uint64_t *tiles, size_t count, double limit,
                          double *seconds, double *ended, tw_error *error)
{
    const int worker = tw_pool_worker_pid(stand->pool, 0);
    struct deadline deadline = {
        .seconds = limit, .pool = stand->pool, .worker = worker, .before = tw__nanoseconds_waited(worker)};
    tw__effort_begin(&deadline.own);
    tw_report *report = NULL;
    const tw_run_options options = {.scratch_size = stand->trial->scratch_size,
                                    .stop = &deadline.stop,
                                    .retries = -1,
                                    .timeout = limit,
                                    .progress = look,
                                    .progress_user = &deadline,
                                    .only = tiles,
                                    .nonly = count};
    const tw_status status = tw_run(stand->pool, stand->trial->kernel, grid, stand->arrays, &options, &report, error);
    for (size_t k = 0; k < count; k++) {
        tw_tile_record record = {.state = TW_TILE_FREE};
        if (report != NULL) {
            tw_report_get_tile(report, tiles[k], &record, NULL);
        }
        const int good = record.state == TW_TILE_DONE && record.worker >= 0;
        seconds[k] = good ? record.duration : -1;
        if (ended != NULL) {
            ended[k] = good ? record.start + record.duration : -1;
        }
    }
    tw_report_totals totals = {0};
    if (report != NULL) {
        tw_report_get_totals(report, &totals);
    }
    tw_report_destroy(report);
    const double waited = 1e-9 * (double)(deadline.waited + tw__effort_waited(&deadline.own));
    stand->starved = limit >= TURN && shortest(seconds, count) < 0 && waited > STARVED * limit;
    return totals.timeouts > 0 ? TW_ERROR_INTERRUPTED : status;
}

/* As run_once. If others have the processors, tiles that take little time still get it: they have more of it to wait.
 */
static tw_status run_tiles(struct stand *stand, const tw_grid *grid, const uint64_t *tiles, size_t count, double limit,
                           double *seconds, double *ended, tw_error *error)
{
    tw_status status = run_once(stand, grid, tiles, count, limit, seconds, ended, error);
    for (int times = 2; status == TW_ERROR_INTERRUPTED && stand->starved && times <= MOST_TIMES; times *= 2) {
        status = run_once(stand, grid, tiles, count, limit * times, seconds, ended, error);
    }
    return status;
}

/* ---- which tiles ---- */

/* `wish` tiles at equal distances in each step of the job, at least one of each; returns how many there are. */
static size_t choose(const tw_grid *grid, size_t wish, uint64_t *tiles)
{
    const struct tw__stages *stages = grid->stages;
    const int nsteps = stages != NULL ? stages->count : 1;
    size_t count = 0;
    for (int s = 0; s < nsteps; s++) {
        const uint64_t first = stages != NULL ? stages->stage[s].first : 0;
        const uint64_t all = stages != NULL ? stages->stage[s].grid->count : grid->count;
        const size_t share = (size_t)((double)wish * (double)all / (double)grid->count + 0.5);
        size_t here = all < wish ? (size_t)all : share > 2 ? share : 2;
        here = here < all ? here : (size_t)all;
        for (size_t k = 0; k < here && count < MOST_TILES; k++) {
            tiles[count++] =
                first + (here > 1 ? (uint64_t)((double)(all - 1) * (double)k / (double)(here - 1)) : all / 2);
        }
    }
    return count;
}

static double middle(double a, double b, double c)
{
    const double low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* A tile that took longer than both of its neighbours was disturbed, as far as one pass can know. */
static void calm(double *seconds, size_t count)
{
    double before = count > 0 ? seconds[0] : 0;
    for (size_t k = 1; k + 1 < count; k++) {
        const double own = seconds[k], calmed = middle(before, own, seconds[k + 1]);
        seconds[k] = calmed < own ? calmed : own;
        before = own;
    }
}

/* ---- the order of trials ---- */

/* How often tiles are run before the times count, and how often then. */
struct passes {
    int before, counted;
};

static struct passes passes_of(double tile, size_t count, double left)
{
    if (tile > SLOW_TILE) {
        return (struct passes){0, 1};
    }
    const double times = left / (3 * tile * (double)count);
    return (struct passes){1, times >= PASSES ? PASSES : times >= 3 ? 3 : 1};
}

/* The shortest of each tile's times: what disturbs makes it longer. -1: it did not end in time. */
static tw_status time_tiles(struct stand *stand, const tw_grid *grid, const uint64_t *tiles, size_t count,
                            struct passes passes, double limit, double *seconds, double *ended, tw_error *error)
{
    double *all = calloc(count * PASSES, sizeof *all);
    tw_status status = all != NULL ? TW_OK : tw__fail_memory(error, count * sizeof *all, "times of tiles");
    for (int pass = -passes.before; pass < passes.counted && status == TW_OK; pass++) {
        status = run_tiles(stand, grid, tiles, count, limit, all + (size_t)(pass < 0 ? 0 : pass) * count, ended, error);
    }
    for (size_t k = 0; k < count && all != NULL; k++) {
        seconds[k] = -1;
        for (int pass = 0; pass < passes.counted; pass++) {
            const double own = all[(size_t)pass * count + k];
            seconds[k] = own > 0 && (seconds[k] < 0 || own < seconds[k]) ? own : seconds[k];
        }
    }
    if (passes.counted == 1) {
        calm(seconds, count);
    }
    free(all);
    return status;
}

/* Drops those that did not end. */
static void keep_timed(struct tw__sample *sample)
{
    size_t kept = 0;
    for (size_t k = 0; k < sample->count; k++) {
        if (sample->seconds[k] >= 0) {
            sample->tiles[kept] = sample->tiles[k];
            sample->seconds[kept++] = sample->seconds[k];
        }
    }
    sample->count = kept;
}

tw_grid *tw__coarser_grid(const tw_grid *grid, int times, int *axis)
{
    tw_split splits[TW__MAX_AXES] = {{0}};
    int64_t lengths[TW__MAX_AXES];
    tw_grid *made = NULL;
    int found = -1;
    for (int a = 0; a < grid->naxes; a++) {
        const struct tw__grid_axis *own = &grid->axes[a];
        lengths[a] = own->length;
        splits[a].axis = grid->signature->axes[a];
        if (own->cuts != NULL) {
            splits[a].cuts = own->cuts;
            splits[a].ncuts = (size_t)own->count - 1;
        } else if (own->count > 1 && found < 0 && own->count >= 2 * times) {
            found = a;
            splits[a].tile = (own->tile + (own->longer > 0)) * times;
        } else if (own->longer > 0) {
            splits[a].parts = own->count;
        } else if (own->count > 1) {
            splits[a].tile = own->tile;
        }
    }
    const tw_grid_options options = {.splits = splits, .nsplits = (size_t)grid->naxes};
    if (found < 0 || grid->stages != NULL || tw_grid_create(&made, grid->signature, lengths, &options, NULL) != TW_OK) {
        return NULL;
    }
    *axis = found;
    return made;
}

/* Times a tile that is as long as COARSER of the others: what it takes less than they do is what each needs however
 * small it is. */
static void time_coarser(struct stand *stand, struct tw__sample *sample, double left, double tile)
{
    int axis;
    const tw_grid *grid = stand->trial->grid;
    const struct passes passes = tile > SLOW_TILE / 10 ? (struct passes){0, 2} : (struct passes){1, PASSES};
    if (tile * (COARSER + 1) * passes.counted > left) {
        return;
    }
    tw_grid *coarser = tw__coarser_grid(grid, COARSER, &axis);
    if (coarser == NULL) {
        return;
    }
    const uint64_t number = coarser->count / 2;
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES], own_start[TW__MAX_AXES], own_stop[TW__MAX_AXES];
    double seconds = -1;
    tw_error error;
    tw_grid_tile(coarser, number, start, stop);
    const uint64_t same = tw_grid_owner(grid, start);
    tw_grid_tile(grid, same, own_start, own_stop);
    const double times = (double)(stop[axis] - start[axis]) / (double)(own_stop[axis] - own_start[axis]);
    if (times > 2 && time_tiles(stand, coarser, &number, 1, passes, left, &seconds, NULL, &error) == TW_OK &&
        seconds >= 0) {
        double alone = -1;
        if (time_tiles(stand, grid, &same, 1, passes, left, &alone, NULL, &error) == TW_OK && alone >= 0) {
            const double each = (alone * times - seconds) / (times - 1);
            sample->set_up = each < 0 ? 0 : each < alone ? each : alone;
        }
    }
    tw_grid_destroy(coarser);
}

/* How many times as long tiles take if all workers run some: only those count that ended while all were at work. */
static double ratio_of(const struct tw__sample *sample, const double *seconds, const double *ended, size_t count)
{
    double last = 0, alone = 0, together = 0;
    for (size_t k = 0; k < count; k++) {
        last = ended[k] > last ? ended[k] : last;
    }
    for (size_t k = 0; k < count; k++) {
        if (seconds[k] >= 0 && ended[k] < 0.9 * last) {
            alone += sample->seconds[k];
            together += seconds[k];
        }
    }
    return alone > 0 ? together / alone : 0;
}

static tw_status time_together(struct tw__sample *sample, const struct tw__trial *trial, struct passes passes,
                               double left, tw_error *error)
{
    struct stand stand = {.trial = trial};
    double *seconds = calloc(2 * sample->count, sizeof *seconds), *ended = NULL;
    tw_status status = seconds != NULL ? stand_open(&stand, trial, trial->workers, error)
                                       : tw__fail_memory(error, sample->count, "times of tiles");
    if (status == TW_OK) {
        ended = seconds + sample->count;
        copy_inouts(&stand, sample->tiles, sample->count);
        status = time_tiles(&stand, trial->grid, sample->tiles, sample->count, passes, left, seconds, ended, error);
        if (status == TW_OK) {
            const double ratio = ratio_of(sample, seconds, ended, sample->count);
            sample->together = ratio <= 0 || ratio > 1 ? fmin(ratio, trial->workers) : 1;
        }
    }
    const double opened = stand.opened;
    sample->opening_all = opened + stand_close(&stand);
    free(seconds);
    return status;
}

/* The tiles that say how long one takes. */
static tw_status probe(struct stand *stand, struct tw__sample *sample, double limit, double *tile, tw_error *error)
{
    sample->count = choose(stand->trial->grid, PROBES, sample->tiles);
    copy_inouts(stand, sample->tiles, sample->count);
    const tw_status status =
        run_tiles(stand, stand->trial->grid, sample->tiles, sample->count, limit, sample->seconds, NULL, error);
    *tile = shortest(sample->seconds, sample->count);
    if (status == TW_OK && *tile >= 0 && *tile < SLOW_TILE) { /* the first call of a kernel takes longer */
        double again[PROBES * TW__MOST_STAGES];
        (void)run_tiles(stand, stand->trial->grid, sample->tiles, sample->count, limit / 3, again, NULL, NULL);
        for (size_t k = 0; k < sample->count; k++) {
            sample->seconds[k] = again[k] > 0 && again[k] < sample->seconds[k] ? again[k] : sample->seconds[k];
        }
        *tile = shortest(sample->seconds, sample->count);
    }
    return status;
}

/* On a busy machine the time may end before the pages of all tiles are there: those that have them run once more, and
 * only these count. */
static void time_again(struct stand *stand, struct tw__sample *sample, double limit)
{
    double again[MOST_TILES];
    size_t good = 0;
    (void)run_tiles(stand, stand->trial->grid, sample->tiles, sample->count, limit, again, NULL, NULL);
    for (size_t k = 0; k < sample->count; k++) {
        good += again[k] >= 0;
    }
    for (size_t k = 0; k < sample->count && good > 0; k++) {
        sample->seconds[k] = again[k] >= 0 && again[k] > sample->seconds[k] ? sample->seconds[k] : again[k];
    }
    keep_timed(sample);
    calm(sample->seconds, sample->count);
}

static tw_status take(struct tw__sample *sample, struct stand *stand, tw_error *error)
{
    const struct tw__trial *trial = stand->trial;
    const int64_t began = tw__now();
    double tile;
    tw_status status = probe(stand, sample, trial->seconds, &tile, error);
    if (status == TW_ERROR_INTERRUPTED && stand->starved) {
        return tw__fail(error, status, "no tile ended in %g s, since other programs have the processors",
                        MOST_TIMES * trial->seconds);
    }
    if (status == TW_ERROR_INTERRUPTED) {
        sample->at_least = tile < 0;
        if (tile < 0) {
            sample->seconds[0] = trial->seconds;
            sample->count = 1;
        }
        keep_timed(sample);
        return TW_OK;
    }
    if (status != TW_OK) {
        return status;
    }
    double left = trial->seconds - (double)(tw__now() - began) * 1e-9;
    const double wish = PASS_PART * trial->seconds / (tile > 1e-7 ? tile : 1e-7);
    if (wish < PROBES || left <= 0) {
        return TW_OK; /* they were as many as there is time for */
    }
    sample->count = choose(trial->grid, wish < MOST_TILES ? (size_t)wish : MOST_TILES, sample->tiles);
    copy_inouts(stand, sample->tiles, sample->count);
    const struct passes passes = passes_of(tile, sample->count, left);
    status = time_tiles(stand, trial->grid, sample->tiles, sample->count, passes, left, sample->seconds, NULL, error);
    keep_timed(sample);
    if (status == TW_ERROR_INTERRUPTED) {
        time_again(stand, sample, trial->seconds);
        status = TW_OK;
    }
    if (status == TW_OK && sample->count == 0) {
        return probe(stand, sample, left, &tile, error);
    }
    left = trial->seconds - (double)(tw__now() - began) * 1e-9;
    if (status == TW_OK && trial->looks_for_set_up) {
        time_coarser(stand, sample, fmax(left, trial->seconds / 4), tile);
        left = trial->seconds - (double)(tw__now() - began) * 1e-9;
    }
    if (status == TW_OK && trial->workers > 1 && sample->count > 1 && left > 0) {
        const tw_status also = time_together(sample, trial, passes, left, error);
        return also == TW_ERROR_MEMORY ? also : TW_OK; /* the bandwidth says it, if not so well */
    }
    return status;
}

tw_status tw__sample_take(struct tw__sample *sample, const struct tw__trial *trial, tw_error *error)
{
    struct stand stand;
    tw_error failure = {.status = TW_OK};
    *sample = (struct tw__sample){.tiles = calloc(MOST_TILES, sizeof *sample->tiles),
                                  .seconds = calloc(MOST_TILES, sizeof *sample->seconds)};
    if (sample->tiles == NULL || sample->seconds == NULL) {
        return tw__fail_memory(error, MOST_TILES * sizeof *sample->tiles, "times of tiles");
    }
    tw_status status = stand_open(&stand, trial, 1, &failure);
    const double opened = stand.opened;
    if (status == TW_OK) {
        status = take(sample, &stand, &failure);
    }
    sample->opening_one = opened + stand_close(&stand);
    if (status == TW_ERROR_ARGUMENT) {
        if (error != NULL) {
            *error = failure;
        }
        return status;
    }
    if (status != TW_OK) {
        sample->count = 0;
        sample->at_least = 0;
        snprintf(sample->note, sizeof sample->note, "%.*s", (int)sizeof sample->note - 1, failure.message);
    }
    return TW_OK;
}

void tw__sample_fini(struct tw__sample *sample)
{
    free(sample->tiles);
    free(sample->seconds);
    *sample = (struct tw__sample){0};
}
