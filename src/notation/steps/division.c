/* division.c - how each step of a statement list is divided. */
#include "notation/steps/division.h"

#include <string.h>

#include "base/checked.h"
#include "grid/automatic.h"
#include "grid/fold.h"
#include "grid/signature.h"
#include "grid/split.h"

/* Tiles that keep the workers of most machines busy. */
#define FEW_TILES 32

/* A partial that becomes one with another takes about as long. Nanoseconds. */
#define MERGED 0.5

int tw__division_axis(const struct tw__division *division, int axis)
{
    const struct tw__program *program = division->survey->program;
    const int place = tw__settle_axis(program, axis);
    return place < 0 ? program->axes[axis].tile : division->signature->naxes + place;
}

/* All axes whole: those of the job, those that only steps have, and one for places. */
static void make_whole(struct tw__divided *divided, const struct tw__division *division)
{
    const struct tw__program *program = division->survey->program;
    memset(divided, 0, sizeof *divided);
    for (int a = 0; a < division->signature->naxes; a++) {
        divided->axes[a].length = division->lengths[a];
    }
    for (int a = 0; a < program->naxes; a++) {
        divided->axes[tw__division_axis(division, a)].length = division->survey->lengths[a];
    }
    for (int a = 0; a < TW__MAX_AXES; a++) {
        divided->axes[a].tile = divided->axes[a].length;
        divided->axes[a].count = 1;
    }
}

/* Axes of the program as the user says, no others. */
static void take_given(struct tw__divided *divided, const struct tw__division *division, uint64_t axes)
{
    for (int a = 0; a < division->survey->program->naxes; a++) {
        if ((axes & division->cut) >> a & 1) {
            divided->axes[tw__division_axis(division, a)] = division->axes[a];
        }
    }
}

/* ---- by the work ---- */

/* Divides the axes `axes` of the program alone, as tw__automatic_splits would: for outputs of these axes, of which one
 * element takes `work` nanoseconds. */
static tw_status divide_axes(struct tw__divided *divided, const struct tw__division *division,
                             const tw_signature *signature, const int64_t *lengths, uint64_t axes, double work,
                             tw_error *error)
{
    /* An output without items that has these axes alone keeps all others whole. */
    tw_signature with = *signature;
    int64_t itemsizes[TW_MAX_OPERANDS], all[TW__MAX_AXES] = {0};
    tw_grid_options options = *division->options;
    tw_operand *last = &with.operands[with.noperands];
    if (with.noperands == TW_MAX_OPERANDS) {
        return TW_OK;
    }
    *last = (tw_operand){.name = "", .role = TW_OUT};
    for (int a = 0; a < division->survey->program->naxes && last->ndim < TW_MAX_DIMS; a++) {
        if (axes >> a & 1) {
            last->axes[last->ndim++] = (uint8_t)tw__division_axis(division, a);
        }
    }
    for (int k = 0; k < with.noperands; k++) {
        itemsizes[k] = options.itemsizes != NULL && k < division->signature->noperands ? options.itemsizes[k] : 8;
    }
    itemsizes[with.noperands++] = 0;
    memcpy(all, lengths, (size_t)with.naxes * sizeof all[0]);
    options.splits = NULL;
    options.nsplits = 0;
    options.itemsizes = itemsizes;
    options.cost = TW_COST_STATEMENT;
    options.work = work;
    options.units = with.naxes == division->signature->naxes ? options.units : NULL;
    options.folds = NULL;
    options.fold_kernels = NULL;
    tw_status status = tw__automatic_splits(&with, all, &options, divided->splits, error);
    for (int a = 0; a < with.naxes && status == TW_OK; a++) {
        status = tw__split_axis(&divided->axes[a], "", &divided->splits[a], error);
        divided->axes[a].count += divided->axes[a].count == 0;
    }
    return status;
}

/* An axis without indices has no tiles if an output has it. */
static void empty_axes(struct tw__divided *divided, const struct tw__division *division, uint64_t axes)
{
    for (int a = 0; a < division->survey->program->naxes; a++) {
        if ((axes >> a & 1) != 0 && division->survey->lengths[a] == 0) {
            divided->axes[tw__division_axis(division, a)].count = 0;
        }
    }
}

static int64_t elements_of(const struct tw__survey *survey, int operand)
{
    uint64_t axes = 0;
    for (int d = 0; d < survey->program->operands[operand].ndim; d++) {
        axes |= UINT64_C(1) << survey->program->operands[operand].axis[d];
    }
    return tw__survey_product(survey, axes);
}

tw_status tw__divide_list(struct tw__divided *divided, const struct tw__division *division,
                          const struct tw__planned *step, double work, tw_error *error)
{
    const struct tw__survey *survey = division->survey;
    uint64_t targets = UINT64_MAX;
    tw_status status = TW_OK;
    make_whole(divided, division);
    for (int s = step->first; s < step->end; s++) {
        targets &= survey->targets[s];
    }
    if (division->is_given) {
        take_given(divided, division, targets);
    } else {
        /* Outputs that other steps write are none here. */
        tw_signature signature = *division->signature;
        const int64_t elements = elements_of(survey, __builtin_ctzll(step->outputs));
        for (int k = 0; k < signature.noperands; k++) {
            if (!(step->outputs >> k & 1)) {
                signature.operands[k].role = TW_IN;
            }
            if (!(step->operands >> k & 1)) {
                signature.operands[k].ndim = 0;
            }
        }
        status = divide_axes(divided, division, &signature, division->lengths, step->cut & targets,
                             elements > 0 ? work / (double)elements : 0, error);
    }
    empty_axes(divided, division, targets);
    return status;
}

