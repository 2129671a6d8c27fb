/* tilemap.h - a map of a step's tiles over the first two axes that are divided, in the colour of their worker. */
#ifndef TW_RUN_TILEMAP_H
#define TW_RUN_TILEMAP_H

#include <stdio.h>

#include "run/report.h"

/* Draws the map of a step; `title` comes above it. Where tiles are too many, or differ along further axes too, a cell
 * stands for several: it is failed if one of them is, not run if one is not, else in the colour of the worker that did
 * most. A step without tiles draws nothing. Errors: TW_ERROR_MEMORY. */
tw_status tw__tilemap_write(FILE *file, const tw_report *report, const struct tw__report_part *part, const char *title,
                            tw_error *error);

#endif
