/* tally.c - what a report's tiles come to: of each worker, of each step, and of the whole run. */
#include "run/tally.h"

#include <stdlib.h>

#include "base/error.h"

enum tw__fate tw__fate_of(const tw_tile_record *record)
{
    switch (record->state) {
    case TW_TILE_DONE:
        return record->worker >= 0 ? TW__FATE_DONE : TW__FATE_EARLIER;
    case TW_TILE_FAILED:
        return TW__FATE_FAILED;
    case TW_TILE_RUNNING:
        return TW__FATE_UNFINISHED;
    case TW_TILE_SKIPPED:
        return TW__FATE_SKIPPED;
    default:
        return TW__FATE_FREE;
    }
}

static void add_times(struct tw__tally *tally, int part, const tw_tile_record *record)
{
    const double end = record->start + record->duration;
    tally->timed++;
    tally->retried += record->attempts > 1;
    tally->busy += record->duration;
    tally->last = end > tally->last ? end : tally->last;
    tally->worker[record->worker].tiles++;
    tally->worker[record->worker].failed += record->state == TW_TILE_FAILED;
    tally->worker[record->worker].busy += record->duration;
    if (tally->begin[part] < 0 || record->start < tally->begin[part]) {
        tally->begin[part] = record->start;
    }
    tally->end[part] = end > tally->end[part] ? end : tally->end[part];
}

tw_status tw__tally_create(struct tw__tally *tally, const tw_report *report, tw_error *error)
{
    const size_t workers = report->totals.workers > 0 ? (size_t)report->totals.workers : 1;
    const size_t parts = (size_t)tw__report_parts(report);
    *tally = (struct tw__tally){.workers = report->totals.workers, .parts = (int)parts};
    tally->worker = calloc(workers, sizeof *tally->worker);
    tally->begin = calloc(parts, sizeof *tally->begin);
    tally->end = calloc(parts, sizeof *tally->end);
    if (tally->worker == NULL || tally->begin == NULL || tally->end == NULL) {
        tw__tally_fini(tally);
        return tw__fail_memory(error, workers * sizeof *tally->worker, "what a report's tiles come to");
    }
    for (int p = 0; p < (int)parts; p++) {
        struct tw__report_part part;
        tw__report_part(&part, report, p);
        tally->begin[p] = -1;
        for (uint64_t tile = part.first; tile < part.first + part.grid->count; tile++) {
            tw_tile_record record;
            tw_report_get_tile(report, tile, &record, NULL);
            tally->fates[tw__fate_of(&record)]++;
            if (record.worker >= 0 && record.worker < tally->workers) {
                add_times(tally, p, &record);
            }
        }
    }
    return TW_OK;
}

void tw__tally_fini(struct tw__tally *tally)
{
    free(tally->worker);
    free(tally->begin);
    free(tally->end);
    *tally = (struct tw__tally){0};
}

double tw__tally_idle(const struct tw__tally *tally)
{
    const double all = tally->last * tally->workers;
    return all > tally->busy ? (all - tally->busy) / all : 0;
}
