/* selection.h - which reductions of a statement list are computed by steps of their own, so that all workers share
 * them, and in which order the steps are done. Data; knows no memory, no pools and no C.
 *
 *     s[] = sum(i: x[i]); r[i] = x[i] / s[]          x of 10^7 elements
 *     step     computes                              cut along
 *     part     partials of sum(i: x[i])              i, at nodes of its tree
 *     list     s[], from the partials                nothing
 *     list     r[i]                                  i */
#ifndef TW_NOTATION_STEPS_SELECTION_H
#define TW_NOTATION_STEPS_SELECTION_H

#include "notation/steps/survey.h"

enum { TW__STEPS_MOST = 64 };

enum tw__step_kind {
    TW__STEP_PART,  /* partials of reductions */
    TW__STEP_MERGE, /* their values, from the partials */
    TW__STEP_LIST   /* statements */
};

struct tw__planned {
    enum tw__step_kind kind;
    uint32_t reductions; /* PART, MERGE: bit r; of PART they have the same axes and none needs another */
    int first, end;      /* LIST: statements first .. end - 1 */
    uint64_t cut;        /* LIST: axes of the program that may be cut: no tile computes what another does too */
    uint64_t operands;   /* bit k: the step reads or writes operand k of the job */
    uint64_t outputs;    /* bit k: LIST: it writes it */
    uint32_t reads;      /* bit r: it reads what an earlier step has of reduction r */
};

struct tw__choice {
    uint32_t settled; /* bit r: reduction r has steps of its own; 0: there is one step, the whole list */
    int nsteps;
    struct tw__planned step[TW__STEPS_MOST];
};

/* given: the user says how axes are divided, and cuts those of `cut` (bit a: axis a of the program); else the work
 * decides. Errors: TW_ERROR_MEMORY. */
tw_status tw__choose_steps(struct tw__choice *choice, const struct tw__survey *survey, int given, uint64_t cut,
                           tw_error *error);

/* One step, the whole list, whatever that costs. Errors: TW_ERROR_MEMORY. */
tw_status tw__choose_whole(struct tw__choice *choice, const struct tw__survey *survey, tw_error *error);

/* Whether the outermost axis of a reduction is one of `axes`: the others of several are never cut. */
int tw__choice_cuts(const struct tw__survey *survey, int reduction, uint64_t axes);

#endif
