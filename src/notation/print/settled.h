/* settled.h - the lines with which the function of a reduction returns if an earlier step has computed its values. */
#ifndef TW_NOTATION_PRINT_SETTLED_H
#define TW_NOTATION_PRINT_SETTLED_H

#include "notation/print/emitter.h"

/* For a function that gives one value: "return"s it. */
void tw__settled_value(struct tw__emitter *e, int node);

/* For one that gives m values in total[]. */
void tw__settled_row(struct tw__emitter *e, int node);

/* For one that gives m values for each of the rows top, top + 1, ...: total[row * width]. */
void tw__settled_block(struct tw__emitter *e, int node, int row_axis, int width);

#endif
