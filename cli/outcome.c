/* outcome.c - what is said about a run that is over. Knows the report, not how the run was made. */
#include "outcome.h"

#include "exit.h"
#include "options.h"
#include "units.h"

void cli_print_tiles(FILE *file, const tw_report *report)
{
    tw_report_totals totals;
    tw_report_get_totals(report, &totals);
    for (uint64_t tile = 0; tile < totals.tiles; tile++) {
        tw_tile_record record;
        char line[4096];
        if (tw_report_get_tile(report, tile, &record, NULL) == TW_OK && record.state != TW_TILE_FREE) {
            tw_report_line(report, tile, line, sizeof line);
            if (fprintf(file, "%s\n", line) < 0) {
                cli_output_failed(file == stdout);
                return;
            }
        }
    }
    if (tw_report_why(report) != NULL && fprintf(file, "one tile: %s\n", tw_report_why(report)) < 0) {
        cli_output_failed(file == stdout);
    }
}

/* "r[12,40]": the element with this flat index, C order. */
static void element_text(char *text, size_t size, const tw_grid *grid, int operand, int64_t flat)
{
    const tw_signature *signature = tw_grid_signature(grid);
    const int ndim = tw_signature_ndim(signature, operand);
    int64_t index[TW_MAX_DIMS];
    for (int d = ndim - 1; d >= 0; d--) {
        const int64_t length = tw_grid_length(grid, tw_signature_operand_axis(signature, operand, d));
        index[d] = flat % length;
        flat /= length;
    }
    size_t used = (size_t)snprintf(text, size, "%s[", tw_signature_operand(signature, operand));
    for (int d = 0; d < ndim && used < size; d++) {
        used += (size_t)snprintf(text + used, size - used, d == 0 ? "%lld" : ",%lld", (long long)index[d]);
    }
    if (used < size) {
        snprintf(text + used, size - used, "]");
    }
}

void cli_print_check(FILE *file, const tw_report *report, const tw_grid *grid)
{
    tw_report_totals totals;
    tw_report_get_totals(report, &totals);
    if (!totals.checked) {
        return;
    }
    fprintf(file, "max. abs. diff. = %g\nbit-identical: %s\n", totals.max_difference, totals.identical ? "yes" : "no");
    if (!totals.identical && totals.differing_operand >= 0) {
        char element[1024], ranges[4096];
        element_text(element, sizeof element, grid, totals.differing_operand, totals.differing_index);
        tw_grid_tile_text(grid, (uint64_t)totals.differing_tile, ranges, sizeof ranges);
        fprintf(file, "first difference: %s in tile %lld, %s\n", element, (long long)totals.differing_tile, ranges);
    }
}

void cli_say_done(const tw_report *report, const char *remark)
{
    tw_report_totals totals;
    char tiles[CLI_UNITS_TEXT], workers[CLI_UNITS_TEXT], seconds[CLI_UNITS_TEXT], deaths[CLI_UNITS_TEXT];
    char before[CLI_UNITS_TEXT], more[4 * CLI_UNITS_TEXT] = "";
    size_t used = 0;
    tw_report_get_totals(report, &totals);
    cli_text_count(tiles, sizeof tiles, totals.tiles - totals.resumed - totals.skipped, "tile", "tiles");
    cli_pool_text(workers, sizeof workers, totals.pool, totals.workers);
    cli_text_seconds(seconds, sizeof seconds, totals.seconds);
    if (totals.deaths > 0) {
        cli_text_count(deaths, sizeof deaths, (uint64_t)totals.deaths, "worker", "workers");
        used = (size_t)snprintf(more, sizeof more, "; %s died and %s replaced", deaths,
                                totals.deaths == 1 ? "was" : "were");
    }
    if (totals.resumed > 0 && used < sizeof more) {
        cli_text_count(before, sizeof before, totals.resumed, "tile was", "tiles were");
        used += (size_t)snprintf(more + used, sizeof more - used, "; %s done before", before);
    }
    if (totals.skipped > 0 && used < sizeof more) {
        cli_text_count(before, sizeof before, totals.skipped, "tile was", "tiles were");
        snprintf(more + used, sizeof more - used, "; %s skipped by the mask", before);
    }
    cli_say("%s on %s in %s%s%s%s", tiles, workers, seconds, remark[0] != '\0' ? "; " : "", remark, more);
}
