/* tree.h - a statement list whose axes, types and conversions are all decided: what C is printed from.
 *
 * Who prints C from it decides nothing about meaning. Every conversion is a node of its own, every argument has the
 * dtype that its operation wants, every operand, axis and scalar has a number. What is left open is how the loops run.
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
 *     2 * c + len(i)                  one SCALAR: what has no operand and no index in it is computed before the run
 *     isnan(int), x < 1000 of uint8   CONSTANT
 */
#ifndef TW_KERNEL_EXPR_TREE_H
#define TW_KERNEL_EXPR_TREE_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

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

/* Operations. T is the dtype of the children, `operation` in the node: the same for all of them unless it says
 * otherwise. "-> bool": the node's dtype is bool, else it is T. Nothing here is undefined for any value: where C has
 * undefined behaviour, the line says what comes out. Integers wrap. */
enum tw__operation {
    TW__OP_NEGATIVE,     /* integer, float, complex */
    TW__OP_NOT,          /* bool */
    TW__OP_INVERT,       /* integer: ~x */
    TW__OP_ADD,          /* integer, float, complex */
    TW__OP_SUBTRACT,     /* integer, float, complex */
    TW__OP_MULTIPLY,     /* integer, float, complex */
    TW__OP_DIVIDE,       /* float, complex */
    TW__OP_FLOOR_DIVIDE, /* integer (Python's sign; x // 0 is 0, INT_MIN // -1 is INT_MIN), float (as NumPy) */
    TW__OP_REMAINDER,    /* integer (Python's sign; x % 0 is 0, INT_MIN % -1 is 0), float (as NumPy) */
    TW__OP_FMOD,         /* integer, float: as REMAINDER, with the sign of the dividend, C's fmod */
    TW__OP_POWER,        /* integer (a negative exponent makes the kernel fail), float, complex. child[1] is often a
                          * CONSTANT: x**2, x**3, x**0.5 */
    TW__OP_BIT_AND,      /* bool, integer */
    TW__OP_BIT_OR,       /* bool, integer */
    TW__OP_BIT_XOR,      /* bool, integer */
    TW__OP_SHIFT_LEFT,   /* integer: by as many bits as T has or more, or by a negative number: 0 */
    TW__OP_SHIFT_RIGHT,  /* integer: the same: 0, or -1 where the shifted value is negative */
    TW__OP_EQUAL, /* any -> bool. Of the six comparisons: children may be int64 and uint64, in either order, which */
    TW__OP_NOT_EQUAL,  /* are then compared by value, exactly. Complex: as NumPy, the real parts, and where these are */
    TW__OP_LESS,       /* equal the imaginary ones; what has a NaN is not less, not greater, not equal. `operation` */
    TW__OP_LESS_EQUAL, /* is the dtype of child[0]. */
    TW__OP_GREATER,
    TW__OP_GREATER_EQUAL,
    TW__OP_SELECT,    /* child[0] is bool; child[1] where it is true, child[2] where not. `operation` is that of [1] */
    TW__OP_MINIMUM,   /* any; NaN where either is NaN, the first one that is; complex: in NumPy's order */
    TW__OP_MAXIMUM,   /* the same */
    TW__OP_FMIN,      /* the same, but a NaN gives way to the other */
    TW__OP_FMAX,      /* the same */
    TW__OP_COPYSIGN,  /* float: child[0] with the sign of child[1] */
    TW__OP_NEXTAFTER, /* float: the next number of T from child[0] towards child[1] */
    TW__OP_ABSOLUTE,  /* signed integer (INT_MIN stays), float; complex -> its float */
    TW__OP_SIGN,      /* integer, float (NaN stays), complex (x / |x|, 0 for 0) */
    TW__OP_FLOOR,     /* float; this and the three below */
    TW__OP_CEIL,
    TW__OP_RINT, /* to even; complex too, both parts */
    TW__OP_TRUNC,
    TW__OP_ISNAN, /* float, complex -> bool; this and the two below */
    TW__OP_ISINF,
    TW__OP_ISFINITE,
    TW__OP_REAL, /* complex -> its float; this, IMAG and ARG */
    TW__OP_IMAG,
    TW__OP_ARG,  /* atan2(imag, real) */
    TW__OP_CONJ, /* complex */
    TW__OP_SQRT, /* float, complex; from here on, unless it says otherwise */
    TW__OP_CBRT, /* float */
    TW__OP_EXP,
    TW__OP_EXP2,
    TW__OP_EXPM1,
    TW__OP_LOG,
    TW__OP_LOG2,
    TW__OP_LOG10,
    TW__OP_LOG1P,
    TW__OP_SIN,
    TW__OP_COS,
    TW__OP_TAN,
    TW__OP_ASIN,
    TW__OP_ACOS,
    TW__OP_ATAN,
    TW__OP_SINH,
    TW__OP_COSH,
    TW__OP_TANH,
    TW__OP_ASINH,
    TW__OP_ACOSH,
    TW__OP_ATANH,
    TW__OP_ATAN2, /* float */
    TW__OP_HYPOT, /* float */
    TW__OP_ERF,   /* float */
    TW__OP_GAMMA, /* float */
    TW__OPERATIONS
};

