/* where.h - --where: the mask that says which tiles are run. */
#ifndef CLI_WHERE_H
#define CLI_WHERE_H

#include "paths.h"

struct cli_where {
    char *axes;       /* "m[i,j]"; NULL: those of the first output */
    const char *file; /* NULL: there is no mask */
    tw_array *mask;   /* once it is open */
};

/* Reads "m[i,j]=mask.npy", "[i,j]=mask.npy", "m=mask.npy" or "mask.npy"; NULL: none was given. Opens nothing. To be
 * finished in any case. */
tw_status cli_where_read(struct cli_where *where, const char *argument, tw_error *error);

/* The mask is no file to write to. */
tw_status cli_where_paths(const struct cli_where *where, struct cli_paths *paths, tw_error *error);

tw_status cli_where_open(struct cli_where *where, tw_error *error);

void cli_where_fini(struct cli_where *where);

#endif
