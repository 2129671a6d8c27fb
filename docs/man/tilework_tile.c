#include <stdio.h>
#include <tilework/tilework.h>

/* "x[i] -> r[i]": no square root of negative numbers */
static int root(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    if (!tw_view_is(&tile->operand[0], TW_FLOAT64, 1))
        return tw_tile_fail(tile, 1, "x is not float64");
    for (int64_t i = 0; i < r.shape[0]; i++) {
        if (TW_AT(x, i) < 0)
            return tw_tile_fail(tile, 2, "no root of %g at i = %lld", TW_AT(x, i), (long long)(tile->start[0] + i));
        double guess = TW_AT(x, i) + 1;
        for (int n = 0; n < 50; n++)
            guess = 0.5 * (guess + TW_AT(x, i) / guess);
        TW_AT(r, i) = guess;
    }
    return 0;
}

int main(void)
{
    double x[4] = {4, 9, 16, 25}, r[4];
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_view views[2] = {{x, float64, 1, {4}, {8}}, {r, float64, 1, {4}, {8}}};
    tw_array *arrays[2];
    tw_signature *signature;
    tw_kernel *kernel;
    tw_grid *grid;
    tw_error error;
    if (tw_array_wrap(&arrays[0], &views[0], &error) || tw_array_wrap(&arrays[1], &views[1], &error) ||
        tw_signature_parse(&signature, "x[i] -> r[i]", &error) ||
        tw_grid_for(&grid, signature, arrays, NULL, 0, &error) ||
        tw_kernel_from_function(&kernel, root, NULL, 0, &error) ||
        tw_run(NULL, kernel, grid, arrays, NULL, NULL, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    printf("%g %g %g %g\n", r[0], r[1], r[2], r[3]);
    x[2] = -16;
    const tw_status status = tw_run(NULL, kernel, grid, arrays, NULL, NULL, &error);
    printf("%s\n", error.message);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(arrays[0]);
    tw_array_destroy(arrays[1]);
    return r[0] < 1.999 || r[0] > 2.001 || status != TW_ERROR_KERNEL || error.kernel_code != 2 || error.tile != 2;
}
