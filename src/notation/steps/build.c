/* build.c - the steps of a statement list as the stages of a grid. */
#include "notation/steps/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid/cells.h"
#include "grid/signature.h"
#include "notation/loop/reduction.h"

/* Values that a tile may merge again although another has done so: about as long as it takes to begin a step. */
#define FEW_MERGES 1024

/* What becomes of a settled reduction. */
struct settled {
    int part, place, total; /* temporaries; -1: none */
    int64_t parts;
    int is_merged;         /* a step of its own makes values of the partials; else who reads them does */
    unsigned char *merges; /* [parts] */
};

/* The stages on their way. */
struct build {
    const struct tw__building *recipe;
    const struct tw__survey *survey;
    const tw_signature *signature; /* of the list */
    struct settled settled[TW__SETTLE_MOST];
    struct tw__divided divided[TW__STEPS_MOST]; /* of each step */
    int ntemporaries;
    struct tw__temporary temporary[TW_MAX_OPERANDS];
    struct tw__stages *stages;
};

static int has(uint32_t set, int number)
{
    return (int)(set >> number & 1);
}

/* ---- arrays between the steps ---- */

/* Its dimensions: `parts` (0: none), and the axes outside of the reduction. Returns its number; -1: there are too
 * many. */
static int add_temporary(struct build *b, int reduction, tw_kind kind, int64_t parts)
{
    const struct tw__program *program = b->survey->program;
    const struct tw__node *node = &program->nodes[b->survey->of[reduction].node];
    if (b->signature->noperands + b->ntemporaries == TW_MAX_OPERANDS) {
        return -1;
    }
    struct tw__temporary *made = &b->temporary[b->ntemporaries];
    *made = (struct tw__temporary){.like = -1, .kind = kind};
    tw__settle_text(made->name, sizeof made->name, program, b->survey->of[reduction].node);
    if (parts > 0) {
        made->shape[made->ndim++] = parts;
    }
    for (int a = 0; a < program->naxes; a++) {
        if (node->axes >> a & 1) {
            if (made->ndim == TW_MAX_DIMS) {
                return -1;
            }
            made->shape[made->ndim++] = b->survey->lengths[a];
        }
    }
    return b->ntemporaries++;
}

/* Those of a step that computes partials, side by side. Gives 0 if there are too many. */
static int add_parts(struct build *b, const struct tw__planned *step, const struct tw__divided *divided)
{
    for (int r = 0; r < b->survey->count; r++) {
        if (!has(step->reductions, r)) {
            continue;
        }
        const struct tw__reduced of = tw__reduced_of(b->survey->program, b->survey->of[r].node);
        struct settled *settled = &b->settled[r];
        settled->parts = divided->nodes.count;
        settled->merges = divided->nodes.merges;
        settled->part = add_temporary(b, r, of.type, settled->parts);
        settled->place = of.is_place && settled->part >= 0 ? add_temporary(b, r, TW_INT64, settled->parts) : -1;
        if (settled->part < 0 || (of.is_place && settled->place < 0)) {
            return 0;
        }
    }
    return 1;
}

static int add_totals(struct build *b, const struct tw__planned *step)
{
    for (int r = 0; r < b->survey->count; r++) {
        if (has(step->reductions, r) && b->settled[r].is_merged) {
            const struct tw__reduced of = tw__reduced_of(b->survey->program, b->survey->of[r].node);
            b->settled[r].total = add_temporary(b, r, of.is_place ? TW_INT64 : of.type, 0);
            if (b->settled[r].total < 0) {
                return 0;
            }
        }
    }
    return 1;
}

/* Values are merged by who needs them, unless several tiles would merge the same ones. */
static int needs_merge(const struct build *b, int reduction, int after)
{
    const struct tw__choice *choice = b->recipe->choice;
    const struct tw__surveyed *one = &b->survey->of[reduction];
    const int64_t parts = b->settled[reduction].parts;
    if (parts == 1 || one->outsides <= FEW_MERGES / parts) {
        return 0;
    }
    for (int k = after + 1; k < choice->nsteps; k++) {
        const struct tw__planned *step = &choice->step[k];
        uint64_t cut = step->cut;
        if (step->kind == TW__STEP_MERGE || !has(step->reads, reduction)) {
            continue;
        }
        if (step->kind == TW__STEP_PART) {
            const struct tw__surveyed *reader = &b->survey->of[__builtin_ctz(step->reductions)];
            cut = reader->outside | reader->reduced;
        }
        if ((cut & ~one->outside) != 0 && tw__survey_product(b->survey, cut & ~one->outside) > 1) {
            return 1;
        }
    }
    return 0;
}

