/* shared_part.h - the inside of a part that several processes write: what a format opens (npy/npy_shared.c), and what
 * shared_part.c does with it. */
#ifndef TW_STORE_SHARED_PART_H
#define TW_STORE_SHARED_PART_H

#include "os/shared_file.h"
#include "store/store.h"

#define TW__SHARED_FRONT 8 /* bytes at the front that say that the file is whole */

struct tw__shared {
    struct tw__store store;
    struct tw__shared_file file;
    int is_coherent;
    int64_t offset; /* of the elements in the file */
    unsigned char magic[TW__SHARED_FRONT];
    struct tw__file_identity identity;
    int folder; /* that the part is in; -1: not open */
    uint64_t folder_device, folder_inode;
    char *name, *shown;
    int target;        /* the folder that it will be in; -1: none */
    char *path, *mark; /* NULL: none */
    const char *final; /* its name there; points into path */
    int failed;        /* errno of a write or a sync that failed: nothing that follows can be trusted */
};

extern const struct tw__store_ops tw__shared_ops;

/* Closes it, also if only some of it is open. */
void tw__shared_release(struct tw__store *store);

#endif
