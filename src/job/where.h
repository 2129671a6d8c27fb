/* where.h - the mask of a run: which tiles it leaves out, because no element of theirs is wanted. */
#ifndef TW_JOB_WHERE_H
#define TW_JOB_WHERE_H

#include <stdint.h>

#include <tilework/tilework.h>

struct tw__where {
    uint64_t *skipped;     /* bit t: tile t is left out; NULL: all tiles are wanted */
    uint64_t count;        /* of these */
    const tw_array *mask;  /* the caller's; NULL: there is none, and all tiles are wanted */
    int axes[TW_MAX_DIMS]; /* which axis of the job each dimension of the mask has */
};

/* Reads the mask, an array of bool, tile by tile. `axes`: "[i,j]", or with a name before it; NULL: those of the first
 * output, or of the first operand if there is none. A dimension of 1 fits any length. Errors: TW_ERROR_ARGUMENT,
 * TW_ERROR_SYNTAX, TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__where_create(struct tw__where *where, const tw_grid *grid, const tw_array *mask, const char *axes,
                           tw_error *error);
void tw__where_fini(struct tw__where *where); /* zeroed memory is allowed */

static inline int tw__where_skips(const struct tw__where *where, uint64_t tile)
{
    return where->skipped != NULL && (where->skipped[tile / 64] >> tile % 64 & 1);
}

/* "[i,j]": the axes of the mask by the names that they have in the job. */
void tw__where_axes_text(const struct tw__where *where, const tw_signature *signature, char *text, size_t size);

/* Copies what `from` has in tiles that are left out to `to`, for all outputs that both have. Errors: TW_ERROR_FILE,
 * TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__where_copy(tw_array *const *to, const struct tw__where *where, const tw_grid *grid, tw_array *const *from,
                         tw_error *error);

#endif