/* A step that makes values of partials, if one is needed for one of its reductions. */
static int is_made(const struct build *b, const struct tw__planned *step)
{
    int made = step->kind != TW__STEP_MERGE;
    for (int r = 0; r < b->survey->count && !made; r++) {
        made = has(step->reductions, r) && b->settled[r].is_merged;
    }
    return made;
}

/* ---- how all steps are divided ---- */

/* *fits: 0 if there are too many arrays. */
static tw_status divide_all(struct build *b, int *fits, tw_error *error)
{
    const struct tw__choice *choice = b->recipe->choice;
    const struct tw__division *division = b->recipe->division;
    tw_status status = TW_OK;
    *fits = 1;
    for (int k = 0; k < choice->nsteps && status == TW_OK && *fits; k++) {
        const struct tw__planned *step = &choice->step[k];
        if (step->kind == TW__STEP_PART) {
            status = tw__divide_part(&b->divided[k], division, step, error);
            *fits = status != TW_OK || add_parts(b, step, &b->divided[k]);
        } else if (step->kind == TW__STEP_LIST) {
            status = tw__divide_list(&b->divided[k], division, step, b->recipe->work[k], error);
        } else {
            const int first = __builtin_ctz(step->reductions);
            for (int r = first; r < b->survey->count; r++) {
                b->settled[r].is_merged = has(step->reductions, r) ? needs_merge(b, r, k) : b->settled[r].is_merged;
            }
            tw__divide_merge(&b->divided[k], division, step, b->settled[first].parts);
            *fits = add_totals(b, step);
        }
    }
    return status;
}

/* ---- one stage ---- */

static tw_operand *add_operand(tw_signature *signature, const char *name, tw_role role)
{
    tw_operand *operand = &signature->operands[signature->noperands++];
    *operand = (tw_operand){.role = role, .given = -1, .written = -1};
    snprintf(operand->name, sizeof operand->name, "%s", name);
    return operand;
}

/* The list's operands: those that the step has are as they are in the list's signature. */
static void add_own(struct tw__stage *stage, tw_signature *signature, const struct build *b,
                    const struct tw__planned *step)
{
    for (int k = 0; k < b->signature->noperands; k++) {
        const tw_operand *own = &b->signature->operands[k];
        tw_operand *operand = add_operand(signature, own->name, TW_IN);
        if (step->operands >> k & 1) {
            *operand = *own;
            operand->role = step->outputs >> k & 1 ? own->role : TW_IN;
            stage->operand[k] = k;
        }
    }
}

/* The arrays between the steps. One that the step does not have comes without axes. */
static void add_between(tw_signature *signature, const struct build *b)
{
    for (int t = 0; t < b->ntemporaries; t++) {
        (void)add_operand(signature, b->temporary[t].name, TW_IN);
    }
}

/* Lets the step have temporary t of a reduction: its last dimensions are the axes outside. `parts`: number of the
 * grid's axis that dimension 0 is, of one that is read; -1: there is none. */
static void use(struct tw__stage *stage, tw_signature *signature, const struct build *b, int reduction, int t,
                tw_role role, int parts)
{
    const int k = b->signature->noperands + t;
    tw_operand *operand = &signature->operands[k];
    operand->role = role;
    stage->operand[k] = TW__TEMPORARY + t;
    if (parts >= 0) {
        operand->axes[operand->ndim++] = (uint8_t)parts;
    }
    for (int a = 0; a < b->survey->program->naxes; a++) {
        if (b->survey->of[reduction].outside >> a & 1) {
            operand->axes[operand->ndim++] = (uint8_t)tw__division_axis(b->recipe->division, a);
        }
    }
}

/* One more axis that no job has. -1: there are too many. */
static int add_axis(tw_signature *signature, struct tw__divided *divided, const char *name, int64_t length)
{
    if (signature->naxes == TW__MAX_AXES) {
        return -1;
    }
    snprintf(signature->axes[signature->naxes], sizeof signature->axes[0], "%s", name);
    if (length >= 0) {
        divided->axes[signature->naxes] = (struct tw__grid_axis){.length = length, .count = 1, .tile = length};
    }
    return signature->naxes++;
}

