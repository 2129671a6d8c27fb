/* words.c - a plan in one sentence. Decides nothing: the forecasts say which limit there is. */
#include "plan/words.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "grid/grid.h"
#include "grid/signature.h"
#include "plan/bandwidth.h"

#define SMALL_SET_UP 0.05 /* of a tile's time: not worth longer tiles */
#define LARGE_SET_UP 0.2  /* worth a sentence */

int64_t tw__longer_tiles(double set_up, double mean, int64_t tiles, int workers)
{
    const int64_t most = tiles / (4 * (int64_t)workers);
    if (!(set_up > LARGE_SET_UP * mean) || most < 2) {
        return 1;
    }
    const double own = mean - set_up, wish = own > 0 ? ceil(set_up / own * (1 / SMALL_SET_UP - 1)) : (double)most;
    return wish < (double)most ? (int64_t)wish : most;
}

void tw__plan_division(char *text, size_t size, const tw_grid *grid)
{
    struct tw__text out;
    int cut = 0;
    tw__text_init(&out, text, size);
    tw__text_add(&out, "%" PRIu64 " tile%s", grid->count, grid->count == 1 ? "" : "s");
    for (int a = 0; a < grid->naxes; a++) {
        const struct tw__grid_axis *axis = &grid->axes[a];
        if (axis->count > 1) {
            tw__text_add(&out, "%s%s (%" PRId64 ") in %" PRId64 "", cut == 0 ? ": " : ", ", grid->signature->axes[a],
                         axis->length, axis->count);
            cut++;
        }
    }
    if (tw_grid_why(grid) != NULL) {
        tw__text_add(&out, ": %s", tw_grid_why(grid));
    }
}

/* ---- the sentence ---- */

static const tw_forecast *widest(const tw_plan *plan, tw_pool_kind pool)
{
    const tw_forecast *found = NULL;
    for (int k = 0; k < plan->count; k++) {
        if (plan->forecast[k].pool == pool && (found == NULL || plan->forecast[k].workers > found->workers)) {
            found = &plan->forecast[k];
        }
    }
    return found;
}

static int is_mostly_written(const tw_plan *plan)
{
    return plan->bytes_written > plan->bytes_read;
}

/* How much of what the memory delivers with as many threads as there are. */
static int percent_of_memory(const tw_plan *plan, const tw_forecast *forecast)
{
    double least = 0;
    for (int k = 0; k < plan->bandwidth.count; k++) {
        const tw_bandwidth_row *row = &plan->bandwidth.row[k];
        const double seconds = plan->bytes_read / row->read + plan->bytes_written / row->write;
        least = k == 0 || seconds < least ? seconds : least;
    }
    const double busy = forecast->tiles > 0 ? least / forecast->tiles : 0;
    return busy < 1 ? (int)(100 * busy + 0.5) : 100;
}

static void say_memory(struct tw__text *text, const tw_plan *plan, const tw_forecast *best)
{
    tw__text_add(text, "bound by memory: ");
    tw__text_add_pool(text, best->pool, best->workers);
    tw__text_add(text, " reach%s %d %% of what this machine can %s; more will not help",
                 best->pool == TW_SERIAL || best->workers == 1 ? "es" : "", percent_of_memory(plan, best),
                 is_mostly_written(plan) ? "store" : "read");
}

static void add_ratio(struct tw__text *text, double ratio)
{
    const int hundredths = (int)(100 * ratio + 0.5);
    tw__text_add(text, "%d.%02d", hundredths / 100, hundredths % 100);
}

static void say_one_tile(struct tw__text *text, const char *why)
{
    if (why != NULL) {
        tw__text_add(text, "there is one tile alone, so one worker does all: %s", why);
    } else {
        tw__text_add(text, "there is one tile alone, so one worker does all: cut an axis for more");
    }
}

static void say_serial(struct tw__text *text, const tw_plan *plan, const char *why)
{
    const tw_forecast *threads = widest(plan, TW_THREADS), *processes = widest(plan, TW_PROCESSES);
    const tw_forecast *serial = &plan->forecast[0];
    if (serial->limit == TW_LIMIT_DISK) {
        tw__text_add(text, "bound by the disk: writing the files takes ");
        tw__text_add_duration(text, serial->disk);
        tw__text_add(text, " of ");
        tw__text_add_duration(text, serial->seconds);
        tw__text_add(text, "; more workers will not help");
    } else if (plan->tiles <= 1) {
        say_one_tile(text, why);
    } else if (threads == NULL || threads->workers == 1) {
        tw__text_add(text, "this machine gives one worker, so there is nothing to share");
    } else if (threads->limit == TW_LIMIT_MEMORY) {
        say_memory(text, plan, serial);
    } else if (threads->limit == TW_LIMIT_LOCK && processes != NULL) {
        tw__text_add(text, "too little work for processes: ");
        tw__text_add_duration(text, serial->seconds);
        tw__text_add(text, " serially, and opening ");
        tw__text_add_pool(text, TW_PROCESSES, processes->workers);
        tw__text_add(text, " takes ");
        tw__text_add_duration(text, processes->opening);
        tw__text_add(text, "; threads wait for each other's lock");
    } else {
        tw__text_add(text, "too little work to share: ");
        tw__text_add_duration(text, serial->seconds);
        tw__text_add(text, " serially, ");
        tw__text_add_duration(text, threads->seconds);
        tw__text_add(text, " on ");
        tw__text_add_pool(text, TW_THREADS, threads->workers);
    }
}

