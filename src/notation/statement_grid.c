/* statement_grid.c - how a run of a statement list is divided: into one grid, or into several steps where reductions
 * would otherwise keep cores waiting. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid/cells.h"
#include "grid/signature.h"
#include "grid/split.h"
#include "notation/estimate.h"
#include "notation/notation.h"
#include "notation/steps/build.h"

/* Bytes of a line of memory. Rows that tiles cut elsewhere are read twice at each cut: sums of the columns of 4000 x
 * 6000 float64 took 29 ms of one core in tiles of 54 columns, 19 in tiles of 56. */
enum { LINE = 64, NARROW = 65536 /* elements: of a longer axis, tiles are so long that it does not matter */ };

/* All that is made on the way. */
struct dividing {
    const tw_statement *statement;
    const struct tw__program *program;
    int64_t own[TW__EXPR_AXES]; /* lengths of the program's axes */
    int64_t itemsizes[TW_MAX_OPERANDS];
    int64_t units[TW__MAX_AXES];
    tw_grid_options options;
    struct tw__survey survey;
    struct tw__division division;
    struct tw__choice choice;
    struct tw__building recipe;
    uint64_t named; /* bit a: axis a of the program is named by a split */
};

/* Tiles begin where lines do, along the last dimension of operands that have others too. */
static void choose_units(struct dividing *d, const int64_t *lengths)
{
    const tw_signature *signature = d->statement->signature;
    for (int a = 0; a < signature->naxes; a++) {
        d->units[a] = 1;
    }
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        const int last = operand->ndim > 1 ? operand->axes[operand->ndim - 1] : -1;
        const int64_t size = tw_dtype_of(d->program->operands[k].dtype).itemsize;
        if (last >= 0 && lengths[last] <= NARROW && LINE / size > d->units[last]) {
            d->units[last] = LINE / size;
        }
    }
}

static void take_options(struct dividing *d, const int64_t *lengths, const tw_grid_options *more)
{
    const tw_grid_options none = {0};
    d->options = more != NULL ? *more : none;
    d->options.splits = NULL;
    d->options.nsplits = 0;
    d->options.folds = NULL;
    d->options.fold_kernels = NULL;
    d->options.cost = TW_COST_STATEMENT;
    for (int k = 0; k < d->program->noperands && d->options.itemsizes == NULL; k++) {
        d->itemsizes[k] = tw_dtype_of(d->program->operands[k].dtype).itemsize;
    }
    if (d->options.units == NULL) {
        choose_units(d, lengths);
        d->options.units = d->units;
    }
    d->options.itemsizes = d->options.itemsizes != NULL ? d->options.itemsizes : d->itemsizes;
    memcpy(d->own, d->statement->context, (size_t)d->program->naxes * sizeof d->own[0]);
    for (int a = 0; a < d->program->naxes; a++) {
        d->own[a] = d->program->axes[a].tile >= 0 ? lengths[d->program->axes[a].tile] : d->own[a];
    }
}

/* ---- what the user says ---- */

/* The axis of the program that a split names; -1: none. */
static int find_axis(const struct tw__program *program, const char *name)
{
    for (int a = 0; name != NULL && a < program->naxes; a++) {
        if (strcmp(program->axes[a].name, name) == 0) {
            return a;
        }
    }
    return -1;
}

/* Splits of axes that are the program's alone: the signature does not have them, so tw_grid_create would not know
 * them. Others are left to it. */
static tw_status take_split(struct dividing *d, const tw_split *split, tw_error *error)
{
    const int a = find_axis(d->program, split->axis);
    if (a < 0) {
        return TW_OK;
    }
    if (d->named >> a & 1) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "axis %s is split twice: give one of tile, parts, cuts", split->axis);
    }
    d->named |= UINT64_C(1) << a;
    d->division.axes[a].length = d->own[a];
    const tw_status status = tw__split_axis(&d->division.axes[a], split->axis, split, error);
    d->division.cut |= (uint64_t)(status == TW_OK && d->division.axes[a].count > 1) << a;
    return status;
}

/* Whether some reduction runs along the axis. */
static int is_reduced(const struct tw__program *program, int axis)
{
    for (int n = 0; n < program->nnodes; n++) {
        const struct tw__node *node = &program->nodes[n];
        for (int k = 0; node->kind == TW__NODE_REDUCE && k < node->u.reduce.naxes; k++) {
            if (node->u.reduce.axis[k] == axis) {
                return 1;
            }
        }
    }
    return 0;
}

