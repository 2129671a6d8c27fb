/* reach.h - which elements of its operand a read reaches: the reads of a statement beside the shapes, and the least and
 * the largest value of an index. */
#ifndef TW_NOTATION_TYPE_REACH_H
#define TW_NOTATION_TYPE_REACH_H

#include "notation/read/syntax.h"

/* Lengths are found from this. views[noperands]: in the syntax's order; NULL: an output that is not there yet. */
struct tw__extent {
    const struct tw__syntax *syntax;
    const tw_view *const *views;
    const tw_axis_length *given;
    size_t ngiven;
    struct tw__known *known; /* parameters; lengths are filled in here too */
    int64_t *lengths;        /* [naxes] */
    tw_error *error;
};

/* The reads of dimensions that every tile has whole, and those of written ones at other indices than their own, one
 * after the other. Zeros: the first comes next. */
struct tw__walk {
    int node, dimension;
    const struct tw__syntax_node *read;
    const struct tw__syntax_operand *operand;
    const struct tw__syntax_index *index;
    int64_t length; /* of the dimension */
};

/* 0: there are no more. */
int tw__walk_next(const struct tw__extent *extent, struct tw__walk *walk);

int tw__index_uses_length(const struct tw__syntax *syntax, const struct tw__syntax_index *index);

/* The axis that an index consists of; -1: it is something else. */
int tw__index_axis(const struct tw__syntax_index *index);

/* The least and the largest value of an index but for one axis (-1: none): the axes' lengths are known and not 0.
 * Errors: TW_ERROR_SYNTAX (more than 64 bits). */
tw_status tw__index_range(const struct tw__extent *extent, const struct tw__syntax_index *index, int but,
                          int64_t *least, int64_t *largest);

/* Every index of this dimension that has the axis is the axis alone. */
int tw__axis_is_alone(const struct tw__extent *extent, int operand, int dimension, int axis);

/* The index is an axis alone, in a dimension of length 1 that is not cut: its one element is repeated. */
int tw__repeats_one(const struct tw__extent *extent, int operand, int dimension, const struct tw__syntax_index *index);

#endif
