/* show.c - tilework show: what is in .npy files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "look/corners.h"
#include "look/statistics.h"
#include "options.h"
#include "strict.h"
#include "units.h"

struct request {
    char **files; /* [count], into argv */
    int count;
};

static const char doc[] =
    "Describe .npy files: dtype, shape, order, bytes; smallest, largest and mean item; the items at the corners."
    "\v"
    "A file that cannot be described is reported, and the next one is processed. Items that are not a number (nan) are "
    "counted and otherwise ignored. Complex items are described by their real and imaginary parts. Text items are "
    "shown as text, records and dates as hex bytes. At the corners, numbers are rounded to six digits.\n"
    "\n"
    "Examples:\n"
    "  tilework show r.npy\n"
    "  tilework show *.npy\n";

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    (void)argument;
    switch (key) {
    case ARGP_KEY_ARGS:
        request->files = state->argv + state->next;
        request->count = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        return cli_bad("missing file: give FILE.npy");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *order_text(const tw_view *view)
{
    tw_view reversed = *view;
    for (int d = 0; d < view->ndim; d++) {
        reversed.shape[d] = view->shape[view->ndim - 1 - d];
        reversed.strides[d] = view->strides[view->ndim - 1 - d];
    }
    if (tw_view_size(view) == 0) {
        return "C"; /* no item contradicts it */
    }
    const int c = tw_view_is_contiguous(view), fortran = tw_view_is_contiguous(&reversed);
    return c && fortran ? "C and Fortran" : c ? "C" : fortran ? "Fortran" : "strided";
}

static void print_statistics(const tw_view *view, const char *of)
{
    struct cli_statistics statistics;
    char least[128], most[128], mean[128];
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    cli_statistics_of(&statistics, view);
    if (statistics.count > 0) {
        tw_item_format(least, sizeof least, &view->dtype, statistics.least);
        tw_item_format(most, sizeof most, &view->dtype, statistics.most);
        tw_item_format(mean, sizeof mean, &float64, &statistics.mean);
        printf("%smin     %s\n%smax     %s\n%smean    %s\n", of, least, of, most, of, mean);
    }
    if (statistics.nans > 0) {
        printf("%snan     %lld\n", of, (long long)statistics.nans);
    }
}

static void print_array(const char *path, const tw_view *view)
{
    char shape[CLI_SHAPE_TEXT], size[CLI_UNITS_TEXT];
    const int64_t bytes = tw_view_size(view) * view->dtype.itemsize;
    char *name = strdup(path);
    printf("%s\n", name != NULL ? cli_clean(name, "") : "?");
    free(name);
    printf("dtype   %s\n", tw_dtype_name(&view->dtype));
    printf("shape   %s\n", cli_text_shape(shape, sizeof shape, view->ndim, view->shape));
    printf("order   %s\n", order_text(view));
    printf("bytes   %lld", (long long)bytes);
    if (bytes >= 1024) {
        printf(" (%s)", cli_text_bytes(size, sizeof size, bytes));
    }
    putchar('\n');
    if (view->dtype.kind == TW_COMPLEX64 || view->dtype.kind == TW_COMPLEX128) {
        const tw_view real = cli_view_part(view, 0), imaginary = cli_view_part(view, 1);
        print_statistics(&real, "real ");
        print_statistics(&imaginary, "imag ");
    } else if (view->dtype.kind != TW_OPAQUE) {
        print_statistics(view, "");
    }
    cli_print_corners(stdout, view);
}

int cli_show(int argc, char **argv)
{
    static const struct argp argp = {.parser = parse, .args_doc = "FILE.npy...", .doc = doc};
    struct request request = {0};
    int code = cli_parse(&argp, argc, argv, "tilework show", &request);
    if (code != CLI_DONE) {
        return code;
    }
    for (int f = 0, shown = 0; f < request.count; f++) {
        tw_array *array;
        tw_error error;
        if (tw_array_open(&array, NULL, strcmp(request.files[f], "-") == 0 ? "/dev/stdin" : request.files[f], &error) !=
            TW_OK) {
            cli_flush();
            const int failure = cli_fail(&error);
            code = code == CLI_DONE ? failure : code;
            continue;
        }
        if (shown++ > 0) {
            putchar('\n');
        }
        print_array(request.files[f], tw_array_view(array));
        tw_array_destroy(array);
    }
    return code;
}
