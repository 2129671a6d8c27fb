/* timeline.h - a line for each worker, on which its tiles are, and what it was idle. */
#ifndef TW_RUN_TIMELINE_H
#define TW_RUN_TIMELINE_H

#include <stdio.h>

#include "run/tally.h"

/* Draws the timeline of a run. If no tile was run, draws nothing. Errors: TW_ERROR_MEMORY. */
tw_status tw__timeline_write(FILE *file, const tw_report *report, const struct tw__tally *tally, tw_error *error);

#endif