static void say_shared(struct tw__text *text, const tw_plan *plan, const tw_forecast *best)
{
    const tw_forecast *serial = &plan->forecast[0];
    if (best->limit == TW_LIMIT_MEMORY) {
        say_memory(text, plan, best);
        return;
    }
    tw__text_add_pool(text, best->pool, best->workers);
    tw__text_add(text, " take%s ", best->workers == 1 ? "s" : "");
    add_ratio(text, serial->seconds > 0 ? best->seconds / serial->seconds : 1);
    tw__text_add(text, " of the serial time");
    switch (best->limit) {
    case TW_LIMIT_TILES:
        tw__text_add(text, "; more or shorter tiles would keep all workers busy to the end");
        break;
    case TW_LIMIT_DISPATCH:
        tw__text_add(text, "; the tiles are too small: handing them out takes much of it");
        break;
    case TW_LIMIT_COPIES:
        tw__text_add(text, "; copying private operands takes ");
        tw__text_add_duration(text, best->copies);
        tw__text_add(text, " of it: make them in shared memory");
        break;
    case TW_LIMIT_OPENING:
        tw__text_add(text, "; opening the pool takes ");
        tw__text_add_duration(text, best->opening);
        tw__text_add(text, " of it: keep one for many runs");
        break;
    case TW_LIMIT_DISK:
        tw__text_add(text, "; writing the files takes ");
        tw__text_add_duration(text, best->disk);
        tw__text_add(text, " of it");
        break;
    default:
        tw__text_add(text, "; the kernel's own work is the limit: more cores would help");
    }
}

/* Tiles that are too small for a kernel with a set-up; 0: they are not. */
static int say_longer(struct tw__text *text, const tw_plan *plan, const tw_grid *grid, const tw_forecast *best)
{
    for (int a = 0; a < grid->naxes; a++) {
        const struct tw__grid_axis *axis = &grid->axes[a];
        if (axis->cuts != NULL || axis->count < 2 || grid->stages != NULL) {
            continue;
        }
        const int64_t times = tw__longer_tiles(plan->set_up, plan->mean, axis->count, best->workers);
        if (times < 2) {
            continue;
        }
        const int64_t length = (axis->tile + (axis->longer > 0)) * times;
        const double saved = (double)plan->tiles * (1 - 1 / (double)times) * plan->set_up / best->workers;
        tw__text_add(text, "the tiles are too small: each takes ");
        tw__text_add_duration(text, plan->set_up);
        tw__text_add(text, " however small it is; tiles of %" PRId64 " along %s would take ", length,
                     grid->signature->axes[a]);
        tw__text_add_duration(text, best->seconds > saved ? best->seconds - saved : 0);
        tw__text_add(text, " instead of ");
        tw__text_add_duration(text, best->seconds);
        return 1;
    }
    return 0;
}

void tw__plan_advise(tw_plan *plan, const tw_grid *grid)
{
    struct tw__text text;
    const tw_forecast *best = &plan->forecast[plan->best];
    tw__text_init(&text, plan->advice, sizeof plan->advice);
    if (plan->note[0] != '\0') {
        tw__text_add(&text,
                     "no advice: a tile of the kernel could not be timed, so these times are those of an empty one");
    } else if (plan->tiles == 0) {
        tw__text_add(&text, "there is nothing to do");
    } else if (plan->at_least) {
        tw__text_add(&text, "a tile takes at least ");
        tw__text_add_duration(&text, plan->mean);
        tw__text_add(&text, ", so the job takes at least ");
        tw__text_add_duration(&text, best->seconds);
        tw__text_add(&text, " on ");
        tw__text_add_pool(&text, best->pool, best->workers);
    } else if (!say_longer(&text, plan, grid, best)) {
        if (best->pool == TW_SERIAL) {
            say_serial(&text, plan, tw_grid_why(grid));
        } else {
            say_shared(&text, plan, best);
        }
    }
}