/* The axes of the list, of the program beside them, and of places. Gives 0 if there are too many. */
static int add_axes(tw_signature *signature, const struct build *b, struct tw__divided *divided)
{
    const struct tw__program *program = b->survey->program;
    signature->naxes = b->signature->naxes;
    memcpy(signature->axes, b->signature->axes, sizeof signature->axes);
    for (int a = 0; a < program->naxes; a++) {
        if (program->axes[a].tile < 0 && add_axis(signature, divided, program->axes[a].name, -1) < 0) {
            return 0;
        }
    }
    return add_axis(signature, divided, "places", -1) >= 0;
}

/* Reductions that earlier steps have settled, as this one reads them. Gives 0 if there are too many axes. */
static int add_reads(struct tw__stage *stage, tw_signature *signature, const struct build *b,
                     struct tw__divided *divided, uint32_t reads, int as_parts)
{
    for (int r = 0; r < b->survey->count; r++) {
        const struct settled *settled = &b->settled[r];
        if (!has(reads, r)) {
            continue;
        }
        if (settled->is_merged && !as_parts) {
            use(stage, signature, b, r, settled->total, TW_IN, -1);
            continue;
        }
        const int axis = add_axis(signature, divided, "part", settled->parts);
        if (axis < 0) {
            return 0;
        }
        use(stage, signature, b, r, settled->part, TW_IN, axis);
        if (settled->place >= 0) {
            use(stage, signature, b, r, settled->place, TW_IN, axis);
        }
    }
    return 1;
}

/* The axis of the grid along which the partials are counted. */
static int places_axis(const struct build *b, int reduction)
{
    const struct tw__node *node = &b->survey->program->nodes[b->survey->of[reduction].node];
    return node->u.reduce.naxes == 1 ? tw__division_axis(b->recipe->division, node->u.reduce.axis[0])
                                     : b->signature->naxes + tw__settle_axes(b->survey->program);
}

static void add_writes(struct tw__stage *stage, tw_signature *signature, const struct build *b,
                       const struct tw__planned *step)
{
    for (int r = 0; r < b->survey->count; r++) {
        const struct settled *settled = &b->settled[r];
        if (!has(step->reductions, r)) {
            continue;
        }
        if (step->kind == TW__STEP_MERGE) {
            if (settled->is_merged) {
                use(stage, signature, b, r, settled->total, TW_OUT, -1);
            }
            continue;
        }
        const int temporaries[2] = {settled->part, settled->place};
        for (int t = 0; t < 2; t++) {
            if (temporaries[t] >= 0) {
                use(stage, signature, b, r, temporaries[t], TW_OUT, -1);
                stage->parts[b->signature->noperands + temporaries[t]] = UINT64_C(1) << places_axis(b, r);
            }
        }
    }
}

/* ---- contexts ---- */

static tw_status make_context(struct tw__stage *stage, const struct build *b, const struct tw__planned *step,
                              uint32_t known, tw_error *error)
{
    const struct tw__survey *survey = b->survey;
    const int noperands = b->signature->noperands;
    const size_t offset = (size_t)tw__settle_offset(survey->program);
    const size_t words = (size_t)(TW__STEP_REDUCTIONS + TW__SETTLE_FACTS * survey->count);
    size_t size = offset + words * sizeof(int64_t);
    int64_t *word = calloc(words, sizeof *word);
    for (int r = 0; word != NULL && r < survey->count; r++) {
        const struct settled *settled = &b->settled[r];
        int64_t *fact = word + TW__STEP_REDUCTIONS + TW__SETTLE_FACTS * r;
        const int is_own = has(step->reductions, r);
        if (!is_own && !has(known, r)) {
            continue;
        }
        fact[TW__SETTLE_STATE] = is_own && step->kind == TW__STEP_PART ? TW__SETTLE_PARTIAL
                                 : !settled->is_merged                 ? TW__SETTLE_PARTS_READ
                                 : is_own                              ? TW__SETTLE_FOLD
                                                                       : TW__SETTLE_TOTALS;
        fact[TW__SETTLE_PART] = noperands + settled->part;
        fact[TW__SETTLE_PLACE] = noperands + settled->place;
        fact[TW__SETTLE_TOTAL] = noperands + settled->total;
        fact[TW__SETTLE_PARTS] = settled->parts;
        fact[TW__SETTLE_MERGES] = (int64_t)size;
        size += (size_t)settled->parts;
    }
    unsigned char *context = word != NULL ? calloc(1, size) : NULL;
    if (context == NULL) {
        free(word);
        return tw__fail_memory(error, size, "the steps of a statement");
    }
    word[TW__STEP_MARK] = TW__SETTLE_MARK;
    word[TW__STEP_AXES] = b->signature->naxes;
    word[TW__STEP_FIRST] = step->first;
    word[TW__STEP_END] = step->end;
    memcpy(context, b->recipe->context, offset);
    memcpy(context + offset, word, words * sizeof *word);
    for (int r = 0; r < survey->count; r++) {
        const int64_t *fact = word + TW__STEP_REDUCTIONS + TW__SETTLE_FACTS * r;
        if (fact[TW__SETTLE_STATE] != TW__SETTLE_OPEN) {
            memcpy(context + fact[TW__SETTLE_MERGES], b->settled[r].merges, (size_t)fact[TW__SETTLE_PARTS]);
        }
    }
    free(word);
    stage->context = context;
    stage->context_size = size;
    return TW_OK;
}

