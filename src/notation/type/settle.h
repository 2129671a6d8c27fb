/* settle.h - reductions that earlier steps of the job have computed: which ones of a program may be, and how the
 * context of a step says what its tiles do.
 *
 * One compiled function serves all steps of a statement list. In a step it gets more operands than the list has, the
 * arrays between the steps, and a context with this behind its values (int64 each, then a byte for each part):
 *
 *     mark, axes, first, end                       the statements first .. end - 1 are run
 *     state, part, place, total, parts, merges     for each reduction that may be settled, in the order of their nodes
 */
#ifndef TW_NOTATION_TYPE_SETTLE_H
#define TW_NOTATION_TYPE_SETTLE_H

#include "notation/type/tree.h"

enum {
    TW__SETTLE_MOST = 16, /* reductions of a program that may be settled, the first ones of the list */
    TW__SETTLE_MARK = 0x73746570
};

/* What stands in front. */
enum tw__step_word {
    TW__STEP_MARK, /* TW__SETTLE_MARK */
    TW__STEP_AXES, /* how many axes the job has: those that only the step's grid has come behind them */
    TW__STEP_FIRST,
    TW__STEP_END,
    TW__STEP_REDUCTIONS /* here the reductions begin */
};

/* What is said of a reduction. */
enum tw__settle_fact {
    TW__SETTLE_STATE,
    TW__SETTLE_PART,   /* number of the operand that has its partials, [parts, axes outside of the reduction] */
    TW__SETTLE_PLACE,  /* argmin and argmax: of the operand with their places */
    TW__SETTLE_TOTAL,  /* of the operand that has its values, [axes outside] */
    TW__SETTLE_PARTS,  /* how many parts */
    TW__SETTLE_MERGES, /* byte of the context: how many merges follow part p, a byte for each part */
    TW__SETTLE_FACTS
};

enum tw__settle_state {
    TW__SETTLE_OPEN,       /* not settled: who needs its value computes it */
    TW__SETTLE_TOTALS,     /* its values are read */
    TW__SETTLE_PARTS_READ, /* its partials are, and merged by who needs a value */
    TW__SETTLE_PARTIAL,    /* the tile computes one of its partials */
    TW__SETTLE_FOLD        /* the tile merges partials into values */
};

/* The REDUCE nodes that may be settled, ascending; returns how many. */
int tw__settle_nodes(const struct tw__program *program, int nodes[TW__SETTLE_MOST]);

/* Which of them a node is; -1: none. */
int tw__settle_number(const struct tw__program *program, int node);

/* "sum(i,j)": a reduction as reports call it, at most size - 1 characters. */
void tw__settle_text(char *text, size_t size, const struct tw__program *program, int node);

/* The byte of a context at which a step's words begin. */
int tw__settle_offset(const struct tw__program *program);

/* The axes of a step's grid. Those of the job come first, with their numbers. Then those of the program that the job's
 * signature lacks, in their order: this is the place of one among them (-1: the job has it). Behind these comes one
 * for the places of a reduction over several axes. */
int tw__settle_axis(const struct tw__program *program, int axis);
int tw__settle_axes(const struct tw__program *program); /* how many the signature lacks */

#endif
