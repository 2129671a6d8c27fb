/* trace.c - a report as a trace in the Chrome trace event format: one event a line, sorted by time, and never held as a
 * whole. All numbers are integers or written by integers: no locale has a say.
 *
 *     track 0       the steps, where there are several
 *     track w + 1   worker w: its tiles, and between them "idle" */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "base/writing.h"
#include "grid/signature.h"
#include "run/tally.h"

#define LEAST_IDLE 10000 /* ns: shorter gaps are no events */
#define IDLE_PART 10000  /* nor those below this part of the run */

struct event {
    double start;
    uint64_t tile;
};

struct trace {
    FILE *file;
    const tw_report *report;
    struct tw__tally tally;
    struct event *events; /* of the tiles that workers of this run began, by time */
    uint64_t count;
    int64_t *ends; /* [workers] ns: where its track has come to */
    int64_t least_idle;
    int began; /* an event has been written */
};

static int64_t nanoseconds(double seconds)
{
    return seconds > 0 ? (int64_t)(seconds * 1e9 + 0.5) : 0;
}

/* What all events begin with. */
static void begin_event(struct trace *trace, const char *phase, int track)
{
    fprintf(trace->file, "%s{\"ph\":\"%s\",\"pid\":1,\"tid\":%d", trace->began ? ",\n" : "\n", phase, track);
    trace->began = 1;
}

/* A time under the name `key`, which are microseconds. */
static void add_time(const struct trace *trace, const char *key, int64_t ns)
{
    fprintf(trace->file, ",\"%s\":%" PRId64 ".%03d", key, ns / 1000, (int)(ns % 1000));
}

static void write_metadata(struct trace *trace, const char *name, int track, const char *value)
{
    begin_event(trace, "M", track);
    fprintf(trace->file, ",\"name\":\"%s\",\"args\":{\"name\":", name);
    tw__write_json_text(trace->file, value);
    fputs("}}", trace->file);
}

static void write_tracks(struct trace *trace)
{
    struct tw__text text;
    char name[128];
    tw__text_init(&text, name, sizeof name);
    tw__text_add(&text, "tilework: ");
    tw__text_add_pool(&text, trace->report->totals.pool, trace->report->totals.workers);
    write_metadata(trace, "process_name", 0, name);
    if (trace->tally.parts > 1) {
        write_metadata(trace, "thread_name", 0, "steps");
    }
    for (int w = 0; w < trace->report->totals.workers; w++) {
        tw__text_init(&text, name, sizeof name);
        tw__text_add(&text, "worker %d", w);
        write_metadata(trace, "thread_name", w + 1, name);
        begin_event(trace, "M", w + 1);
        fprintf(trace->file, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%d}}", w + 1);
    }
}

static void write_steps(struct trace *trace)
{
    char text[4096];
    for (int p = 0; p < trace->tally.parts && trace->tally.parts > 1; p++) {
        struct tw__report_part part;
        if (trace->tally.begin[p] < 0) {
            continue;
        }
        const int64_t begin = nanoseconds(trace->tally.begin[p]), end = nanoseconds(trace->tally.end[p]);
        tw__report_part(&part, trace->report, p);
        tw__report_part_text(&part, text, sizeof text);
        begin_event(trace, "X", 0);
        add_time(trace, "ts", begin);
        add_time(trace, "dur", end - begin);
        fprintf(trace->file, ",\"cat\":\"step\",\"name\":\"step %d of %d\",\"args\":{\"step\":", p + 1,
                trace->tally.parts);
        tw__write_json_text(trace->file, text);
        fputs("}}", trace->file);
    }
}

static void write_wait(struct trace *trace, int worker, int64_t since, int64_t until, const char *name)
{
    begin_event(trace, "X", worker + 1);
    add_time(trace, "ts", since);
    add_time(trace, "dur", until - since);
    fprintf(trace->file, ",\"cat\":\"%s\",\"name\":\"%s\"}", name, name);
}

/* The time before the next tile: "lost" as far as a process ended in it, and with it what it had begun; else "idle". */
static void write_idle(struct trace *trace, int worker, int64_t until)
{
    int64_t since = trace->ends[worker];
    for (int k = 0; k < trace->report->nburials && trace->report->totals.deaths > 0; k++) {
        const int64_t when = nanoseconds(trace->report->burials[k].when);
        if ((int)trace->report->burials[k].worker == worker && when > since && when <= until) {
            write_wait(trace, worker, since, when, "lost");
            since = when;
        }
    }
    if (until - since >= trace->least_idle) {
        write_wait(trace, worker, since, until, "idle");
    }
}

/* Something that happens at one moment of a worker's track. */
static void write_instant(struct trace *trace, int worker, int64_t at, const char *category, const char *name)
{
    begin_event(trace, "i", worker + 1);
    add_time(trace, "ts", at);
    fprintf(trace->file, ",\"s\":\"t\",\"cat\":\"%s\",\"name\":", category);
    tw__write_json_text(trace->file, name);
    fputs("}", trace->file);
}

/* "i":"0:10" for each axis of the tile's step. */
static void write_ranges(const struct trace *trace, uint64_t tile)
{
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    struct tw__report_part part;
    int p = 0;
    for (tw__report_part(&part, trace->report, 0); tile >= part.first + part.grid->count;) {
        tw__report_part(&part, trace->report, ++p);
    }
    tw_grid_tile(part.grid, tile - part.first, start, stop);
    for (int a = 0; a < part.grid->naxes; a++) {
        fprintf(trace->file, "%s\"%s\":\"%" PRId64 ":%" PRId64 "\"", a > 0 ? "," : "", part.grid->signature->axes[a],
                start[a], stop[a]);
    }
}

