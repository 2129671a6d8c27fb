/* held.h - a file that one run alone writes: opened without following links, locked, and looked up in a folder that is
 * kept open, so that a program or a kernel that goes elsewhere, closes descriptors or moves files changes nothing. */
#ifndef TW_STORE_HELD_H
#define TW_STORE_HELD_H

#include <stdint.h>

#include <tilework/tilework.h>

struct tw__held {
    int fd;      /* -1: not open */
    int folder;  /* -1: not open */
    int owner;   /* process that opened it */
    int locked;  /* and named as it should be, when it was opened */
    char *path;  /* as given, for messages */
    char *name;  /* its last part, in `folder`; points into path */
    char *place; /* of the folder, from the root on; NULL: not known */
    uint64_t device, inode;
};

#define TW__HELD_NONE ((struct tw__held){.fd = -1, .folder = -1})

/* What is opened. */
struct tw__held_wish {
    const char *path;
    const char *shown; /* the name in messages that blame the folder */
    enum {
        TW__HELD_FIND,   /* one that is missing is not open: fd -1 */
        TW__HELD_CREATE, /* one that is missing is made */
        TW__HELD_RENEW   /* an existing one is removed first, so that no other process has it open */
    } how;
    const char *beside; /* a name in the same folder; NULL: none. Its owner may own the file too, and if it exists
                           a new file is for this user alone */
    int is_private;     /* a new file is for this user alone */
};

/* Opens a file for reading and writing and takes its lock. Errors: TW_ERROR_FILE (a link, no regular file, another
 * name's or another user's file, written by another run: with the number of that process if it can be found),
 * TW_ERROR_DISK, TW_ERROR_PROCESS, TW_ERROR_MEMORY. */
tw_status tw__held_open(struct tw__held *held, const struct tw__held_wish *wish, tw_error *error);

/* The descriptor is still the file's: a kernel may have closed it and opened one of its own. To be asked before
 * anything is written to it. */
int tw__held_is_open(const struct tw__held *held);

/* ... and the name is still the file's. */
int tw__held_is_named(const struct tw__held *held);

/* Whether the folder still is where it was: a file that is renamed in it gets the path that was asked for. */
int tw__held_is_in_place(const struct tw__held *held);

/* Removes the file if it is open, named and locked by this process, which opened it; then closes it. */
void tw__held_remove(struct tw__held *held);

void tw__held_close(struct tw__held *held);

#endif
