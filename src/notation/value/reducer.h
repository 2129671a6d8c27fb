/* reducer.h - reductions by their codes: look-ups in the tables of reductions.h. A reduction is what a REDUCE node
 * computes, a reducer what a statement calls one. Knows no syntax and no C. */
#ifndef TW_NOTATION_VALUE_REDUCER_H
#define TW_NOTATION_VALUE_REDUCER_H

#include <tilework/tilework.h>

#include "notation/value/reductions.h"

/* ---- REDUCE nodes ---- */

enum tw__reduction {
#define ROW(code, ...) TW__REDUCE_##code,
    TW__REDUCTION_TABLE(ROW)
#undef ROW
        TW__REDUCTIONS
};

enum tw__shape_of_reduction { TW__REDUCES_TREE, TW__REDUCES_RUN, TW__REDUCES_PLACE };

/* The dtype in which elements are combined. */
enum tw__elements { TW__ELEMENTS_WIDE, TW__ELEMENTS_SAME, TW__ELEMENTS_TRUTH };

enum tw__none {
    TW__NONE_ZERO,
    TW__NONE_ONE,
    TW__NONE_MOST,
    TW__NONE_LEAST,
    TW__NONE_NOTHING,
    TW__NONE_FALSE,
    TW__NONE_TRUE
};

struct tw__reduction_row {
    const char *combine;
    enum tw__shape_of_reduction shape;
    enum tw__elements elements;
    enum tw__none none;
};

const struct tw__reduction_row *tw__reduction_row(enum tw__reduction code);

/* The dtype in which elements of a dtype are combined. */
tw_kind tw__reduction_kind(enum tw__reduction code, tw_kind elements);

/* ---- reducers ---- */

enum tw__reducer {
#define ROW(code, ...) TW__REDUCER_##code,
    TW__REDUCER_TABLE(ROW)
#undef ROW
        TW__REDUCERS
};

enum tw__reducer_recipe { TW__RECIPE_PLAIN, TW__RECIPE_TRUTHS, TW__RECIPE_MEAN, TW__RECIPE_SPREAD, TW__RECIPE_LENGTH };

enum tw__reducer_trait {
    TW__REDUCER_HAS_NONE = 0,
    TW__REDUCER_SKIPS = 1, /* elements that are NaN are left out */
    TW__REDUCER_ROOT = 2,  /* the square root of all */
    TW__REDUCER_NEEDS = 4, /* it needs one element */
    TW__REDUCER_DDOF = 8   /* it may have a ddof: std(k: x[k], ddof=1) */
};

struct tw__reducer_row {
    const char *spelled, *usage; /* "sum", "sum(k: x[k])" */
    enum tw__reducer_recipe recipe;
    enum tw__reduction reduce;
    unsigned traits;
};

const struct tw__reducer_row *tw__reducer_row(enum tw__reducer code);

static inline int tw__reducer_has(enum tw__reducer code, enum tw__reducer_trait trait)
{
    return (tw__reducer_row(code)->traits & (unsigned)trait) != 0;
}

#endif