enum tw__reduction {
    TW__REDUCE_SUM,    /* integer (int64, uint64), float32, float64, complex. Of no elements: 0 */
    TW__REDUCE_PROD,   /* the same, float16 comes as float32 too. Of no elements: 1 */
    TW__REDUCE_MIN,    /* any; as MINIMUM. Never of no elements: that is refused before the run */
    TW__REDUCE_MAX,    /* the same */
    TW__REDUCE_ANY,    /* bool */
    TW__REDUCE_ALL,    /* bool */
    TW__REDUCE_ARGMIN, /* any -> int64: the place of the first smallest element in the reduced axes' C order; the first
                        */
    TW__REDUCE_ARGMAX  /* NaN counts as smaller, and as larger, than all. Never of no elements */
};

/* What an index gives that lies outside of its dimension. */
enum tw__edge {
    TW__EDGE_INSIDE, /* proven before the run to stay inside: read it without looking */
    TW__EDGE_CLAMP,  /* the nearest index that is inside; the dimension is not empty (proven) */
    TW__EDGE_WRAP,   /* the index modulo the length, however far outside; the dimension is not empty (proven) */
    TW__EDGE_ZERO    /* the value read is 0; the dimension may be empty */
};

/* One dimension's index in a read: constant + slot + sum of factor * axis, all int64, in the whole array's indices.
 * Nothing overflows: proven before the run. */
struct tw__index {
    enum tw__edge edge;
    int tiled; /* the dimension is cut with the tile, and the index is its axis alone (term[0], factor 1): the element
                * is at axis - tile->start of the view. Else the view has the whole dimension. Edge is INSIDE then */
    int nterms;
    struct {
        int axis; /* of the program */
        int64_t factor;
    } term[TW__EXPR_TERMS];
    int64_t constant;
    int offset; /* byte of the context where an int64 lies that is added; -1: none */
};

union tw__value {
    int64_t integer; /* bool (0, 1), signed integers; unsigned ones: the same bits */
    struct {
        double real,
            imag; /* float16, float32, float64, complex: exactly a value of the dtype; may be infinite, NaN, -0 */
    } number;
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
 * that is reduced is never cut: its loop is the whole length. */
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
 * s[i] = sum(j: t[i,j])). Loops may be merged where nobody can tell. Statements may share nodes, but never a read of an
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
    int needs_context; /* it cannot run without one: the kernel then fails with a sentence where tile->context is NULL.
                        * Where this is 0 it must run without: it reads lengths from the tile */
};

/* ---- printing ---- */

/* C for one tile: a source that includes <tilework/tilework.h> and defines `int FUNCTION(const tw_tile *tile)`, the one
 * function that is not static. *text (malloc, terminated) has *length characters and depends on the program alone: no
 * name of the user's is in it. The kernel begins with a check of each operand's dtype and number of dimensions
 * (tw_tile_fail), since a compiled one may be given others. `function` is a C identifier, checked before.
 * Errors: TW_ERROR_MEMORY, TW_ERROR_ARGUMENT (a program that is too large). */
tw_status tw__emit(char **text, size_t *length, const struct tw__program *program, const char *function,
                   tw_error *error);

#endif
