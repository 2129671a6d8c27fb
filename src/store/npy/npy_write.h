/* npy_write.h - a .npy file that is being written: PATH.part, locked, until it becomes PATH. */
#ifndef TW_STORE_NPY_WRITE_H
#define TW_STORE_NPY_WRITE_H

#include <tilework/tilework.h>

#define TW__TAG_SIZE 6 /* as long as the .npy magic, in whose place it stands until the commit */

/* Which file this is: a tag (two zeros, four random bytes) that every tw_array_create_file draws anew and that stands
 * in the file where the magic will be, and the file's inode with the time when it came into being. */
struct tw__file_identity {
    unsigned char tag[TW__TAG_SIZE];
    int is_finished; /* the magic stands there already: no tag */
    uint64_t device, inode;
    int64_t born_at; /* tw__file_born_at */
};

/* 0, or an errno. */
int tw__outfile_identity(const tw_array *array, struct tw__file_identity *identity);

/* Waits until all that was written to the array's file is on the disk. A failure is remembered: what could not be
 * written then may be lost although a later sync succeeds, so tw_array_commit fails from there on. 0, or an errno. */
int tw__outfile_sync(tw_array *array);

/* The same for the name of PATH.part in its folder, unless that is the open `folder`, which the caller syncs. */
int tw__outfile_sync_name(tw_array *array, int folder);

#endif
