/* entry.h - what a kernel does in the steps of a job: partials of its reductions, their merging, and reductions that
 * are read where an earlier step has left them. type/settle.h says how a step's context asks for it.
 *
 *     reduce7_folded(tile, x0, m, total)      m values from their partials
 *     reduce7_settled(tile, x0, m, total)     m values, wherever an earlier step has left them
 *     reduce7_partial(tile)                   one partial: the tile's part of the places
 *     reduce7_fold(tile)                      the tile's values, from their partials
 *     run_step(tile)                          all that the step's tile is asked for */
#ifndef TW_NOTATION_PRINT_ENTRY_H
#define TW_NOTATION_PRINT_ENTRY_H

#include "notation/print/emitter.h"

/* Prints the first two, before the functions of the reduction. Nothing for one that is never settled. */
void tw__entry_read(struct tw__emitter *e, const struct tw__function *function);

/* Prints the other two, after them. */
void tw__entry_write(struct tw__emitter *e, const struct tw__function *function);

/* Prints run_step, after all statements. */
void tw__entry_steps(struct tw__emitter *e);

#endif
