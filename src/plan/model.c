/* model.c - what a run costs, by arithmetic: from times of some tiles and from what the machine can do. Runs nothing,
 * measures nothing. */
#include "plan/model.h"

#include <string.h>

#include "plan/bandwidth.h"

#define MOST_SIMULATED 16384 /* tiles; beyond, no single one matters */
#define MOST_WORKERS 256     /* that are simulated one by one */

/* What counts as the one limit: measured on jobs whose limit is known. */
#define MEMORY_PART 0.7 /* of the tiles' time that the memory alone would take */
#define SMALL_PART 0.4  /* of all time, in opening a pool, in copies, on the disk */
#define DISPATCH_PART 0.3
#define IDLE_PART 0.2 /* of the workers' time, in which there is no tile for them */
#define LOCKED 0.5

#define IN_CACHES 32e6 /* bytes that the caches may hold from step to step: the memory need not deliver them */

double tw__model_tile(const struct tw__model_step *step, uint64_t number)
{
    const uint64_t tile = step->first + number;
    size_t first = 0, end = step->timed;
    if (step->timed == 0) {
        return 0;
    }
    while (first < end) { /* the first that is not before it */
        const size_t middle = first + (end - first) / 2;
        if (step->tile[middle] < tile) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    if (first == step->timed) {
        return step->seconds[step->timed - 1];
    }
    if (first == 0 || step->tile[first] == tile) {
        return step->seconds[first];
    }
    const double from = (double)step->tile[first - 1], to = (double)step->tile[first];
    const double part = ((double)tile - from) / (to - from);
    return step->seconds[first - 1] + (step->seconds[first] - step->seconds[first - 1]) * part;
}

/* Tiles between two timed ones lie on a line, whose mean is that of its ends. */
static double sum_of(const struct tw__model_step *step)
{
    double sum = 0;
    if (step->timed == 0) {
        return 0;
    }
    for (size_t k = 0; k < step->timed; k++) {
        const int is_last = k + 1 == step->timed;
        const uint64_t next = is_last ? step->first + step->tiles : step->tile[k + 1];
        const double between = (double)(next - step->tile[k]) - 1;
        sum +=
            step->seconds[k] + between * (is_last ? step->seconds[k] : (step->seconds[k] + step->seconds[k + 1]) / 2);
    }
    return sum + (double)(step->tile[0] - step->first) * step->seconds[0];
}

double tw__model_sum(const struct tw__model *model)
{
    double sum = 0;
    for (int s = 0; s < model->nsteps; s++) {
        sum += sum_of(&model->step[s]);
    }
    return sum;
}

double tw__model_tiles(const struct tw__model *model)
{
    double tiles = 0;
    for (int s = 0; s < model->nsteps; s++) {
        tiles += (double)model->step[s].tiles;
    }
    return tiles;
}

/* Workers own shares of neighbouring tiles, and one that has none left takes the far half of another's: as the pool
 * does it. */
struct share {
    uint64_t next, end;
    double free_at; /* when its worker has ended its tile */
};

static int first_free(const struct share *shares, int workers, const unsigned char *gone)
{
    int first = -1;
    for (int w = 0; w < workers; w++) {
        if (!gone[w] && (first < 0 || shares[w].free_at < shares[first].free_at)) {
            first = w;
        }
    }
    return first;
}

static int steal(struct share *shares, int workers, int thief)
{
    int victim = -1;
    for (int w = 0; w < workers; w++) {
        const uint64_t left = shares[w].end - shares[w].next;
        if (left > 0 && (victim < 0 || left > shares[victim].end - shares[victim].next)) {
            victim = w;
        }
    }
    if (victim < 0) {
        return 0;
    }
    const uint64_t left = shares[victim].end - shares[victim].next, taken = left - left / 2;
    shares[thief].end = shares[victim].end;
    shares[thief].next = shares[victim].end -= taken;
    return 1;
}

static double simulate(const struct tw__model_step *step, int workers, double factor, double dispatch)
{
    struct share shares[MOST_WORKERS];
    unsigned char gone[MOST_WORKERS] = {0};
    double last = 0;
    for (int w = 0; w < workers; w++) {
        shares[w] = (struct share){step->tiles * (uint64_t)w / (uint64_t)workers,
                                   step->tiles * ((uint64_t)w + 1) / (uint64_t)workers, 0};
    }
    for (int w = first_free(shares, workers, gone); w >= 0; w = first_free(shares, workers, gone)) {
        if (shares[w].next == shares[w].end && !steal(shares, workers, w)) {
            gone[w] = 1;
            continue;
        }
        shares[w].free_at += tw__model_tile(step, shares[w].next++) * factor + dispatch;
        last = shares[w].free_at > last ? shares[w].free_at : last;
    }
    return last;
}

static double span_of(const struct tw__model_step *step, int workers, double factor, double dispatch)
{
    const double sum = sum_of(step) * factor + (double)step->tiles * dispatch;
    if (workers <= 1 || step->tiles == 0) {
        return sum;
    }
    return step->tiles > MOST_SIMULATED || workers > MOST_WORKERS ? sum / workers
                                                                  : simulate(step, workers, factor, dispatch);
}

double tw__model_span(const struct tw__model *model, int workers, double factor, double dispatch)
{
    const int at_once = workers < model->cores ? workers : model->cores;
    double seconds = 0;
    for (int s = 0; s < model->nsteps; s++) {
        seconds += span_of(&model->step[s], at_once, factor, dispatch);
    }
    return seconds;
}

/* Seconds that the memory takes for all bytes if so many workers ask for them. */
static double memory_seconds(const struct tw__model *model, int workers)
{
    const tw_bandwidth_row row = tw__bandwidth_at(model->bandwidth, workers);
    return (row.read > 0 ? model->bytes_read / row.read : 0) + (row.write > 0 ? model->bytes_written / row.write : 0);
}

double tw__model_together(const struct tw__model *model, int workers)
{
    const int at_once = workers < model->cores ? workers : model->cores;
    if (at_once <= 1) {
        return 1;
    }
    /* No tile takes less than alone, and all together no less than the memory needs; where tiles alone were faster than
     * the bandwidth that is known, that was measured while something else ran, and the rows are as much too low. */
    const double sum = tw__model_sum(model), one = memory_seconds(model, 1);
    double least = memory_seconds(model, at_once) * at_once;
    least *= sum < one && one > 0 ? sum / one : 1;
    const double bound = sum > 0 && least > sum ? least / sum : 1;
    if (model->together > 0 && model->all > 1) {
        const double part = at_once < model->all ? (double)(at_once - 1) / (model->all - 1) : 1;
        const double measured = 1 + (model->together - 1) * part;
        return model->bytes_read + model->bytes_written > IN_CACHES && bound > measured ? bound : measured;
    }
    return bound;
}

/* Seconds for new pages beside the stores, which are in the tiles' own times. */
static double fresh_seconds(const struct tw__model *model, tw_pool_kind pool, int workers)
{
    const tw_bandwidth_row one = tw__bandwidth_at(model->bandwidth, 1),
                           row = tw__bandwidth_at(model->bandwidth, workers);
    const double speed =
        pool == TW_PROCESSES && one.fresh > 0 ? model->bandwidth->shared * (row.fresh / one.fresh) : row.fresh;
    if (!(speed > 0) || !(row.write > 0)) {
        return 0;
    }
    const double seconds = model->fresh * (1 / speed - 1 / row.write);
    return seconds > 0 ? seconds : 0;
}

/* One process copies, into new shared memory, and back from memory that is there. */
static double copy_seconds(const struct tw__model *model)
{
    const tw_bandwidth_row one = tw__bandwidth_at(model->bandwidth, 1);
    const double in = model->bandwidth->shared > 0 ? 1 / model->bandwidth->shared : 0;
    const double read = one.read > 0 ? 1 / one.read : 0, both = one.copy > 0 ? 2 / one.copy : 0;
    return model->copied_in * (in + read) + model->copied_back * both;
}

static tw_limit limit_of(const struct tw__model *model, const tw_forecast *cost, double factor, double dispatch)
{
    const double sum = tw__model_sum(model) * factor, handing = dispatch * tw__model_tiles(model);
    const int at_once = cost->workers < model->cores ? cost->workers : model->cores;
    if (cost->disk > SMALL_PART * cost->seconds) {
        return TW_LIMIT_DISK;
    }
    if (cost->copies > SMALL_PART * cost->seconds) {
        return TW_LIMIT_COPIES;
    }
    if (cost->opening > SMALL_PART * cost->seconds) {
        return TW_LIMIT_OPENING;
    }
    if (handing > DISPATCH_PART * (sum + handing)) {
        return TW_LIMIT_DISPATCH;
    }
    if (cost->pool == TW_THREADS && at_once > 1 && model->locked > LOCKED) {
        return TW_LIMIT_LOCK;
    }
    if (at_once > 1 && cost->tiles * at_once - sum > IDLE_PART * cost->tiles * at_once) {
        return TW_LIMIT_TILES;
    }
    const double memory = memory_seconds(model, at_once) + cost->fresh;
    return memory > MEMORY_PART * (cost->tiles + cost->fresh) ? TW_LIMIT_MEMORY : TW_LIMIT_COMPUTE;
}

void tw__model_forecast(const struct tw__model *model, tw_pool_kind pool, int workers, tw_forecast *forecast)
{
    const double dispatch = model->dispatch[pool];
    double factor = tw__model_together(model, workers);
    *forecast = (tw_forecast){.pool = pool, .workers = workers, .disk = model->disk};
    if (pool == TW_THREADS) {
        /* n threads have the lock in turn: a tile takes as long as all of them need it. */
        const int at_once = workers < model->cores ? workers : model->cores;
        const double waits = model->locked * at_once + 1 - model->locked;
        factor = waits > factor ? waits : factor;
    }
    forecast->tiles = tw__model_span(model, workers, factor, dispatch);
    forecast->fresh = fresh_seconds(model, pool, workers < model->cores ? workers : model->cores);
    forecast->opening = TW__RUN_SECONDS + model->call[pool];
    if (pool == TW_PROCESSES) {
        /* A pool for one run has no more workers than tiles. */
        const double tiles = tw__model_tiles(model), made = workers < tiles ? workers : tiles;
        forecast->copies = copy_seconds(model);
        forecast->opening += model->opening_fixed + model->opening_each * made;
    }
    forecast->seconds = forecast->tiles + forecast->fresh + forecast->copies + forecast->opening + forecast->disk;
    forecast->bytes_per_second =
        forecast->seconds > 0 ? (model->bytes_read + model->bytes_written) / forecast->seconds : 0;
    forecast->limit = limit_of(model, forecast, factor, dispatch);
}
