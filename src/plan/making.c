/* making.c - a plan, from end to end: counts, times of some tiles, the machine, and the forecasts
 * that follow. Knows the order; each of these is found elsewhere. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "job/bind.h"
#include "node/environment.h"
#include "os/cpu.h"
#include "plan/bandwidth.h"
#include "plan/disk.h"
#include "plan/model.h"
#include "plan/node_plan.h"
#include "plan/sample.h"
#include "plan/words.h"

#define SHOWN_BYTES (64 << 20) /* of an input: an open pool forks its workers again rather than copy more */
#define SAMPLE_SECONDS 0.3
#define AS_GOOD 1.05
#define NATIVE_FORK 0.0005 /* seconds that a worker process of a native program takes, where none was made */
/* One core's caches hold this much from tile to tile, those of all cores this much: what fits is read once. */
#define OWN_CACHE 1e6
#define ALL_CACHES 16e6

const char *tw_limit_name(tw_limit limit)
{
    static const char *const names[] = {"compute", "memory", "dispatch", "copies", "disk", "opening", "tiles", "lock"};
    return (unsigned)limit < sizeof names / sizeof names[0] ? names[limit] : "unknown";
}

/* What tw_plan_make knows while it makes a plan. */
struct making {
    const tw_kernel *kernel;
    const tw_grid *grid;
    tw_array *const *operands;
    tw_dtype dtypes[TW_MAX_OPERANDS];
    const tw_plan_options *options;
    int workers, cores;
    struct tw__sample own;
    tw_plan_sample sample;
    struct tw__model model;
    struct tw__model_step *steps;
    double counted; /* seconds that stand for a tile if none was timed */
};

/* ---- counts ---- */

static double operand_bytes(const struct making *making, int k)
{
    const tw_operand *operand = &making->grid->signature->operands[k];
    double bytes = (double)making->dtypes[k].itemsize;
    for (int d = 0; d < operand->ndim; d++) {
        const int64_t length = making->grid->axes[operand->axes[d]].length;
        const tw_array *array = making->operands[k];
        bytes *= (double)(array != NULL && operand->role == TW_IN ? tw_array_view(array)->shape[d] : length);
    }
    return bytes;
}

/* How often an operand goes through the caches: tiles along axes that it has not see the same part of it again. */
static double times_read(const struct making *making, int k)
{
    const tw_operand *operand = &making->grid->signature->operands[k];
    const double bytes = operand_bytes(making, k);
    double times = 1, inner = 1, part = bytes;
    int last = -1;
    if (bytes <= ALL_CACHES) {
        return 1;
    }
    for (int d = 0; d < operand->ndim; d++) {
        const int a = operand->axes[d];
        last = making->grid->axes[a].count > 1 && a > last ? a : last;
        part /= (double)(making->grid->axes[a].count > 0 ? making->grid->axes[a].count : 1);
    }
    for (int a = 0; a < making->grid->naxes; a++) {
        const double count = (double)(making->grid->axes[a].count > 0 ? making->grid->axes[a].count : 1);
        const int own = memchr(operand->axes, a, (size_t)operand->ndim) != NULL;
        times *= own ? 1 : count;
        inner *= own || a < last ? 1 : count; /* the same part, one tile after the other */
    }
    return part <= OWN_CACHE ? times / inner : times;
}

static void count_bytes(struct making *making, tw_plan *plan)
{
    const tw_signature *signature = making->grid->signature;
    const tw_work *work = making->options->work;
    for (int k = 0; k < signature->noperands; k++) {
        const tw_role role = signature->operands[k].role;
        const double bytes = operand_bytes(making, k);
        plan->bytes_read += role != TW_OUT ? bytes * (role == TW_IN ? times_read(making, k) : 1) : 0;
        plan->bytes_written += role != TW_IN ? bytes : 0;
        making->model.fresh +=
            role == TW_OUT && !making->options->outputs_are_there && !making->options->files ? bytes : 0;
        const tw_array *array = making->operands[k];
        const int is_private =
            array != NULL && (tw_array_memory(array) == TW_PRIVATE || tw_array_memory(array) == TW_BORROWED);
        const int is_shown = role == TW_IN && (!making->options->pool_is_open || bytes > SHOWN_BYTES);
        making->model.copied_in += is_private && role != TW_OUT && !is_shown ? bytes : 0;
        making->model.copied_back += is_private && role != TW_IN ? bytes : 0;
    }
    if (work != NULL) {
        plan->operations = work->operations;
    }
    making->model.bytes_read = plan->bytes_read;
    making->model.bytes_written = plan->bytes_written;
}

/* ---- times ---- */

