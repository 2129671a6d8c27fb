/* plan.h - a whole program as loops: its statements, and the functions that compute their reductions, in the order in
 * which they are printed: each after those that it calls. */
#ifndef TW_NOTATION_LOOP_PLAN_H
#define TW_NOTATION_LOOP_PLAN_H

#include "notation/loop/product.h"
#include "notation/loop/reduction.h"
#include "notation/loop/variant.h"

/* The functions of one reduction. */
struct tw__function {
    int is_product;
    union {
        struct tw__reduction_plan reduction;
        struct tw__product_plan product;
    } u;
};

struct tw__statement_plan {
    int target;
    int nfunctions; /* of the plan's functions, those up to here stand before the statement */
    int nvariants;
    struct tw__variant variant[3]; /* more than one: the kernel takes the cheapest for the tile's strides */
};

struct tw__plan {
    const struct tw__program *program;
    int *same;       /* [nnodes] the first READ of the same element in the scope; else the node itself */
    int can_fail;    /* a tile of it may fail: the kernel looks for a message */
    int has_complex; /* some value is complex: the kernel needs these types */
    int nstatements;
    struct tw__statement_plan *statements;
    int nfunctions, room;
    struct tw__function *functions;
};

/* Plans a program. Nothing is printed for one that is refused.
 * Errors: TW_ERROR_MEMORY, TW_ERROR_ARGUMENT (its rooms would take too much of a thread's stack). */
tw_status tw__plan_init(struct tw__plan *plan, const struct tw__program *program, tw_error *error);
void tw__plan_fini(struct tw__plan *plan);

#endif
