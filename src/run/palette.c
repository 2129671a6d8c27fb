/* palette.c - how tiles look in pictures: a colour for each worker, and what no worker has for all else. */
#include "run/palette.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/writing.h"
#include "grid/signature.h"

#define MOST_AXES_NAMED 6    /* in a tile's tooltip */
#define MOST_NAME 24         /* characters of an axis there */
#define LEGEND_WIDTH 640     /* pixels */
#define LEGEND_ROW 20        /* pixels */
#define LETTER 6             /* pixels, about */
#define MOST_WORKERS_NAMED 3 /* that share a colour */

const char *tw__colour(int worker)
{
    /* Without the palette's vermilion, which is near the edge of failed tiles, and its black. */
    static const char *const colours[TW__COLOURS] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442"};
    return colours[worker % TW__COLOURS];
}

void tw__svg_begin(FILE *file, int width, int height, const char *label)
{
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "style=\"display:block;max-width:100%%;height:auto\" font-family=\"sans-serif\" font-size=\"1100\" "
            "role=\"img\" aria-label=\"",
            width, height, width * TW__PIXEL, height * TW__PIXEL);
    tw__write_html_text(file, label, 200);
    fputs("\">\n", file);
}

void tw__svg_end(FILE *file)
{
    fputs("</svg>\n", file);
}

void tw__svg_text(FILE *file, int x, int y, const char *anchor, const char *text, size_t most)
{
    fprintf(file, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" fill=\"currentColor\">", x, y, anchor);
    if (strlen(text) > most) {
        fputs("<title>", file);
        tw__write_html_text(file, text, 1000);
        fputs("</title>", file);
    }
    tw__write_html_text(file, text, most);
    fputs("</text>\n", file);
}

static void draw_box(FILE *file, struct tw__box box, const char *style)
{
    fprintf(file, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" %s/>", box.x, box.y, box.width, box.height,
            style);
}

void tw__svg_idle(FILE *file, struct tw__box box)
{
    fputs("<g>", file);
    draw_box(file, box, "class=\"tw-idle\" fill=\"#888\" fill-opacity=\"0.15\"");
}

void tw__svg_end_of_worker(FILE *file, int x, int y)
{
    fprintf(file,
            "<g><path class=\"tw-death\" d=\"M%d %dl-400 -500h800z\" fill=\"#d00000\" stroke=\"#000\" "
            "stroke-width=\"80\"/>",
            x, y);
}

/* Two diagonals. */
static void draw_cross(FILE *file, struct tw__box box, const char *colour)
{
    const int right = box.x + box.width, bottom = box.y + box.height;
    fprintf(file, "<path d=\"M%d %dL%d %dM%d %dL%d %d\" stroke=\"%s\" stroke-width=\"120\"/>", box.x, box.y, right,
            bottom, box.x, bottom, right, box.y, colour);
}

void tw__svg_tile_begin(FILE *file, struct tw__box box, enum tw__fate fate, int worker)
{
    const int is_large = box.width >= 5 * TW__PIXEL && box.height >= 5 * TW__PIXEL;
    fputs("<g>", file);
    switch (fate) {
    case TW__FATE_DONE:
        fprintf(file, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"%s/>", box.x, box.y, box.width,
                box.height, tw__colour(worker), is_large ? " stroke=\"#fff\" stroke-width=\"50\"" : "");
        break;
    case TW__FATE_FAILED:
        draw_box(file, box,
                 is_large ? "fill=\"#000\" stroke=\"#d00000\" stroke-width=\"120\" class=\"tw-failed\""
                          : "fill=\"#000\" class=\"tw-failed\"");
        if (is_large) {
            draw_cross(file, box, "#fff");
        }
        break;
    case TW__FATE_EARLIER:
        draw_box(file, box, is_large ? "fill=\"#bbb\" stroke=\"#fff\" stroke-width=\"50\"" : "fill=\"#bbb\"");
        break;
    case TW__FATE_UNFINISHED:
        draw_box(file, box, "fill=\"#fff\" stroke=\"#000\" stroke-width=\"100\" stroke-dasharray=\"200\"");
        break;
    case TW__FATE_SKIPPED:
        draw_box(file, box, "fill=\"#888\" fill-opacity=\"0.15\"");
        fprintf(file, "<path d=\"M%d %dL%d %d\" stroke=\"#999\" stroke-width=\"60\"/>", box.x, box.y + box.height,
                box.x + box.width, box.y);
        break;
    default:
        draw_box(file, box, is_large ? "fill=\"#fff\" stroke=\"#bbb\" stroke-width=\"80\"" : "fill=\"#fff\"");
    }
}

void tw__svg_tile_end(FILE *file)
{
    fputs("</g>\n", file);
}

