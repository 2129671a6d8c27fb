/* report_file.c - the file of --report, which gets its name when it is whole. Knows the report as something that can be
 * written, and no run.
 *
 * PATH.part is never emptied before it is known to be nobody else's: a regular file of this user with one name, locked.
 * A part that a crash left behind is taken over. */
#include "report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "exit.h"
#include "interrupt.h"

#define MAX_TAKEOVERS 16 /* tries to lock a part that other runs rename or remove at the same moment */

static tw_status file_error(tw_error *error, const char *path, const char *what, int os_error)
{
    cli_error(error, cli_file_status(os_error), "%s: %s: %s", path, what, strerror(os_error));
    error->os_error = os_error;
    return error->status;
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
    char *file;
    if (tw_array_target(&file, path, error) != TW_OK) {
        return error->status;
    }
    tw_status status = cli_paths_add(paths, error, file, "", 1, "the report");
    if (status == TW_OK) {
        status = cli_paths_add(paths, error, file, ".part", 1, "the unfinished report");
    }
    free(file);
    return status;
}

static int is_named(const char *path, const struct stat *file)
{
    struct stat named;
    return lstat(path, &named) == 0 && named.st_dev == file->st_dev && named.st_ino == file->st_ino;
}

/* Opens the part and takes its lock. *again: it was there and is removed, so that nobody has it open from before; or
 * another run renamed or removed it before the lock was had. */
static tw_status take_part(const char *part, int is_private, int *fd, struct stat *made, int *again, tw_error *error)
{
    /* A link is not followed: it would lead to a file that nobody named. */
    const int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    *fd = open(part, flags | O_CREAT | O_EXCL, is_private ? 0600 : 0666);
    const int created = *fd >= 0;
    if (!created && errno == EEXIST) {
        *fd = open(part, flags);
        *again = *fd < 0 && errno == ENOENT;
        if (*again) {
            return TW_OK;
        }
    }
    if (*fd < 0) {
        return errno == ELOOP
                   ? cli_error(error, TW_ERROR_FILE, "%s: is a symbolic link, which is not followed; remove it", part)
                   : file_error(error, part, "cannot be created", errno);
    }
    if (fstat(*fd, made) != 0) {
        return file_error(error, part, "cannot be looked at", errno);
    }
    if (!S_ISREG(made->st_mode)) {
        return cli_error(error, TW_ERROR_FILE, "%s: is not a regular file; remove it", part);
    }
    if (made->st_uid != geteuid()) {
        return cli_error(error, TW_ERROR_FILE, "%s: belongs to another user; remove it", part);
    }
    if (made->st_nlink > 1) {
        return cli_error(error, TW_ERROR_FILE, "%s: has another name too, whose contents would be lost; remove it",
                         part);
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? cli_error(error, TW_ERROR_FILE, "%s: is being written by another run", part)
                                    : file_error(error, part, "cannot be locked", errno);
    }
    const int named = is_named(part, made);
    *again = !created || !named;
    return created || !named || unlink(part) == 0 ? TW_OK : file_error(error, part, "cannot be removed", errno);
}

static tw_status open_part(const char *part, int is_private, int *fd, struct stat *made, tw_error *error)
{
    for (int k = 0; k < MAX_TAKEOVERS; k++) {
        int again = 0;
        const tw_status status = take_part(part, is_private, fd, made, &again, error);
        if (status == TW_OK && !again) {
            return TW_OK;
        }
        if (*fd >= 0) {
            close(*fd);
            *fd = -1;
        }
        if (status != TW_OK) {
            return status;
        }
    }
    return cli_error(error, TW_ERROR_FILE, "%s: is being written by another run", part);
}

tw_status cli_report_file_open(struct cli_report_file *file, const char *path, tw_error *error)
{
    int fd = -1;
    char *part = NULL, *note = NULL;
    struct stat there;
    *file = (struct cli_report_file){0};
    if (path == NULL) {
        return TW_OK;
    }
    if (strcmp(path, "-") == 0) {
        file->path = strdup(path);
        file->file = stdout;
        file->standard_output = 1;
        return TW_OK;
    }
    if (is_special(path)) {
        file->path = strdup(path);
        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) {
            return file_error(error, path, "cannot be written", errno);
        }
    } else if (tw_array_target(&file->path, path, error) != TW_OK) {
        return error->status;
    } else if (asprintf(&part, "%s.part", file->path) < 0) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    } else if (open_part(part, stat(file->path, &there) == 0, &fd, &file->made, error) != TW_OK) {
        free(part);
        return error->status;
    }
    file->part = part;
    if (part != NULL && tw_file_take_after(fd, file->path, &note, error) != TW_OK) {
        close(fd);
        return error->status;
    }
    if (note != NULL) {
        cli_say("note: %s", note);
        free(note);
    }
    if (part != NULL) {
        cli_interrupt_guard(part);
    }
    if (file->path == NULL) {
        close(fd);
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
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
    if (tw_report_write_json(report, file->file, error) != TW_OK) {
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
    /* The lock is held until the file has its name: it is fclose that gives it up. */
    if (file->part != NULL) {
        if (fsync(fileno(file->file)) != 0) {
            return file_error(error, file->path, "cannot be written", errno);
        }
        if (!is_named(file->part, &file->made)) {
            return cli_error(error, TW_ERROR_FILE, "%s: was removed or replaced while it was being written",
                             file->part);
        }
        if (rename(file->part, file->path) != 0) {
            return file_error(error, file->path, "cannot be given its name", errno);
        }
        release_part(file);
    }
    const int closed = fclose(file->file);
    file->file = NULL;
    return closed == 0 ? TW_OK : file_error(error, file->path, "cannot be written", errno);
}

void cli_report_file_fini(struct cli_report_file *file)
{
    if (file->part != NULL && is_named(file->part, &file->made)) {
        unlink(file->part);
    }
    release_part(file);
    if (file->file != NULL && !file->standard_output) {
        fclose(file->file);
    }
    free(file->path);
    *file = (struct cli_report_file){0};
}
