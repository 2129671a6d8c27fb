/* strip.h - the lines of a loop over the elements of a strip: rooms, scalars, items, the loop itself. loop/loop.h shows
 * them. */
#ifndef TW_NOTATION_PRINT_STRIP_H
#define TW_NOTATION_PRINT_STRIP_H

#include "notation/loop/loop.h"
#include "notation/print/emitter.h"

/* Declares the rooms, at the beginning of the function. */
void tw__strip_rooms(struct tw__emitter *e, const struct tw__loop *loop);

/* Declares the scalars of one level. */
void tw__strip_scalars(struct tw__emitter *e, const struct tw__loop *loop, int level);

/* Computes the reductions that are hoisted to one level, for x<axis> from the variable begin to end, no more than the
 * strip's length. */
void tw__strip_hoisted(struct tw__emitter *e, const struct tw__loop *loop, int level);

/* Declares the items that lie in memory, and computes the reductions of the strip. */
void tw__strip_items(struct tw__emitter *e, const struct tw__loop *loop);

/* The loop: twice if it has fast versions, the second time for strips in which one of them does not hold. */
void tw__strip_loops(struct tw__emitter *e, const struct tw__loop *loop);

/* Opens a loop over the strip in which v, of the C type `type`, is the value of its only root. With fast versions the
 * array `value` has the values first: the caller declares it if loop->fast is not 0. */
void tw__strip_open_values(struct tw__emitter *e, const struct tw__loop *loop, const char *type);

/* The lines of a function that returns what the strip's `count` elements become, in the order of grid/fold.h: eight
 * lanes, these in pairs, then the rest. The elements go through no array. `none` changes no value. */
void tw__strip_fold(struct tw__emitter *e, const struct tw__loop *loop, const char *combine, tw_kind kind,
                    const char *none);

/* into[p * length + q] = combine(into[p * length + q], value) for all q < loop->length; combine NULL: = value. */
void tw__strip_combine(struct tw__emitter *e, const struct tw__loop *loop, const char *into, const char *combine,
                       tw_kind kind);

#endif
