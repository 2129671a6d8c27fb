#include <stdio.h>
#include <tilework/tilework.h>

static int stop;

static int count(const tw_tile *tile) /* "-> r[i]" */
{
    TW_VIEW(double, r, tile->operand[0]);
    for (int64_t i = 0; i < r.shape[0]; i++)
        TW_AT(r, i) = (double)(tile->start[0] + i);
    stop = tile->number == 3; /* somebody presses Ctrl-C in the first run */
    return 0;
}

/* Runs the job, or resumes it if it was interrupted. */
static tw_status run(const tw_kernel *kernel, const tw_grid *grid, tw_error *error)
{
    const tw_output files[] = {{.file = "r.npy", .dtype = tw_dtype_of(TW_FLOAT64)}};
    const tw_outputs_options how = {.resume = 1};
    tw_array *const arrays[] = {NULL}; /* r is an output alone: it has no first values */
    tw_run_options options = {.stop = &stop};
    tw_outputs_totals before;
    stop = 0;
    tw_status status = tw_outputs_open(&options.outputs, kernel, grid, arrays, files, &how, error);
    if (status != TW_OK)
        return status;
    tw_outputs_get_totals(options.outputs, &before);
    printf("%llu tiles are done\n", (unsigned long long)before.done);
    status = tw_run(NULL, kernel, grid, tw_outputs_operands(options.outputs), &options, NULL, error);
    if (status == TW_OK)
        status = tw_outputs_commit(options.outputs, error);
    if (status != TW_OK)
        tw_outputs_keep(options.outputs, NULL);
    tw_outputs_destroy(options.outputs);
    return status;
}

int main(void)
{
    const tw_split split = {.axis = "i", .tile = 1};
    const int64_t length = 10;
    tw_signature *signature;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_error error;
    if (tw_signature_parse(&signature, "-> r[i]", &error) ||
        tw_grid_create(&grid, signature, &length, &(tw_grid_options){.splits = &split, .nsplits = 1}, &error) ||
        tw_kernel_from_function(&kernel, count, NULL, 0, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    const tw_status first = run(kernel, grid, &error), second = run(kernel, grid, &error);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    return first != TW_ERROR_INTERRUPTED || second != TW_OK;
}
