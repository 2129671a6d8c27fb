/* tree.h - a statement list whose axes, types and conversions are all decided: what C is printed from.
 *
 * The printer decides nothing about meaning. Every conversion is a node of its own, every argument has the
 * dtype that its operation wants, every operand, axis and scalar has a number. How the loops run is left open.
 *
 * What stands for what
 *     text                            tree
 *     r[i] += e                       assignment of ADD(READ r, e), converted to r's dtype; there is no other '+='
 *     a < b < c                       BIT_AND of two comparisons that share the node of b
 *     x and y, x or y, not x          BIT_AND, BIT_OR, NOT of bool
 *     x if c else y, where(c, x, y)   SELECT
 *     +x; conj(x), real(x) of a real  x
 *     ~x of bool; x + y, x * y of bool            NOT; BIT_OR, BIT_AND
 *     clip(x, lo, hi)                 MINIMUM(MAXIMUM(x, lo), hi)
 *     round(x, 2)                     DIVIDE(RINT(MULTIPLY(x, 100.0)), 100.0)
 *     mean(k: x)                      DIVIDE(REDUCE SUM, the number of elements from the context)
 *     sum of float16                  CAST to float16 of REDUCE SUM of float32
 *     2 * c + len(i)                  one SCALAR: it contains no operand and no index, so it is computed before the run
 *     isnan(int), x < 1000 of uint8   CONSTANT
 */
#ifndef TW_NOTATION_TYPE_TREE_H
#define TW_NOTATION_TYPE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

#include "notation/read/limits.h"
#include "notation/value/number.h"
#include "notation/value/operation.h"
#include "notation/value/reducer.h"

/* ---- nodes ---- */

enum tw__node_kind {
    TW__NODE_CONSTANT, /* a value of `dtype` */
    TW__NODE_SCALAR,   /* a value of `dtype` in the context, at byte `offset` */
    TW__NODE_INDEX,    /* int64: the index that axis `axis` has, in the whole arrays (not relative to the tile) */
    TW__NODE_READ,     /* an element of `operand`, at `indices` */
    TW__NODE_CAST,     /* child[0] converted to `dtype`, as NumPy's astype; any kind to any other */
    TW__NODE_OPERATION,
    TW__NODE_REDUCE
};

/* One dimension's index in a read: constant + slot + sum of factor * axis, all int64, in the whole array's indices.
 * Nothing overflows: proven before the run. */
struct tw__index {
    tw_edge edge; /* TW_EDGE_ERROR: proven before the run to stay inside, it is read without looking. ZERO and
                   * CONSTANT: the dimension may be empty. All others: it is not empty (proven) */
    int outside; /* CONSTANT: byte of the context where the number lies, in the dtype of the read. Outside along several
                  * dimensions that have a number the last one's is read, as numpy.pad has it */
    int tiled;   /* the dimension is cut with the tile, and the index is its axis alone (term[0], factor 1): the element
                  * is at axis - tile->start of the view. Else the view has the whole dimension. Its edge is TW_EDGE_ERROR
                  */
    int nterms;
    struct {
        int axis; /* of the program */
        int64_t factor;
    } term[TW__EXPR_TERMS];
    int64_t constant;
    int offset; /* byte of the context where an int64 lies that is added; -1: none */
};

struct tw__node {
    enum tw__node_kind kind;
    tw_kind dtype; /* never TW_OPAQUE */
    int column;    /* 1-based, where it stands in the text; 0: nowhere */
    uint64_t
        axes;  /* bit a: the value may change along axis a of the program (reduced axes of a REDUCE are not in it) */
    int scope; /* the REDUCE node that it is in the body of, -1: none. A node is a child only of nodes of its own scope
                * (and of the REDUCE that is its scope), so that each body can be printed by itself */
    int child[3]; /* nodes, all with smaller numbers than this one; several parents may share a child */
    int nchildren;
    int lifted; /* a CONSTANT that may as well be a value of the context: see lift.h */
    union {
        union tw__value constant;
        int offset; /* SCALAR */
        int axis;   /* INDEX */
        struct {
            int operand;
            int indices; /* index of dimension d: program->indices[indices + d] */
        } read;
        struct {
            enum tw__operation code;
            tw_kind operation; /* dtype of the children */
        } op;
        struct {
            enum tw__reduction code; /* child[0] is the body; its dtype is the accumulator's, and the node's (but for */
            int naxes;               /* ARGMIN and ARGMAX) */
            int axis[TW__EXPR_REDUCED]; /* outermost first: their C order is the order of the elements */
        } reduce;
    } u;
};

/* ---- programs ---- */

/* An axis runs over 0 .. length - 1. That of an output has a tile axis, whose start and stop bound the loop; an axis
 * that is reduced has none of its own: its loop is the whole length, or what the tile of a step has of it. */
struct tw__axis {
    char name[TW__EXPR_NAME];
    int tile; /* its number in tile->start and tile->stop; -1: the tile has none (the length is in the context) */
};

struct tw__expr_operand {
    char name[TW__EXPR_NAME];
    tw_kind dtype;
    tw_role role; /* OUT: written before it is read; INOUT: read first. Outputs are read at their own indices alone */
    int ndim;
    int axis[TW_MAX_DIMS]; /* axis of the program that the dimension is cut with; -1: every tile has it whole */
};

/* target[its axes] = value, for every index of the tile on the target's axes. Statements run one after the other: the
 * second may read what the first has written, also at other elements of the tile than its own (t[i,j] = ...;
 * s[i] = sum(j: t[i,j])). Loops may be merged if no result changes. Statements may share nodes, but never a read of an
 * output. */
struct tw__assignment {
    int target; /* operand, out or inout; all its dimensions are cut */
    int value;  /* node, of the target's dtype, scope -1 */
};

/* The context of the kernel: int64 length[naxes], of every axis of the program; from TW__CONTEXT_SCALARS on, 16 bytes
 * for each scalar, which holds a value of its node's dtype at its beginning (complex: two floats). */
#define TW__CONTEXT_SCALARS(naxes) ((int)(((naxes)*8 + 15) / 16 * 16))

struct tw__program {
    int naxes;
    struct tw__axis axes[TW__EXPR_AXES];
    int noperands; /* in the order of tile->operand */
    struct tw__expr_operand operands[TW_MAX_OPERANDS];
    int nstatements;
    struct tw__assignment statements[TW__EXPR_STATEMENTS];
    int nnodes;
    struct tw__node *nodes;
    int nindices;
    struct tw__index *indices;
    int nscalars;
    int needs_context; /* it cannot run without one: the kernel fails with a sentence if tile->context is NULL.
                        * Where this is 0 it must run without: it reads lengths from the tile */
};

static inline const struct tw__node *tw__node_at(const struct tw__program *program, int number)
{
    return &program->nodes[number];
}

/* Whether two READ nodes read the same element. */
int tw__tree_same_element(const struct tw__program *program, const struct tw__node *x, const struct tw__node *y);

#endif
