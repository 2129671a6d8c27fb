#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    const int64_t shape[2] = {3, 4};
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    tw_array *array, *column, *copy;
    tw_error error;
    if (tw_array_create(&array, NULL, &float64, 2, shape, &error) ||
        tw_array_create(&copy, NULL, &float64, 1, shape, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    double *items = tw_array_data(array);
    for (int k = 0; k < 12; k++)
        items[k] = k;

    tw_view view = *tw_array_view(array); /* column 1: every fourth item */
    view.data = items + 1;
    view.ndim = 1;
    if (tw_array_part(&column, array, &view, &error) || tw_array_copy(copy, column, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    const double *found = tw_array_data(copy);
    printf("%g %g %g\n", found[0], found[1], found[2]); /* 1 5 9 */
    const int wrong = found[2] < 9 || tw_array_memory(array) != TW_PRIVATE;
    tw_array_destroy(column);
    tw_array_destroy(copy);
    tw_array_destroy(array);
    return wrong;
}
