/* picture.c - a report as a picture: legend, maps and timeline, in one <div> of HTML. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "run/palette.h"
#include "run/tilemap.h"
#include "run/timeline.h"

#define MOST_MAPS 4 /* of steps */

static tw_status write_maps(FILE *file, const tw_report *report, const struct tw__tally *tally, tw_error *error)
{
    tw_status status = TW_OK;
    int drawn = 0;
    for (int p = 0; p < tally->parts && status == TW_OK && drawn < MOST_MAPS; p++) {
        struct tw__report_part part;
        char title[1024];
        struct tw__text text;
        tw__report_part(&part, report, p);
        tw__text_init(&text, title, sizeof title);
        if (tally->parts > 1) {
            tw__text_add(&text, "Step %d of %d: ", p + 1, tally->parts);
        }
        if (text.length < sizeof title) {
            tw__report_part_text(&part, title + text.length, sizeof title - text.length);
        }
        if (tally->parts == 1 || part.grid->count > 1) {
            status = tw__tilemap_write(file, report, &part, title, error);
            drawn++;
        }
    }
    return status;
}

tw_status tw_report_write_picture(const tw_report *report, FILE *file, tw_error *error)
{
    if (report == NULL || file == NULL) {
        return tw__fail_null(error, "tw_report_write_picture", report == NULL ? "report" : "file");
    }
    struct tw__tally tally;
    tw_status status = tw__tally_create(&tally, report, error);
    if (status != TW_OK) {
        return status;
    }
    errno = 0;
    fputs("<div class=\"tilework-report\" style=\"font:12px sans-serif\">\n", file);
    if (report->totals.tiles > 0) {
        tw__svg_legend(file, &tally, report->nburials > 0 && tally.timed > 0);
        status = write_maps(file, report, &tally, error);
    }
    if (status == TW_OK) {
        status = tw__timeline_write(file, report, &tally, error);
    }
    fputs("</div>\n", file);
    tw__tally_fini(&tally);
    if (status == TW_OK && (fflush(file) != 0 || ferror(file))) {
        return tw__report_cannot_write(error);
    }
    return status;
}
