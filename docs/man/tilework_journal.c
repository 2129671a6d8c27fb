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

/* Runs the job, or resumes it if there is a journal of it. */
static tw_status run(const tw_kernel *kernel, const tw_grid *grid, tw_error *error)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const int64_t length = 10;
    uint64_t done = 0, tiles;
    tw_run_options options = {.stop = &stop};
    tw_array *array;
    stop = 0;
    const int found = tw_journal_look(&done, &tiles, "r.npy.journal", NULL) == TW_OK;
    printf("%llu tiles are done\n", (unsigned long long)done);
    if (found && (tw_array_reopen_file(&array, "r.npy", &float64, 1, &length, error) ||
                  tw_journal_open(&options.journal, "r.npy.journal", kernel, grid, &array, error)))
        return error->status;
    if (!found && (tw_array_create_file(&array, "r.npy", &float64, 1, &length, error) ||
                   tw_journal_create(&options.journal, "r.npy.journal", kernel, grid, &array, error)))
        return error->status;
    const tw_status status = tw_run(NULL, kernel, grid, &array, &options, NULL, error);
    if (status == TW_OK && tw_array_commit(array, error) == TW_OK) {
        tw_journal_remove(options.journal);
        tw_array_destroy(array);
        return TW_OK;
    }
    tw_journal_close(options.journal, NULL);
    tw_array_keep(array);
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
