/* picture.h - a report for people and for their tools: as a trace, as a picture, as a page; and a report that is made
 * of records: part of stage 9 of tilework.h, which includes it. */
#include <tilework/tilework.h> /* comes back here once it has what this stage needs */

#ifndef TILEWORK_PICTURE_H
#define TILEWORK_PICTURE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the report as a trace in the Chrome trace event format (JSON), which Perfetto (ui.perfetto.dev),
 * chrome://tracing and speedscope open: a track for each worker; a slice for each tile, with its ranges, state,
 * attempts and process; what failed or was run again marked as such; the time in which a worker had no tile as slices
 * "idle", but for gaps below 10 us or 1/10,000 of the run, and "lost" up to the end
 * of a process that died, with what it had begun; workers that died or were replaced as instants; of a job of
 * several steps a track with the steps. Times are microseconds since the first tile could begin, to a nanosecond, and
 * grow along each track. Memory: 16 bytes a tile. `file` stays open. Errors: TW_ERROR_FILE, TW_ERROR_DISK,
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_report_write_trace(const tw_report *report, FILE *file, tw_error *error);

/* Writes a picture of the report: HTML of one <div>, UTF-8, with a legend, a map of the tiles of each step in the
 * colour of their worker, and a timeline with a line for each worker. Failed tiles are black with a cross and a red
 * edge, as no worker's are. It stays below about a megabyte: where tiles are too many, a part of the map stands for
 * several, and the timeline shows how busy a worker was. It has no script and loads nothing. `file` stays open. Errors:
 * TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
TW_API tw_status tw_report_write_picture(const tw_report *report, FILE *file, tw_error *error);

/* Writes a whole page of HTML that needs no other file and no network: the totals, the advice, the picture, the tiles
 * that failed (the first 100) and those that took longest. `file` stays open. Errors: TW_ERROR_FILE, TW_ERROR_DISK,
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_report_write_html(const tw_report *report, FILE *file, tw_error *error);

/* A report that is made of what another one said, in another process perhaps: its totals and records[totals->tiles], of
 * a run over `grid`; all are copied. What the run's operands are is not known to it, nor what it takes to advise. Any
 * thread. Errors: TW_ERROR_ARGUMENT (the totals are not of this grid), TW_ERROR_MEMORY. */
TW_API tw_status tw_report_of_records(tw_report **report, const tw_grid *grid, const tw_report_totals *totals,
                                      const tw_tile_record *records, tw_error *error);

#ifdef __cplusplus
}
#endif
#endif
