#include <stdio.h>
#include <tilework/tilework.h>

enum { N = 20 };

/* r[i] = c * x[i], ready for any x and r of N doubles. */
static tw_status prepare(tw_prepared **prepared, double c, tw_error *error)
{
    const int64_t length = N;
    const tw_dtype dtypes[2] = {tw_dtype_of(TW_FLOAT64), tw_dtype_of(TW_FLOAT64)};
    const tw_view view = {NULL, dtypes[0], 1, {N}, {sizeof(double)}}, *views[2] = {&view, &view};
    const tw_parameter parameter = {.name = "c", .kind = TW_FLOAT64, .real = c};
    const tw_statement_options options = {.parameters = &parameter, .nparameters = 1};
    tw_statement *statement = NULL;
    const tw_kernel *kernel;
    tw_grid *grid = NULL;
    int64_t lengths[1];
    tw_status status = tw_statement_parse(&statement, "r[i] = c * x[i]", &options, error);
    if (status == TW_OK) {
        status = tw_statement_types(statement, dtypes, error);
    }
    if (status == TW_OK) {
        status = tw_statement_bind(statement, views, NULL, 0, lengths, error);
    }
    if (status == TW_OK) {
        status = tw_statement_kernel(&kernel, statement, NULL, error);
    }
    if (status == TW_OK) {
        status = tw_statement_grid(&grid, statement, &length, NULL, 0, NULL, error);
    }
    if (status == TW_OK) {
        status = tw_prepared_create(prepared, kernel, grid, views, error);
    }
    tw_grid_destroy(grid); /* what is needed of all these was copied */
    tw_statement_destroy(statement);
    return status;
}

int main(void)
{
    tw_prepared *prepared = NULL;
    tw_error error;
    double x[N], r[N], sum = 0;
    tw_status status = prepare(&prepared, 0.5, &error);
    for (int round = 0; status == TW_OK && round < 1000; round++) {
        for (int i = 0; i < N; i++) {
            x[i] = round + i;
        }
        status = tw_prepared_run(prepared, (void *[]){x, r}, &error);
        sum += r[0];
    }
    if (status == TW_OK) {
        printf("%g\n", sum);
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    tw_prepared_destroy(prepared);
    return status != TW_OK;
}