/* ---- all stages ---- */

/* *fits: 0 if the grid would have too many axes. */
static tw_status add_stage(struct build *b, int number, uint32_t known, int *fits, tw_error *error)
{
    const struct tw__planned *step = &b->recipe->choice->step[number];
    struct tw__divided *divided = &b->divided[number];
    struct tw__stage *stage = tw__stages_add(b->stages, TW__STAGE_KERNEL);
    tw_signature *signature = calloc(1, sizeof *signature);
    if (signature == NULL) {
        return tw__fail_memory(error, sizeof *signature, "the steps of a statement");
    }
    *fits = add_axes(signature, b, divided);
    add_own(stage, signature, b, step);
    add_between(signature, b);
    *fits = *fits && add_reads(stage, signature, b, divided, step->reads, step->kind == TW__STEP_MERGE);
    tw_status status = TW_OK;
    if (*fits) {
        add_writes(stage, signature, b, step);
        for (int a = 0; a < b->signature->naxes; a++) {
            stage->axis[a] = a;
        }
        status = tw__cells_create(&stage->grid, signature, divided->axes, error);
    }
    free(signature);
    return status == TW_OK && *fits ? make_context(stage, b, step, known, error) : status;
}

static tw_status add_stages(struct build *b, int *fits, tw_error *error)
{
    const struct tw__choice *choice = b->recipe->choice;
    uint32_t known = 0;
    tw_status status = tw__stages_create(&b->stages, choice->nsteps, b->ntemporaries, error);
    if (status != TW_OK) {
        return status;
    }
    memcpy(b->stages->temporary, b->temporary, (size_t)b->ntemporaries * sizeof b->temporary[0]);
    for (int k = 0; k < choice->nsteps && status == TW_OK && *fits; k++) {
        if (is_made(b, &choice->step[k])) {
            status = add_stage(b, k, known, fits, error);
        }
        known |= choice->step[k].reductions;
    }
    return status;
}

tw_status tw__build_stages(struct tw__stages **stages, struct tw__divided *last, const struct tw__building *recipe,
                           tw_error *error)
{
    const int nsteps = recipe->choice->nsteps;
    struct build *b = calloc(1, sizeof *b);
    int fits;
    if (b == NULL) {
        return tw__fail_memory(error, sizeof *b, "the steps of a statement");
    }
    b->recipe = recipe;
    b->survey = recipe->division->survey;
    b->signature = recipe->division->signature;
    for (int r = 0; r < TW__SETTLE_MOST; r++) {
        b->settled[r].part = b->settled[r].place = b->settled[r].total = -1;
    }
    tw_status status = divide_all(b, &fits, error);
    if (status == TW_OK && fits && nsteps > 1) {
        status = add_stages(b, &fits, error);
    }
    if (status == TW_OK && fits) {
        *stages = b->stages;
        *last = b->divided[nsteps - 1];
    } else if (b->stages != NULL) {
        tw__stages_destroy(b->stages);
    }
    if (status == TW_OK && !fits) {
        *stages = NULL;
    }
    for (int k = 0; k < nsteps; k++) {
        tw__divided_fini(&b->divided[k]);
    }
    free(b);
    return status;
}
