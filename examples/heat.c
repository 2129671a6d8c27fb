/* heat.c - a hundred steps of the heat equation by a statement, which is compiled once, with threads. */
#include <stdio.h>

#include <tilework/tilework.h>

enum { SIZE = 500, STEPS = 100 };

static const char text[] = "v[i,j] = u[i,j] + c * (u[i-1,j] + u[i+1,j] + u[i,j-1] + u[i,j+1] - 4*u[i,j])";

/* One step from arrays[0] to arrays[1]: the statement is bound once, since its shapes stay the same. */
static tw_status step(tw_pool *pool, const tw_kernel *kernel, const tw_grid *grid, tw_array **arrays, tw_error *error)
{
    const tw_status status = tw_run(pool, kernel, grid, arrays, NULL, NULL, error);
    tw_array *written = arrays[1];
    arrays[1] = arrays[0];
    arrays[0] = written;
    return status;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        fputs("usage: heat   (no arguments)\n", stderr);
        return 2;
    }
    const tw_parameter c = {.name = "c", .kind = TW_FLOAT64, .real = 0.2};
    const tw_axis_edge edges[] = {{.axis = "i", .edge = TW_EDGE_CLAMP}, {.axis = "j", .edge = TW_EDGE_WRAP}};
    const tw_statement_options options = {.parameters = &c, .nparameters = 1, .edges = edges, .nedges = 2};
    const int64_t shape[] = {SIZE, SIZE};
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64), dtypes[2] = {float64};
    tw_pool *pool = NULL;
    tw_array *arrays[2] = {NULL, NULL};
    tw_statement *statement = NULL;
    const tw_kernel *kernel;
    tw_grid *grid = NULL;
    tw_error error;
    int64_t lengths[4]; /* of i, j and the two dimensions of u, which every tile has whole */
    int failed = tw_pool_open(&pool, NULL, &error) || tw_array_create(&arrays[0], pool, &float64, 2, shape, &error) ||
                 tw_array_create(&arrays[1], pool, &float64, 2, shape, &error) ||
                 tw_statement_parse(&statement, text, &options, &error) ||
                 tw_statement_types(statement, dtypes, &error);
    if (!failed) {
        double *u = tw_array_data(arrays[0]);
        for (int64_t k = 0; k < (int64_t)SIZE * SIZE; k++) {
            u[k] = k == (int64_t)SIZE * SIZE / 2 + SIZE / 2 ? 1e6 : 0;
        }
        const tw_view *views[] = {tw_array_view(arrays[0]), NULL};
        failed = tw_statement_bind(statement, views, NULL, 0, lengths, &error) ||
                 tw_statement_grid(&grid, statement, lengths, NULL, 0, NULL, &error) ||
                 tw_statement_kernel(&kernel, statement, NULL, &error);
    }
    for (int k = 0; k < STEPS && !failed; k++) {
        failed = step(pool, kernel, grid, arrays, &error);
    }
    if (failed) {
        fprintf(stderr, "%s\n", error.message);
    } else {
        const double *u = tw_array_data(arrays[0]);
        double sum = 0;
        for (int64_t k = 0; k < (int64_t)SIZE * SIZE; k++) {
            sum += u[k];
        }
        printf("after %d steps: %.6f in the middle, %.6f in all\n", STEPS, u[SIZE * SIZE / 2 + SIZE / 2], sum);
        failed = !(sum > 1e6 - 1e-3 && sum < 1e6 + 1e-3); /* no heat is lost */
    }
    tw_grid_destroy(grid);
    tw_statement_destroy(statement);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    tw_pool_close(pool);
    return failed != 0;
}
