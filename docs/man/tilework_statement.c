#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_axis_edge edge = {.axis = NULL, .edge = TW_EDGE_CLAMP}; /* of all axes */
    tw_parameter c = {.name = "c"};
    tw_statement *statement;
    tw_array *arrays[2];
    tw_grid *grid;
    const tw_kernel *kernel;
    tw_error error;
    int64_t lengths[1];
    double u[5] = {1, 2, 4, 8, 16}, r[5];
    const tw_view views[2] = {{u, float64, 1, {5}, {8}}, {r, float64, 1, {5}, {8}}};
    const tw_dtype dtypes[2] = {float64, float64};
    if (tw_parameter_parse(&c, "0.5", &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    const tw_statement_options options = {.parameters = &c, .nparameters = 1, .edges = &edge, .nedges = 1};
    if (tw_statement_parse(&statement, "r[i] = c * (u[i-1] + u[i+1])", &options, &error) ||
        tw_statement_types(statement, dtypes, &error) || tw_array_wrap(&arrays[0], &views[0], &error) ||
        tw_array_wrap(&arrays[1], &views[1], &error) ||
        tw_statement_bind(statement, (const tw_view *[]){&views[0], &views[1]}, NULL, 0, lengths, &error) ||
        tw_statement_grid(&grid, statement, lengths, NULL, 0, NULL, &error) ||
        tw_statement_kernel(&kernel, statement, NULL, &error) || tw_run(NULL, kernel, grid, arrays, NULL, NULL, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    printf("%g %g %g %g %g\n", r[0], r[1], r[2], r[3], r[4]); /* 1.5 2.5 5 10 12 */
    tw_grid_destroy(grid);
    tw_statement_destroy(statement);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    return r[0] < 1.5 || r[0] > 1.5 || r[4] < 12 || r[4] > 12;
}