static tw_status take_sample(struct making *making, tw_error *error)
{
    const tw_plan_options *options = making->options;
    if (options->sample != NULL) {
        making->sample = *options->sample;
        return TW_OK;
    }
    if (options->no_run || making->grid->count == 0) {
        return TW_OK;
    }
    const struct tw__trial trial = {.kernel = making->kernel,
                                    .grid = making->grid,
                                    .operands = making->operands,
                                    .dtypes = making->dtypes,
                                    .workers = making->workers < making->cores ? making->workers : making->cores,
                                    .seconds = options->seconds > 0 ? options->seconds : SAMPLE_SECONDS,
                                    .looks_for_set_up = options->work == NULL,
                                    .scratch_size = options->scratch_size,
                                    .hooks = options->hooks};
    const tw_status status = tw__sample_take(&making->own, &trial, error);
    making->sample = (tw_plan_sample){.count = making->own.count,
                                      .tiles = making->own.tiles,
                                      .seconds = making->own.seconds,
                                      .together = making->own.together,
                                      .set_up = making->own.set_up,
                                      .opening_one = making->own.opening_one,
                                      .opening_all = making->own.opening_all,
                                      .at_least = making->own.at_least,
                                      .note = making->own.note};
    return status;
}

/* The job's steps with the times of their tiles. If no tile of the job was timed, its first step takes what the counts
 * say, and the others nothing. */
static tw_status lay_out_steps(struct making *making, tw_error *error)
{
    static const uint64_t first_tile = 0;
    const tw_grid *grid = making->grid;
    const int count = grid->stages != NULL ? grid->stages->count : 1;
    making->steps = calloc((size_t)count, sizeof *making->steps);
    if (making->steps == NULL) {
        return tw__fail_memory(error, (size_t)count * sizeof *making->steps, "a plan");
    }
    size_t at = 0;
    for (int s = 0; s < count; s++) {
        struct tw__model_step *step = &making->steps[s];
        step->first = grid->stages != NULL ? grid->stages->stage[s].first : 0;
        step->tiles = grid->stages != NULL ? grid->stages->stage[s].grid->count : grid->count;
        if (making->sample.count > 0) {
            step->tile = making->sample.tiles + at;
            step->seconds = making->sample.seconds + at;
        } else if (s == 0) { /* what is counted is all its own */
            step->tile = &first_tile;
            step->seconds = &making->counted;
            step->timed = step->tiles > 0;
        }
        while (at < making->sample.count && making->sample.tiles[at] < step->first + step->tiles) {
            at++;
            step->timed++;
        }
    }
    making->model.step = making->steps;
    making->model.nsteps = count;
    return TW_OK;
}

/* From counts alone: what the operations take, and no less than the memory needs. */
static double counted_tile(const struct making *making, const tw_plan *plan)
{
    const tw_bandwidth_row one = tw__bandwidth_at(&plan->bandwidth, 1);
    const double memory = plan->bytes_read / one.read + plan->bytes_written / one.write;
    const double compute = making->options->work != NULL ? making->options->work->nanoseconds * 1e-9 : 0;
    const struct tw__stages *stages = making->grid->stages;
    const uint64_t tiles = stages != NULL ? stages->stage[0].grid->count : making->grid->count;
    return tiles > 0 ? (compute > memory ? compute : memory) / (double)tiles : 0;
}

static void describe_sample(const struct making *making, tw_plan *plan)
{
    const tw_plan_sample *sample = &making->sample;
    double sum = 0;
    plan->timed = sample->count;
    for (size_t k = 0; k < sample->count; k++) {
        const double seconds = sample->seconds[k];
        plan->shortest = k == 0 || seconds < plan->shortest ? seconds : plan->shortest;
        plan->longest = seconds > plan->longest ? seconds : plan->longest;
        sum += seconds;
    }
    plan->mean = sample->count > 0 ? sum / (double)sample->count : 0;
    plan->set_up = sample->set_up < plan->shortest ? sample->set_up : plan->shortest;
    plan->together = sample->together;
    plan->at_least = sample->at_least;
    if (sample->note != NULL) {
        struct tw__text note;
        tw__text_init(&note, plan->note, sizeof plan->note);
        tw__text_add(&note, "%s", sample->note);
    }
}

/* ---- forecasts ---- */

static void fill_model(struct making *making, const tw_plan *plan)
{
    const tw_plan_sample *sample = &making->sample;
    struct tw__model *model = &making->model;
    static const int kinds[] = {TW_SERIAL, TW_THREADS, TW_PROCESSES};
    const double own[] = {sample->tile_serial, sample->tile_threads, sample->tile_processes};
    const int all = making->workers < making->cores ? making->workers : making->cores;
    model->bandwidth = &plan->bandwidth;
    model->together = sample->together;
    model->all = all;
    model->cores = making->cores;
    model->locked = sample->locked;
    for (int k = 0; k < 3; k++) {
        model->dispatch[kinds[k]] = own[k] > 0 ? own[k] : TW__TILE_SECONDS;
    }
    memcpy(model->call, making->options->call_seconds, sizeof model->call);
    if (making->options->pool_is_open) {
        return;
    }
    const double given = making->options->opening_one;
    const double first = given > 0 ? given : sample->opening_one;
    const double every = given > 0 ? making->options->opening_all : sample->opening_all;
    model->opening_fixed = first > 0 ? first : NATIVE_FORK;
    model->opening_each = NATIVE_FORK;
    if (all > 1 && every > first && first > 0) {
        model->opening_each = (every - first) / (all - 1);
    }
    model->opening_fixed -= model->opening_each < model->opening_fixed ? model->opening_each : 0;
}

