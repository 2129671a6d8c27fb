/* resolve.h - which operand is cut along which axis, and the signature that follows. */
#ifndef TW_NOTATION_TYPE_RESOLVE_H
#define TW_NOTATION_TYPE_RESOLVE_H

#include "notation/read/syntax.h"

/* Cuts every dimension of an input that is read at one and the same axis everywhere, gives every axis its edge, and
 * makes the signature. Errors: TW_ERROR_ARGUMENT (edges of axes that are not there), TW_ERROR_SYNTAX (edges that do not
 * go together, too many axes), TW_ERROR_MEMORY. */
tw_status tw__resolve(struct tw__syntax *syntax, const tw_axis_edge *edges, size_t nedges, tw_signature **signature,
                      tw_error *error);

/* The edge of an index: that of its axes. */
tw_edge tw__index_edge(const struct tw__syntax *syntax, const struct tw__syntax_index *index);

/* The first axis that has the edge of an index, numbers included; -1: the index has no edge. */
int tw__index_edge_axis(const struct tw__syntax *syntax, const struct tw__syntax_index *index);

/* The index is `axis` alone. */
int tw__index_is_axis(const struct tw__syntax_index *index, int axis);

#endif
