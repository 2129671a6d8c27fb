#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    const int64_t shape[1] = {100};
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    tw_array *array, *bytes;
    tw_handle handle;
    tw_heap *heap;
    tw_error error;
    if (tw_heap_open(&heap, 0, &error) || tw_array_create_in(&array, heap, &float64, 1, shape, &error) ||
        tw_array_handle(array, &handle, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    ((double *)tw_array_data(array))[7] = 2.5;

    /* Another process that was sent the handle does this: */
    if (tw_array_attach(&bytes, &handle, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    const double found = ((double *)tw_array_data(bytes))[7];
    printf("%g\n", found); /* 2.5 */
    tw_array_destroy(bytes);
    tw_array_destroy(array);
    tw_heap_close(heap);
    return found < 2.5 || found > 2.5;
}
