/* advice.c - what kept a run from being faster, in one sentence, from what was measured in it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "grid/grid.h"
#include "grid/signature.h"
#include "plan/bandwidth.h"
#include "plan/words.h"
#include "run/report.h"

#define COPIES_PART 0.2    /* of the run's time */
#define ALONE_PART 0.15    /* of the tiles' time */
#define IDLE_PART 0.25     /* of the workers' time */
#define MEMORY_PART 0.7    /* of what the machine can do */
#define SET_UP_PART 0.3    /* of a tile's time */
#define DEAR_ELEMENT 1e-6  /* seconds: no statement takes so long, but calling a function may */
#define SHORT_TILE 2e-6    /* seconds: handing it out is not for nothing */
#define ALONE_SECONDS 1e-3 /* less is not worth a sentence */
#define FEW_SECONDS 0.05   /* other workers may not have begun yet */
#define SMALL_RUN 200e-6   /* nor is a run that is so short */

/* What is read off the tiles' records. */
struct measured {
    double first, last, before; /* when tiles began and ended; when the last but one worker had ended its last tile */
    double last_tile;           /* seconds of the tile that ended last */
    double sum;                 /* seconds in tiles */
    uint64_t count;             /* tiles of this run */
    int busy;                   /* workers that ran tiles */
    double set_up;              /* seconds that a tile takes however small it is; 0: cannot be seen */
    double elements;            /* of all these tiles */
    int one_size;               /* tiles are of about one size, which is why it cannot be seen */
};

static double elements_of(const tw_report *report, uint64_t tile)
{
    const struct tw__report_step *step = tw__report_step_of(report, tile);
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    double elements = 1;
    tw_grid_tile(step->grid, tile - step->first, start, stop);
    for (int a = 0; a < step->grid->naxes; a++) {
        elements *= (double)(stop[a] - start[a]);
    }
    return elements;
}

/* Least squares: seconds = set_up + elements * each, if tiles are not all of one size. */
struct line {
    double n, x, y, xx, xy, least, most;
};

static void line_add(struct line *line, double x, double y)
{
    line->least = line->n == 0 || x < line->least ? x : line->least;
    line->most = x > line->most ? x : line->most;
    line->n++;
    line->x += x;
    line->y += y;
    line->xx += x * x;
    line->xy += x * y;
}

static double line_set_up(const struct line *line)
{
    const double below = line->n * line->xx - line->x * line->x;
    if (line->n < 8 || line->most < 1.5 * line->least || !(below > 0)) {
        return 0;
    }
    const double slope = (line->n * line->xy - line->x * line->y) / below;
    const double set_up = (line->y - slope * line->x) / line->n;
    return slope > 0 && set_up > 0 ? set_up : 0;
}

/* ends[workers]: of each worker's last tile. */
static void measure(const tw_report *report, struct measured *measured, double *ends)
{
    struct line line = {0};
    double latest = 0;
    *measured = (struct measured){.first = 1e300};
    for (uint64_t tile = 0; tile < report->totals.tiles; tile++) {
        tw_tile_record record;
        if (tw_report_get_tile(report, tile, &record, NULL) != TW_OK || record.worker < 0 ||
            record.worker >= report->totals.workers) {
            continue;
        }
        const double end = record.start + record.duration;
        measured->first = record.start < measured->first ? record.start : measured->first;
        measured->sum += record.duration;
        measured->count++;
        measured->busy += ends[record.worker] == 0;
        if (end > latest) {
            latest = end;
            measured->last_tile = record.duration;
        }
        ends[record.worker] = end > ends[record.worker] ? end : ends[record.worker];
        line_add(&line, elements_of(report, tile), record.duration);
    }
    for (int w = 0; w < report->totals.workers; w++) {
        if (ends[w] > measured->last) {
            measured->before = measured->last;
            measured->last = ends[w];
        } else if (ends[w] > measured->before) {
            measured->before = ends[w];
        }
    }
    measured->set_up = line_set_up(&line);
    measured->elements = line.x;
    measured->one_size = line.most < 1.5 * line.least;
}

static const char *workers_name(const tw_report *report)
{
    return report->totals.pool == TW_THREADS ? "threads" : "worker processes";
}

/* Tiles that are too small for what each of them needs; 0: they are not, or cannot be longer. */
static int say_small_tiles(struct tw__text *text, const tw_report *report, const struct measured *measured)
{
    const double mean = measured->sum / (double)measured->count;
    const tw_grid *grid = report->step[0].grid;
    for (int a = 0; a < grid->naxes && grid->stages == NULL && measured->set_up > SET_UP_PART * mean; a++) {
        const struct tw__grid_axis *axis = &grid->axes[a];
        const int64_t times =
            axis->cuts == NULL ? tw__longer_tiles(measured->set_up, mean, axis->count, report->totals.workers) : 1;
        if (times > 1) {
            tw__text_add(text, "the tiles are too small: each takes about ");
            tw__text_add_duration(text, measured->set_up);
            tw__text_add(text, " however small it is; try tiles of %" PRId64 " along %s",
                         (axis->tile + (axis->longer > 0)) * times, grid->signature->axes[a]);
            return 1;
        }
    }
    if (mean < SHORT_TILE && measured->count > 1000 && measured->sum < 0.5 * report->totals.seconds) {
        tw__text_add(text, "the tiles are too small: ");
        tw__text_add_duration(text, mean);
        tw__text_add(text, " each, less than handing them out takes; try longer ones");
        return 1;
    }
    return 0;
}

