#include <stdio.h>
#include <tilework/tilework.h>

static int nothing(const tw_tile *tile)
{
    return tile->number == 2 ? tw_tile_fail(tile, 5, "tile 2 is refused") : 0;
}

int main(void)
{
    const tw_split split = {.axis = "i", .parts = 4};
    const int64_t length = 8;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    tw_report_totals totals;
    tw_tile_record record;
    tw_array *array;
    tw_signature *signature;
    tw_grid *grid;
    tw_kernel *kernel;
    tw_report *report = NULL;
    tw_error error;
    char line[256];
    if (tw_array_create(&array, NULL, &float64, 1, &length, &error) ||
        tw_signature_parse(&signature, "-> r[i]", &error) ||
        tw_grid_for(&grid, signature, &array, &split, 1, &error) ||
        tw_kernel_from_function(&kernel, nothing, NULL, 0, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    tw_run(NULL, kernel, grid, &array, &(tw_run_options){.keep_going = 1}, &report, &error);
    if (report == NULL || tw_report_get_tile(report, 2, &record, &error))
        return 1;
    tw_report_get_totals(report, &totals);
    tw_report_line(report, 0, line, sizeof line);
    printf("%llu of %llu tiles done\n%s\n", (unsigned long long)totals.done, (unsigned long long)totals.tiles, line);
    const int wrong = tw_report_write_json(report, stdout, &error) || tw_report_write_trace(report, stdout, &error) || record.state != TW_TILE_FAILED || totals.done != 3;
    tw_report_destroy(report);
    tw_kernel_destroy(kernel);
    tw_grid_destroy(grid);
    tw_signature_destroy(signature);
    tw_array_destroy(array);
    return wrong;
}
