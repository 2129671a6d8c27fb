/* library.h - shared objects that are opened, and the functions in them. */
#ifndef TW_OS_LIBRARY_H
#define TW_OS_LIBRARY_H

#include <stddef.h>

struct tw__library {
    void *handle; /* NULL: not open */
};

/* Says what a file is that cannot be opened as a shared object of this machine ("is a folder", "is an empty file",
 * "is cut short"), static text, in *flaw; NULL if it looks right. Reads headers alone; opening a file that is cut
 * short would end this process with SIGBUS. Returns 0, or an errno if the file cannot be read. */
int tw__library_flaw(const char **flaw, const char *path);

/* Opens a shared object, RTLD_NOW | RTLD_LOCAL. The path must have a slash, else the system's library folders are
 * searched. Returns 0, or an errno with the reason in why[size]: ENOMEM, EMFILE, ENFILE if that is what was missing,
 * else ENOEXEC. */
int tw__library_open(struct tw__library *library, const char *path, char *why, size_t size);

/* A function that the object itself exports, not one of the libraries it needs. NULL: none. */
void *tw__library_symbol(const struct tw__library *library, const char *symbol);

/* The first functions that the object exports: "'a', 'b', 'c', ...". "" if there are none. */
void tw__library_list(const struct tw__library *library, char *text, size_t size);

/* The file that holds a function of this process, and how far in its memory the function is. "" if it is not known.
 */
void tw__library_of(void (*function)(void), char *path, size_t size, size_t *offset);

void tw__library_close(struct tw__library *library);

#endif
