/* words.h - a plan in one sentence. */
#ifndef TW_PLAN_WORDS_H
#define TW_PLAN_WORDS_H

#include <tilework/tilework.h>

#include "base/text.h"

/* Longer tiles for a kernel that needs `set_up` seconds a call: how many of today's each should have, at most so many
 * that four stay for each worker; 1: they are long enough. */
int64_t tw__longer_tiles(double set_up, double mean, int64_t tiles, int workers);

/* Fills in plan->advice. grid: where tiles could be longer. */
void tw__plan_advise(tw_plan *plan, const tw_grid *grid);

/* "200 tiles: i (200) in tiles of 1", and why they are no more if there is one alone. */
void tw__plan_division(char *text, size_t size, const tw_grid *grid);

#endif
