/* recovery.c - what a job of several steps must run when it resumes. Knows neither files nor memory. */
#include "record/recovery.h"

#include "grid/signature.h"
#include "record/written.h"

/* ---- which stage does what with which array ---- */

enum { READS = 1, WRITES = 2 };

/* What the stage does with an array: an operand of the job, or TW__TEMPORARY + t. */
static int use(const struct tw__stage *stage, int array)
{
    static const int of_role[] = {[TW_IN] = READS, [TW_OUT] = WRITES, [TW_INOUT] = READS | WRITES};
    int found = 0;
    for (int k = 0; k < stage->grid->signature->noperands; k++) {
        found |= stage->operand[k] == array ? of_role[stage->grid->signature->operands[k].role] : 0;
    }
    return found;
}

/* The first stage from `s` on, and before `end`, that uses an array in one of these ways; `end`: none. */
static int next_use(const struct tw__stages *stages, int s, int end, int array, int how)
{
    while (s < end && (use(&stages->stage[s], array) & how) == 0) {
        s++;
    }
    return s;
}

/* Whether some array that stage s writes is used in one of these ways by a stage in [from, end). */
static int writes_what_is_used(const struct tw__stages *stages, int s, int from, int end, int how)
{
    const struct tw__stage *stage = &stages->stage[s];
    for (int k = 0; k < stage->grid->signature->noperands; k++) {
        const int array = stage->operand[k];
        if (stage->grid->signature->operands[k].role != TW_IN && next_use(stages, from, end, array, how) < end) {
            return 1;
        }
    }
    return 0;
}

int tw__stage_overwrites(const struct tw__stages *stages, int s)
{
    return writes_what_is_used(stages, s, 0, s, READS | WRITES);
}

int tw__stage_is_overwritten(const struct tw__stages *stages, int s)
{
    return writes_what_is_used(stages, s, s + 1, stages->count, WRITES);
}

int tw__stage_leaves(const struct tw__stage *stage, int *nothing_else)
{
    int leaves = 0;
    *nothing_else = 1;
    for (int k = 0; k < stage->grid->signature->noperands; k++) {
        const int written = stage->grid->signature->operands[k].role != TW_IN;
        leaves |= written && stage->operand[k] >= TW__TEMPORARY;
        *nothing_else &= !written || stage->operand[k] >= TW__TEMPORARY;
    }
    return leaves;
}

int tw__stage_writes_first(const struct tw__stages *stages, int s, int operand)
{
    return next_use(stages, 0, stages->count, operand, WRITES) == s;
}

/* ---- the plan ---- */

struct plan {
    const struct tw__stages *stages;
    const struct tw__ledger *ledger;
    struct tw__recovery *recovery;
    int runs[TW__MOST_STAGES]; /* some tiles of the stage run */
};

static uint64_t done_tiles(const struct plan *plan, int s)
{
    const struct tw__stage *stage = &plan->stages->stage[s];
    uint64_t done = 0;
    for (uint64_t tile = stage->first; tile < stage->first + stage->grid->count; tile++) {
        done += (uint64_t)tw__ledger_has(plan->ledger, tile);
    }
    return done;
}

/* Whether a stage behind s that runs reads temporaries that s writes. */
static int is_needed(const struct plan *plan, int s)
{
    const struct tw__stage *stage = &plan->stages->stage[s];
    for (int k = 0; k < stage->grid->signature->noperands; k++) {
        const int array = stage->operand[k];
        if (stage->grid->signature->operands[k].role == TW_IN || array < TW__TEMPORARY) {
            continue;
        }
        for (int later = s + 1; later < plan->stages->count; later++) {
            if (plan->runs[later] && (use(&plan->stages->stage[later], array) & READS) != 0) {
                return 1;
            }
        }
    }
    return 0;
}

/* A tile that was begun may have changed in place what an earlier stage had written: both run again, whole. */
static void rerun_chain(struct plan *plan, int s)
{
    const struct tw__stage *stage = &plan->stages->stage[s];
    for (int k = 0; k < stage->grid->signature->noperands; k++) {
        if (stage->grid->signature->operands[k].role != TW_INOUT) {
            continue;
        }
        for (int w = 0; (w = next_use(plan->stages, w, s, stage->operand[k], WRITES)) < s; w++) {
            plan->recovery->fate[w] = plan->recovery->fate[s] = TW__FATE_ALL;
        }
    }
}

