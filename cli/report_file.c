/* report_file.c - the file of --report or --trace, which gets its name when it is whole. Knows the report as something
 * that can be written, and no run. */
#include "report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "interrupt.h"

cli_report_form *cli_report_form_of(const char *path)
{
    const char *dot = path != NULL ? strrchr(path, '.') : NULL;
    const int is_page = dot != NULL && (strcasecmp(dot, ".html") == 0 || strcasecmp(dot, ".htm") == 0);
    return is_page ? tw_report_write_html : tw_report_write_json;
}

static tw_status file_error(tw_error *error, const char *path, const char *what, int os_error)
{
    cli_error(error, cli_file_status(os_error), "%s: %s: %s", path, what, strerror(os_error));
    error->os_error = os_error;
    return error->status;
}

int cli_report_file_is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

tw_status cli_report_file_paths(const char *path, const char *what, struct cli_paths *paths, tw_error *error)
{
    if (path == NULL || strcmp(path, "-") == 0 || cli_report_file_is_special(path)) {
        return TW_OK;
    }
    char *file, *unfinished = NULL;
    if (tw_array_target(&file, path, error) != TW_OK) {
        return error->status;
    }
    tw_status status = tw_outputs_beside(&unfinished, NULL, NULL, file, error);
    if (status == TW_OK) {
        status = cli_paths_add(paths, error, file, 1, "the %s", what);
    }
    if (status == TW_OK) {
        status = cli_paths_add(paths, error, unfinished, 1, "the unfinished %s", what);
    }
    free(unfinished);
    free(file);
    return status;
}

/* The place that the report is written to, found before anything is written. */
static tw_status open_descriptor(struct cli_report_file *file, int *fd, tw_error *error)
{
    if (cli_report_file_is_special(file->path)) {
        *fd = open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return *fd >= 0 ? TW_OK : file_error(error, file->path, "cannot be written", errno);
    }
    if (tw_file_create(&file->whole, file->path, error) != TW_OK) {
        return error->status;
    }
    file->part = strdup(tw_file_unfinished(file->whole));
    if (file->part == NULL) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    cli_interrupt_guard(file->part);
    if (tw_file_note(file->whole) != NULL) {
        cli_say("note: %s", tw_file_note(file->whole));
    }
    *fd = fcntl(tw_file_descriptor(file->whole), F_DUPFD_CLOEXEC, 3);
    return *fd >= 0 ? TW_OK : file_error(error, file->path, "cannot be written", errno);
}

tw_status cli_report_file_open(struct cli_report_file *file, const char *path, cli_report_form *form, tw_error *error)
{
    int fd = -1;
    *file = (struct cli_report_file){.form = form};
    if (path == NULL) {
        return TW_OK;
    }
    file->path = strdup(path);
    if (file->path == NULL) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    if (strcmp(path, "-") == 0) {
        file->file = stdout;
        file->standard_output = 1;
        return TW_OK;
    }
    if (open_descriptor(file, &fd, error) != TW_OK) {
        return error->status;
    }
    file->file = fdopen(fd, "w");
    if (file->file == NULL) {
        close(fd);
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for the report");
    }
    return TW_OK;
}

static void release_part(struct cli_report_file *file)
{
    if (file->part != NULL) {
        cli_interrupt_release(file->part);
        free(file->part);
        file->part = NULL;
    }
}

tw_status cli_report_file_write(struct cli_report_file *file, const tw_report *report, tw_error *error)
{
    if (file->file == NULL) {
        return TW_OK;
    }
    if (file->form(report, file->file, error) != TW_OK) {
        if (file->standard_output) {
            errno = error->os_error;
            cli_output_failed(1);
            return TW_OK; /* cli_finish says it */
        }
        return error->os_error != 0 ? file_error(error, file->path, "cannot be written", error->os_error)
                                    : error->status;
    }
    if (file->standard_output) {
        return TW_OK;
    }
    const int closed = fclose(file->file);
    file->file = NULL;
    if (closed != 0) {
        return file_error(error, file->path, "cannot be written", errno);
    }
    if (file->whole == NULL) {
        return TW_OK;
    }
    const tw_status status = tw_file_commit(file->whole, error);
    if (status == TW_OK) {
        release_part(file);
    }
    return status;
}

void cli_report_file_fini(struct cli_report_file *file)
{
    tw_file_destroy(file->whole);
    release_part(file);
    if (file->file != NULL && !file->standard_output) {
        fclose(file->file);
    }
    free(file->path);
    *file = (struct cli_report_file){0};
}
