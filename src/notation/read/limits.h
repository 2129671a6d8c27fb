/* limits.h - how large a statement list may be, as a text and as a tree. */
#ifndef TW_NOTATION_READ_LIMITS_H
#define TW_NOTATION_READ_LIMITS_H

enum {
    TW__EXPR_AXES = 64,    /* named axes of a statement list, those of reductions included */
    TW__EXPR_TERMS = 4,    /* axes in one index: u[2*i + k + 1] has 2 */
    TW__EXPR_REDUCED = 8,  /* axes of one reduction */
    TW__EXPR_NODES = 8192, /* nodes of a program */
    TW__EXPR_DEPTH = 512,  /* the longest way from a statement's value to a leaf, in nodes */
    TW__EXPR_STATEMENTS = 64,
    TW__EXPR_SCALARS = 512, /* slots of the context */
    TW__EXPR_NAME = 64      /* longest name, terminator included */
};

#endif
