/* page.c - a report as a page of HTML that needs no other file: totals, advice, picture, and the tiles that one asks
 * about first. Beside advice.c, as it has the advice. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "base/writing.h"
#include "run/tally.h"

#define MOST_FAILED 100 /* that are listed */
#define MOST_SLOW 10
#define MOST_LINE 600 /* characters */

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Tilework: a "
    "run</title>\n<style>\n"
    ":root { color-scheme: light dark }\n"
    "body { font: 14px/1.45 sans-serif; max-width: 720px; margin: 24px auto; padding: 0 16px }\n"
    "h1 { font-size: 20px } h2 { font-size: 16px; margin: 20px 0 6px }\n"
    "table { border-collapse: collapse } td, th { padding: 2px 16px 2px 0; text-align: left; vertical-align: top }\n"
    "li { overflow-wrap: anywhere }\n</style>\n</head>\n<body>\n";

static void write_summary(FILE *file, const tw_report *report, const struct tw__tally *tally)
{
    const tw_report_totals *totals = &report->totals;
    char words[256], advice[1024];
    struct tw__text text;
    tw__text_init(&text, words, sizeof words);
    tw__text_add(&text, "%" PRIu64 " of %" PRIu64 " tiles done in ", totals->done, totals->tiles);
    tw__text_add_duration(&text, totals->seconds);
    tw__text_add(&text, " on ");
    tw__text_add_pool(&text, totals->pool, totals->workers);
    fprintf(file, "<h1>%s</h1>\n", words);
    if (tally->timed > 0) {
        tw_report_advice(report, advice, sizeof advice);
        fputs("<p>Advice: ", file);
        tw__write_html_text(file, advice, sizeof advice);
        fputs("</p>\n", file);
    }
}

static void write_count(FILE *file, const char *name, uint64_t count)
{
    if (count > 0) {
        fprintf(file, "<tr><th>%s</th><td>%" PRIu64 "</td></tr>\n", name, count);
    }
}

static void write_facts(FILE *file, const tw_report *report, const struct tw__tally *tally)
{
    const tw_report_totals *totals = &report->totals;
    fputs("<table>\n", file);
    if (tw_report_why(report) != NULL) {
        fputs("<tr><th>one tile</th><td>", file);
        tw__write_html_text(file, tw_report_why(report), 1000);
        fputs("</td></tr>\n", file);
    }
    write_count(file, "tiles that failed", totals->failed);
    write_count(file, "tiles that an earlier run had done", totals->resumed);
    write_count(file, "tiles that the mask skipped", totals->skipped);
    write_count(file, "tiles not run", tally->fates[TW__FATE_FREE]);
    write_count(file, "tiles run again", tally->retried);
    write_count(file, "workers that died", (uint64_t)totals->deaths);
    write_count(file, "of these, tiles that took too long", (uint64_t)totals->timeouts);
    write_count(file, "workers replaced after their tiles", (uint64_t)totals->recycled);
    write_count(file, "times forked again", (uint64_t)totals->reforks);
    write_count(file, "bytes copied", (uint64_t)totals->bytes_copied);
    if (totals->checked) {
        fprintf(file, "<tr><th>checked</th><td>%s</td></tr>\n",
                totals->identical ? "identical, bit by bit" : "differs from one serial tile");
    }
    fputs("</table>\n", file);
}

static void write_line(FILE *file, const tw_report *report, uint64_t tile)
{
    char line[4096];
    tw_report_line(report, tile, line, sizeof line);
    fprintf(file, "<li>tile %" PRIu64 ": ", tile);
    tw__write_html_text(file, line, MOST_LINE);
    fputs("</li>\n", file);
}

static void write_failed(FILE *file, const tw_report *report, const struct tw__tally *tally)
{
    uint64_t count = 0;
    if (tally->fates[TW__FATE_FAILED] == 0) {
        return;
    }
    fputs("<h2>Failed tiles</h2>\n<ul>\n", file);
    for (uint64_t tile = 0; tile < report->totals.tiles && count < MOST_FAILED; tile++) {
        tw_tile_record record;
        tw_report_get_tile(report, tile, &record, NULL);
        if (record.state == TW_TILE_FAILED) {
            write_line(file, report, tile);
            count++;
        }
    }
    if (count < tally->fates[TW__FATE_FAILED]) {
        fprintf(file, "<li>and %" PRIu64 " more</li>\n", tally->fates[TW__FATE_FAILED] - count);
    }
    fputs("</ul>\n", file);
}

/* The tiles that took longest, longest first. */
static void write_slowest(FILE *file, const tw_report *report)
{
    struct {
        double seconds;
        uint64_t tile;
    } slow[MOST_SLOW + 1];
    int count = 0;
    for (uint64_t tile = 0; tile < report->totals.tiles; tile++) {
        tw_tile_record record;
        tw_report_get_tile(report, tile, &record, NULL);
        if (record.worker < 0 || record.state != TW_TILE_DONE) {
            continue;
        }
        int k = count;
        for (; k > 0 && slow[k - 1].seconds < record.duration; k--) {
            slow[k] = slow[k - 1];
        }
        slow[k].seconds = record.duration;
        slow[k].tile = tile;
        count = count < MOST_SLOW ? count + 1 : MOST_SLOW;
    }
    if (count > 0) {
        fputs("<h2>Tiles that took longest</h2>\n<ul>\n", file);
        for (int k = 0; k < count; k++) {
            write_line(file, report, slow[k].tile);
        }
        fputs("</ul>\n", file);
    }
}

tw_status tw_report_write_html(const tw_report *report, FILE *file, tw_error *error)
{
    if (report == NULL || file == NULL) {
        return tw__fail_null(error, "tw_report_write_html", report == NULL ? "report" : "file");
    }
    struct tw__tally tally;
    tw_status status = tw__tally_create(&tally, report, error);
    if (status != TW_OK) {
        return status;
    }
    errno = 0;
    fputs(head, file);
    write_summary(file, report, &tally);
    write_facts(file, report, &tally);
    status = tw_report_write_picture(report, file, error);
    if (status == TW_OK) {
        write_failed(file, report, &tally);
        write_slowest(file, report);
        fputs("<p>Tilework " TW_VERSION "</p>\n</body>\n</html>\n", file);
        status = fflush(file) != 0 || ferror(file) ? tw__report_cannot_write(error) : TW_OK;
    }
    tw__tally_fini(&tally);
    return status;
}
