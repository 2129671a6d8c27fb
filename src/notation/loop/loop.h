/* loop.h - one loop of the generated C, settled: what print/ prints line by line and decides nothing about.
 *
 * From the typed tree to a plan, and from there to C, in files that know only those above them:
 *     movement    how a READ moves along an axis
 *     loop        values that are computed together for a strip of elements: how each is found, which are variables
 *     hoist       what is computed outside of the innermost loop, and how far outside
 *     reduction   one reduction: its shape, what is given to it, its loops
 *     product     sums over k of a[i,k] and b[k,j], in blocks of rows and columns
 *     variant     the loops of one statement with strips along one axis of its target
 *     plan        a whole program: its statements, and the functions that compute reductions, in the order of printing
 * Nothing here prints, and nothing of a plan changes once it is made. */
#ifndef TW_NOTATION_LOOP_LOOP_H
#define TW_NOTATION_LOOP_LOOP_H

#include "notation/type/tree.h"

/* clang-format off */
/* A loop runs over the elements q = 0 .. m - 1 of a strip, up to `length` of them along `axis`, x<axis> the first:
 *
 *     double room4[4096];                                   the rooms
 *     const double v3 = tw_item_f64(...);                   scalars: what does not change along the strip
 *     const double *restrict p4 = tw_strip_f64(room4, ...); items: what lies in memory, as it lies there
 *     reduce7_row(tile, x0, x1, m, w7);                     calls: reductions that change along the strip
 *     for (int64_t q = 0; q < m; q++) {
 *         const double v5 = (p4[q] + w7[q]);                variables: what the loop computes once for several uses
 *         out[q] = (v3 * (v5 * v5));                        the roots, to their destination
 *     } */
/* clang-format on */

/* How the C text of a node's value reads. */
enum tw__form {
    TW__FORM_TEXT, /* its expression, printed in place */
    TW__FORM_NAME, /* the variable v<node> */
    TW__FORM_ITEM, /* p<node>[q]: items of a strip as they lie in memory */
    TW__FORM_OWN,  /* out[q]: the target's own element, before it is written */
    TW__FORM_CELL  /* element q of a strip of values that have been computed: w<node>[q] */
};

/* The array on the stack that a function declares for a node. */
enum tw__room {
    TW__ROOM_NONE,
    TW__ROOM_ITEMS, /* room<node>: for items that must be gathered */
    TW__ROOM_CELLS, /* w<node>: values of a reduction, for one strip */
    TW__ROOM_ALL    /* all<node>: the same, for all columns of a panel: computed outside of the loop over the rows */
};

/* Where the loop puts the values of its roots. */
enum tw__destination {
    TW__TO_OUT,   /* out[q], items of the target */
    TW__TO_VALUE, /* value[q], one root */
    TW__TO_CELLS, /* w<node>[q], declared by the function; roots that do not vary are variables */
    TW__TO_ARRAYS /* w<node>[q], all roots; declared by others */
};

/* How a node is found in a loop. */
struct tw__item {
    unsigned char form;      /* enum tw__form: where the value is used */
    unsigned char found;     /* enum tw__form: where its variable is declared; the same as form if it has none */
    unsigned char room;      /* enum tw__room */
    unsigned char is_copied; /* items that the loop itself writes: they are copied into the room first */
    unsigned char is_result; /* a root that needs the array w<node>, declared by the function */
};

/* A variable that does not change along the strip. Levels count the loops around the strip: 0 is the beginning of the
 * function; a variable stands at the first level where all that it depends on is known. */
struct tw__name {
    int node, level;
};

/* A reduction that changes along the strip. */
enum tw__how {
    TW__CALL_STRIP,   /* for each strip, into w<node> */
    TW__CALL_HOISTED, /* outside of the loop over the rows, at `level`, into all<node> */
    TW__CALL_PRODUCT  /* for a block of rows and columns, into block<node>: see product.h */
};
struct tw__call {
    int node, level;
    enum tw__how how;
    int is_row; /* calls the function that computes a row; else one for each element */
};

struct tw__loop {
    const struct tw__program *program;
    int scope;  /* the REDUCE whose body it computes; -1: of a statement */
    int axis;   /* the program's axis that the strip runs along; -1: none, there is no q */
    int target; /* the operand that is written; -1: none */
    enum tw__destination to;
    int length; /* most elements of a strip */
    int fast;   /* 4, 8 or both: bytes of the floats whose fast versions the loop uses; 0: none. See print/prelude.h */
    int first, count;
    struct tw__item *items; /* [count] of the nodes from `first` on */
    int nroots;
    int *roots;
    int nlevels;
    int nscalars;
    struct tw__name *scalars;
    int nvariables;
    int *variables; /* in the loop, in the order of their declaration */
    int nreads;
    int *reads; /* READs that change along the strip */
    int ncalls;
    struct tw__call *calls;
    int64_t stack; /* bytes of the rooms */
};

/* What planning works on: the tree, and room for notes about its nodes. */
struct tw__sheet {
    const struct tw__program *program;
    int *same;            /* [nnodes] the first READ of the same element in the scope; else the node itself */
    unsigned char *level; /* [nnodes] see loop.c; this and those below are notes for the loop that is planned now */
    unsigned char *given;
    int *uses;
    int *height;
};

/* What a loop must compute. */
struct tw__loop_task {
    int scope, axis, target;
    enum tw__destination to;
    int nroots;
    const int *roots;
    int ngiven; /* nodes that are parameters: variables, or cells if they change along the strip */
    const int *given;
    int length; /* most elements of a strip; 0: as many as the rooms allow */
};

/* Decides how each value is found, what is a variable, and the strip's length. All scalars are at level 0 and all calls
 * are made for each strip: see hoist.h. Returns 0 if out of memory; the loop must be ended in any case. */
int tw__loop_init(struct tw__loop *loop, const struct tw__sheet *sheet, const struct tw__loop_task *task);
void tw__loop_fini(struct tw__loop *loop);

/* How a node is found; NULL: it lies outside of the loop's nodes. */
static inline struct tw__item *tw__loop_item(const struct tw__loop *loop, int node)
{
    return node >= loop->first && node - loop->first < loop->count ? &loop->items[node - loop->first] : NULL;
}

/* Whether a node changes along the strip. */
static inline int tw__loop_varies(const struct tw__loop *loop, int node)
{
    return loop->axis >= 0 && (loop->program->nodes[node].axes >> loop->axis & 1) != 0;
}

/* Whether an operation has a fast version, right for most arguments; the full one would keep a loop from being a vector
 * loop. See print/prelude.h. */
int tw__node_is_fast(const struct tw__node *node);

/* Whether the loop computes a root, or finds it there already: a variable, or the result of a reduction. */
int tw__loop_computes(const struct tw__loop *loop, int root);
int tw__loop_has_results(const struct tw__loop *loop); /* it computes one root at least */

/* Whether the target's own elements are read where they are written. */
int tw__loop_has_own(const struct tw__loop *loop);

#endif
