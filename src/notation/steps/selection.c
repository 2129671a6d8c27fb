/* selection.c - which reductions of a statement list are computed by steps of their own, and in which order. */
#include "notation/steps/selection.h"

#include "base/checked.h"
#include "grid/automatic.h"
#include "grid/fold.h"

/* A reduction that takes less may be computed once more by every tile: a step of its own costs more. Nanoseconds. */
#define WORTH 3000.0

/* Tiles that keep the workers of most machines busy. */
#define FEW_TILES 32

int tw__choice_cuts(const struct tw__survey *survey, int reduction, uint64_t axes)
{
    const struct tw__node *node = &survey->program->nodes[survey->of[reduction].node];
    return (int)(axes >> node->u.reduce.axis[0] & 1);
}

/* Rows or columns of a product that a tile should have. */
#define BLOCK 64

/* Whether a reduction has work for several tiles. */
static int is_large(const struct tw__surveyed *one)
{
    return tw__automatic_parts(one->work, 0) > 1;
}

/* How many tiles some axes give, if products stay in blocks. */
static int64_t count_tiles(const struct tw__survey *survey, uint64_t axes, uint32_t open)
{
    uint64_t blocks = 0;
    int64_t tiles = 1;
    for (int r = 0; r < survey->count; r++) {
        blocks |= (open >> r & 1) != 0 && is_large(&survey->of[r]) ? survey->of[r].blocks : 0;
    }
    for (int a = 0; a < survey->program->naxes; a++) {
        const int64_t length = survey->lengths[a];
        if ((axes >> a & 1) != 0 && !tw__mul(tiles, blocks >> a & 1 ? (length + BLOCK - 1) / BLOCK : length, &tiles)) {
            return INT64_MAX;
        }
    }
    return tiles;
}

static int exists(const struct tw__surveyed *one)
{
    return one->outsides > 0 && one->places > 0;
}

/* ---- which reductions ---- */

/* Those that the statements need and that are not settled. */
static tw_status find_open(const struct tw__survey *survey, int first, int end, uint32_t settled, uint32_t *open,
                           uint32_t *reads, uint64_t *operands, tw_error *error)
{
    tw_status status = TW_OK;
    uint32_t all = 0;
    *operands = 0;
    for (int s = first; s < end && status == TW_OK; s++) {
        uint64_t more;
        uint32_t found;
        status = tw__survey_reach(survey->program, survey->program->statements[s].value, settled, &more, &found, error);
        all |= found;
        *operands |= more;
    }
    *open = all & ~settled;
    *reads = all & settled;
    return status;
}

/* The axes along which no tile computes again what another has computed, if that is worth a thought. */
static uint64_t free_axes(const struct tw__survey *survey, int first, int end, uint32_t open)
{
    uint64_t axes = UINT64_MAX;
    for (int s = first; s < end; s++) {
        axes &= survey->targets[s];
    }
    for (int r = 0; r < survey->count; r++) {
        if ((open >> r & 1) != 0 && exists(&survey->of[r]) && survey->of[r].work >= WORTH) {
            axes &= survey->of[r].outside;
            axes &= is_large(&survey->of[r]) ? ~survey->of[r].strips : UINT64_MAX;
        }
        axes &= (open >> r & 1) != 0 ? ~survey->of[r].bound : UINT64_MAX;
    }
    return axes;
}

/* The open reduction that leaves the fewest tiles; -1: none that a step of its own would help. */
static int find_narrow(const struct tw__survey *survey, uint32_t open, uint64_t targets, int64_t needed)
{
    int found = -1;
    int64_t fewest = 0;
    for (int r = 0; r < survey->count; r++) {
        const struct tw__surveyed *one = &survey->of[r];
        const uint64_t apart = one->work >= WORTH ? one->outside & ~one->bound : ~one->bound;
        const uint64_t rows = is_large(one) ? one->strips : 0;
        const int64_t tiles = count_tiles(survey, targets & apart & ~rows, open & UINT32_C(1) << r);
        const int is_few = one->places > TW__FOLD_LEAF && is_large(one) && tiles < needed;
        const int is_again = tiles < count_tiles(survey, targets, 0) && one->blocks == 0;
        if ((open >> r & 1) != 0 && exists(one) && (is_few || is_again) && (found < 0 || tiles < fewest)) {
            found = r;
            fewest = tiles;
        }
    }
    return found;
}

static tw_status settle_automatic(struct tw__choice *choice, const struct tw__survey *survey, int *apart,
                                  tw_error *error)
{
    const int count = survey->program->nstatements;
    const int64_t parts = tw__automatic_parts(survey->work, 0), needed = parts < FEW_TILES ? parts : FEW_TILES;
    const uint64_t targets = free_axes(survey, 0, count, 0);
    for (;;) {
        uint64_t operands;
        uint32_t open, reads;
        const tw_status status = find_open(survey, 0, count, choice->settled, &open, &reads, &operands, error);
        if (status != TW_OK) {
            return status;
        }
        if (count_tiles(survey, free_axes(survey, 0, count, open), open) >= needed) {
            return TW_OK;
        }
        const int narrow = find_narrow(survey, open, targets, needed);
        if (narrow < 0) {
            *apart = choice->settled != 0;
            return TW_OK;
        }
        choice->settled |= UINT32_C(1) << narrow;
    }
}

