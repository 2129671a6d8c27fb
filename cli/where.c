/* where.c - --where: the mask that says which tiles are run. Knows its text and its file; the library reads the axes.
 */
#include "where.h"

#include <stdlib.h>
#include <string.h>

#include "exit.h"

/* Where the file's name begins: behind the '=' of "m[i,j]=" or "m=". */
static const char *find_file(const char *argument)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const char *at = argument + strspn(argument, letters);
    const char *closed = *at == '[' ? strchr(at, ']') : NULL;
    at = closed != NULL ? closed + 1 : at;
    at += strspn(at, " ");
    return *at == '=' && at > argument ? at + 1 : argument;
}

tw_status cli_where_read(struct cli_where *where, const char *argument, tw_error *error)
{
    *where = (struct cli_where){0};
    if (argument == NULL) {
        return TW_OK;
    }
    const char *file = find_file(argument);
    if (*file == '\0') {
        return cli_error(error, TW_ERROR_ARGUMENT, "--where: '%s' names no file: give m[i,j]=mask.npy or mask.npy",
                         argument);
    }
    if (memchr(argument, '[', (size_t)(file - argument)) != NULL) {
        where->axes = strndup(argument, (size_t)(file - argument) - 1);
        if (where->axes == NULL) {
            return cli_error(error, TW_ERROR_MEMORY, "not enough memory for the axes of --where");
        }
    }
    where->file = strcmp(file, "-") == 0 ? "/dev/stdin" : file;
    return TW_OK;
}

tw_status cli_where_paths(const struct cli_where *where, struct cli_paths *paths, tw_error *error)
{
    return where->file != NULL ? cli_paths_add(paths, error, where->file, 0, "the mask") : TW_OK;
}

tw_status cli_where_open(struct cli_where *where, tw_error *error)
{
    return where->file != NULL ? tw_array_open(&where->mask, NULL, where->file, error) : TW_OK;
}

void cli_where_fini(struct cli_where *where)
{
    tw_array_destroy(where->mask);
    free(where->axes);
    *where = (struct cli_where){0};
}