/* What the memory was asked for, beside what it can deliver; 0: little, or that is not known. */
static int say_memory(struct tw__text *text, const tw_report *report, const struct measured *measured)
{
    tw_bandwidth bandwidth;
    const double span = measured->last - measured->first, bytes = report->bytes_read + report->bytes_written;
    if (!(span > 0) || bytes < 1e6 || !tw__bandwidth_known(&bandwidth, NULL)) {
        return 0;
    }
    double least = 1e300;
    for (int n = 0; n < bandwidth.count; n++) {
        const double seconds =
            report->bytes_read / bandwidth.row[n].read + report->bytes_written / bandwidth.row[n].write;
        least = seconds < least ? seconds : least;
    }
    if (least < MEMORY_PART * span) {
        return 0;
    }
    const int percent = least < span ? (int)(100 * least / span + 0.5) : 100;
    tw__text_add(text, "bound by memory: ");
    tw__text_add_pool(text, report->totals.pool, report->totals.workers);
    tw__text_add(text, " reached %d %% of what this machine can %s; more will not help", percent,
                 report->bytes_written > report->bytes_read ? "store" : "read");
    return 1;
}

/* Tiles of one size do not show whether each has a set-up; longer ones, four for each worker, would save it. */
static void say_maybe_small(struct tw__text *text, const tw_report *report, const struct measured *measured)
{
    const tw_grid *grid = report->step[0].grid;
    if (!measured->one_size || grid->stages != NULL || measured->sum < DEAR_ELEMENT * measured->elements) {
        return;
    }
    for (int a = 0; a < grid->naxes; a++) {
        const struct tw__grid_axis *axis = &grid->axes[a];
        const int64_t times = axis->count / (4 * (int64_t)report->totals.workers);
        if (axis->cuts == NULL && times > 1) {
            tw__text_add(text,
                         "; if the tiles are too small because each call has a set-up, which a plan measures, try "
                         "tiles of %" PRId64 " along %s",
                         (axis->tile + (axis->longer > 0)) * times, grid->signature->axes[a]);
            return;
        }
    }
}

static void say_workers(struct tw__text *text, const tw_report *report, const struct measured *measured)
{
    const double span = measured->last - measured->first, all = span * report->totals.workers;
    const double others = measured->last - measured->before;
    const double alone = others < measured->last_tile ? others : measured->last_tile;
    if (report->totals.tiles == 1 || (measured->count == 1 && report->totals.workers > 1)) {
        const char *why = tw_report_why(report);
        tw__text_add(text, "there was one tile alone, so one worker did all: %s",
                     why != NULL ? why : "cut an axis for more");
    } else if (report->totals.workers == 1) {
        tw__text_add(text, "one worker did all: the kernel's own work is the limit, so more workers would help");
        say_maybe_small(text, report, measured);
    } else if (measured->busy == 1 && measured->sum < FEW_SECONDS) {
        tw__text_add(text, "one of %d %s ran all tiles before another began: there was too little work to share, ",
                     report->totals.workers, workers_name(report));
        tw__text_add_duration(text, measured->sum);
    } else if (alone > ALONE_PART * span && alone > ALONE_SECONDS) {
        tw__text_add(text, "the last tile ran alone for ");
        tw__text_add_duration(text, alone);
        tw__text_add(text, " of ");
        tw__text_add_duration(text, span);
        tw__text_add(text, ": shorter tiles would end together");
    } else if (measured->sum < (1 - IDLE_PART) * all) {
        tw__text_add(text, "the %s were idle for %d %% of the time: more or shorter tiles would keep them busy",
                     workers_name(report), (int)(100 * (1 - measured->sum / all) + 0.5));
    } else {
        char count[32] = "both";
        if (report->totals.workers != 2) {
            snprintf(count, sizeof count, "all %d", report->totals.workers);
        }
        tw__text_add(text, "%s %s were busy for %d %% of the time: the kernel's own work is the limit", count,
                     workers_name(report), (int)(100 * measured->sum / all + 0.5));
        say_maybe_small(text, report, measured);
    }
}

static void advise(struct tw__text *text, const tw_report *report, const struct measured *measured)
{
    const tw_report_totals *totals = &report->totals;
    if (totals->done < totals->tiles) {
        tw__text_add(text, "the run did not complete, so its times say nothing");
    } else if (measured->count == 0) {
        tw__text_add(text, "there was nothing to do");
    } else if (totals->seconds < SMALL_RUN) {
        tw__text_add(text, "there was too little work to share: ");
        tw__text_add_duration(text, totals->seconds);
    } else if (report->copy_seconds > COPIES_PART * totals->seconds) {
        tw__text_add(text, "copies of private operands took ");
        tw__text_add_duration(text, report->copy_seconds);
        tw__text_add(text, " of ");
        tw__text_add_duration(text, totals->seconds);
        tw__text_add(text, ": make them in memory that the workers share");
    } else if (!say_small_tiles(text, report, measured) &&
               (measured->count == 1 || !say_memory(text, report, measured))) {
        say_workers(text, report, measured);
    }
}

int tw_report_advice(const tw_report *report, char *text, size_t size)
{
    struct measured measured;
    struct tw__text out;
    double *ends = calloc((size_t)report->totals.workers + 1, sizeof *ends);
    tw__text_init(&out, text, size);
    if (ends == NULL) {
        return 0;
    }
    measure(report, &measured, ends);
    advise(&out, report, &measured);
    free(ends);
    return (int)out.length;
}
