#include <stdio.h>
#include <tilework/tilework.h>

static int square(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = TW_AT(x, i) * TW_AT(x, i);
    }
    return 0;
}

int main(void)
{
    const int64_t length = 1000000;
    const tw_dtype dtypes[2] = {tw_dtype_of(TW_FLOAT64), tw_dtype_of(TW_FLOAT64)};
    tw_signature *signature = NULL;
    tw_kernel *kernel = NULL;
    tw_array *operands[2] = {NULL, NULL}; /* r is not created */
    tw_grid *grid = NULL;
    tw_plan plan;
    tw_error error;
    tw_status status = tw_signature_parse(&signature, "x[i] -> r[i]", &error);
    if (status == TW_OK) {
        status = tw_grid_create(&grid, signature, &length, NULL, &error);
    }
    if (status == TW_OK) {
        status = tw_kernel_from_function(&kernel, square, NULL, 0, &error);
    }
    if (status == TW_OK) {
        status = tw_array_create(&operands[0], NULL, &dtypes[0], 1, &length, &error);
    }
    if (status == TW_OK) {
        status = tw_plan_make(&plan, kernel, grid, operands, dtypes, NULL, &error);
    }
    if (status == TW_OK) {
        printf("%s\n", plan.advice);
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    tw_array_destroy(operands[0]);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    return status != TW_OK;
}
