/* timeline.c - a line for each worker, on which its tiles are, and what it was idle. Where tiles are too many to be
 * drawn one by one, the height of a worker's band says how busy it was. */
#include "run/timeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "base/writing.h"
#include "run/palette.h"

/* Pixels. */
enum { LEFT = 90, WIDTH = 480, RIGHT = 70, TOP = 4, BELOW = 22 };

enum {
    MOST_TILES = 1500, /* that are drawn one by one */
    MOST_LINES = 64,   /* workers that are drawn */
    HIGH_LINES = 24,   /* workers, up to which lines are high enough for a name each */
    BINS = 240,        /* parts of the time, where tiles are too many */
    MOST_FAILED = 200, /* failed tiles that are marked then */
    TICKS = 6          /* of the axis, about */
};

struct timeline {
    FILE *file;
    const tw_report *report;
    const struct tw__tally *tally;
    int lines, pitch; /* of workers; pixels from one to the next */
    double *bins;     /* [lines * BINS] seconds in tiles; NULL: tiles are drawn one by one */
};

static int x_of(const struct timeline *timeline, double seconds)
{
    const double part = seconds / timeline->tally->last;
    return (int)((LEFT + (part < 0 ? 0 : part > 1 ? 1 : part) * WIDTH) * TW__PIXEL + 0.5);
}

static struct tw__box line_box(const struct timeline *timeline, int worker)
{
    const int pitch = timeline->pitch * TW__PIXEL, gap = timeline->pitch >= 10 ? 200 : 50;
    return (struct tw__box){LEFT * TW__PIXEL, TOP * TW__PIXEL + worker * pitch, WIDTH * TW__PIXEL, pitch - gap};
}

static struct tw__box tile_box(const struct timeline *timeline, const tw_tile_record *record)
{
    struct tw__box box = line_box(timeline, record->worker);
    const int end = x_of(timeline, record->start + record->duration);
    box.x = x_of(timeline, record->start);
    box.width = end - box.x > 30 ? end - box.x : 30;
    return box;
}

static int is_drawn(const struct timeline *timeline, const tw_tile_record *record)
{
    return record->worker >= 0 && record->worker < timeline->lines;
}

/* The tiles one by one; with bins those alone that failed. */
static void draw_tiles(const struct timeline *timeline)
{
    int failed = 0;
    for (int p = 0; p < timeline->tally->parts; p++) {
        struct tw__report_part part;
        tw__report_part(&part, timeline->report, p);
        for (uint64_t tile = part.first; tile < part.first + part.grid->count; tile++) {
            tw_tile_record record;
            tw_report_get_tile(timeline->report, tile, &record, NULL);
            const enum tw__fate fate = tw__fate_of(&record);
            if (!is_drawn(timeline, &record) ||
                (timeline->bins != NULL && (fate != TW__FATE_FAILED || failed++ >= MOST_FAILED))) {
                continue;
            }
            tw__svg_tile_begin(timeline->file, tile_box(timeline, &record), fate, record.worker);
            tw__svg_tile_title(timeline->file, timeline->report, &part, tile);
            tw__svg_tile_end(timeline->file);
        }
    }
}

/* Adds a tile's time to the parts of the time that it lies in. */
static void add_to_bins(double *bins, double last, const tw_tile_record *record)
{
    const double width = last / BINS, end = record->start + record->duration;
    int bin = (int)(record->start / width);
    for (bin = bin < 0 ? 0 : bin; bin < BINS && bin * width < end; bin++) {
        const double from = record->start > bin * width ? record->start : bin * width;
        const double to = end < (bin + 1) * width ? end : (bin + 1) * width;
        bins[bin] += to > from ? to - from : 0;
    }
}

static void collect(const struct timeline *timeline)
{
    for (uint64_t tile = 0; tile < timeline->report->totals.tiles; tile++) {
        tw_tile_record record;
        tw_report_get_tile(timeline->report, tile, &record, NULL);
        if (is_drawn(timeline, &record)) {
            add_to_bins(timeline->bins + record.worker * BINS, timeline->tally->last, &record);
        }
    }
}

