/* report.c - what happened in a run, tile by tile, as records and as lines. json.c writes it as JSON. */
#include "run/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "grid/grid.h"
#include "grid/signature.h"

tw_status tw__report_create(tw_report **report, const tw_grid *const *grids, int count, const tw_pool *pool,
                            tw_error *error)
{
    const int workers = pool->crew.workers;
    size_t size = 0;
    for (int s = 0; s < count; s++) {
        size += (tw__grid_image_size(grids[s]) + 63) & ~(size_t)63;
    }
    tw_report *made = calloc(1, sizeof *made);
    char *image = malloc(size);
    int *pids = calloc((size_t)workers, sizeof *pids);
    if (made == NULL || image == NULL || pids == NULL) {
        free(made);
        free(image);
        free(pids);
        return tw__fail_memory(error, size, "a report");
    }
    made->image = image;
    made->pids = pids;
    made->nsteps = count;
    for (int s = 0; s < count; s++) {
        made->step[s] = (struct tw__report_step){made->totals.tiles, tw__grid_image(grids[s], image)};
        made->totals.tiles += grids[s]->count;
        image += (tw__grid_image_size(grids[s]) + 63) & ~(size_t)63;
    }
    made->pool = pool->crew.ops->name;
    made->totals.pool = tw_pool_get_kind(pool);
    made->totals.workers = workers;
    made->totals.differing_operand = -1;
    made->totals.differing_index = -1;
    made->totals.differing_tile = -1;
    *report = made;
    return TW_OK;
}

void tw__report_take(tw_report *report, struct tw__steps *steps)
{
    report->words = steps->kept->words;
    report->times = steps->kept->times;
    steps->kept->words = (struct tw__memory){0};
    steps->kept->times = (struct tw__memory){0};
}

void tw__report_fill(tw_report *report, const tw_pool *pool, const struct tw__outcome *outcome)
{
    for (int w = 0; w < pool->crew.workers; w++) {
        report->pids[w] = tw_pool_worker_pid(pool, w);
    }
    report->totals.workers = pool->crew.workers;
    report->totals.done = outcome->done;
    report->totals.resumed = outcome->earlier;
    report->totals.failed = outcome->failed;
    report->totals.deaths = outcome->deaths;
    report->totals.timeouts = outcome->timeouts;
    report->totals.recycled = outcome->recycled;
    const int buried = outcome->deaths + outcome->recycled;
    report->nburials = buried < TW__MAX_BURIALS ? buried : TW__MAX_BURIALS;
    memcpy(report->burials, outcome->burials, (size_t)report->nburials * sizeof report->burials[0]);
}

void tw__report_count(tw_report *report, const tw_signature *signature, tw_array *const *arrays)
{
    for (int k = 0; k < signature->noperands; k++) {
        const tw_view *view = tw_array_view(arrays[k]);
        const double bytes = (double)(tw_view_size(view) * view->dtype.itemsize);
        report->bytes_read += signature->operands[k].role != TW_OUT ? bytes : 0;
        report->bytes_written += signature->operands[k].role != TW_IN ? bytes : 0;
    }
}

const struct tw__report_step *tw__report_step_of(const tw_report *report, uint64_t tile)
{
    int s = report->nsteps - 1;
    while (s > 0 && tile < report->step[s].first) {
        s--;
    }
    return &report->step[s];
}

void tw_report_get_totals(const tw_report *report, tw_report_totals *totals)
{
    *totals = report->totals;
}

const char *tw_report_why(const tw_report *report)
{
    return report->nsteps == 1 ? tw_grid_why(report->step[0].grid) : NULL;
}

/* Who sat in the worker's seat then. */
static int pid_at(const tw_report *report, unsigned worker, double when)
{
    for (int k = 0; k < report->nburials; k++) {
        if (report->burials[k].worker == worker && when < report->burials[k].when) {
            return report->burials[k].pid;
        }
    }
    return report->pids[worker];
}

tw_status tw_report_get_tile(const tw_report *report, uint64_t tile, tw_tile_record *record, tw_error *error)
{
    if (tile >= report->totals.tiles) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "tile %llu is not in the report, which has %llu tiles",
                        (unsigned long long)tile, (unsigned long long)report->totals.tiles);
    }
    *record = (tw_tile_record){.worker = -1};
    if (report->words.data == NULL) {
        record->state = report->totals.resumed > 0 ? TW_TILE_DONE : TW_TILE_FREE;
        return TW_OK;
    }
    const uint32_t word = ((const uint32_t *)report->words.data)[tile];
    const struct tw__time *time = &((const struct tw__time *)report->times.data)[tile];
    record->state = (tw_tile_state)TW__WORD_STATE(word);
    record->attempts = (int)TW__WORD_ATTEMPT(word);
    if (record->state != TW_TILE_FREE && word != TW__WORD_EARLIER) {
        record->attempts++;
        record->worker = (int)TW__WORD_WORKER(word);
        record->start = (double)time->start;
        record->duration = (double)time->duration;
        record->pid = pid_at(report, (unsigned)record->worker, record->start);
    }
    return TW_OK;
}

/* Seconds with a unit that suits, two or three digits, by integers: no locale has a say. */
static void add_seconds(struct tw__text *text, double seconds)
{
    double number;
    const char *unit = tw__unit_of_seconds(seconds, &number);
    const long long tenths = (long long)(number * 10 + 0.5);
    tw__text_add(text, "%lld.%lld %s", tenths / 10, tenths % 10, unit);
}

int tw_report_line(const tw_report *report, uint64_t tile, char *text, size_t size)
{
    tw_tile_record record;
    if (tw_report_get_tile(report, tile, &record, NULL) != TW_OK) {
        if (size > 0) {
            text[0] = '\0';
        }
        return 0;
    }
    const struct tw__report_step *step = tw__report_step_of(report, tile);
    return tw_report_record_line(&record, step->grid, tile - step->first, text, size);
}

int tw_report_record_line(const tw_tile_record *record, const tw_grid *grid, uint64_t tile, char *text, size_t size)
{
    static const char *const verbs[] = {"did not begin", "did not end", "did", "failed at"};
    struct tw__text line;
    char box[2048];
    tw__text_init(&line, text, size);
    tw_grid_tile_text(grid, tile, box, sizeof box);
    if (record->state == TW_TILE_FREE) {
        tw__text_add(&line, "nobody did %s", box);
        return (int)line.length;
    }
    if (record->worker < 0) {
        tw__text_add(&line, "an earlier run did %s", box);
        return (int)line.length;
    }
    tw__text_add(&line, "pid %d %s %s", record->pid, verbs[record->state], box);
    if (record->state != TW_TILE_RUNNING) {
        tw__text_add(&line, " in ");
        add_seconds(&line, record->duration);
    }
    if (record->attempts > 1) {
        tw__text_add(&line, ", attempt %d", record->attempts);
    }
    return (int)line.length;
}

void tw_report_destroy(tw_report *report)
{
    if (report == NULL) {
        return;
    }
    tw__memory_release(&report->words);
    tw__memory_release(&report->times);
    free(report->pids);
    free(report->image);
    free(report);
}
