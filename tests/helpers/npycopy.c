/* npycopy.c - what tests/command/test_npy.py runs.
 *
 *   npycopy IN.npy OUT.npy   opens one file and saves it as another
 *   npycopy IN.npy           prints its items, one a line, in C order
 *
 * Exit codes: 0, 1 wrong use, 3 an error (its status and its sentence on standard error). */
#include <stdio.h>

#include <tilework/tilework.h>

static void print_items(const tw_view *view)
{
    int64_t index[TW_MAX_DIMS] = {0};
    for (int64_t n = tw_view_size(view); n > 0; n--) {
        const char *item = view->data;
        for (int d = 0; d < view->ndim; d++) {
            item += index[d] * view->strides[d];
        }
        char text[128];
        tw_item_format(text, sizeof text, &view->dtype, item);
        puts(text);
        for (int d = view->ndim - 1; d >= 0 && ++index[d] == view->shape[d]; d--) {
            index[d] = 0;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fputs("usage: npycopy IN.npy [OUT.npy]\n", stderr);
        return 1;
    }
    tw_error error;
    tw_array *array = NULL;
    tw_status status = tw_array_open(&array, NULL, argv[1], &error);
    if (status == TW_OK && argc == 2) {
        print_items(tw_array_view(array));
    } else if (status == TW_OK) {
        status = tw_array_save(array, argv[2], &error);
    }
    if (status != TW_OK) {
        fprintf(stderr, "%s: %s\n", tw_status_name(status), error.message);
    }
    tw_array_destroy(array);
    return status == TW_OK ? 0 : 3;
}