static void add(struct making *making, tw_plan *plan, tw_pool_kind pool, int workers)
{
    if (plan->count < TW_FORECASTS) {
        tw__model_forecast(&making->model, pool, workers, &plan->forecast[plan->count++]);
    }
}

static void forecast_all(struct making *making, tw_plan *plan)
{
    add(making, plan, TW_SERIAL, 1);
    for (int kind = 0; kind < 2; kind++) {
        for (int n = 1; n > 0; n = n == making->workers ? 0 : 2 * n < making->workers ? 2 * n : making->workers) {
            add(making, plan, kind == 0 ? TW_THREADS : TW_PROCESSES, n);
        }
    }
    double least = plan->forecast[0].seconds;
    for (int k = 0; k < plan->count; k++) {
        least = plan->forecast[k].seconds < least ? plan->forecast[k].seconds : least;
    }
    while (plan->forecast[plan->best].seconds > AS_GOOD * least) {
        plan->best++;
    }
}

static tw_status check_operands(struct making *making, const tw_dtype *dtypes, tw_error *error)
{
    const tw_signature *signature = making->grid->signature;
    int all = 1;
    for (int k = 0; k < signature->noperands; k++) {
        const tw_array *array = making->operands[k];
        if (array == NULL && (signature->operands[k].role != TW_OUT || dtypes == NULL)) {
            return tw__fail(error, TW_ERROR_ARGUMENT, "operand %s has no array%s", signature->operands[k].name,
                            signature->operands[k].role == TW_OUT ? " and no dtype" : "");
        }
        making->dtypes[k] = array != NULL ? tw_array_view(array)->dtype : dtypes[k];
        all = all && array != NULL && (signature->operands[k].role == TW_IN || array->writable);
    }
    return all ? tw__bind_check(making->grid, making->operands, error) : TW_OK;
}

static tw_status make(struct making *making, tw_plan *plan, tw_error *error)
{
    const tw_plan_options *options = making->options;
    tw_status status = tw_machine_bandwidth(&plan->bandwidth, &options->bandwidth, error);
    if (status == TW_OK) {
        count_bytes(making, plan);
        status = take_sample(making, error);
    }
    if (status == TW_OK) {
        making->counted = counted_tile(making, plan);
        status = lay_out_steps(making, error);
    }
    if (status != TW_OK) {
        return status;
    }
    plan->tiles = making->grid->count;
    tw__plan_division(plan->why, sizeof plan->why, making->grid);
    describe_sample(making, plan);
    fill_model(making, plan);
    making->model.disk = options->files ? tw__disk_seconds(options->folder, plan->bytes_written) : 0;
    forecast_all(making, plan);
    tw__plan_advise(plan, making->grid);
    if (options->nodes > 0) {
        const struct tw__nodes_asked asked = {.grid = making->grid,
                                              .operands = making->operands,
                                              .dtypes = making->dtypes,
                                              .folder = options->folder,
                                              .nodes = options->nodes,
                                              .workers = making->workers,
                                              .scratch_size = options->scratch_size};
        tw__plan_nodes(plan, &asked);
    }
    return TW_OK;
}

tw_status tw_plan_make(tw_plan *plan, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands,
                       const tw_dtype *dtypes, const tw_plan_options *options, tw_error *error)
{
    const tw_plan_options none = {0};
    struct making *making = calloc(1, sizeof *making);
    tw_plan *made = calloc(1, sizeof *made);
    if (making == NULL || made == NULL) {
        free(making);
        free(made);
        return tw__fail_memory(error, sizeof *made, "a plan");
    }
    making->kernel = kernel;
    making->grid = grid;
    making->operands = operands;
    making->options = options != NULL ? options : &none;
    making->cores = tw__default_workers();
    making->workers = making->options->workers > 0 ? making->options->workers : making->cores;
    tw_status status = check_operands(making, dtypes, error);
    if (status == TW_OK && making->workers > TW_MAX_WORKERS) {
        status =
            tw__fail(error, TW_ERROR_ARGUMENT, "%d workers: a pool has at most %d", making->workers, TW_MAX_WORKERS);
    }
    if (status == TW_OK && (making->options->nodes < 0 || making->options->nodes > TW__MAX_NODES)) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "%" PRId64 " nodes: a job has 1 to %d", making->options->nodes,
                          TW__MAX_NODES);
    }
    if (status == TW_OK) {
        status = make(making, made, error);
    }
    if (status == TW_OK) {
        *plan = *made;
    }
    tw__sample_fini(&making->own);
    free(making->steps);
    free(making);
    free(made);
    return status;
}
