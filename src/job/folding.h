/* folding.h - one tile of a step that folds partials into an output. */
#ifndef TW_JOB_FOLDING_H
#define TW_JOB_FOLDING_H

#include <tilework/tilework.h>

#include "pool/claims.h"

/* tile->operand[0] are all partials of the tile's box, along dimension 0, tile->operand[1] is the box of the output,
 * which has no values yet: it becomes the first partial, then each of the others is brought into it, in order.
 * function: that of TW_FOLD_KERNEL, which gets two operands, part and into, and the output's own axes. */
struct tw__result tw__fold_tile(tw_fold fold, const tw_tile *tile, tw_function function);

#endif
