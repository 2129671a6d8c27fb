/* reduction.h - one reduction, settled: its shape, what is given to the functions that compute it, their loops. */
#ifndef TW_NOTATION_LOOP_REDUCTION_H
#define TW_NOTATION_LOOP_REDUCTION_H

#include "notation/loop/loop.h"

enum {
    /* Bytes of one lane of a row. Sums down 6000 columns of float64, 4000 rows: 6.6 ms at 64 KiB, as long as reading
     * them takes; 9.8 ms at 16 KiB, 18 ms at 2 KiB. */
    TW__REDUCTION_WIDTH_BYTES = 64 * 1024,
    TW__REDUCTION_WIDTH = 8192,      /* columns of a row that are computed at once, at most */
    TW__REDUCTION_CHUNK_BYTES = 512, /* of the columns that go down 8 rows at once: 6.6 ms; 9.5 ms at 2 KiB */
    TW__REDUCTION_ROWS = 8,
    TW__REDUCTION_BLOCK = 128,     /* rows of a block: narrow totals of it do not overflow, places in it fit 8 bits */
    TW__REDUCTION_RUN = 1024,      /* elements of a strip that are brought together in any order */
    TW__REDUCTION_RUN_BYTES = 8192 /* of those that are used where they lie: uint8 need more, to be worth a call */
};

/* What every reduction says of itself. */
struct tw__reduced {
    int node;
    enum tw__reduction code;
    tw_kind type; /* of the elements that become one */
    int is_place; /* argmin, argmax */
    int is_value; /* sum, prod, min, max */
    int is_tree;  /* sums and products of floats: computed in the order of grid/fold.h. The others give the same bits in
                   * whatever order; of equal elements, such as 0.0 and -0.0, the last counts, to argmin and argmax the
                   * first */
};
struct tw__reduced tw__reduced_of(const struct tw__program *program, int node);

/* How many columns of a row its functions take, at most. */
int tw__reduction_width(const struct tw__program *program, int node);

/* Whether the whole is 0.0 + the tree: of sums of floats, so that there is no sum -0.0. */
int tw__reduced_adds_zero(const struct tw__reduced *r);

/* Two shapes that give the same bits. "point" is one value: the strip runs along the last reduced axis. "row" is the
 * values for a strip of the caller's axis, for reductions that read along that one: see movement.h. */
struct tw__reduction_plan {
    struct tw__reduced of;
    int is_row; /* the shape */
    int ngiven; /* nodes of the body that do not change while it reduces, and are more than a constant or an index: */
    int *given; /* computed once by the function that is called, given to the others */
    struct tw__loop head; /* computes them; no roots: there are none */
    struct tw__loop body; /* computes the elements */
    tw_kind element;      /* of what the body computes: `of.type`, or a smaller integer that becomes it */
    int direct;           /* point: the elements are items of one array side by side: used where they lie */
    int is_plain;         /* point: the elements are added as they are computed: see tw__strip_fold */
    int is_flat;          /* point: where strides allow it, the reduced axes are one: see tw__emit_flat */
    int width;            /* row: most columns */
};

/* Settles a reduction that is called from strips along `along`, which only the shape "row" needs. Returns 0 if out of
 * memory; the plan must be ended in any case. */
int tw__reduction_init(struct tw__reduction_plan *r, const struct tw__sheet *sheet, int node, int is_row, int along);
void tw__reduction_fini(struct tw__reduction_plan *r);

#endif
