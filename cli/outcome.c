/* outcome.c - what is told about a run that is over. Knows the report, not how the run was made. */
#include "outcome.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "interrupt.h"
#include "options.h"
#include "units.h"

/* ---- the report file ---- */

static tw_status file_error(tw_error *error, const char *path, const char *what)
{
    const int os_error = errno;
    const tw_status status = os_error == ENOSPC || os_error == EFBIG ? TW_ERROR_DISK : TW_ERROR_FILE;
    cli_error(error, status, "%s: %s: %s", path, what, strerror(os_error));
    error->os_error = os_error;
    return status;
}

/* A device or a pipe is written as it is, without a second name. */
static int is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

tw_status cli_report_file_paths(const char *path, struct cli_paths *paths, tw_error *error)
{
    if (path == NULL || strcmp(path, "-") == 0 || is_special(path)) {
        return TW_OK;
    }
    return cli_paths_add(paths, error, path, "", 1, "the report") != TW_OK ||
                   cli_paths_add(paths, error, path, ".part", 1, "the unfinished report") != TW_OK
               ? error->status
               : TW_OK;
}

tw_status cli_report_file_open(struct cli_report_file *file, const char *path, tw_error *error)
{
    *file = (struct cli_report_file){.path = path};
    if (path == NULL) {
        return TW_OK;
    }
    if (strcmp(path, "-") == 0) {
        file->file = stdout;
        file->standard_output = 1;
        return TW_OK;
    }
    if (!is_special(path) && asprintf(&file->part, "%s.part", path) < 0) {
        file->part = NULL;
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    /* A link in the place of PATH.part is not followed: it would lead to a file that nobody named. */
    const int fd = file->part != NULL ? open(file->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666)
                                      : open(path, O_WRONLY | O_CLOEXEC);
    file->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file->file == NULL) {
        file_error(error, path, "cannot be created");
        if (fd >= 0) {
            close(fd);
        }
        free(file->part);
        file->part = NULL;
        return error->status;
    }
    if (file->part != NULL) {
        cli_interrupt_guard(file->part);
    }
    return TW_OK;
}

tw_status cli_report_file_write(struct cli_report_file *file, const tw_report *report, tw_error *error)
{
    if (file->file == NULL) {
        return TW_OK;
    }
    if (tw_report_write_json(report, file->file, error) != TW_OK) {
        return error->status;
    }
    if (file->standard_output) {
        return TW_OK; /* cli_finish looks whether it could be written */
    }
    const int closed = fclose(file->file);
    file->file = NULL;
    if (closed != 0) {
        return file_error(error, file->path, "cannot be written");
    }
    if (file->part != NULL && rename(file->part, file->path) != 0) {
        return file_error(error, file->path, "cannot be given its name");
    }
    if (file->part != NULL) {
        cli_interrupt_release(file->part);
        free(file->part);
        file->part = NULL;
    }
    return TW_OK;
}

void cli_report_file_fini(struct cli_report_file *file)
{
    if (file->file != NULL && !file->standard_output) {
        fclose(file->file);
    }
    if (file->part != NULL) {
        unlink(file->part);
        cli_interrupt_release(file->part);
        free(file->part);
    }
    *file = (struct cli_report_file){0};
}

/* ---- lines ---- */

void cli_print_tiles(FILE *file, const tw_report *report)
{
    tw_report_totals totals;
    tw_report_get_totals(report, &totals);
    for (uint64_t tile = 0; tile < totals.tiles; tile++) {
        tw_tile_record record;
        char line[4096];
        if (tw_report_get_tile(report, tile, &record, NULL) == TW_OK && record.state != TW_TILE_FREE) {
            tw_report_line(report, tile, line, sizeof line);
            fprintf(file, "%s\n", line);
        }
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

void cli_say_done(const tw_report *report)
{
    tw_report_totals totals;
    char tiles[CLI_UNITS_TEXT], workers[CLI_UNITS_TEXT], seconds[CLI_UNITS_TEXT], deaths[CLI_UNITS_TEXT];
    tw_report_get_totals(report, &totals);
    cli_text_count(tiles, sizeof tiles, totals.tiles, "tile", "tiles");
    cli_pool_text(workers, sizeof workers, totals.pool, totals.workers);
    cli_text_seconds(seconds, sizeof seconds, totals.seconds);
    if (totals.deaths > 0) {
        cli_text_count(deaths, sizeof deaths, (uint64_t)totals.deaths, "worker", "workers");
        cli_say("%s on %s in %s; %s died and %s replaced", tiles, workers, seconds, deaths,
                totals.deaths == 1 ? "was" : "were");
    } else {
        cli_say("%s on %s in %s", tiles, workers, seconds);
    }
}
