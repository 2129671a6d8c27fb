/* paths.c - whether two names mean one file: the same inode, or the same name in the same folder if there is no file
 * yet. Knows no operands, only paths and what they are called in messages. */
#include "paths.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int find_folder(struct stat *folder, const char *path)
{
    const char *base = base_name(path);
    if (base == path) {
        return stat(".", folder);
    }
    char *name = strndup(path, (size_t)(base - path));
    const int result = name != NULL ? stat(name, folder) : -1;
    free(name);
    return result;
}

tw_status cli_paths_add(struct cli_paths *paths, tw_error *error, const char *path, int written, const char *format,
                        ...)
{
    struct cli_path new = {.written = written};
    va_list arguments;
    va_start(arguments, format);
    const int described = vasprintf(&new.what, format, arguments);
    va_end(arguments);
    if (described < 0) {
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    new.path = strdup(path);
    if (new.path == NULL) {
        free(new.what);
        return cli_error(error, TW_ERROR_MEMORY, "not enough memory for a file's name");
    }
    new.exists = stat(new.path, &new.file) == 0;
    if (find_folder(&new.folder, new.path) != 0) {
        new.folder.st_ino = 0;
    }
    paths->path[paths->count++] = new;
    if (written && new.exists && !S_ISREG(new.file.st_mode)) {
        return cli_error(error, TW_ERROR_FILE, "%s: is %s, so %s cannot be written there", new.path,
                         S_ISDIR(new.file.st_mode) ? "a folder" : "not a regular file", new.what);
    }
    return TW_OK;
}

static int same_file(const struct cli_path *a, const struct cli_path *b)
{
    if (a->exists && b->exists && a->file.st_dev == b->file.st_dev && a->file.st_ino == b->file.st_ino) {
        return 1;
    }
    return a->folder.st_ino != 0 && a->folder.st_dev == b->folder.st_dev && a->folder.st_ino == b->folder.st_ino &&
           strcmp(base_name(a->path), base_name(b->path)) == 0;
}

/* A pipe or a socket: what was read is gone. */
static int is_read_once(const struct cli_path *path)
{
    return path->exists && (S_ISFIFO(path->file.st_mode) || S_ISSOCK(path->file.st_mode));
}

tw_status cli_paths_check(const struct cli_paths *paths, tw_error *error)
{
    for (int a = 0; a < paths->count; a++) {
        for (int b = 0; b < a; b++) {
            const struct cli_path *one = &paths->path[b], *other = &paths->path[a];
            if (!one->written && !other->written && same_file(one, other) && is_read_once(one)) {
                return cli_error(error, TW_ERROR_ARGUMENT, "%s is used as both %s and %s, but can be read only once",
                                 one->path, one->what, other->what);
            }
            if ((one->written || other->written) && same_file(one, other)) {
                return cli_error(error, TW_ERROR_ARGUMENT, "%s is used as both %s and %s; an output needs its own file",
                                 one->path, one->what, other->what);
            }
        }
    }
    return TW_OK;
}

void cli_paths_fini(struct cli_paths *paths)
{
    for (int p = 0; p < paths->count; p++) {
        free(paths->path[p].path);
        free(paths->path[p].what);
    }
    paths->count = 0;
}
