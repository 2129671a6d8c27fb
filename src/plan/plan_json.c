/* plan_json.c - a plan as JSON. */
#include <errno.h>
#include <jansson.h>

#include "base/error.h"
#include "plan/words.h"

static json_t *speeds(const tw_bandwidth *bandwidth)
{
    json_t *rows = json_array();
    int failed = rows == NULL;
    for (int n = 0; n < bandwidth->count && !failed; n++) {
        const tw_bandwidth_row *row = &bandwidth->row[n];
        failed = json_array_append_new(rows, json_pack("{s:i, s:f, s:f, s:f, s:f}", "threads", row->threads, "read",
                                                       row->read, "write", row->write, "copy", row->copy, "fresh",
                                                       row->fresh));
    }
    return rows;
}

static json_t *forecasts(const tw_plan *plan)
{
    static const char *const pools[] = {"threads", "processes", "serial"};
    json_t *rows = json_array();
    int failed = rows == NULL;
    for (int k = 0; k < plan->count && !failed; k++) {
        const tw_forecast *row = &plan->forecast[k];
        failed = json_array_append_new(
            rows, json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "pool", pools[row->pool], "workers",
                            row->workers, "seconds", row->seconds, "tiles", row->tiles, "fresh", row->fresh, "copies",
                            row->copies, "opening", row->opening, "disk", row->disk, "bytes_per_second",
                            row->bytes_per_second, "limit", tw_limit_name(row->limit)));
    }
    return rows;
}

tw_status tw_plan_write_json(const tw_plan *plan, FILE *file, tw_error *error)
{
    if (plan == NULL || file == NULL) {
        return tw__fail_null(error, "tw_plan_write_json", plan == NULL ? "plan" : "file");
    }
    json_t *all = json_pack(
        "{s:s, s:I, s:s, s:f, s:f, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:b, s:s, s:o, s:f, s:o, s:i, s:s}", "version",
        TW_VERSION, "tiles", (json_int_t)plan->tiles, "why", plan->why, "bytes_read", plan->bytes_read, "bytes_written",
        plan->bytes_written, "operations", plan->operations, "timed", (json_int_t)plan->timed, "shortest",
        plan->shortest, "mean", plan->mean, "longest", plan->longest, "set_up", plan->set_up, "together",
        plan->together, "at_least", plan->at_least, "note", plan->note, "bandwidth", speeds(&plan->bandwidth), "shared",
        plan->bandwidth.shared, "forecasts", forecasts(plan), "best", plan->best, "advice", plan->advice);
    if (all == NULL) {
        return tw__fail_memory(error, sizeof *plan, "a plan as JSON");
    }
    errno = 0;
    const int written = json_dumpf(all, file, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', file) >= 0 &&
                        fflush(file) == 0 && !ferror(file);
    const int failed = errno != 0 ? errno : EIO;
    json_decref(all);
    return written ? TW_OK : tw__fail_os(error, tw__file_status(failed), failed, "the plan cannot be written");
}
