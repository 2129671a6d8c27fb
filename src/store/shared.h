/* shared.h - a part of an output that several processes write, perhaps on several machines: an array over a file that
 * is never mapped, which tiles reach by take and give alone.
 *
 *     give   writes whole pieces by pwrite, and not one byte beside them; nothing once the part has lost its name
 *     take   reads the file, and not what this machine remembers of it
 *     finish data, magic, mark, name, in this order. Any number of processes may finish at once, and again
 *     abandon, keep   close it: the folder that it is in belongs to the job, and is removed as a whole
 *
 * On file systems that are not known to be coherent os/shared_file.h says how bytes are written, and the store wants
 * pieces of a page (store.h, piece). The header is padded so that elements begin at a page. */
#ifndef TW_STORE_SHARED_H
#define TW_STORE_SHARED_H

#include "store/store.h"

#define TW__SHARED_HEADER 4096 /* bytes before the elements of a .npy file, unless its description needs more */

/* Which part. The texts and numbers are copied. */
struct tw__shared_wish {
    int folder;        /* the open folder that it is in; the store opens it again for itself */
    const char *name;  /* in that folder: "0.npy" */
    const char *shown; /* in messages: "r.npy.run/0.npy" */
    const char *path;  /* what it becomes, as tw_array_target gives it; NULL: it never gets a name (`offset` > 0) */
    const char *mark;  /* shared_mark.h: what the finished file is marked with; NULL: nothing */
    const tw_dtype *dtype;
    int ndim;
    const int64_t *shape;
    const unsigned char *tag; /* [TW__TAG_SIZE] stands in the magic's place until the end: two zeros, then what the job
                                 has drawn */
    int64_t offset;           /* 0: a .npy file. Else elements alone, from this byte on: a multiple of a page */
    int distrusts;            /* take the file system for one that is not known to be coherent */
};

/* Makes the part whole: header, tag and size, synced; the file must not exist. Its room is taken if the file system can
 * do that by itself. It is this user's alone if `path` is there, else as the umask says. Only of .npy files. Errors:
 * TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY, TW_ERROR_ARGUMENT. */
tw_status tw__shared_create(const struct tw__shared_wish *wish, tw_error *error);

/* Opens a part that is there: the array owns it. *array is NULL if the folder has no file of that name (it was
 * committed, or the folder was removed). A part that somebody has begun to finish, magic in its place, is one too.
 * Errors: TW_ERROR_FILE, TW_ERROR_MEMORY, TW_ERROR_JOURNAL (another dtype, shape or tag). */
tw_status tw__shared_open(tw_array **array, const struct tw__shared_wish *wish, tw_error *error);

/* Where the first values of an inout operand's tiles come from, which is never written: staged accesses take from
 * `source`, which lives as long as the array. Errors: TW_ERROR_ARGUMENT (another shape or dtype, or the same store). */
tw_status tw__shared_begin_with(tw_array *array, const tw_array *source, tw_error *error);

/* Another text for the mark of the finished file. Errors: TW_ERROR_MEMORY. */
tw_status tw__shared_set_mark(tw_array *array, const char *mark, tw_error *error);

/* Whether the part still has its name: 0: it was committed, or the folder was removed or begun anew; -1: that cannot
 * be seen, since the descriptors are no longer ours. */
int tw__shared_is_there(const tw_array *array);

/* Whether the file that has the final name is this part. */
int tw__shared_has_final_name(const tw_array *array);

/* Whether the file that has the final name is this part, or has its mark. A mark beside the file alone may no longer
 * fit: another machine's time stamps reach the server when that machine pleases. */
int tw__shared_is_finished(const tw_array *array);

/* Whether other machines' bytes can be trusted as soon as they are written: else read back before the commit. */
int tw__shared_is_coherent(const tw_array *array);

#endif
