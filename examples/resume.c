/* resume.c - a long job into a file. It may be killed at any moment: run again, it computes only what is missing.
 *
 *     cc resume.c $(pkg-config --cflags --libs tilework) -o resume && ./resume
 */
#include <stdio.h>
#include <time.h>

#include <tilework/tilework.h>

/* -> r[i,j]: each row takes a hundredth of a second. */
static int render(const tw_tile *tile)
{
    TW_VIEW(double, r, tile->operand[0]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = (double)((tile->start[0] + i) * (tile->start[1] + j));
        }
    }
    return 0;
}

static int is_right(const tw_view *view)
{
    TW_VIEW(const double, r, *view);
    int right = 1;
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            right &= TW_AT(r, i, j) == (double)(i * j);
        }
    }
    return right;
}

int main(int argc, char **argv)
{
    const int64_t lengths[] = {150, 1000};
    const tw_output files[] = {{.file = argc > 1 ? argv[1] : "r.npy", .dtype = tw_dtype_of(TW_FLOAT64)}};
    const tw_outputs_options how = {.resume = 1};
    tw_array *const arrays[] = {NULL}; /* an input would be here; r is an output alone */
    tw_run_options options = {0};
    tw_signature *signature = NULL;
    tw_kernel *kernel = NULL;
    tw_grid *grid = NULL;
    tw_pool *pool = NULL;
    tw_outputs_totals totals;
    tw_error error;
    int code = 1;

    /* Without the version the job is known by the bytes of this program: compiled anew it would be another job. */
    if (tw_kernel_from_function(&kernel, render, NULL, 0, &error) != TW_OK ||
        tw_kernel_set_identity(kernel, "render, version 1", &error) != TW_OK ||
        tw_signature_parse(&signature, "-> r[i,j]", &error) != TW_OK ||
        tw_grid_create(&grid, signature, lengths, NULL, &error) != TW_OK ||
        tw_outputs_open(&options.outputs, kernel, grid, arrays, files, &how, &error) != TW_OK) {
        fprintf(stderr, "%s\n", error.message);
        goto end;
    }
    tw_outputs_get_totals(options.outputs, &totals);
    printf("%d of %d tiles were done\n", (int)totals.done, (int)totals.tiles);
    if (tw_pool_open(&pool, NULL, &error) != TW_OK ||
        tw_run(pool, kernel, grid, tw_outputs_operands(options.outputs), &options, NULL, &error) != TW_OK ||
        tw_outputs_commit(options.outputs, &error) != TW_OK) {
        fprintf(stderr, "%s\n", error.message);
        if (tw_outputs_keep(options.outputs, &error) != TW_OK) { /* what is done stays for the next time */
            fprintf(stderr, "%s\n", error.message);
        }
        goto end;
    }
    code = !is_right(tw_array_view(tw_outputs_operands(options.outputs)[0]));
end:
    tw_outputs_destroy(options.outputs);
    tw_pool_close(pool);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_kernel_destroy(kernel);
    return code;
}