static int is_everywhere(const struct tw__survey *survey, int axis)
{
    for (int s = 0; s < survey->program->nstatements; s++) {
        if (!(survey->targets[s] >> axis & 1)) {
            return 0;
        }
    }
    return 1;
}

static const char *target_name(const struct dividing *d, int statement)
{
    return d->program->operands[d->program->statements[statement].target].name;
}

/* One grid. Cuts of reduced axes have moved to the ends of these, where there is nothing to cut: the axes stay whole.
 */
static tw_status make_plain(tw_grid **grid, const struct dividing *d, const int64_t *lengths, const tw_split *splits,
                            size_t nsplits, tw_error *error)
{
    tw_grid_options options = d->options;
    for (int r = 0; r < d->survey.count; r++) {
        const struct tw__surveyed *one = &d->survey.of[r];
        const uint64_t bound = one->bound & d->division.cut;
        if (bound != 0 && one->outsides > 0 && one->places > 0) { /* else it reads nothing */
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "axis %s cannot be cut here: a reduction reads what is written along it, and the list has "
                            "no step for it",
                            d->program->axes[__builtin_ctzll(bound)].name);
        }
    }
    for (int a = 0; a < d->program->naxes; a++) {
        const int is_cut = (d->division.cut >> a & 1) != 0 && d->program->axes[a].tile >= 0;
        for (int s = 0; is_cut && s < d->program->nstatements && !is_reduced(d->program, a); s++) {
            if (!(d->survey.targets[s] >> a & 1)) {
                return tw__fail(
                    error, TW_ERROR_ARGUMENT,
                    "axis %s cannot be cut here: the output %s does not have it; compute %s in a run of its "
                    "own, or cut an axis that all outputs have",
                    d->program->axes[a].name, target_name(d, s), target_name(d, s));
            }
        }
    }
    tw_split *kept = calloc(nsplits + 1, sizeof *kept);
    if (kept == NULL) {
        return tw__fail_memory(error, (nsplits + 1) * sizeof *kept, "a grid");
    }
    options.splits = kept;
    for (size_t s = 0; s < nsplits; s++) {
        const int a = find_axis(d->program, splits[s].axis);
        kept[options.nsplits] = splits[s];
        if (a >= 0 && is_reduced(d->program, a) && !is_everywhere(&d->survey, a)) {
            if (d->program->axes[a].tile < 0) {
                continue;
            }
            kept[options.nsplits] = (tw_split){.axis = splits[s].axis};
        }
        options.nsplits++;
    }
    if (nsplits > 0 && options.nsplits == 0 && d->statement->signature->naxes > 0) { /* all others stay whole */
        kept[options.nsplits++] = (tw_split){.axis = d->statement->signature->axes[0]};
    }
    const tw_status status = tw_grid_create(grid, d->statement->signature, lengths, &options, error);
    free(kept);
    return status;
}

/* ---- what the work says ---- */

/* Nanoseconds of all statements, and of each reduction by itself. */
static tw_status estimate(struct dividing *d, const int64_t *lengths, tw_error *error)
{
    tw_work all;
    const tw_status status = tw_statement_work(d->statement, lengths, &all, error);
    if (status != TW_OK) {
        return status;
    }
    d->survey.work = all.nanoseconds;
    d->options.work = all.work;
    unsigned char *done = calloc((size_t)d->program->nnodes + 1, 1);
    if (done == NULL) {
        return tw__fail_memory(error, (size_t)d->program->nnodes, "the work of a statement");
    }
    for (int r = 0; r < d->survey.count; r++) {
        memset(done, 0, (size_t)d->program->nnodes);
        d->survey.of[r].work = tw__estimate(d->program, d->survey.of[r].node, -1, d->own, done);
    }
    free(done);
    return TW_OK;
}

/* Of the statements of each step, without the reductions that have steps of their own. */
static tw_status estimate_steps(struct dividing *d, tw_error *error)
{
    unsigned char *done = calloc((size_t)d->program->nnodes + 1, 1);
    if (done == NULL) {
        return tw__fail_memory(error, (size_t)d->program->nnodes, "the work of a statement");
    }
    for (int r = 0; r < d->survey.count; r++) {
        done[d->survey.of[r].node] = (unsigned char)(d->choice.settled >> r & 1);
    }
    for (int k = 0; k < d->choice.nsteps; k++) {
        d->recipe.work[k] = 0;
        for (int s = d->choice.step[k].first; s < d->choice.step[k].end; s++) {
            const struct tw__assignment *one = &d->program->statements[s];
            d->recipe.work[k] += tw__estimate(d->program, one->value, one->target, d->own, done);
        }
    }
    free(done);
    return TW_OK;
}

