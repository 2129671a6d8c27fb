/* store.h - what a store is: a place outside of memory that keeps the elements of one array.
 *
 * A file, a folder of chunks, a dataset in a larger file: whoever opens one fills in a struct tw__store, at the front
 * of a struct of its own, and its operations, and makes an array of it. From then on no caller asks which kind it is:
 *
 *     jobs       reach its elements, by a view of the mapping or box by box (take, give), and keep to its units;
 *     journals   sync it and know it again (sync, sync_name, identity);
 *     outputs    are finished or given up together (check, finish, abandon, keep).
 *
 * The array owns its store: tw_array_destroy gives it up. */
#ifndef TW_STORE_STORE_H
#define TW_STORE_STORE_H

#include "array/array.h"
#include "array/view.h"

#define TW__TAG_SIZE 6 /* bytes; as long as the magic of .npy, in whose place the tag stands until the end */

/* Which file this is, so that a journal is never taken for one of another file. */
struct tw__file_identity {
    unsigned char tag[TW__TAG_SIZE]; /* two zeros and four random bytes, drawn when it was made, kept inside of it */
    int is_finished;                 /* it has its name and its tag no longer: the place says which one it is */
    uint64_t device, inode;
    int64_t born_at; /* tw__file_born_at */
};

/* Functions that return int: 0, or an errno. */
struct tw__store_ops {
    /* Reads the box that begins at start[ndim] and has the shape of `into`, any box. Called by any worker, also in
     * processes that were forked after the array was made, and by several at once. NULL: the store is mapped, and a
     * part of it is a view of its array; `give` is then NULL too. */
    int (*take)(struct tw__store *store, const int64_t *start, const tw_view *into);
    /* Writes such a box, which consists of whole units, but for those at the ends of the array. Called like `take`;
     * never by two workers for the same unit. NULL: it can only be read. */
    int (*give)(struct tw__store *store, const int64_t *start, const tw_view *from);
    /* Returns when all that was written is on the disk. A failure stays: what was lost once may be lost although a
     * later sync succeeds, so every later sync and `finish` fail too. */
    int (*sync)(struct tw__store *store);
    /* The same for its unfinished name, unless that is in the open folder `folder`, which the caller syncs. */
    int (*sync_name)(struct tw__store *store, int folder);
    /* Whether `finish` would succeed, as far as can be known before. Changes nothing. */
    tw_status (*check)(struct tw__store *store, tw_error *error);
    /* Data first, then what makes it readable, then its name: after a power cut each is there only if what comes before
     * it is. After success the elements can be read and no longer written; `take` also works in processes that were
     * forked before, so a descriptor that it reads through stays open until the store is released. */
    tw_status (*finish)(struct tw__store *store, tw_error *error);
    /* Releases the store. If it was written and not finished, nothing of it is left, unless another process made it. */
    void (*abandon)(struct tw__store *store);
    /* Releases the store and leaves what is there, so that a later run can resume. */
    void (*keep)(struct tw__store *store);
    /* Which file it is: the same as long as it is not made anew, finished or not. */
    void (*identity)(const struct tw__store *store, struct tw__file_identity *identity);
};

struct tw__store {
    const struct tw__store_ops *ops;
    tw_dtype dtype; /* its description lives as long as the store */
    int ndim;
    int64_t shape[TW_MAX_DIMS];
    const int64_t *unit; /* [ndim] the smallest box that is written by itself, from the origin on; NULL: an element */
    int64_t piece; /* a tile that is not one run of neighbouring elements is written as several: none of fewer bytes
                      than this; 0: of any number */
    const tw_array *begin; /* where the tiles of an inout operand come from, which is never written; NULL: from here */
    enum {
        TW__STORE_WRITTEN,  /* not finished yet */
        TW__STORE_FINISHED, /* by tw_array_commit */
        TW__STORE_FOUND,    /* finished by an earlier run, and opened again by this one */
        TW__STORE_READ      /* an input: only take and abandon are ever called */
    } state;
    const char *unfinished; /* what it is called until it is finished, "r.npy.part"; NULL afterwards */
    char *note;             /* owned: what it cannot keep of the file that it replaces; NULL: nothing */
};

/* An array without memory over a store whose elements are reached by take and give; of take alone if it cannot be
 * written. The array owns the store, on failure too. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY. */
tw_status tw__store_array(tw_array **array, struct tw__store *store, tw_error *error);

/* Whether tiles of the array are copied to and from its store, since there is no memory to cut views from. */
static inline int tw__is_delivered(const tw_array *array)
{
    return array->store != NULL && array->store->ops->take != NULL;
}

/* Whether one could be changed by writing to the other: their elements share memory or are in the same store. */
static inline int tw__arrays_overlap(const tw_array *a, const tw_array *b)
{
    if (tw__is_delivered(a) || tw__is_delivered(b)) {
        return a->store == b->store;
    }
    return tw__view_overlap(&a->view, &b->view);
}

/* Copies the box that begins at start[ndim] and has the shape of the view, from or to any array: by its store if it is
 * delivered, else in memory. 0, or an errno. */
int tw__store_take(const tw_array *array, const int64_t *start, const tw_view *into);
int tw__store_give(const tw_array *array, const int64_t *start, const tw_view *from);

/* A box of any array as a view to read: of its memory or, if it is delivered, of *copy, which the caller frees; else
 * that is NULL. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__store_view(tw_view *view, void **copy, const tw_array *array, const int64_t *start, const int64_t *shape,
                         tw_error *error);

/* Copies the box of shape[ndim] that begins at start[ndim] from an array to the same place of another one of the same
 * shape and dtype that does not overlap it. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__store_copy(const tw_array *destination, const tw_array *source, const int64_t *start,
                         const int64_t *shape, tw_error *error);

/* The store's operations, for any array: one without a store has nothing to sync, and no identity (EINVAL). */
int tw__store_sync(const tw_array *array);
int tw__store_sync_name(const tw_array *array, int folder);
int tw__store_identity(const tw_array *array, struct tw__file_identity *identity);

/* Opens a file that was left unfinished again, contents and all. It must be as tw_array_create_file would make it for
 * this dtype and shape. If there is none but a finished file like that, as when the program was killed between the
 * commits of two outputs, that one is opened for reading, and tw_array_commit has nothing left to do. Errors: those of
 * tw_array_create_file, TW_ERROR_JOURNAL (there is no such file, or it is of another dtype or shape). */
tw_status tw__store_reopen(tw_array **array, const char *path, const tw_dtype *dtype, int ndim, const int64_t *shape,
                           tw_error *error);

/* Destroys the array and leaves its file as it is, for tw__store_reopen. NULL: nothing. */
void tw__store_keep(tw_array *array);

/* Whether tw_array_commit would succeed, as far as can be known before: for outputs that get their names together. */
tw_status tw__store_check(const tw_array *array, tw_error *error);

#endif
