/* kernel.h - the function run on one tile, and where a worker finds it. */
#ifndef TW_KERNEL_KERNEL_H
#define TW_KERNEL_KERNEL_H

#include <tilework/tilework.h>

#include "kernel/cache.h"
#include "os/library.h"

struct tw_kernel {
    tw_function function; /* in this process */
    char *path;           /* shared object that workers open themselves; NULL: a function of the program */
    char *symbol;
    char *name;
    char *identity;             /* what its maker says it is; NULL: its file and context say so */
    char origin[TW__HASH_TEXT]; /* of a portable object: what it was made from stands for its bytes; "": nothing does */
    int is_kept;                /* its object lies in the cache */
    char *note;                 /* why its object is not kept where the environment says; NULL: it is */
    void *context;
    size_t context_size;
    struct tw__library library; /* open handle in this process, where path is not NULL */
    int64_t created_at;         /* tw__now(): workers forked before do not know a function of the program */
};

/* Opens the object at `path`, a full path, for a kernel that the user knows as FILE:SYMBOL. Takes over `path`.
 * `unopened`: the status if it is no object. Errors: that, TW_ERROR_ARGUMENT (no such function), TW_ERROR_MEMORY. */
tw_status tw__kernel_from_object(tw_kernel **kernel, char *path, const char *file, const char *symbol,
                                 tw_status unopened, tw_error *error);

/* The same kernel, by symbol, name, identity and context, from another file that holds its object: *again, destroyed by
 * the caller. The kernel must have an object (`path`). Errors: TW_ERROR_FILE (no object; one that another user could
 * have written), TW_ERROR_ARGUMENT (another kernel's object), TW_ERROR_MEMORY. */
tw_status tw__kernel_reopen(const tw_kernel *kernel, const char *object, tw_kernel **again, tw_error *error);

/* Opens path and finds symbol, in a worker. NULL and *error on failure. */
tw_function tw__kernel_resolve(const char *path, const char *symbol, struct tw__library *library, tw_error *error);

#endif
