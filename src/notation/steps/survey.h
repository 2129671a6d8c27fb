/* survey.h - what a program's reductions need, what they cost and who reads them: the facts by which it is decided
 * which ones become steps of their own. Data, made from the typed tree and the lengths. */
#ifndef TW_NOTATION_STEPS_SURVEY_H
#define TW_NOTATION_STEPS_SURVEY_H

#include "notation/type/settle.h"

/* One reduction that may be settled. */
struct tw__surveyed {
    int node;
    uint64_t outside;    /* bit a: its value changes along axis a of the program */
    uint64_t reduced;    /* the axes that it reduces */
    uint64_t bound;      /* a tile that computes it needs all indices of these axes: see type/inner.h */
    uint64_t strips;     /* axes outside along which it takes whole rows, too short to be cut for many tiles */
    uint64_t blocks;     /* axes outside of a product, a[i,k] * b[k,j]: it takes blocks of rows and columns */
    int64_t outsides;    /* how many values it has */
    int64_t places;      /* how many elements become one of them */
    double work;         /* nanoseconds, about, of all its values */
    int64_t bytes;       /* of the operands that it reads, all of them */
    uint64_t operands;   /* bit k: it reads operand k, itself or by a reduction in its body that is not settled */
    uint64_t statements; /* bit s: statement s needs it */
    uint32_t needs;      /* bit r: reduction r stands in its body */
};

struct tw__survey {
    const struct tw__program *program;
    const int64_t *lengths; /* of the program's axes */
    int count;
    struct tw__surveyed of[TW__SETTLE_MOST];
    uint64_t targets[TW__EXPR_STATEMENTS]; /* bit a: what statement s writes has axis a */
    double work;                           /* of all statements */
};

/* Fills everything in but `work`, that of the whole and of each reduction, which the caller knows. Errors:
 * TW_ERROR_MEMORY. */
tw_status tw__survey_make(struct tw__survey *survey, const struct tw__program *program, const int64_t *lengths,
                          tw_error *error);

/* The product of the lengths of some axes; INT64_MAX: that or more. */
int64_t tw__survey_product(const struct tw__survey *survey, uint64_t axes);

/* The operands that a value reads, and the reductions that it needs, if those in `settled` are read as they are.
 * Errors: TW_ERROR_MEMORY. */
tw_status tw__survey_reach(const struct tw__program *program, int value, uint32_t settled, uint64_t *operands,
                           uint32_t *reductions, tw_error *error);

#endif
