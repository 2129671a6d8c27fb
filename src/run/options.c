/* options.c - what is asked of a run, and cannot be. Changes nothing. */
#include "run/options.h"

#include <inttypes.h>

#include "base/error.h"
#include "grid/signature.h"
#include "node/member.h"
#include "record/outputs.h"

static int has_outputs(const tw_signature *signature)
{
    for (int k = 0; k < signature->noperands; k++) {
        if (signature->operands[k].role != TW_IN) {
            return 1;
        }
    }
    return 0;
}

tw_status tw__run_check_options(const tw_run_options *options, const tw_signature *signature, int apart,
                                tw_error *error)
{
    if (options->check && !has_outputs(signature)) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "check: the signature has no output, so nothing can be compared, and what the kernel does "
                        "would be done twice");
    }
    if (!(options->timeout >= 0)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a time limit for tiles is a positive number of seconds");
    }
    if (!(options->stall_seconds >= 0)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a run stands still after a positive number of seconds");
    }
    if (options->only != NULL && (options->check || options->outputs != NULL)) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "a run of some tiles alone has no result to check or to write to files");
    }
    if (options->where != NULL && options->outputs != NULL) {
        return tw__fail(
            error, TW_ERROR_ARGUMENT,
            "where with outputs in files is given to tw_outputs_open, since the mask counts in the journal");
    }
    if (options->count > 0 &&
        (options->outputs == NULL || options->outputs->member == NULL || !options->outputs->member->is_worker)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "first and count need outputs that were opened with join");
    }
    if (options->count > 0) {
        const uint64_t tiles = options->outputs->grid->count;
        if (options->count > tiles || options->first > tiles - options->count) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "first is %" PRIu64 " and count is %" PRIu64 ", but the job has %" PRIu64 " tiles",
                            options->first, options->count, tiles);
        }
    }
    if (options->check && options->outputs != NULL && options->outputs->member != NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "check compares with a whole result, and a node has a part of it: check the job without node");
    }
    if (options->only != NULL && options->where != NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "only and where exclude each other: both say which tiles are run");
    }
    if (apart) {
        return TW_OK;
    }
    if (options->timeout > 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "a time limit for tiles needs a pool of processes: a thread cannot be stopped inside a kernel");
    }
    if (options->tiles_per_worker > 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "a number of tiles per worker needs a pool of processes: a kernel's leftovers in a "
                        "thread stay in the program");
    }
    if (options->guard) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "the guard needs a pool of processes: a thread that reaches outside its tile ends the program");
    }
    return TW_OK;
}