static void settle_given(struct tw__choice *choice, const struct tw__survey *survey, uint64_t cut)
{
    for (int r = 0; r < survey->count; r++) {
        const struct tw__surveyed *one = &survey->of[r];
        int is_again = 0;
        for (int s = 0; s < survey->program->nstatements; s++) {
            is_again |= (one->statements >> s & 1) != 0 && (cut & survey->targets[s] & ~one->outside) != 0;
        }
        const int is_cut = tw__choice_cuts(survey, r, cut) && one->places > TW__FOLD_LEAF;
        if (exists(one) && (is_cut || (is_again && one->work >= WORTH) || (cut & one->bound) != 0)) {
            choice->settled |= UINT32_C(1) << r;
        }
    }
}

/* Whether an axis is cut that some targets have and others lack: then these need a step of their own. */
static int is_cut_unevenly(const struct tw__survey *survey, uint64_t cut)
{
    uint64_t all = UINT64_MAX, any = 0;
    for (int s = 0; s < survey->program->nstatements; s++) {
        all &= survey->targets[s];
        any |= survey->targets[s];
    }
    return (cut & any & ~all) != 0;
}

/* A job of several steps has an array between them, by which its kernel knows that it is one: the first reduction's, if
 * none is settled. Gives 0 if the list has no reduction. */
static int settle_any(struct tw__choice *choice, const struct tw__survey *survey)
{
    for (int r = 0; r < survey->count && choice->settled == 0; r++) {
        choice->settled |= (uint32_t)exists(&survey->of[r]) << r;
    }
    return choice->settled != 0;
}

/* What stands in the body of a settled reduction would be computed by each of its parts. */
static void settle_inner(struct tw__choice *choice, const struct tw__survey *survey)
{
    for (int r = survey->count - 1; r >= 0; r--) {
        for (int inner = 0; (choice->settled >> r & 1) != 0 && inner < r; inner++) {
            const struct tw__surveyed *one = &survey->of[inner];
            if ((survey->of[r].needs >> inner & 1) != 0 && (one->outside & survey->of[r].reduced) == 0 && exists(one) &&
                one->work >= WORTH) {
                choice->settled |= UINT32_C(1) << inner;
            }
        }
    }
}

/* ---- in which order ---- */

/* All settled reductions that a statement needs, also those that others need. */
static tw_status find_needed(const struct tw__survey *survey, int statement, uint32_t settled, uint32_t *needed,
                             tw_error *error)
{
    uint64_t operands;
    uint32_t open;
    tw_status status = find_open(survey, statement, statement + 1, settled, &open, needed, &operands, error);
    for (int r = survey->count - 1; r >= 0 && status == TW_OK; r--) {
        uint32_t found;
        if (*needed >> r & 1) {
            const int body = survey->program->nodes[survey->of[r].node].child[0];
            status = tw__survey_reach(survey->program, body, settled, &operands, &found, error);
            *needed |= found & settled;
        }
    }
    return status;
}

static struct tw__planned *add_step(struct tw__choice *choice, enum tw__step_kind kind)
{
    if (choice->nsteps == TW__STEPS_MOST) {
        return NULL;
    }
    struct tw__planned *step = &choice->step[choice->nsteps++];
    *step = (struct tw__planned){.kind = kind};
    return step;
}

static int same_axes(const struct tw__program *program, int a, int b)
{
    const struct tw__node *x = &program->nodes[a], *y = &program->nodes[b];
    int same = x->axes == y->axes && x->u.reduce.naxes == y->u.reduce.naxes;
    for (int k = 0; same && k < x->u.reduce.naxes; k++) {
        same = x->u.reduce.axis[k] == y->u.reduce.axis[k];
    }
    return same;
}

/* The reductions of `pending` as steps, those over the same axes together. Gives 0 if there are too many. */
static int add_parts(struct tw__choice *choice, const struct tw__survey *survey, uint32_t pending)
{
    while (pending != 0) {
        const int first = __builtin_ctz(pending);
        struct tw__planned *step = add_step(choice, TW__STEP_PART);
        if (step == NULL) {
            return 0;
        }
        for (int r = first; r < survey->count; r++) {
            /* One that needs another, or one that is computed later, waits. */
            if ((pending >> r & 1) != 0 && (survey->of[r].needs & (pending | step->reductions)) == 0 &&
                same_axes(survey->program, survey->of[first].node, survey->of[r].node)) {
                step->reductions |= UINT32_C(1) << r;
            }
        }
        pending &= ~step->reductions;
        struct tw__planned *merge = add_step(choice, TW__STEP_MERGE);
        if (merge == NULL) {
            return 0;
        }
        merge->reductions = step->reductions;
    }
    return 1;
}

