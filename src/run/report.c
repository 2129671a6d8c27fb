/* report.c - what happened in a run, tile by tile, as records and as lines. json.c, trace.c and picture.c write
 * it for others. */
#include "run/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"

/* A report over these grids for so many workers, of which nothing is known. */
static tw_status create(tw_report **report, const tw_grid *const *grids, int count, int workers, tw_error *error)
{
    size_t size = 0;
    for (int s = 0; s < count; s++) {
        size += (tw__grid_image_size(grids[s]) + 63) & ~(size_t)63;
    }
    tw_report *made = calloc(1, sizeof *made);
    char *image = malloc(size);
    int *pids = calloc(workers > 0 ? (size_t)workers : 1, sizeof *pids);
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
    made->totals.workers = workers;
    made->totals.differing_operand = -1;
    made->totals.differing_index = -1;
    made->totals.differing_tile = -1;
    *report = made;
    return TW_OK;
}

tw_status tw__report_create(tw_report **report, const tw_grid *const *grids, int count, const tw_pool *pool,
                            tw_error *error)
{
    const tw_status status = create(report, grids, count, pool->crew.workers, error);
    if (status == TW_OK) {
        (*report)->pool = pool->crew.ops->name;
        (*report)->totals.pool = tw_pool_get_kind(pool);
    }
    return status;
}

/* Whether a worker has begun the tile, in this run or in an earlier one. */
static int was_begun(const tw_tile_record *record)
{
    return record->state == TW_TILE_RUNNING || record->state == TW_TILE_DONE || record->state == TW_TILE_FAILED;
}

tw_status tw_report_of_records(tw_report **report, const tw_grid *grid, const tw_report_totals *totals,
                               const tw_tile_record *records, tw_error *error)
{
    static const char *const names[] = {[TW_SERIAL] = "serial", [TW_THREADS] = "threads", [TW_PROCESSES] = "processes"};
    if (totals->tiles != grid->count || totals->workers < 0 || totals->pool < TW_THREADS || totals->pool > TW_SERIAL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "these totals are not of a run over this grid, which has %llu tiles",
                        (unsigned long long)grid->count);
    }
    const size_t size = (grid->count > 0 ? grid->count : 1) * sizeof *records;
    tw_tile_record *kept = malloc(size);
    if (kept == NULL) {
        return tw__fail_memory(error, size, "a report's tiles");
    }
    tw_report *made = NULL;
    const tw_status status = create(&made, &grid, 1, totals->workers, error);
    if (status != TW_OK) {
        free(kept);
        return status;
    }
    for (uint64_t tile = 0; tile < grid->count; tile++) {
        kept[tile] = records[tile];
        if (!was_begun(&kept[tile])) {
            kept[tile].worker = -1;
        }
    }
    made->records = kept;
    made->totals = *totals;
    made->pool = names[totals->pool];
    *report = made;
    return TW_OK;
}

void tw__report_take(tw_report *report, struct tw__steps *steps)
{
    report->from = steps->from;
    report->to = steps->to;
    report->words = steps->kept->words;
    steps->kept->words = (struct tw__memory){0};
    if (steps->timed) {
        report->times = steps->kept->times;
        steps->kept->times = (struct tw__memory){0};
    }
}

void tw__report_fill(tw_report *report, const tw_pool *pool, const struct tw__outcome *outcome)
{
    for (int w = 0; w < pool->crew.workers; w++) {
        report->pids[w] = tw_pool_worker_pid(pool, w);
    }
    report->totals.workers = pool->crew.workers;
    report->totals.done = outcome->done;
    report->totals.resumed = outcome->earlier;
    report->totals.skipped = outcome->skipped;
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

int tw__report_parts(const tw_report *report)
{
    int count = 0;
    for (int s = 0; s < report->nsteps; s++) {
        count += tw_grid_steps(report->step[s].grid);
    }
    return count;
}

void tw__report_part(struct tw__report_part *part, const tw_report *report, int number)
{
    int s = 0;
    for (; number >= tw_grid_steps(report->step[s].grid); s++) {
        number -= tw_grid_steps(report->step[s].grid);
    }
    const struct tw__report_step *step = &report->step[s];
    const struct tw__stages *stages = step->grid->stages;
    *part = (struct tw__report_part){.grid = stages != NULL ? stages->stage[number].grid : step->grid,
                                     .first = step->first + tw_grid_step_first(step->grid, number),
                                     .whole = step->grid,
                                     .step = number};
}

int tw__report_part_text(const struct tw__report_part *part, char *text, size_t size)
{
    return tw_grid_step_text(part->whole, part->step, text, size);
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
    if (report->records != NULL) {
        *record = report->records[tile];
        return TW_OK;
    }
    *record = (tw_tile_record){.worker = -1};
    if (report->words.data == NULL) {
        record->state = report->totals.resumed > 0 ? TW_TILE_DONE : TW_TILE_FREE;
        return TW_OK;
    }
    const int is_own = tile >= report->from && tile < report->to;
    const uint32_t word = is_own ? ((const uint32_t *)report->words.data)[tile] : TW__WORD_EARLIER;
    const struct tw__time *times = report->times.data;
    const struct tw__time *time = times != NULL ? &times[tile] : NULL;
    record->state = (tw_tile_state)TW__WORD_STATE(word);
    record->attempts = (int)TW__WORD_ATTEMPT(word);
    if (word == TW__WORD_SKIPPED) {
        record->state = TW_TILE_SKIPPED;
    } else if (record->state != TW_TILE_FREE && word != TW__WORD_EARLIER) {
        record->attempts++;
        record->worker = (int)TW__WORD_WORKER(word);
        record->start = time != NULL ? (double)time->start : 0;
        record->duration = time != NULL ? (double)time->duration : 0;
        record->pid = pid_at(report, (unsigned)record->worker, record->start);
    }
    return TW_OK;
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
    if (record->state == TW_TILE_SKIPPED) {
        tw__text_add(&line, "the mask skips %s", box);
        return (int)line.length;
    }
    if (record->worker < 0) {
        tw__text_add(&line, "an earlier run did %s", box);
        return (int)line.length;
    }
    tw__text_add(&line, "pid %d %s %s", record->pid, verbs[record->state], box);
    if (record->state != TW_TILE_RUNNING) {
        tw__text_add(&line, " in ");
        tw__text_add_duration(&line, record->duration);
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
    free(report->records);
    free(report->pids);
    free(report->image);
    free(report);
}

int tw_seconds_text(double seconds, char *text, size_t size)
{
    struct tw__text words;
    tw__text_init(&words, text, size);
    tw__text_add_duration(&words, seconds);
    return (int)words.length;
}