/* How busy a worker was, as the height of a band. */
static void draw_band(const struct timeline *timeline, int worker)
{
    const struct tw__box box = line_box(timeline, worker);
    const double *bins = timeline->bins + worker * BINS;
    const double width = timeline->tally->last / BINS;
    fprintf(timeline->file, "<path fill=\"%s\" d=\"M%d %d", tw__colour(worker), box.x, box.y + box.height);
    for (int bin = 0; bin < BINS; bin++) {
        const double part = bins[bin] / width;
        fprintf(timeline->file, "V%dh%d", box.y + box.height - (int)((part > 1 ? 1 : part) * box.height + 0.5),
                box.width / BINS);
    }
    fprintf(timeline->file, "V%dZ\"><title>worker %d: %" PRIu64 " tiles</title></path>\n", box.y + box.height, worker,
            timeline->tally->worker[worker].tiles);
}

/* A worker's name, its idle time as the ground of its line, and how busy it was. */
static void draw_line(const struct timeline *timeline, int worker)
{
    const struct tw__box box = line_box(timeline, worker);
    const double last = timeline->tally->last, busy = timeline->tally->worker[worker].busy;
    char words[128];
    struct tw__text text;
    tw__text_init(&text, words, sizeof words);
    tw__text_add(&text, "worker %d was idle for ", worker);
    tw__text_add_duration(&text, last > busy ? last - busy : 0);
    tw__text_add(&text, " of ");
    tw__text_add_duration(&text, last);
    tw__svg_idle(timeline->file, box);
    fprintf(timeline->file, "<title>%s</title>", words);
    tw__svg_tile_end(timeline->file);
    if (timeline->lines > HIGH_LINES && worker % 8 != 0) {
        return;
    }
    const int y = box.y + (timeline->lines > HIGH_LINES ? 900 : box.height / 2 + 400);
    snprintf(words, sizeof words, "worker %d", worker);
    tw__svg_text(timeline->file, (LEFT - 6) * TW__PIXEL, y, "end", words, 20);
    const double idle = last > busy ? (last - busy) / last : 0;
    snprintf(words, sizeof words, "%d %% idle", (int)(100 * idle + 0.5));
    tw__svg_text(timeline->file, (LEFT + WIDTH + 6) * TW__PIXEL, y, "start", words, 20);
}

/* ---- the axis ---- */

/* From one tick to the next: 1, 2 or 5 times a power of ten, from a minute on what divides hours. */
static double tick_of(double last)
{
    static const double minutes[] = {60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400};
    const double wish = last / TICKS;
    if (wish >= 45) {
        size_t k = 0;
        while (k + 1 < sizeof minutes / sizeof minutes[0] && minutes[k] < wish) {
            k++;
        }
        return minutes[k] < wish ? ceil(wish / 86400) * 86400 : minutes[k];
    }
    const double power = pow(10, floor(log10(wish)));
    return wish <= power ? power : wish <= 2 * power ? 2 * power : wish <= 5 * power ? 5 * power : 10 * power;
}

static void tick_text(char *words, size_t size, double seconds, double tick, double last)
{
    struct tw__text text;
    tw__text_init(&text, words, size);
    if (seconds == 0) {
        tw__text_add(&text, "0");
    } else if (last >= 119.5) {
        tw__text_add_duration(&text, seconds);
    } else {
        double in_unit;
        const char *unit = tw__unit_of_seconds(last, &in_unit);
        const double scale = in_unit / last;
        const int decimals = tick * scale < 0.0995 ? 2 : tick * scale < 0.995 ? 1 : 0;
        const long long power = decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
        const long long number = (long long)(seconds * scale * (double)power + 0.5);
        tw__text_add(&text, "%lld", number / power);
        if (decimals > 0) {
            tw__text_add(&text, ".%0*lld", decimals, number % power);
        }
        tw__text_add(&text, " %s", unit);
    }
}

