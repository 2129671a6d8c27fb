/* folded.h - the steps of a kernel whose outputs are reductions: partials, then one step of folds for each of them.
 */
#ifndef TW_GRID_FOLDED_H
#define TW_GRID_FOLDED_H

#include <tilework/tilework.h>

#include "grid/grid.h"

/* Whether an output of these options is a reduction, so that an axis which it lacks may be cut. */
static inline int tw__is_reduced(const tw_grid_options *options, int operand)
{
    return options->folds != NULL && options->folds[operand] != TW_FOLD_NONE;
}

/* The first output that neither has the axis nor is a reduction; -1: the axis may be cut. */
int tw__reduction_output_without(const tw_signature *signature, const tw_grid_options *options, int axis);

/* Refuses folds that make no sense: of inputs, inout operands, outputs with all axes. Errors: TW_ERROR_ARGUMENT. */
tw_status tw__reduction_check(const tw_signature *signature, const tw_grid_options *options, tw_error *error);

/* Gives the grid of a whole job its stages, if an output is a reduction. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY. */
tw_status tw__reduction_stages(tw_grid *grid, const tw_grid_options *options, tw_error *error);

#endif
