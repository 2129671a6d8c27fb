/* origin.h - what a portable object was made from, as text at the end of the object's file, where loaders do not look:
 *
 *     tilework object 1
 *     key KEY                  of source, flags and version; of no compiler and no machine
 *     code HASH                of the object's bytes before this text
 *     input HASH PATH          of each further file that the source includes, but for the system's and Tilework's
 *     end LENGTH               of all of this, in eight digits
 *
 * Objects of one origin compute the same, whatever compiler made them, and wherever. */
#ifndef TW_KERNEL_ORIGIN_H
#define TW_KERNEL_ORIGIN_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

#include "kernel/cache.h"

struct tw__origin {
    char key[TW__HASH_TEXT];
    char identity[TW__HASH_TEXT]; /* of key and inputs, whatever their paths: "" if the object says nothing */
    char code[TW__HASH_TEXT];     /* of the bytes before what it says; "": it does not say */
    size_t length;                /* of what it says */
};

/* Reads what the object says. *origin is empty if that is nothing, or the file cannot be read. */
void tw__origin_read(struct tw__origin *origin, const char *path);

/* Writes it to an object that has none yet. inputs[count]: the files that the compilation read, which began at `time`;
 * `source` among them is left out, since the key stands for it. If an input changed since, nothing is written: the
 * object is known by its bytes alone. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__origin_write(const char *path, const char *key, const char *source, char *const *inputs, size_t count,
                           int64_t time, tw_error *error);

/* The object in this folder (malloc, full path) that was made with the key, whose inputs are what they were, and whose
 * bytes are those that were written. One that another user could have written is passed over. NULL: none. *damaged:
 * there is one, but its bytes are others, or its end is missing. */
char *tw__origin_find(const char *folder, const char *key, int *damaged);

/* Why code from this file is not safe to run, static text: "belongs to another user". NULL: it is. *os_error: an errno
 * if it cannot be looked at, else 0. */
const char *tw__origin_doubt(const char *path, int *os_error);

#endif