/* From the last stage to the first: each says what it needs of those before it. */
static void choose_fates(struct plan *plan, int lost)
{
    struct tw__recovery *recovery = plan->recovery;
    for (int s = plan->stages->count - 1; s >= 0; s--) {
        const struct tw__stage *stage = &plan->stages->stage[s];
        int nothing_else;
        const int leaves = tw__stage_leaves(stage, &nothing_else);
        const int needed = leaves && is_needed(plan, s);
        const int missing = done_tiles(plan, s) < stage->grid->count;
        if (needed && lost) {
            recovery->fate[s] = TW__FATE_ALL;
        } else if (recovery->fate[s] != TW__FATE_ALL && missing && nothing_else && !needed) {
            recovery->fate[s] = TW__FATE_SPARED;
        }
        plan->runs[s] = recovery->fate[s] == TW__FATE_ALL || (missing && recovery->fate[s] == TW__FATE_MISSING);
        if (plan->runs[s]) {
            rerun_chain(plan, s);
        }
    }
}

/* Whether the box was written by a tile of this stage that stays done, as its operand k. */
static int is_overwritten(const struct plan *plan, int later, int k, const struct tw__box *box)
{
    const struct tw__stage *stage = &plan->stages->stage[later];
    for (uint64_t tile = 0; tile < stage->grid->count; tile++) {
        struct tw__box written;
        if (tw__ledger_has(plan->ledger, stage->first + tile)) {
            tw__stage_box(&written, stage, tile, k);
            if (tw__boxes_meet(box, &written)) {
                return 1;
            }
        }
    }
    return 0;
}

/* Whether a tile of stage s that runs would find in its operand k what a later stage has written there. */
static int is_blocked(const struct plan *plan, int s, int k, int later, int other)
{
    const struct tw__stage *stage = &plan->stages->stage[s];
    for (uint64_t tile = 0; tile < stage->grid->count; tile++) {
        struct tw__box box;
        if (plan->recovery->fate[s] == TW__FATE_ALL || !tw__ledger_has(plan->ledger, stage->first + tile)) {
            tw__stage_box(&box, stage, tile, k);
            if (is_overwritten(plan, later, other, &box)) {
                return 1;
            }
        }
    }
    return 0;
}

static int is_used_later(const struct plan *plan, int s, int k)
{
    const struct tw__stages *stages = plan->stages;
    const int array = stages->stage[s].operand[k];
    for (int later = s + 1; array >= 0 && later < stages->count; later++) {
        const tw_signature *signature = stages->stage[later].grid->signature;
        if (plan->recovery->fate[later] == TW__FATE_ALL || done_tiles(plan, later) == 0) {
            continue;
        }
        for (int other = 0; other < signature->noperands; other++) {
            if (stages->stage[later].operand[other] == array && signature->operands[other].role != TW_IN &&
                is_blocked(plan, s, k, later, other)) {
                return 1;
            }
        }
    }
    return 0;
}

static void find_blocked(struct plan *plan)
{
    struct tw__recovery *recovery = plan->recovery;
    for (int s = 0; s < plan->stages->count; s++) {
        const struct tw__stage *stage = &plan->stages->stage[s];
        for (int k = 0; plan->runs[s] && k < stage->grid->signature->noperands; k++) {
            if (is_used_later(plan, s, k)) {
                recovery->blocked = s;
                recovery->operand = stage->operand[k];
                return;
            }
        }
    }
}

void tw__recovery_plan(struct tw__recovery *recovery, const struct tw__stages *stages, const struct tw__ledger *ledger,
                       int lost)
{
    struct plan plan = {.stages = stages, .ledger = ledger, .recovery = recovery};
    *recovery = (struct tw__recovery){.blocked = -1};
    choose_fates(&plan, lost);
    find_blocked(&plan);
    for (int s = 0; s < stages->count; s++) {
        recovery->reruns += recovery->fate[s] == TW__FATE_ALL ? done_tiles(&plan, s) : 0;
    }
}
