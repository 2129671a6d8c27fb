/* cache.h - compiled objects kept from run to run, in a folder that this user alone can write to.
 *
 *   OBJECT.so          a compiled object, named by the hash of its bytes: it never changes
 *   KEY.entry          which object a compilation gave, and the hash of every file that it read
 *   compiler-ID        what a compiler said of its version
 *   include-HASH/      the public header
 *
 * Every file appears by rename, whole, and is checked when it is read: entries are only a promise that a compilation
 * can be left out, and one that cannot be kept is as good as none. The folder may be removed at any time, and is
 * trimmed when it has grown large: trim.h. */
#ifndef TW_KERNEL_CACHE_H
#define TW_KERNEL_CACHE_H

#include <stddef.h>

#include <tilework/tilework.h>

#define TW__HASH_TEXT 33 /* 128 bits in hexadecimal, terminated */

/* XXH3, 128 bits. */
void tw__hash(char text[TW__HASH_TEXT], const void *data, size_t length);

/* The same of a whole file. 0, or an errno: it cannot be read. */
int tw__hash_file(char text[TW__HASH_TEXT], const char *path);

struct tw__cache {
    char *folder; /* full path, owned */
};

/* Opens the cache in this folder, and makes it (0700). *passable, on failure: another folder may stand in for it.
 * Errors: TW_ERROR_ARGUMENT (a folder that is not this user's own), TW_ERROR_FILE, TW_ERROR_MEMORY. */
tw_status tw__cache_open(struct tw__cache *cache, const char *name, int *passable, tw_error *error);

/* Whether objects can be made there, and run. Errors: TW_ERROR_FILE. */
tw_status tw__cache_ready(const struct tw__cache *cache, tw_error *error);
void tw__cache_close(struct tw__cache *cache);

/* A file of the cache (malloc, terminated). 0: there is none. */
int tw__cache_read(const struct tw__cache *cache, const char *name, char **data, size_t *length);

/* Puts a file into the cache, in one step. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__cache_write(const struct tw__cache *cache, const char *name, const void *data, size_t length,
                          tw_error *error);

/* Makes an empty file with a name of its own (malloc, full path): where a compiler may write. *time: when, as
 * tw__file_info.changed_at counts. Errors: as tw__cache_write. */
tw_status tw__cache_temporary(const struct tw__cache *cache, char **path, int64_t *time, tw_error *error);

/* The object of an earlier compilation with this key (malloc, full path), if none of the files that it read has changed
 * and the object is whole. NULL: none. */
char *tw__cache_find(const struct tw__cache *cache, const char *key);

/* Takes the compiled file `temporary` into the cache: *object (malloc) is its path there. inputs[count]: the files that
 * the compilation read, which began at `time`; if one cannot be read or has changed since, or `count` is 0, the
 * object is kept but not found again. Errors: as tw__cache_write. */
tw_status tw__cache_store(const struct tw__cache *cache, const char *key, const char *temporary, char *const *inputs,
                          size_t count, int64_t time, char **object, tw_error *error);

#endif
