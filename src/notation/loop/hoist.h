/* hoist.h - what is computed outside of a loop, and how far outside: the levels of its variables and calls. */
#ifndef TW_NOTATION_LOOP_HOIST_H
#define TW_NOTATION_LOOP_HOIST_H

#include "notation/loop/loop.h"

#define TW__ALL_AXES UINT64_MAX

/* Puts each scalar at the first of the levels at which all axes that it changes along have a value: open[k] has bit a
 * if axis a has one at level k. The last level must have all that the scalars need. Scalars are then in the order of
 * their declaration. */
void tw__hoist_scalars(struct tw__loop *loop, int nlevels, const uint64_t *open);

/* Reductions that do not change along `inner`, the axis of the loop around the strip, are computed outside of that
 * loop, for all columns at once: at the first level, from `first` on, at which all that they need has a value. Returns
 * how many. */
int tw__hoist_calls(struct tw__loop *loop, int inner, int first, int nlevels, const uint64_t *open);

#endif
