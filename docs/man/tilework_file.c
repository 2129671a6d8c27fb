#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    const int64_t shape[1] = {5};
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    tw_array *output, *input;
    tw_error error;
    if (tw_array_create_file(&output, "r.npy", &float64, 1, shape, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    for (int i = 0; i < 5; i++)
        ((double *)tw_array_data(output))[i] = i * i;
    if (tw_array_commit(output, &error)) /* r.npy.part becomes r.npy */
        return fprintf(stderr, "%s\n", error.message), 1;
    tw_array_destroy(output);

    if (tw_array_open(&input, NULL, "r.npy", &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    const double last = ((const double *)tw_array_data(input))[4];
    printf("%lld items, the last is %g\n", (long long)tw_view_size(tw_array_view(input)), last);
    tw_array_destroy(input);
    return last < 16 || last > 16;
}
