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

/* The part about several nodes; null: it was not asked for. */
static json_t *nodes_of(const tw_node_plan *made)
{
    if (made->nodes == 0) {
        return json_null();
    }
    return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:i, s:f, s:f, s:s, s:b, s:b, s:s, s:s, s:s, s:s, s:s}", "nodes",
                     (json_int_t)made->nodes, "tiles", (json_int_t)made->tiles, "bytes_read", made->bytes_read,
                     "bytes_written", made->bytes_written, "node_read", made->node_read, "node_written",
                     made->node_written, "workers", made->workers, "node_memory", made->node_memory, "seconds",
                     made->seconds, "file_system", made->file_system, "is_coherent", made->is_coherent, "fits",
                     made->fits, "whole", made->whole, "cuts", made->cuts, "rules", made->rules, "advice", made->advice,
                     "sbatch", made->sbatch);
}

tw_status tw_plan_write_json(const tw_plan *plan, FILE *file, tw_error *error)
{
    if (plan == NULL || file == NULL) {
        return tw__fail_null(error, "tw_plan_write_json", plan == NULL ? "plan" : "file");
    }
    json_t *all = json_pack(
        "{s:s, s:I, s:s, s:f, s:f, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:b, s:s, s:o, s:f, s:o, s:i, s:s, s:o}",
        "version", TW_VERSION, "tiles", (json_int_t)plan->tiles, "why", plan->why, "bytes_read", plan->bytes_read,
        "bytes_written", plan->bytes_written, "operations", plan->operations, "timed", (json_int_t)plan->timed,
        "shortest", plan->shortest, "mean", plan->mean, "longest", plan->longest, "set_up", plan->set_up, "together",
        plan->together, "at_least", plan->at_least, "note", plan->note, "bandwidth", speeds(&plan->bandwidth), "shared",
        plan->bandwidth.shared, "forecasts", forecasts(plan), "best", plan->best, "advice", plan->advice, "on_nodes",
        nodes_of(&plan->on_nodes));
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
