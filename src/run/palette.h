/* palette.h - how tiles look in pictures: a colour for each worker, and what no worker has for all else. Colours are
 * those of Okabe and Ito, which people tell apart whatever their eyes; failed tiles are black with a cross and a red
 * edge, so that neither a colour nor a shape alone says it. */
#ifndef TW_RUN_PALETTE_H
#define TW_RUN_PALETTE_H

#include <stdio.h>

#include "run/tally.h"

/* Hundredths of a pixel: pictures are drawn in integers. */
#define TW__PIXEL 100

/* A box in a picture. */
struct tw__box {
    int x, y, width, height;
};

/* The colours repeat after this many workers. */
#define TW__COLOURS 6
const char *tw__colour(int worker);

/* Opens an <svg> of this size in pixels, described by `label`; and closes it. */
void tw__svg_begin(FILE *file, int width, int height, const char *label);
void tw__svg_end(FILE *file);

/* A text whose baseline begins ("start"), is centred ("middle") or ends ("end") at x, cut after `most` characters; its
 * whole is its tooltip then. */
void tw__svg_text(FILE *file, int x, int y, const char *anchor, const char *text, size_t most);

/* Draws a tile, and leaves it open for its <title>. */
void tw__svg_tile_begin(FILE *file, struct tw__box box, enum tw__fate fate, int worker);
void tw__svg_tile_end(FILE *file);

/* Likewise the ground on which a worker's tiles lie. */
void tw__svg_idle(FILE *file, struct tw__box box);

/* The <title> of one tile: number, ranges, what became of it. `part` is the step that it belongs to. */
void tw__svg_tile_title(FILE *file, const tw_report *report, const struct tw__report_part *part, uint64_t tile);

/* A mark for the end of a worker whose seat another took, with its tip at (x, y); left open likewise. */
void tw__svg_end_of_worker(FILE *file, int x, int y);

/* The legend of all that occurs in a report; `ends`: workers have ended. */
void tw__svg_legend(FILE *file, const struct tw__tally *tally, int ends);

#endif