/* ---- the grid ---- */

static tw_status choose(struct dividing *d, const int64_t *lengths, const tw_split *splits, size_t nsplits,
                        tw_error *error)
{
    tw_status status = tw__survey_make(&d->survey, d->program, d->own, error);
    if (status == TW_OK) {
        status = estimate(d, lengths, error);
    }
    for (size_t s = 0; s < nsplits && status == TW_OK; s++) {
        status = take_split(d, &splits[s], error);
    }
    if (status == TW_OK) {
        status = tw__choose_steps(&d->choice, &d->survey, nsplits > 0, d->division.cut, error);
    }
    return status == TW_OK ? estimate_steps(d, error) : status;
}

/* Whether the user's splits are right by themselves: named axes exist, and each is split once. */
static tw_status check_names(const struct dividing *d, const int64_t *lengths, const tw_split *splits, size_t nsplits,
                             tw_error *error)
{
    for (size_t s = 0; s < nsplits; s++) {
        if (splits == NULL || splits[s].axis == NULL || find_axis(d->program, splits[s].axis) < 0) {
            const tw_grid_options options = {.splits = splits != NULL ? &splits[s] : NULL, .nsplits = 1};
            tw_grid *grid;
            const tw_status status = tw_grid_create(&grid, d->statement->signature, lengths, &options, error);
            if (status != TW_OK) {
                return status;
            }
            tw_grid_destroy(grid);
        }
    }
    return TW_OK;
}

/* The axes that all outputs have. */
static uint64_t common_axes(const struct dividing *d)
{
    uint64_t axes = UINT64_MAX;
    for (int s = 0; s < d->program->nstatements; s++) {
        axes &= d->survey.targets[s];
    }
    return axes;
}

static tw_status make_stages(tw_grid **grid, struct dividing *d, const int64_t *lengths, const tw_split *splits,
                             size_t nsplits, tw_error *error)
{
    struct tw__stages *stages = NULL;
    struct tw__divided *last = calloc(1, sizeof *last);
    if (last == NULL) {
        return tw__fail_memory(error, sizeof *last, "a grid");
    }
    tw_status status = tw__build_stages(&stages, last, &d->recipe, error);
    if (status == TW_OK && stages == NULL && d->choice.nsteps > 1) { /* there is no room for them */
        status = tw__choose_whole(&d->choice, &d->survey, error);
        status = status == TW_OK ? estimate_steps(d, error) : status;
        status = status == TW_OK ? tw__build_stages(&stages, last, &d->recipe, error) : status;
    }
    const int is_narrow = stages == NULL && nsplits == 0 && common_axes(d) != d->choice.step[0].cut;
    if (status == TW_OK && stages == NULL && !is_narrow) {
        status = make_plain(grid, d, lengths, splits, nsplits, error);
    } else if (status == TW_OK) {
        status = tw__cells_create(grid, d->statement->signature, last->axes, error);
    }
    if (status == TW_OK && stages != NULL) {
        status = tw__grid_set_stages(*grid, stages, error);
        if (status != TW_OK) {
            tw_grid_destroy(*grid);
        }
    }
    if (status != TW_OK && stages != NULL) {
        tw__stages_destroy(stages);
    }
    free(last);
    return status;
}

tw_status tw_statement_grid(tw_grid **grid, tw_statement *statement, const int64_t *lengths, const tw_split *splits,
                            size_t nsplits, const tw_grid_options *more, tw_error *error)
{
    if (statement->context == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "the statement's lengths are not known yet: bind it first");
    }
    struct dividing *d = calloc(1, sizeof *d);
    tw_grid *made = NULL;
    if (d == NULL) {
        return tw__fail_memory(error, sizeof *d, "a grid");
    }
    d->statement = statement;
    d->program = &statement->typed.program;
    take_options(d, lengths, more);
    d->division = (struct tw__division){.survey = &d->survey,
                                        .signature = statement->signature,
                                        .lengths = lengths,
                                        .is_given = nsplits > 0,
                                        .options = &d->options};
    d->recipe = (struct tw__building){.division = &d->division, .choice = &d->choice, .context = statement->context};
    tw_status status = check_names(d, lengths, splits, nsplits, error);
    if (status == TW_OK) {
        status = choose(d, lengths, splits, nsplits, error);
    }
    if (status == TW_OK) {
        status = make_stages(&made, d, lengths, splits, nsplits, error);
    }
    free(d);
    if (status == TW_OK) {
        *grid = made;
    }
    return status;
}
