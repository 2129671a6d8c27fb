/* json.c - a report as JSON. One tile at a time: a report of a million tiles is never held as a tree. */
#include <errno.h>
#include <jansson.h>

#include "array/combine.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "run/report.h"

tw_status tw__report_cannot_write(tw_error *error)
{
    const int failed = errno != 0 ? errno : EIO;
    return tw__fail_os(error, tw__file_status(failed), failed, "the report cannot be written");
}

/* Writes `key`: value and frees the value. 0 if that fails. */
static int write_value(FILE *file, const char *prefix, json_t *value)
{
    if (value == NULL) {
        errno = ENOMEM;
        return 0;
    }
    const int written = fputs(prefix, file) >= 0 &&
                        json_dumpf(value, file, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) == 0;
    const int failed = errno; /* freeing may change it */
    json_decref(value);
    errno = failed;
    return written;
}

/* The value, or NULL if a part of it could not be made: a report with gaps is no report. */
static json_t *whole(json_t *value, int failed)
{
    if (failed) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static json_t *totals_object(const tw_report *report)
{
    const tw_report_totals *totals = &report->totals;
    return json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:i, s:i, s:i, s:i}", "pool", report->pool,
                     "workers", totals->workers, "tiles", (json_int_t)totals->tiles, "done", (json_int_t)totals->done,
                     "resumed", (json_int_t)totals->resumed, "skipped", (json_int_t)totals->skipped, "failed",
                     (json_int_t)totals->failed, "seconds", totals->seconds, "bytes_copied",
                     (json_int_t)totals->bytes_copied, "bytes_populated", (json_int_t)totals->bytes_populated,
                     "reforks", totals->reforks, "deaths", totals->deaths, "timeouts", totals->timeouts, "recycled",
                     totals->recycled);
}

/* JSON has no number for inf and nan. */
static json_t *difference(double value)
{
    return value - value == 0 ? json_real(value) : json_null();
}

static json_t *check_object(const tw_report *report)
{
    const tw_report_totals *totals = &report->totals;
    if (!totals->checked) {
        return json_null();
    }
    json_t *check =
        json_pack("{s:b, s:o}", "identical", totals->identical, "max_difference", difference(totals->max_difference));
    if (check != NULL && totals->differing_operand >= 0) {
        const char *name = report->step[0].grid->signature->operands[totals->differing_operand].name;
        const int failed = json_object_set_new(check, "operand", json_string(name)) |
                           json_object_set_new(check, "index", json_integer(totals->differing_index)) |
                           json_object_set_new(check, "tile", json_integer(totals->differing_tile));
        return whole(check, failed);
    }
    return check;
}

static json_t *axes_array(const tw_grid *grid)
{
    json_t *axes = json_array();
    int failed = axes == NULL;
    for (int a = 0; !failed && a < grid->naxes; a++) {
        failed = json_array_append_new(axes, json_pack("{s:s, s:I, s:I}", "name", grid->signature->axes[a], "length",
                                                       (json_int_t)grid->axes[a].length, "tiles",
                                                       (json_int_t)grid->axes[a].count));
    }
    return whole(axes, failed);
}

static json_t *why_text(const tw_report *report)
{
    const char *why = tw_report_why(report);
    return why != NULL ? json_string(why) : json_null();
}

/* The steps of a job that has several; NULL: it has one. */
static json_t *steps_array(const tw_grid *grid)
{
    const struct tw__stages *stages = grid->stages;
    json_t *steps = json_array();
    int failed = steps == NULL;
    for (int s = 0; !failed && s < stages->count; s++) {
        const struct tw__stage *stage = &stages->stage[s];
        json_t *step =
            json_pack("{s:I, s:I}", "first", (json_int_t)stage->first, "tiles", (json_int_t)stage->grid->count);
        if (stage->call == TW__STAGE_FOLD) {
            failed = json_object_set_new(step, "folds", json_string(grid->signature->operands[stage->fold].name)) |
                     json_object_set_new(step, "by", json_string(tw__fold_name(stages->folds[stage->fold])));
        }
        failed |= json_array_append_new(steps, step);
    }
    return whole(steps, failed);
}

static json_t *tile_object(const tw_report *report, uint64_t tile)
{
    static const char *const states[] = {"free", "running", "done", "failed", "skipped"};
    tw_tile_record record;
    tw_report_get_tile(report, tile, &record, NULL);
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    const struct tw__report_step *step = tw__report_step_of(report, tile);
    tw_grid_tile(step->grid, tile - step->first, start, stop);
    json_t *object = json_pack("{s:I, s:s, s:i}", "tile", (json_int_t)tile, "state", states[record.state], "attempts",
                               record.attempts);
    json_t *from = json_array(), *to = json_array();
    int failed = 0;
    for (int a = 0; a < step->grid->naxes; a++) {
        failed |= json_array_append_new(from, json_integer(start[a]));
        failed |= json_array_append_new(to, json_integer(stop[a]));
    }
    failed |= json_object_set_new(object, "start", from);
    failed |= json_object_set_new(object, "stop", to);
    if (record.worker >= 0) {
        failed |= json_object_set_new(object, "worker", json_integer(record.worker));
        failed |= json_object_set_new(object, "pid", json_integer(record.pid));
        failed |= json_object_set_new(object, "began", json_real(record.start));
        failed |= json_object_set_new(object, "seconds", json_real(record.duration));
    }
    return whole(object, failed);
}

tw_status tw_report_write_json(const tw_report *report, FILE *file, tw_error *error)
{
    if (report == NULL || file == NULL) {
        return tw__fail_null(error, "tw_report_write_json", report == NULL ? "report" : "file");
    }
    const tw_grid *grid = report->step[0].grid;
    errno = 0;
    int written = write_value(file, "{\"version\":", json_string(TW_VERSION)) &&
                  write_value(file, ",\n\"totals\":", totals_object(report)) &&
                  write_value(file, ",\n\"check\":", check_object(report)) &&
                  write_value(file, ",\n\"axes\":", axes_array(grid)) &&
                  write_value(file, ",\n\"undivided\":", why_text(report)) &&
                  (grid->stages == NULL || write_value(file, ",\n\"steps\":", steps_array(grid))) &&
                  fputs(",\n\"tile_records\":[", file) >= 0;
    for (uint64_t tile = 0; written && tile < report->totals.tiles; tile++) {
        written = write_value(file, tile == 0 ? "\n" : ",\n", tile_object(report, tile));
    }
    /* jansson does not look whether all that it writes was taken: the stream knows. */
    if (!written || fputs("\n]}\n", file) < 0 || fflush(file) != 0 || ferror(file)) {
        return tw__report_cannot_write(error);
    }
    return TW_OK;
}
