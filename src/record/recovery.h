/* recovery.h - what a job of several steps must run when it resumes, since steps read what others have written.
 *
 *     s[j] = sum(i: a[i,j])      stage 0 writes partials, stage 1 reads them and writes s
 *     u[i] /= sum(k: u[k])       stage 0 reads u and writes partials, 1 the total, 2 overwrites u
 *
 * A missing tile of an early stage need not run if no later one needs it: s is complete. If the partials are lost, the
 * stages that wrote them run again whole, but only if a later one needs them. And no tile may run that reads what a
 * recorded tile of a later stage has overwritten: that job cannot be resumed. Integers alone: stages and a ledger. */
#ifndef TW_RECORD_RECOVERY_H
#define TW_RECORD_RECOVERY_H

#include "grid/stages.h"
#include "record/ledger.h"

/* What becomes of the tiles of a stage. */
enum tw__fate {
    TW__FATE_MISSING, /* those that are missing run */
    TW__FATE_ALL,     /* all run, also those that were recorded */
    TW__FATE_SPARED   /* nobody needs those that are missing */
};

struct tw__recovery {
    enum tw__fate fate[TW__MOST_STAGES];
    int blocked; /* the first stage that would read what a later one has overwritten; -1: none, the job can resume */
    int operand; /* ... of this operand of the job */
    uint64_t reruns; /* recorded tiles that run again */
};

/* `lost`: what the stages left in temporaries is not there. */
void tw__recovery_plan(struct tw__recovery *recovery, const struct tw__stages *stages, const struct tw__ledger *ledger,
                       int lost);

/* Whether the stage writes what an earlier one reads or writes: it may not begin until the tiles before it are
 * recorded, since these cannot be run again once it has. */
int tw__stage_overwrites(const struct tw__stages *stages, int s);

/* Whether a stage behind `s` writes the same operand of the job as it: then what s wrote may not be there any more. */
int tw__stage_is_overwritten(const struct tw__stages *stages, int s);

/* Whether the stage writes temporaries, and whether it writes nothing else. */
int tw__stage_leaves(const struct tw__stage *stage, int *nothing_else);

/* The operand is the first of its kind that is written: its first values are those that the stage finds. */
int tw__stage_writes_first(const struct tw__stages *stages, int s, int operand);

#endif
