/* partials.h - FILE.partials: what the steps of a job leave for later steps (partials and totals), in a file beside the
 * journal, so that they outlive a crash as the outputs do.
 *
 * The file: one page, "tilework partials 1 TAG" and zeros, then each temporary of the job's stages, in their order, at
 * a multiple of a page. It is as long as it will be, with all its room on the disk, and is mapped shared: the workers
 * of any pool write it in place. The tag is random, and stands in the journal's header too: a file with another one
 * holds what another run has left.
 *
 * The file is worth nothing without the journal. It is synced with the outputs before tiles are recorded. */
#ifndef TW_RECORD_PARTIALS_H
#define TW_RECORD_PARTIALS_H

#include <tilework/tilework.h>

#include "grid/stages.h"
#include "store/held.h"

#define TW__PARTIALS_TAG 33 /* characters of a tag, with the zero */

struct tw__partials {
    struct tw__held held;
    char tag[TW__PARTIALS_TAG];
    int failed;       /* errno of a sync that failed: nothing that follows can be trusted */
    tw_array *whole;  /* the mapping; NULL: it is shared between nodes */
    int count;        /* temporaries */
    tw_array **array; /* [count] each of them, a part of the mapping or a store of its own */
};

/* "FILE.partials" (malloc); NULL: out of memory. */
char *tw__partials_name(const char *file);

/* Makes the file anew; one of that name is replaced. operands: of the job, whose dtypes temporaries may have. tag: what
 * the journal says already; NULL: a new one is drawn. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__partials_create(struct tw__partials **partials, const char *path, const struct tw__stages *stages,
                              tw_array *const *operands, const char *tag, tw_error *error);

/* Opens what an earlier run has left. *partials is NULL if there is none, or it is not the one with this tag. Errors:
 * TW_ERROR_FILE (also if another run is writing it), TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__partials_open(struct tw__partials **partials, const char *path, const struct tw__stages *stages,
                            tw_array *const *operands, const char *tag, tw_error *error);

/* Returns when all that was written is on the disk: 0, or an errno, which stays. NULL: 0. */
int tw__partials_sync(struct tw__partials *partials);

/* Closes it; `remove`: and removes the file, if this process opened it and it is still the one of that name. NULL:
 * nothing. */
void tw__partials_close(struct tw__partials *partials, int remove);

/* ---- of a job on several nodes: never mapped, each temporary is a part that any node writes (store/shared.h) ---- */

/* Makes the file whole in an open folder; it must not exist. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY,
 * TW_ERROR_ARGUMENT. */
tw_status tw__partials_share(int folder, const char *name, const char *shown, const struct tw__stages *stages,
                             tw_array *const *operands, tw_error *error);

/* Opens it; tw__partials_sync and tw__partials_close (nothing is removed) are as for any. `shown`: in messages.
 * *partials is NULL if the folder has no file of that name. distrusts: see tw__shared_wish. Errors: those of
 * tw__shared_open. */
tw_status tw__partials_join(struct tw__partials **partials, int folder, const char *name, const char *shown,
                            const struct tw__stages *stages, tw_array *const *operands, int distrusts, tw_error *error);

/* Removes what an earlier run has left under that name, if it is such a file and no run has it open; nothing else is
 * touched, and nothing is reported: it is of no use to anybody. */
void tw__partials_forget(const char *path);

#endif
