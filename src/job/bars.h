/* bars.h - tiles that must not be run, since a tile of an earlier step that they depend on was not done. */
#ifndef TW_JOB_BARS_H
#define TW_JOB_BARS_H

#include <stdatomic.h>

#include "grid/stages.h"

/* Marks in words[] the tiles of stage `s` that use what an earlier tile has not done: each whose box meets that of the
 * other on the axes which both have. What one writes and the other reads or writes counts. Returns how many are barred.
 */
uint64_t tw__bar_tiles(const struct tw__stages *stages, int s, _Atomic uint32_t *words);

/* After the run: barred tiles are tiles that nobody did. */
void tw__unbar_tiles(const struct tw__stages *stages, _Atomic uint32_t *words);

#endif
