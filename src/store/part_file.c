/* part_file.c - files that the program writes itself (tw_file): PATH.part until the commit, as outputs are. Knows
 * neither arrays nor what is written. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/file.h"
#include "store/part.h"

struct tw_file {
    struct tw__part part;
    char *unfinished; /* owned: PATH.part */
    char *note;       /* owned; NULL: nothing */
};

tw_status tw_file_create(tw_file **file, const char *path, tw_error *error)
{
    char *target = NULL;
    if (file == NULL || path == NULL) {
        return tw__fail_null(error, "tw_file_create", file == NULL ? "file" : "path");
    }
    tw_file *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "a file");
    }
    tw_status status = tw_array_target(&target, path, error);
    if (status == TW_OK) {
        status = tw__part_open(&made->part, target, 1, error);
        free(target);
    }
    if (status != TW_OK) {
        free(made);
        return status;
    }
    made->unfinished = strdup(made->part.held.path);
    status = made->unfinished != NULL ? tw__part_take_after(&made->part, &made->note, error)
                                      : tw__fail_memory(error, strlen(made->part.held.path), "a file's name");
    if (status != TW_OK) {
        tw_file_destroy(made);
        return status;
    }
    *file = made;
    return TW_OK;
}

int tw_file_descriptor(const tw_file *file)
{
    return file->part.held.fd;
}

const char *tw_file_unfinished(const tw_file *file)
{
    return file->unfinished;
}

const char *tw_file_note(const tw_file *file)
{
    return file->note;
}

tw_status tw_file_commit(tw_file *file, tw_error *error)
{
    struct tw__part *part = &file->part;
    if (part->path == NULL) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "this file has its name already");
    }
    tw_status status = tw__part_check(part, error);
    if (status != TW_OK) {
        return status;
    }
    int failed = tw__part_sync(part, NULL, 0);
    if (failed ==
        0) { /* its folder is not synced: that may have failed for an output there, and is never tried again */
        failed = tw__file_rename_in(part->held.folder, part->held.name, part->name);
    }
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be finished", part->path);
    }
    tw__part_close(part, 0);
    return TW_OK;
}

void tw_file_destroy(tw_file *file)
{
    if (file != NULL) {
        tw__part_close(&file->part, 1);
        free(file->unfinished);
        free(file->note);
        free(file);
    }
}
