/* status_json.c - how far a job on nodes is, as JSON. */
#include <errno.h>
#include <jansson.h>

#include "base/error.h"
#include "record/journal_file.h"

/* JSON has no number for what is not known. */
static json_t *known(double value)
{
    return value >= 0 && value - value == 0 ? json_real(value) : json_null();
}

static json_t *text_of(const char *text)
{
    return text != NULL ? tw__journal_file_string(text) : json_null();
}

static json_t *failure_of(const tw_node_state *node)
{
    return node->failed
               ? json_pack("{s:I, s:o}", "tile", (json_int_t)node->failed_tile, "message", text_of(node->failure))
               : json_null();
}

static json_t *nodes_of(const tw_job_status *status)
{
    json_t *rows = json_array();
    int failed = rows == NULL;
    for (size_t k = 0; k < status->nnodes && !failed; k++) {
        const tw_node_state *node = &status->nodes[k];
        failed = json_array_append_new(
            rows, json_pack("{s:I, s:I, s:i, s:o, s:I, s:I, s:I, s:f, s:o, s:I, s:o}", "node", (json_int_t)node->node,
                            "count", (json_int_t)node->count, "member", node->member, "host", text_of(node->host),
                            "pid", (json_int_t)node->pid, "done", (json_int_t)node->done, "twice",
                            (json_int_t)node->twice, "at_work", node->at_work, "silent", known(node->silent),
                            "intended", (json_int_t)node->intended, "failure", failure_of(node)));
    }
    return rows;
}

static json_t *disagreements_of(const tw_job_status *status)
{
    json_t *rows = json_array();
    int failed = rows == NULL;
    for (size_t k = 0; k < status->ndisagreements && !failed; k++) {
        const tw_disagreement *row = &status->disagreements[k];
        failed = json_array_append_new(rows, json_pack("{s:I, s:[I, I]}", "tile", (json_int_t)row->tile, "nodes",
                                                       (json_int_t)row->node[0], (json_int_t)row->node[1]));
    }
    return rows;
}

tw_status tw_job_status_write_json(const tw_job_status *status, FILE *file, tw_error *error)
{
    if (status == NULL || file == NULL) {
        return tw__fail_null(error, "tw_job_status_write_json", status == NULL ? "status" : "file");
    }
    json_t *all =
        json_pack("{s:s, s:b, s:o, s:I, s:I, s:f, s:o, s:o, s:o}", "version", TW_VERSION, "finished", status->finished,
                  "description", text_of(status->description), "tiles", (json_int_t)status->tiles, "done",
                  (json_int_t)status->done, "rate", status->rate, "seconds_left", known(status->seconds_left), "nodes",
                  nodes_of(status), "disagreements", disagreements_of(status));
    if (all == NULL) {
        return tw__fail_memory(error, sizeof *status, "a status as JSON");
    }
    errno = 0;
    const int written = json_dumpf(all, file, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', file) >= 0 &&
                        fflush(file) == 0 && !ferror(file);
    const int failed = errno != 0 ? errno : EIO;
    json_decref(all);
    return written ? TW_OK : tw__fail_os(error, tw__file_status(failed), failed, "the status cannot be written");
}