void tw__svg_tile_title(FILE *file, const tw_report *report, const struct tw__report_part *part, uint64_t tile)
{
    int64_t start[TW__MAX_AXES], stop[TW__MAX_AXES];
    tw_tile_record record;
    char words[128];
    struct tw__text text;
    tw_report_get_tile(report, tile, &record, NULL);
    tw_grid_tile(part->grid, tile - part->first, start, stop);
    fprintf(file, "<title>tile %" PRIu64, tile);
    for (int a = 0; a < part->grid->naxes && a < MOST_AXES_NAMED; a++) {
        fputs(a == 0 ? ": " : ", ", file);
        tw__write_html_text(file, part->grid->signature->axes[a], MOST_NAME);
        fprintf(file, " %" PRId64 ":%" PRId64, start[a], stop[a]);
    }
    fputs(part->grid->naxes > MOST_AXES_NAMED ? ", ..." : "", file);
    tw__text_init(&text, words, sizeof words);
    switch (tw__fate_of(&record)) {
    case TW__FATE_DONE:
    case TW__FATE_FAILED:
        tw__text_add(&text, "; %s worker %d ", record.state == TW_TILE_DONE ? "done by" : "FAILED on", record.worker);
        tw__text_add(&text, record.state == TW_TILE_DONE ? "in " : "after ");
        tw__text_add_duration(&text, record.duration);
        break;
    case TW__FATE_EARLIER:
        tw__text_add(&text, "; done by an earlier run");
        break;
    case TW__FATE_UNFINISHED:
        tw__text_add(&text, "; begun by worker %d, not finished", record.worker);
        break;
    case TW__FATE_SKIPPED:
        tw__text_add(&text, "; skipped by the mask");
        break;
    default:
        tw__text_add(&text, "; not run");
    }
    if (record.attempts > 1) {
        tw__text_add(&text, ", attempt %d", record.attempts);
    }
    fprintf(file, "%s</title>", words);
}

/* ---- the legend ---- */

/* Entries that are no tiles, beside the fates. */
enum { NO_TILE = TW__FATES, A_MARK };

struct legend {
    FILE *file;
    int x, row; /* pixels, and rows of LEGEND_ROW pixels */
    int draws;  /* else it measures */
};

static void add_entry(struct legend *legend, int fate, int worker, const char *text)
{
    const int width = 24 + LETTER * (int)strlen(text) + 14;
    if (legend->x > 0 && legend->x + width > LEGEND_WIDTH) {
        legend->x = 0;
        legend->row++;
    }
    if (legend->draws) {
        const int x = legend->x * TW__PIXEL, y = legend->row * LEGEND_ROW * TW__PIXEL;
        const struct tw__box box = {x + 100, y + 300, 1400, 1200};
        if (fate == NO_TILE) {
            tw__svg_idle(legend->file, box);
        } else if (fate == A_MARK) {
            tw__svg_end_of_worker(legend->file, x + 800, y + 1200);
        } else {
            tw__svg_tile_begin(legend->file, box, (enum tw__fate)fate, worker);
        }
        tw__svg_tile_end(legend->file);
        tw__svg_text(legend->file, x + 2000, y + 1300, "start", text, 60);
    }
    legend->x += width;
}

/* "worker 2", "workers 0, 6, 12, ..." */
static void add_workers(struct legend *legend, const struct tw__tally *tally, int colour)
{
    char words[96];
    struct tw__text text;
    tw__text_init(&text, words, sizeof words);
    tw__text_add(&text, tally->workers > colour + TW__COLOURS ? "workers " : "worker ");
    for (int w = colour, n = 0; w < tally->workers; w += TW__COLOURS, n++) {
        tw__text_add(&text, "%s", n > 0 ? ", " : "");
        if (n == MOST_WORKERS_NAMED) {
            tw__text_add(&text, "...");
            break;
        }
        tw__text_add(&text, "%d", w);
    }
    add_entry(legend, TW__FATE_DONE, colour, words);
}

static void add_entries(struct legend *legend, const struct tw__tally *tally, int ends)
{
    static const struct {
        enum tw__fate fate;
        const char *words;
    } others[] = {{TW__FATE_FAILED, "failed"},
                  {TW__FATE_EARLIER, "done by an earlier run"},
                  {TW__FATE_UNFINISHED, "begun, not finished"},
                  {TW__FATE_FREE, "not run"},
                  {TW__FATE_SKIPPED, "skipped by the mask"}};
    legend->x = legend->row = 0;
    for (int w = 0; w < tally->workers && w < TW__COLOURS && tally->timed > 0; w++) {
        add_workers(legend, tally, w);
    }
    if (tally->timed > 0) {
        add_entry(legend, NO_TILE, 0, "idle");
    }
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        if (tally->fates[others[k].fate] > 0) {
            add_entry(legend, (int)others[k].fate, 0, others[k].words);
        }
    }
    if (ends) {
        add_entry(legend, A_MARK, 0, "a process ended, and another took its place");
    }
}

void tw__svg_legend(FILE *file, const struct tw__tally *tally, int ends)
{
    struct legend legend = {.file = file};
    add_entries(&legend, tally, ends);
    legend.draws = 1;
    tw__svg_begin(file, LEGEND_WIDTH, LEGEND_ROW * (legend.row + 1), "legend");
    add_entries(&legend, tally, ends);
    tw__svg_end(file);
}
