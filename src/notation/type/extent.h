/* extent.h - the lengths of a statement's axes, and the proof that no read goes outside. */
#ifndef TW_KERNEL_EXPR_EXTENT_H
#define TW_KERNEL_EXPR_EXTENT_H

#include "notation/read/syntax.h"

/* What lengths are found from. views[noperands]: in the syntax's order; NULL: an output that is not there yet. */
struct tw__extent {
    const struct tw__syntax *syntax;
    const tw_view *const *views;
    const tw_axis_length *given;
    size_t ngiven;
    struct tw__known *known; /* parameters; lengths are filled in here too */
    int64_t *lengths;        /* [naxes] */
    tw_error *error;
};

/* Finds lengths[naxes]. Errors: TW_ERROR_ARGUMENT, TW_ERROR_SYNTAX (with the place). */
tw_status tw__find_lengths(struct tw__extent *extent);

/* Every read stays inside, or has an edge that can be applied; every reduction that needs an element has one. */
tw_status tw__prove_reads(struct tw__extent *extent);

/* The index is an axis alone, in a dimension of length 1 that is not cut: its one element is repeated. */
int tw__repeats_one(const struct tw__extent *extent, int operand, int dimension, const struct tw__syntax_index *index);

#endif