/* ---- reductions ---- */

/* What the reductions of a step do together: they have the same axes. */
static struct tw__surveyed together(const struct tw__survey *survey, uint32_t reductions)
{
    struct tw__surveyed all = survey->of[__builtin_ctz(reductions)];
    all.work = 0;
    for (int r = 0; r < survey->count; r++) {
        if (reductions >> r & 1) {
            all.work += survey->of[r].work;
            all.bound |= survey->of[r].bound;
            all.bytes = survey->of[r].bytes > all.bytes ? survey->of[r].bytes : all.bytes;
        }
    }
    return all;
}

/* Cuts the first of the axes outside that is long enough into `parts`. */
static void cut_outside(struct tw__divided *divided, const struct tw__division *division, uint64_t outside,
                        int64_t parts)
{
    for (int a = 0; a < division->survey->program->naxes && parts > 1; a++) {
        struct tw__grid_axis *axis = &divided->axes[tw__division_axis(division, a)];
        if ((outside >> a & 1) != 0 && axis->length > 1) {
            const int64_t count = parts < axis->length ? parts : axis->length;
            *axis = (struct tw__grid_axis){
                .length = axis->length, .count = count, .tile = axis->length / count, .longer = axis->length % count};
            parts /= count;
        }
    }
}

/* How many tiles the axes outside make as they are divided now. */
static int64_t count_outside(const struct tw__divided *divided, const struct tw__division *division, uint64_t outside)
{
    int64_t count = 1;
    for (int a = 0; a < division->survey->program->naxes; a++) {
        if ((outside >> a & 1) != 0 && !tw__mul(count, divided->axes[tw__division_axis(division, a)].count, &count)) {
            return INT64_MAX;
        }
    }
    return count;
}

/* Puts the nodes on the axis of the step's grid that has the places. */
static void put_nodes(struct tw__divided *divided, const struct tw__division *division, const struct tw__surveyed *all)
{
    const struct tw__program *program = division->survey->program;
    const struct tw__node *node = &program->nodes[all->node];
    const int axis = node->u.reduce.naxes == 1 ? tw__division_axis(division, node->u.reduce.axis[0])
                                               : division->signature->naxes + tw__settle_axes(program);
    divided->axes[axis] =
        (struct tw__grid_axis){.length = all->places, .count = divided->nodes.count, .tile = all->places};
    if (divided->nodes.count > 1) {
        divided->axes[axis].cuts = divided->nodes.edges + 1;
    }
}

tw_status tw__divide_part(struct tw__divided *divided, const struct tw__division *division,
                          const struct tw__planned *step, tw_error *error)
{
    const struct tw__survey *survey = division->survey;
    const struct tw__surveyed all = together(survey, step->reductions);
    const struct tw__node *node = &survey->program->nodes[all.node];
    const int64_t parts = tw__automatic_parts(all.work, all.bytes);
    const int64_t few = parts < FEW_TILES ? parts : FEW_TILES;
    tw_status status;
    make_whole(divided, division);
    take_given(divided, division, division->is_given ? all.outside & ~all.bound : 0);
    if (division->is_given && tw__choice_cuts(survey, __builtin_ctz(step->reductions), division->cut)) {
        const int outermost = node->u.reduce.axis[0];
        status = tw__nodes_of_cuts(&divided->nodes, all.places, &division->axes[outermost],
                                   all.places / survey->lengths[outermost], error);
    } else {
        const int64_t tiles = division->is_given
                                  ? count_outside(divided, division, all.outside)
                                  : tw__survey_product(survey, all.outside & ~all.bound & ~all.strips & ~all.blocks);
        const int64_t missing = tiles >= few ? 1 : division->is_given ? (parts + tiles - 1) / tiles : parts;
        const int depth = tw__nodes_depth(all.places, missing);
        status = tw__nodes_of_depth(&divided->nodes, all.places, depth, error);
        if (status == TW_OK && !division->is_given) {
            cut_outside(divided, division, all.outside & ~all.bound & ~all.strips, parts / divided->nodes.count);
        }
    }
    if (status == TW_OK) {
        put_nodes(divided, division, &all);
    }
    return status;
}

void tw__divide_merge(struct tw__divided *divided, const struct tw__division *division, const struct tw__planned *step,
                      int64_t parts)
{
    const struct tw__surveyed all = together(division->survey, step->reductions);
    const double work = MERGED * (double)parts * (double)all.outsides;
    make_whole(divided, division);
    cut_outside(divided, division, all.outside, tw__automatic_parts(work, 0));
}

void tw__divided_fini(struct tw__divided *divided)
{
    tw__nodes_fini(&divided->nodes);
}