/* Statements first .. end - 1 as a step. Gives 0 if there are too many. */
static int add_list(struct tw__choice *choice, int first, int end)
{
    struct tw__planned *step = first < end ? add_step(choice, TW__STEP_LIST) : NULL;
    if (step != NULL) {
        step->first = first;
        step->end = end;
    }
    return first == end || step != NULL;
}

static tw_status order_steps(struct tw__choice *choice, const struct tw__survey *survey, int apart, int *fits,
                             tw_error *error)
{
    const struct tw__program *program = survey->program;
    uint32_t done = 0;
    uint64_t written = 0; /* by the list that is not a step yet */
    int first = 0;
    *fits = 1;
    for (int s = 0; s < program->nstatements && *fits; s++) {
        uint32_t needed;
        const tw_status status = find_needed(survey, s, choice->settled, &needed, error);
        if (status != TW_OK) {
            return status;
        }
        uint64_t reads = 0;
        for (int r = 0; r < survey->count; r++) {
            reads |= (needed & ~done) >> r & 1 ? survey->of[r].operands : 0;
        }
        if ((reads & written) != 0 || (apart && s > first && survey->targets[s] != survey->targets[s - 1])) {
            *fits = add_list(choice, first, s);
            first = s;
            written = 0;
        }
        *fits = *fits && add_parts(choice, survey, needed & ~done);
        done |= needed;
        written |= UINT64_C(1) << program->statements[s].target;
    }
    *fits = *fits && add_list(choice, first, program->nstatements);
    return TW_OK;
}

/* ---- what each step reads and writes ---- */

static tw_status look_at_step(const struct tw__choice *choice, const struct tw__survey *survey,
                              struct tw__planned *step, tw_error *error)
{
    const struct tw__program *program = survey->program;
    uint32_t open;
    tw_status status = TW_OK;
    if (step->kind == TW__STEP_LIST) {
        status =
            find_open(survey, step->first, step->end, choice->settled, &open, &step->reads, &step->operands, error);
        for (int s = step->first; s < step->end; s++) {
            step->outputs |= UINT64_C(1) << program->statements[s].target;
        }
        step->operands |= step->outputs;
        step->cut = status == TW_OK ? free_axes(survey, step->first, step->end, open) : 0;
    }
    for (int r = 0; step->kind == TW__STEP_PART && r < survey->count && status == TW_OK; r++) {
        if (step->reductions >> r & 1) {
            uint64_t operands;
            uint32_t found;
            const int body = program->nodes[survey->of[r].node].child[0];
            status = tw__survey_reach(program, body, choice->settled, &operands, &found, error);
            step->operands |= operands;
            step->reads |= found & choice->settled;
        }
    }
    step->reads |= step->kind == TW__STEP_MERGE ? step->reductions : 0;
    return status;
}

/* An output is written by one step, and those of a step lie side by side. */
static int outputs_fit(const struct tw__choice *choice)
{
    uint64_t written = 0;
    for (int k = 0; k < choice->nsteps; k++) {
        const uint64_t outputs = choice->step[k].outputs, low = outputs & (0 - outputs);
        if ((outputs & written) != 0 || (outputs & (outputs + low)) != 0) {
            return 0;
        }
        written |= outputs;
    }
    return 1;
}

tw_status tw__choose_whole(struct tw__choice *choice, const struct tw__survey *survey, tw_error *error)
{
    *choice = (struct tw__choice){0};
    (void)add_list(choice, 0, survey->program->nstatements);
    return look_at_step(choice, survey, &choice->step[0], error);
}

tw_status tw__choose_steps(struct tw__choice *choice, const struct tw__survey *survey, int given, uint64_t cut,
                           tw_error *error)
{
    int apart = 0, fits = 1;
    tw_status status = TW_OK;
    *choice = (struct tw__choice){0};
    if (given) {
        settle_given(choice, survey, cut);
        apart = is_cut_unevenly(survey, cut) && settle_any(choice, survey);
    } else {
        status = settle_automatic(choice, survey, &apart, error);
    }
    if (status != TW_OK || choice->settled == 0) {
        return status == TW_OK ? tw__choose_whole(choice, survey, error) : status;
    }
    settle_inner(choice, survey);
    status = order_steps(choice, survey, apart, &fits, error);
    for (int k = 0; k < choice->nsteps && status == TW_OK && fits; k++) {
        status = look_at_step(choice, survey, &choice->step[k], error);
    }
    return status == TW_OK && (!fits || !outputs_fit(choice)) ? tw__choose_whole(choice, survey, error) : status;
}
