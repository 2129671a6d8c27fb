#include <stdio.h>
#include <tilework/tilework.h>

/* "-> r[i,j]" */
static int noise(const tw_tile *tile)
{
    const tw_random what = {.seed = 3, .kind = TW_RANDOM_NORMAL};
    return tw_random_fill(&tile->operand[0], tile, 0, &what);
}

int main(void)
{
    double r[20];
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    const tw_view view = {r, float64, 2, {4, 5}, {40, 8}};
    const tw_split split = {.axis = "j", .tile = 2};
    tw_array *array;
    tw_signature *signature;
    tw_kernel *kernel;
    tw_grid *grid;
    tw_error error;
    if (tw_array_wrap(&array, &view, &error) || tw_signature_parse(&signature, "-> r[i,j]", &error) ||
        tw_grid_for(&grid, signature, &array, &split, 1, &error) ||
        tw_kernel_from_function(&kernel, noise, NULL, 0, &error) ||
        tw_run(NULL, kernel, grid, &array, NULL, NULL, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    printf("%g %g\n", r[7], tw_random_normal(3, 0, 7)); /* the element [1,2] of 4 x 5 is number 7 */
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(array);
    return r[7] != tw_random_normal(3, 0, 7);
}
