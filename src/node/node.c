/* node.c - the outputs of a job, whether this process writes them alone or together with others: the public face of
 * both. Knows no files. */
#include "base/error.h"
#include "record/outputs.h"

static tw_status refuse_alone(const char *function, tw_error *error)
{
    return tw__fail(error, TW_ERROR_ARGUMENT, "%s: these outputs were opened without node", function);
}

tw_status tw_outputs_open(tw_outputs **outputs, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *arrays,
                          const tw_output *files, const tw_outputs_options *options, tw_error *error)
{
    if (options != NULL && (options->node != NULL || options->join != NULL)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "outputs that several nodes write are not available in this build");
    }
    return tw__outputs_open(outputs, kernel, grid, arrays, files, options, error);
}

tw_status tw_outputs_commit(tw_outputs *outputs, tw_error *error)
{
    return tw__outputs_commit(outputs, error);
}

tw_status tw_outputs_keep(tw_outputs *outputs, tw_error *error)
{
    return tw__outputs_keep(outputs, error);
}

void tw_outputs_get_totals(const tw_outputs *outputs, tw_outputs_totals *totals)
{
    tw__outputs_get_totals(outputs, totals);
}

void tw_outputs_destroy(tw_outputs *outputs)
{
    tw__outputs_destroy(outputs);
}

/* ---- for programs that give out the tiles themselves ---- */

tw_status tw_outputs_missing(const tw_outputs *outputs, uint64_t from, uint64_t *first, uint64_t *count)
{
    (void)outputs, (void)from, (void)first, (void)count;
    return TW_ERROR_ARGUMENT;
}

tw_status tw_outputs_note(tw_outputs *outputs, uint64_t first, uint64_t count, const uint64_t *sums, tw_error *error)
{
    (void)outputs, (void)first, (void)count, (void)sums;
    return refuse_alone("tw_outputs_note", error);
}

const char *tw_outputs_folder(const tw_outputs *outputs)
{
    (void)outputs;
    return NULL;
}

tw_status tw_outputs_sums(const tw_outputs *outputs, uint64_t first, uint64_t count, uint64_t *sums, tw_error *error)
{
    (void)outputs, (void)first, (void)count, (void)sums;
    return refuse_alone("tw_outputs_sums", error);
}

tw_status tw_outputs_sync(tw_outputs *outputs, tw_error *error)
{
    (void)outputs;
    return refuse_alone("tw_outputs_sync", error);
}
