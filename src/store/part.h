/* part.h - PATH.part: what a file is called while it is written, until it is whole and becomes PATH. */
#ifndef TW_STORE_PART_H
#define TW_STORE_PART_H

#include "store/held.h"

struct tw__part {
    struct tw__held held; /* PATH.part; fd -1: not open */
    char *path;           /* PATH, links followed */
    const char *name;     /* its last part */
    int failed;           /* errno of a sync that failed: nothing that follows can be trusted */
};

/* "PATH.part" (malloc); NULL: out of memory. */
char *tw__part_name(const char *path);

/* Opens and locks PATH.part: made anew, or (`create` is 0) one that is there; if there is none, it is not open. `path`
 * is what tw_array_target gives. Errors: those of tw__held_open. */
tw_status tw__part_open(struct tw__part *part, const char *path, int create, tw_error *error);

/* Gives PATH.part mode, owner and so on of PATH, if that is there; *note (freed by the caller, and replaced): what it
 * cannot keep of it. Before there are contents, and again before the end: PATH may have changed. Errors: those of
 * tw__target_take. */
tw_status tw__part_take_after(struct tw__part *part, char **note, tw_error *error);

/* Whether PATH.part can become PATH, as far as can be known before: it is still the file that was opened, no sync of
 * its contents failed, PATH is nothing but a file and its folder can be written. Errors: TW_ERROR_FILE,
 * TW_ERROR_DISK. */
tw_status tw__part_check(const struct tw__part *part, tw_error *error);

/* Returns when the contents, which may also be mapped at base[bytes], are on the disk; a failure is remembered in
 * `failed`. */
int tw__part_sync(struct tw__part *part, void *base, size_t bytes);

/* The same for the name PATH.part, unless it is in the open folder `folder`. */
int tw__part_sync_name(struct tw__part *part, int folder);

/* Makes it PATH, and waits until that is on the disk. 0, or an errno. */
int tw__part_rename(struct tw__part *part);

/* Closes it. `remove`: and removes it, if it still has its name and this process opened it. */
void tw__part_close(struct tw__part *part, int remove);

#endif