static void draw_axis(const struct timeline *timeline)
{
    const double last = timeline->tally->last, tick = tick_of(last);
    const int bottom = (TOP + timeline->lines * timeline->pitch) * TW__PIXEL;
    for (int k = 0; k * tick <= last * 1.0001 && k <= 2 * TICKS; k++) {
        char words[64];
        const int x = x_of(timeline, k * tick);
        fprintf(timeline->file, "<path d=\"M%d %dv400\" stroke=\"#888\" stroke-width=\"80\"/>", x, bottom);
        tick_text(words, sizeof words, k * tick, tick, last);
        tw__svg_text(timeline->file, x, bottom + 1500, "middle", words, 40);
    }
}

/* Where a step begins, and where workers ended that others replaced. */
static void draw_marks(const struct timeline *timeline)
{
    const int height = timeline->lines * timeline->pitch * TW__PIXEL;
    for (int p = 1; p < timeline->tally->parts; p++) {
        if (timeline->tally->begin[p] > 0) {
            fprintf(timeline->file,
                    "<path d=\"M%d %dv%d\" stroke=\"currentColor\" stroke-width=\"100\" stroke-dasharray=\"300\">"
                    "<title>step %d begins</title></path>\n",
                    x_of(timeline, timeline->tally->begin[p]), TOP * TW__PIXEL, height, p + 1);
        }
    }
    for (int k = 0; k < timeline->report->nburials; k++) {
        const struct tw__burial *burial = &timeline->report->burials[k];
        if ((int)burial->worker < timeline->lines) {
            const struct tw__box box = line_box(timeline, (int)burial->worker);
            tw__svg_end_of_worker(timeline->file, x_of(timeline, burial->when), box.y + 500);
            fprintf(timeline->file, "<title>process %d ended, and another took its place</title>", burial->pid);
            tw__svg_tile_end(timeline->file);
        }
    }
}

static void write_heading(const struct timeline *timeline)
{
    const struct tw__tally *tally = timeline->tally;
    const double seconds = timeline->report->totals.seconds;
    char words[256];
    struct tw__text text;
    tw__text_init(&text, words, sizeof words);
    tw__text_add(&text, "Timeline: ");
    tw__text_add_duration(&text, tally->last);
    tw__text_add(&text, "; workers were idle for %d %% of it", (int)(100 * tw__tally_idle(tally) + 0.5));
    if (seconds > 1.05 * tally->last && seconds - tally->last > 1e-4) {
        tw__text_add(&text, "; before and after it ");
        tw__text_add_duration(&text, seconds - tally->last);
    }
    if (timeline->lines < tally->workers) {
        tw__text_add(&text, "; the first %d of %d workers are shown", timeline->lines, tally->workers);
    }
    fprintf(timeline->file, "<div style=\"margin:8px 0 2px\">%s</div>\n", words);
}

tw_status tw__timeline_write(FILE *file, const tw_report *report, const struct tw__tally *tally, tw_error *error)
{
    struct timeline timeline = {.file = file, .report = report, .tally = tally};
    if (tally->timed == 0 || !(tally->last > 0)) {
        return TW_OK;
    }
    timeline.lines = tally->workers < MOST_LINES ? tally->workers : MOST_LINES;
    timeline.pitch = timeline.lines <= HIGH_LINES ? 18 : 6;
    if (tally->timed > MOST_TILES) {
        const size_t size = (size_t)timeline.lines * BINS * sizeof *timeline.bins;
        timeline.bins = calloc(size, 1);
        if (timeline.bins == NULL) {
            return tw__fail_memory(error, size, "a timeline");
        }
        collect(&timeline);
    }
    write_heading(&timeline);
    tw__svg_begin(file, LEFT + WIDTH + RIGHT, TOP + timeline.lines * timeline.pitch + BELOW, "timeline of the workers");
    for (int w = 0; w < timeline.lines; w++) {
        draw_line(&timeline, w);
        if (timeline.bins != NULL) {
            draw_band(&timeline, w);
        }
    }
    draw_tiles(&timeline);
    draw_marks(&timeline);
    draw_axis(&timeline);
    tw__svg_end(file);
    free(timeline.bins);
    return TW_OK;
}