static void write_tile(struct trace *trace, const struct event *event)
{
    static const char *const categories[] = {
        [TW__FATE_DONE] = "tile", [TW__FATE_FAILED] = "tile,failed", [TW__FATE_UNFINISHED] = "tile,unfinished"};
    static const char *const states[] = {"free", "running", "done", "failed"};
    tw_tile_record record;
    tw_report_get_tile(trace->report, event->tile, &record, NULL);
    const enum tw__fate fate = tw__fate_of(&record);
    int64_t begin = nanoseconds(record.start), end = nanoseconds(record.start + record.duration);
    /* Times have 24 bits: a tile may seem to begin before the one that ended. */
    begin = begin > trace->ends[record.worker] ? begin : trace->ends[record.worker];
    end = end > begin ? end : begin;
    write_idle(trace, record.worker, begin);
    begin_event(trace, "X", record.worker + 1);
    add_time(trace, "ts", begin);
    add_time(trace, "dur", end - begin);
    fprintf(trace->file, ",\"cat\":\"%s%s\",\"name\":\"%stile %" PRIu64 "%s\"", categories[fate],
            record.attempts > 1 ? ",retried" : "", fate == TW__FATE_FAILED ? "failed " : "", event->tile,
            fate == TW__FATE_UNFINISHED ? " did not end"
            : record.attempts > 1       ? " again"
                                        : "");
    if (fate != TW__FATE_DONE) {
        fputs(",\"cname\":\"terrible\"", trace->file);
    }
    fprintf(trace->file, ",\"args\":{\"tile\":%" PRIu64 ",\"ranges\":{", event->tile);
    write_ranges(trace, event->tile);
    fprintf(trace->file, "},\"state\":\"%s\",\"attempts\":%d,\"pid\":%d}}", states[record.state], record.attempts,
            record.pid);
    if (fate == TW__FATE_FAILED) {
        char name[64];
        snprintf(name, sizeof name, "tile %" PRIu64 " failed", event->tile);
        write_instant(trace, record.worker, end, "failed", name);
    }
    trace->ends[record.worker] = end;
}

/* Workers whose seats others took. */
static void write_burials(struct trace *trace)
{
    const char *verb = trace->report->totals.recycled > 0 ? "ended" : "died";
    for (int k = 0; k < trace->report->nburials; k++) {
        const struct tw__burial *burial = &trace->report->burials[k];
        char name[64];
        snprintf(name, sizeof name, "process %d %s", burial->pid, verb);
        write_instant(trace, (int)burial->worker, nanoseconds(burial->when), "death", name);
    }
}

static int by_time(const void *one, const void *other)
{
    const struct event *a = one, *b = other;
    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    return a->tile < b->tile ? -1 : a->tile > b->tile;
}

/* The tiles that workers began, by time. */
static void find_events(struct trace *trace)
{
    for (uint64_t tile = 0; tile < trace->report->totals.tiles; tile++) {
        tw_tile_record record;
        tw_report_get_tile(trace->report, tile, &record, NULL);
        if (record.worker >= 0 && record.worker < trace->report->totals.workers) {
            trace->events[trace->count++] = (struct event){record.start, tile};
        }
    }
    qsort(trace->events, trace->count, sizeof *trace->events, by_time);
}

static void write_events(struct trace *trace)
{
    const tw_report_totals *totals = &trace->report->totals;
    const int64_t last = nanoseconds(trace->tally.last);
    trace->least_idle = last / IDLE_PART > LEAST_IDLE ? last / IDLE_PART : LEAST_IDLE;
    find_events(trace);
    fputs("{\"displayTimeUnit\":\"ms\",\n\"traceEvents\":[", trace->file);
    write_tracks(trace);
    write_steps(trace);
    for (uint64_t k = 0; k < trace->count && !ferror(trace->file); k++) {
        write_tile(trace, &trace->events[k]);
    }
    for (int w = 0; w < totals->workers && last > 0; w++) {
        write_idle(trace, w, last);
    }
    write_burials(trace);
    fprintf(trace->file,
            "],\n\"otherData\":{\"version\":\"%s\",\"pool\":\"%s\",\"workers\":%d,\"tiles\":%" PRIu64
            ",\"done\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"resumed\":%" PRIu64 ",\"failed\":%" PRIu64
            ",\"deaths\":%d,\"seconds\":",
            TW_VERSION, trace->report->pool, totals->workers, totals->tiles, totals->done, totals->skipped,
            totals->resumed, totals->failed, totals->deaths);
    tw__write_fixed(trace->file, totals->seconds, 9);
    fputs("}}\n", trace->file);
}

tw_status tw_report_write_trace(const tw_report *report, FILE *file, tw_error *error)
{
    if (report == NULL || file == NULL) {
        return tw__fail_null(error, "tw_report_write_trace", report == NULL ? "report" : "file");
    }
    struct trace trace = {.file = file, .report = report};
    const size_t workers = (size_t)report->totals.workers + 1;
    tw_status status = tw__tally_create(&trace.tally, report, error);
    if (status != TW_OK) {
        return status;
    }
    const size_t size = (trace.tally.timed + 1) * sizeof *trace.events;
    trace.events = malloc(size);
    trace.ends = calloc(workers, sizeof *trace.ends);
    if (trace.events == NULL || trace.ends == NULL) {
        status = tw__fail_memory(error, size, "a trace");
    } else {
        errno = 0;
        write_events(&trace);
        status = fflush(file) != 0 || ferror(file) ? tw__report_cannot_write(error) : TW_OK;
    }
    free(trace.events);
    free(trace.ends);
    tw__tally_fini(&trace.tally);
    return status;
}
